"""Every layout against a network of every other architecture."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures import ARCHITECTURES, build
from intarsia.architectures.foreign import LAYOUTS, foreign_layout
from intarsia.errors import ModelFileError
from intarsia.nn.network import SegmentationNetwork

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "ddrnet": {},
    "deeplabv3": {"encoder": "test_resnet", "width": 4},
    "deeplabv3plus": {"encoder": "test_resnet", "width": 4},
    "fast_scnn": {},
    "fcn": {"encoder": "test_resnet"},
    "fpn": {"encoder": "test_resnet", "width": 4},
    "lraspp": {"encoder": "mobilenetv3_small_050"},
    "mask2former": {"encoder": "test_resnet", "queries": 4, "pixel_layers": 1, "decoder_layers": 1},
    "oneformer": {"encoder": "test_resnet", "queries": 4, "pixel_layers": 1, "decoder_layers": 1},
    "pspnet": {"encoder": "test_resnet", "depth": 3, "width": 4},
    "segformer": {},
    "unet": {"encoder": "test_resnet"},
    "unetplusplus": {"depth": 1, "base_width": 4},
    "upernet": {"encoder": "test_resnet", "width": 4},
    "vit": {"encoder": "test_vit"},
}


@pytest.fixture(scope="module")
def networks() -> dict[str, SegmentationNetwork]:
    with torch.device("meta"):
        return {name: build(name, in_channels=3, num_classes=2, **_ARGUMENTS[name]) for name in ARCHITECTURES}


@pytest.mark.parametrize("architecture", LAYOUTS)
def test_a_network_of_another_architecture_is_refused(
    networks: dict[str, SegmentationNetwork], architecture: str
) -> None:
    for program in LAYOUTS[architecture]:
        for other, network in networks.items():
            if other != architecture:
                message = f"this network is a '{other}', and the layout is of '{architecture}'"
                with pytest.raises(ModelFileError, match=message):
                    foreign_layout(architecture, program, network)


def test_a_vit_of_four_levels_is_not_taken_for_dinov2s_which_reads_the_last_four_blocks() -> None:
    with torch.device("meta"):
        network = build("vit", in_channels=3, num_classes=2, levels=4)
    with pytest.raises(ModelFileError, match=r"DINOv2's released segmenter computes .*levels=4\. Build .* levels=1\."):
        foreign_layout("vit", "dinov2", network)
