"""The training engine: Lightning, set up so that a run is reproducible, silent, and can be continued."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import torch
from jaxtyping import Float32, Int16
from lightning.pytorch.callbacks import ModelCheckpoint
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader

from intarsia.augment import build as build_augmentation
from intarsia.data.dataset import DrawSampler, SegmentationDataset
from intarsia.evaluate.pairs import Pairs
from intarsia.train.callbacks import AtomicCheckpointIO, History, Progress
from intarsia.train.module import SegmentationModule
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import Recipe
from intarsia.types import Sample

BEST, LAST = Path("checkpoints/best.ckpt"), Path("checkpoints/last.ckpt")
"""The best round's and the last round's checkpoint, in a run folder."""

_VALIDATION_BATCH = 8


def fit(
    module: SegmentationModule,
    recipe: Recipe,
    data: PreparedData,
    history: History,
    folder: Path,
    console: Console | None,
) -> None:
    """Train all rounds that ``folder`` does not hold yet, saving a checkpoint after each.

    Raises:
        KeyboardInterrupt: Ctrl-C, with a message that says how to continue.
    """
    device = module.prepared.device
    checkpoint = ModelCheckpoint(
        dirpath=folder / BEST.parent,
        filename=BEST.stem,
        monitor="val_mean_iou",
        mode="max",
        save_last=True,
        enable_version_counter=False,
    )
    callbacks = [history, checkpoint, *([Progress(console, recipe.steps)] if console else [])]
    with _quiet():
        trainer = lightning.Trainer(
            accelerator={"cuda": "gpu"}.get(device.type, device.type),
            devices=1,
            precision="bf16-mixed" if module.prepared.precision == "bf16" else "32-true",
            max_epochs=recipe.rounds,
            gradient_clip_val=recipe.optimizer.gradient_clip or None,
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            default_root_dir=folder,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        last = folder / LAST
        with _interruptible(folder):
            trainer.fit(
                module,
                train_dataloaders=_training_loader(recipe, data, device),
                val_dataloaders=_validation_loader(data),
                ckpt_path=str(last) if last.is_file() else None,
            )


@contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the weights to come, and on the CPU forbid every operation whose result could vary; restored afterwards."""
    before = torch.are_deterministic_algorithms_enabled()
    memory: Any = torch.utils.deterministic  # its one property is set up at run time, unseen by type checkers
    fill = memory.fill_uninitialized_memory
    # On a GPU some operations (bilinear upsampling backwards) have no deterministic form at all.
    torch.use_deterministic_algorithms(device.type == "cpu")
    # The filling guards code that reads uninitialized memory, costs time on every allocation, and we have none.
    memory.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        memory.fill_uninitialized_memory = fill


def _training_loader(recipe: Recipe, data: PreparedData, device: torch.device) -> DataLoader[Sample]:
    dataset = SegmentationDataset(
        data.splits["train"], data.label_map, data.spec, transform=build_augmentation(recipe.augment), seed=recipe.seed
    )
    # On the CPU workers would only take the cores that training needs; beside a GPU they keep it fed.
    workers = 0 if device.type == "cpu" else min(8, os.cpu_count() or 1)
    if workers:
        dataset.preload()
    return DataLoader(
        dataset,
        batch_size=recipe.batch_size,
        sampler=DrawSampler(len(dataset), recipe.steps_per_round * recipe.batch_size, recipe.seed),
        collate_fn=collate,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )


def _validation_loader(data: PreparedData) -> DataLoader[object]:
    return DataLoader(Pairs(data.splits["val"]), batch_size=_VALIDATION_BATCH, collate_fn=list)


def collate(
    samples: list[Sample],
) -> tuple[Float32[Tensor, "batch channels height width"], Int16[Tensor, "batch height width"]]:
    """Stack samples of one size."""
    return torch.stack([s.image for s in samples]), torch.stack([s.mask for s in samples])


@contextmanager
def _interruptible(folder: Path) -> Iterator[None]:
    """Give Ctrl-C back as an exception; Lightning ends the whole process instead, ignoring further Ctrl-Cs."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt(
            f"{folder}: the run was interrupted. Continue it with `intarsia train --resume {folder}`."
        ) from error
    finally:
        if signal.getsignal(signal.SIGINT) is not handler:
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's tips from people: what matters of them is decided above."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in (
                "The '.*_dataloader' does not have many workers",
                "The number of training batches",
                "Checkpoint directory .* exists and is not empty",
                "GPU available but not used",
                "MPS available but not used",
                "Found .* in eval mode at the start of training",  # frozen normalisations are
                "The dirpath has changed",
                "`isinstance.treespec, LeafSpec.` is deprecated",
            ):
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        logger.setLevel(level)
