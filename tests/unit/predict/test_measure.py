from __future__ import annotations

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.receptive_field import Margin
from intarsia.predict import measure
from intarsia.types import SemanticLogits


class Slow(SegmentationNetwork):
    """Takes two seconds of a clock of its own, but for the first call, which takes a hundred."""

    receptive_field = 1
    margin = Margin(0, 0)
    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.calls = 0
        self.clock = 0.0

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> SemanticLogits:
        self.calls += 1
        self.clock += 100 if self.calls == 1 else 2
        return SemanticLogits(image)

    def encoder_layers(self) -> list[list[nn.Parameter]]:
        return []

    def load_encoder_weights(self, state_dict: object) -> None:
        raise NotImplementedError


def test_the_median_of_warm_calls_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Slow().eval()
    monkeypatch.setattr("intarsia.predict.measure.time.perf_counter", lambda: network.clock)
    assert measure.seconds_a_picture(network, 3, 16, torch.device("cpu"), "fp32") == 2
    assert network.calls > 3
