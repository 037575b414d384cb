"""The peer's side: ``segmentation_models_pytorch.Unet`` in a plain fp32 PyTorch loop, as its examples show.

The settings are those of its repository's ``examples/binary_segmentation_intro_cpu.py`` and, for several classes,
``examples/camvid_segmentation_multiclass.ipynb``: Dice loss on logits (one channel and ``BINARY_MODE`` for two
classes), Adam at 2e-4, a cosine to 1e-5 over all steps, stepped every step, pictures normalized by the encoder's own
constants, and the model of the last step. (Copies of the second example set the cosine's period to 50 steps, whatever
the length of the run, so that the rate swings; the first one's, over the whole run, is the kinder choice.) Void pixels
are left out by the loss's ``ignore_index``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler
from torch.utils.data import DataLoader

from intarsia.augment import build as build_augmentation
from intarsia.data.dataset import DrawSampler, SegmentationDataset
from intarsia.losses import build_loss
from intarsia.ops.pad import crop_to_size, pad_to_size, padded_size
from intarsia.ops.prepare import normalize
from intarsia.predict.prepared import PreparedNetwork
from intarsia.train.engine import collate
from intarsia.train.module import warmup_cosine
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import Recipe
from intarsia.train.run import class_weights
from intarsia.types import IGNORE_INDEX, ImageSpec, LabelMap, SemanticLogits
from intarsia.weights import read_state_dict
from side_by_side.clock import StepClock
from side_by_side.ours import ENCODER, Trained, count_parameters, describe

_STRIDE = 32  # it refuses sizes that are no multiples of this
_LEARNING_RATE, _LEAST_RATE = 2e-4, 1e-5
_NORMALIZED = "pictures normalized by the encoder's ImageNet constants"


@dataclass(frozen=True)
class Loop:
    """What the plain loop is filled with.

    Args:
        channels: the network's outputs.
        loss: of logits and class indices.
        optimizer: of the network.
        schedule: of the optimizer, stepped every step.
        gradient_clip: largest gradient norm; 0 does not clip.
        settings: all of this in words.
    """

    channels: int
    loss: Callable[[Tensor, Tensor], Tensor]
    optimizer: Callable[[nn.Module], torch.optim.Optimizer]
    schedule: Callable[[torch.optim.Optimizer], LRScheduler]
    gradient_clip: float
    settings: str


def as_documented(recipe: Recipe, data: PreparedData) -> Loop:
    """The settings of its examples."""
    binary = data.label_map.num_classes == 2
    mode = smp.losses.BINARY_MODE if binary else smp.losses.MULTICLASS_MODE
    loss = smp.losses.DiceLoss(mode, from_logits=True, ignore_index=IGNORE_INDEX)
    return Loop(
        channels=1 if binary else data.label_map.num_classes,
        loss=lambda logits, target: loss(logits, target.long()),
        optimizer=lambda network: torch.optim.Adam(network.parameters(), lr=_LEARNING_RATE),
        schedule=lambda optimizer: CosineAnnealingLR(optimizer, T_max=recipe.steps, eta_min=_LEAST_RATE),
        gradient_clip=0.0,
        settings=f"fp32, contiguous; DiceLoss({mode!r}, from_logits=True); Adam, learning rate {_LEARNING_RATE:g},"
        f" cosine to {_LEAST_RATE:g}; {_NORMALIZED}",
    )


def with_our_settings(recipe: Recipe, data: PreparedData) -> Loop:
    """Intarsia's loss and optimizer in the same loop, to tell where a difference in score comes from."""
    part = recipe.optimizer
    loss = build_loss(
        recipe.loss.name, class_weights=class_weights(recipe.loss, data), dice_weight=recipe.loss.dice_weight
    )
    return Loop(
        channels=data.label_map.num_classes,
        loss=lambda logits, target: loss(SemanticLogits(logits), target),
        optimizer=lambda network: torch.optim.AdamW(
            [
                {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": part.weight_decay},
                {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=part.learning_rate,
        ),
        schedule=lambda optimizer: LambdaLR(
            optimizer, lambda step: warmup_cosine(step, part.warmup_steps, recipe.steps)
        ),
        gradient_clip=part.gradient_clip,
        settings=f"fp32, contiguous; {describe(recipe)}; {_NORMALIZED}",
    )


def train(recipe: Recipe, data: PreparedData, weights: Path, loop: Loop) -> Trained:
    """Train on the very samples, in the very batches and order, that Intarsia's run of ``recipe`` sees."""
    torch.manual_seed(recipe.seed)
    network = _network(data.spec.channels, loop.channels, weights)
    spec = _documented_spec(data.spec)
    optimizer = loop.optimizer(network)
    schedule = loop.schedule(optimizer)
    dataset = SegmentationDataset(
        data.splits["train"], data.label_map, data.spec, transform=build_augmentation(recipe.augment), seed=recipe.seed
    )
    sampler = DrawSampler(len(dataset), recipe.steps * recipe.batch_size, recipe.seed)
    network.train()
    with StepClock() as clock:
        clock.watch(network)
        for images, target in DataLoader(dataset, recipe.batch_size, sampler=sampler, collate_fn=collate):
            optimizer.zero_grad()
            loss = loop.loss(network(normalize(images, spec)), target)
            loss.backward()  # type: ignore[no-untyped-call] # PyTorch leaves it untyped
            if loop.gradient_clip:
                nn.utils.clip_grad_norm_(network.parameters(), loop.gradient_clip)
            optimizer.step()
            schedule.step()
    prepared = _prepared(network.eval(), spec, data.label_map)
    return Trained(prepared, clock.trial(), count_parameters(network), loop.settings)


def _network(in_channels: int, out_channels: int, weights: Path) -> nn.Module:
    network = smp.Unet(ENCODER, encoder_weights=None, in_channels=3, classes=out_channels)
    network.encoder.load_state_dict(read_state_dict(weights))
    # What its get_encoder() does with weights it fetched itself.
    network.encoder.set_in_channels(in_channels, pretrained=True)
    assert isinstance(network, nn.Module)
    return network


def _documented_spec(spec: ImageSpec) -> ImageSpec:
    """The encoder's normalization: what ``get_preprocessing_params`` gives, which needs a network to look it up.

    Of gray pictures, for which nothing is documented, the constants for RGB are averaged.
    """
    mean, std = (
        constants if spec.channels == 3 else (sum(constants) / 3,) * spec.channels
        for constants in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    return ImageSpec(spec.channels, spec.bit_depth, mean, std)


def _prepared(network: nn.Module, spec: ImageSpec, label_map: LabelMap) -> PreparedNetwork:
    """Whole pictures, padded to what it accepts and cut back; one channel is thresholded at a probability of 0.5."""

    def logits(image: Tensor) -> SemanticLogits:
        height, width = image.shape[-2:]
        padded = pad_to_size(image, *padded_size(height, width, _STRIDE))
        return SemanticLogits(crop_to_size(network(padded), height, width))

    return PreparedNetwork(logits, spec, label_map, torch.device("cpu"), "fp32")
