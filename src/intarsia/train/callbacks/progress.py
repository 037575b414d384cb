"""Progress with the time left, the loss and the live mean IoU; silent when nobody watches."""

from __future__ import annotations

from typing import Any

from lightning import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress(Callback):
    """A bar over all steps of the run.

    Args:
        console: where to draw; nothing is drawn unless it is a terminal.
        steps: all optimizer steps of the run.
    """

    def __init__(self, console: Console, steps: int) -> None:
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
            # The time left is judged over the last two minutes, so that validation pauses even out.
            speed_estimate_period=120,
        )
        self._steps = steps
        self._loss: float | None = None
        self._iou: float | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to draw."""
        self._task = self._bar.add_task("training", total=self._steps, completed=trainer.global_step, figures="")
        self._bar.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Advance by a step; the loss shown is smoothed over about ten."""
        loss = float(outputs["loss"])
        self._loss = loss if self._loss is None else 0.9 * self._loss + 0.1 * loss
        self._draw(trainer.global_step)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the round's mean IoU."""
        self._iou = float(trainer.callback_metrics["val_mean_iou"])
        self._draw(trainer.global_step)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop drawing."""
        self._bar.stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop drawing after an error or Ctrl-C too, which Lightning does not follow with a teardown."""
        self._bar.stop()

    def _draw(self, step: int) -> None:
        figures = [
            text.format(value)
            for text, value in (("loss {:.3f}", self._loss), ("val mIoU {:.3f}", self._iou))
            if value is not None
        ]
        self._bar.update(self._task, completed=step, figures="  ".join(figures))
