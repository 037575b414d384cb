"""One training step and one validation step, as Lightning asks for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float32, Int16
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from intarsia.metrics.confusion import confusion_matrix
from intarsia.metrics.overlap import mean_iou
from intarsia.nn.network import SegmentationNetwork
from intarsia.ops.prepare import normalize
from intarsia.predict.prepared import PreparedNetwork
from intarsia.train.fine_tuning import parameter_groups
from intarsia.train.recipe import OptimizerPart
from intarsia.types import Output

Loss = Callable[[Output, Tensor], Tensor]


class SegmentationModule(lightning.LightningModule):
    """A network under training.

    Args:
        prepared: the network itself with the preparation people's pictures will get, which validation scores; what
            people receive predicts with an accelerated copy, the same but for rounding.
        network: the network itself, so that its weights are found and saved.
        loss: output and class indices to a scalar.
        optimizer: its settings.
        steps: all optimizer steps of the run, for the cosine.
        seed: decides what a network draws at random while it trains (dropout).
    """

    def __init__(
        self,
        prepared: PreparedNetwork,
        network: SegmentationNetwork,
        loss: Loss,
        optimizer: OptimizerPart,
        steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        assert prepared.network is network
        self.network = network
        self.prepared = prepared
        self._loss = loss
        self._optimizer = optimizer
        self._steps = steps
        self._seed = seed
        self._confusion: np.ndarray | int = 0

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed by step, so that a continued run draws what an uninterrupted one would have."""
        torch.manual_seed(self._seed + self.global_step)

    def training_step(
        self,
        batch: tuple[Float32[Tensor, "batch channels height width"], Int16[Tensor, "batch height width"]],
        batch_idx: int,
    ) -> Float32[Tensor, ""]:
        """The loss of one batch of pictures in [0, 1] and their class indices."""
        images, targets = batch
        images = normalize(images, self.prepared.image_spec).contiguous(memory_format=torch.channels_last)
        return self._loss(self.network(images), targets)

    def on_validation_epoch_start(self) -> None:
        """Begin a new count."""
        self._confusion = 0

    def validation_step(self, batch: list[tuple[np.ndarray, np.ndarray, str]], batch_idx: int) -> None:
        """Predict stored pictures as a person would and count against their stored masks."""
        label_map = self.prepared.label_map
        predicted = self.prepared.predict_many((image, name) for image, _, name in batch)
        for (_, truth, name), result in zip(batch, predicted, strict=True):
            self._confusion = self._confusion + confusion_matrix(truth, result.class_ids, label_map, where=name)

    def on_validation_epoch_end(self) -> None:
        """Log the dataset-level mean IoU; never an average over batches."""
        assert isinstance(self._confusion, np.ndarray), "a validation set has at least one picture"
        # A validation set of void alone has no IoU; zero keeps the first checkpoint as the best.
        self.log("val_mean_iou", float(np.nan_to_num(mean_iou(self._confusion))))

    def configure_optimizers(self) -> Any:
        """AdamW, linear warm-up, then a cosine to zero."""
        settings = self._optimizer
        optimizer = torch.optim.AdamW(
            parameter_groups(
                self.network,
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                layer_decay=settings.layer_decay,
            )
        )
        schedule = LambdaLR(optimizer, lambda step: warmup_cosine(step, settings.warmup_steps, self._steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def warmup_cosine(step: int, warmup: int, steps: int) -> float:
    """The share of the peak learning rate at ``step``: linear up over ``warmup`` steps, half a cosine down to zero."""
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1, steps - warmup))))
