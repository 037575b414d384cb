"""What happened in each round: kept in the checkpoint, written as CSV and drawn as curves."""

from __future__ import annotations

import csv
import io
import itertools
import math
import time
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils._pytree import tree_leaves

from intarsia.errors import RecipeError
from intarsia.evaluate.figures import curves_png
from intarsia.files import write_bytes, write_text
from intarsia.nn.network import SegmentationNetwork

_SIDE = 64  # of the picture that weights are tried on
_COLUMNS = ("round", "step", "loss", "val_mean_iou", "learning_rate", "seconds")


class History(Callback):
    """One row a round; rows survive a resumed run.

    Args:
        folder: where ``metrics.csv`` and ``curves.png`` go.
    """

    def __init__(self, folder: Path) -> None:
        self.rows: list[dict[str, float]] = []
        self._folder = folder
        self._losses: list[float] = []
        self._before = 0.0  # seconds spent before this process took over
        self._started = time.monotonic()

    @property
    def state_key(self) -> str:
        """What a checkpoint files the rows under, whatever the class is called by then."""
        return "history"

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of training, interrupted parts included."""
        return self._before + time.monotonic() - self._started

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the loss of the step.

        Raises:
            RecipeError: it is no number any more; nothing that follows could be.
        """
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise _diverged(f"the loss is {loss} in step {trainer.global_step}")
        self._losses.append(loss)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Try the weights before they are scored and saved: no loss has been computed with the last step's yet.

        Raises:
            RecipeError: they are no numbers any more, or what the network computes with them is none.
        """
        network = pl_module.network
        assert isinstance(network, SegmentationNetwork)
        if not _is_finite(network):
            raise _diverged(f"the network's weights give no numbers after step {trainer.global_step}")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the round's row and write both files; checkpoints are saved after this."""
        self.rows.append(
            {
                "round": float(trainer.current_epoch + 1),
                "step": float(trainer.global_step),
                "loss": sum(self._losses) / max(1, len(self._losses)),
                "val_mean_iou": float(trainer.callback_metrics["val_mean_iou"]),
                "learning_rate": float(trainer.optimizers[0].param_groups[0]["lr"]),
                "seconds": self.seconds,
            }
        )
        self._losses = []
        write_text(self._folder / "metrics.csv", rows_to_csv(self.rows))
        write_bytes(self._folder / "curves.png", curves_png(self.rows))

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"rows": self.rows, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a checkpoint stopped."""
        self.rows = list(state_dict["rows"])
        self._before = float(state_dict["seconds"])


def _is_finite(network: SegmentationNetwork) -> bool:
    picture = torch.ones(1, network.encoder.in_channels, _SIDE, _SIDE, device=next(network.parameters()).device)
    found = itertools.chain(network.parameters(), network.buffers(), tree_leaves(network(picture)))
    return all(bool(tensor.isfinite().all()) for tensor in found if isinstance(tensor, Tensor))


def _diverged(found: str) -> RecipeError:
    return RecipeError(
        found,
        where="training",
        remedy="Begin a new run in another folder, with a lower `--set optimizer.learning_rate=…` or with"
        " `--set precision=fp32`",
    )


def rows_to_csv(rows: list[dict[str, float]]) -> str:
    """Rows as CSV text with a header; :func:`csv_to_rows` reads it back."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{row[key]:.6g}" for key in _COLUMNS} for row in rows)
    return text.getvalue()


def csv_to_rows(text: str) -> list[dict[str, float]]:
    """Read what :func:`rows_to_csv` wrote."""
    return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
