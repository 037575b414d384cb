"""The figures of the page of models are those of the networks as they are now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from intarsia.architectures import build
from intarsia.architectures.variants import VARIANTS
from intarsia.nn.complexity import count_macs, count_parameters, peak_memory

LISTED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs/reference/models.json").read_text())
ROWS = {row["name"]: row for row in LISTED["models"]}


def test_the_page_lists_the_models_there_are() -> None:
    assert [(row["name"], row["architecture"], row["arguments"]) for row in LISTED["models"]] == [
        (variant.name, variant.architecture, dict(variant.arguments)) for variant in VARIANTS
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: str(variant.name))
def test_parameters(variant: Any) -> None:
    with torch.device("meta"):
        network = build(
            variant.architecture, in_channels=LISTED["channels"], num_classes=LISTED["classes"], **variant.arguments
        )
    assert count_parameters(network) == ROWS[variant.name]["parameters"]


@pytest.mark.parametrize("name", ["U-Net, from scratch", "FCN-8s, resnet18", "SegFormer-B0"])
def test_what_is_counted(name: str) -> None:
    row, side, channels = ROWS[name], LISTED["side"], LISTED["channels"]
    network = build(row["architecture"], in_channels=channels, num_classes=LISTED["classes"], **row["arguments"])
    assert count_macs(network, channels, side, side) == row["macs"]
    assert peak_memory(network, channels, side, side) == row["memory"]
    assert network.receptive_field == row["receptive_field"]
