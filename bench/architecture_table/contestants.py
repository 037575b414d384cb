"""Who takes part: every architecture, on the encoders whose ImageNet weights anybody can have here, or from scratch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RESNET = "resnet18"
"""The encoder that stands under every decoder that takes one, so that decoders are compared and not encoders."""


@dataclass(frozen=True)
class Contestant:
    """One row of the table.

    Args:
        architecture: a key of the registry.
        arguments: its builder's.
        weights: "resnet18" for the file beside the data, a name of the weights' catalogue, or "" from scratch.
        learning_rate: the peak. Networks of attention are customarily trained at a tenth of what convolutions take.
    """

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weights: str = ""
    learning_rate: float = 1e-3


def _on_resnet(architecture: str, learning_rate: float = 1e-3, **arguments: Any) -> Contestant:
    return Contestant(architecture, {"encoder": RESNET, **arguments}, RESNET, learning_rate)


# The published depths take ten times as long a step on two cores.
_FEW_LAYERS = {"queries": 50, "pixel_layers": 2, "decoder_layers": 3}

CONTESTANTS: Mapping[str, Contestant] = {
    "U-Net from scratch": Contestant("unet"),
    "U-Net": _on_resnet("unet"),
    "U-Net, attention gates": _on_resnet("unet", attention=True),
    "U-Net++": _on_resnet("unetplusplus"),
    "FCN-8s": _on_resnet("fcn", stride=8),
    "FPN": _on_resnet("fpn"),
    "PSPNet": _on_resnet("pspnet"),
    "UPerNet, half width": _on_resnet("upernet", width=256),
    "DeepLabV3, output stride 16": _on_resnet("deeplabv3", output_stride=16),
    "DeepLabV3+, output stride 16": _on_resnet("deeplabv3plus", output_stride=16),
    "DeepLabV3+, MobileNetV2": Contestant(
        "deeplabv3plus", {"encoder": "mobilenetv2_100", "output_stride": 16, "separable": True}, "mobilenetv2-imagenet"
    ),
    "Fast-SCNN from scratch": Contestant("fast_scnn"),
    "DDRNet-23-slim from scratch": Contestant("ddrnet"),
    "LR-ASPP, MobileNetV2": Contestant("lraspp", {"encoder": "mobilenetv2_100"}, "mobilenetv2-imagenet"),
    "LR-ASPP, EfficientNet-Lite0": Contestant(
        "lraspp", {"encoder": "tf_efficientnet_lite0"}, "efficientnet-lite0-imagenet"
    ),
    "SegFormer-B0 from scratch": Contestant("segformer", {"size": "b0"}, learning_rate=3e-4),
    "Mask2Former, small": _on_resnet("mask2former", 1e-4, **_FEW_LAYERS),
    "OneFormer, small": _on_resnet("oneformer", 1e-4, **_FEW_LAYERS),
    "ViT-Tiny from scratch": Contestant("vit", {"encoder": "vit_tiny_patch16_224"}, learning_rate=3e-4),
}
