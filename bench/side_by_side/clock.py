"""One clock for both programs: from the first training forward pass to the end of the last optimizer step."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Any

from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook


@dataclass(frozen=True)
class Trial:
    """The steps of one training, in seconds: the first from its forward pass on, each other from step end to step end.

    A step holds the loading and augmentation of its batch, forward, backward and update, and whatever else the program
    does meanwhile. Only the first batch's loading is outside, for both programs.
    """

    step_seconds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        return sum(self.step_seconds)

    @property
    def median_step(self) -> float:
        return statistics.median(self.step_seconds)


class StepClock:
    """Times the training of the one network it watches, inside a ``with`` block.

    Hooks see both programs alike: they ask neither to report on itself.
    """

    def __init__(self) -> None:
        self._stamps: list[float] = []

    def __enter__(self) -> StepClock:
        self._steps = register_optimizer_step_post_hook(self._step_ended)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._steps.remove()

    def watch(self, network: nn.Module) -> None:
        """Start the clock when ``network`` is first called in training mode."""
        self._begin = network.register_forward_pre_hook(self._called)

    def trial(self) -> Trial:
        return Trial(tuple(end - start for start, end in pairwise(self._stamps)))

    def _called(self, network: nn.Module, inputs: Any) -> None:
        if network.training:
            self._stamps.append(time.perf_counter())
            self._begin.remove()

    def _step_ended(self, *_: Any) -> None:
        self._stamps.append(time.perf_counter())
