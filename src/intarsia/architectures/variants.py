"""The forms in which the architectures are usually meant: what ``intarsia models`` lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SEGFORMERS = ("b0", "b1", "b2", "b3", "b4", "b5")


@dataclass(frozen=True)
class Variant:
    """An architecture with some of its arguments.

    Args:
        name: what papers and people call it.
        architecture: a key of the registry.
        arguments: for its builder; the rest are its defaults.
    """

    name: str
    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _on(encoder: str, name: str, architecture: str, **arguments: Any) -> Variant:
    return Variant(f"{name}, {encoder}", architecture, {"encoder": encoder, **arguments})


VARIANTS: tuple[Variant, ...] = (
    Variant("U-Net, from scratch", "unet"),
    Variant("U-Net, the paper's width", "unet", {"base_width": 64, "upsampling": "transposed"}),
    _on("resnet18", "U-Net", "unet"),
    _on("resnet34", "U-Net", "unet"),
    _on("resnet50", "U-Net", "unet"),
    _on("efficientnet_b0", "U-Net", "unet"),
    _on("convnext_tiny", "U-Net", "unet"),
    _on("resnet34", "Attention U-Net", "unet", attention=True),
    Variant("U-Net++, from scratch", "unetplusplus"),
    _on("resnet34", "U-Net++", "unetplusplus"),
    _on("vgg16", "FCN-32s", "fcn", stride=32, fc_width=4096),
    _on("vgg16", "FCN-16s", "fcn", stride=16, fc_width=4096),
    _on("vgg16", "FCN-8s", "fcn", stride=8, fc_width=4096),
    _on("resnet18", "FCN-8s", "fcn", stride=8),
    _on("resnet50", "FCN, dilated", "fcn", stride=8, dilated=True),
    _on("resnet50", "DeepLabV3", "deeplabv3"),
    _on("mobilenetv2_100", "DeepLabV3+", "deeplabv3plus", separable=True),
    _on("resnet50", "DeepLabV3+", "deeplabv3plus"),
    _on("xception65", "DeepLabV3+", "deeplabv3plus", separable=True),
    _on("resnet50", "PSPNet", "pspnet"),
    _on("resnet50", "FPN", "fpn"),
    _on("resnet50", "UPerNet", "upernet"),
    _on("convnext_tiny", "UPerNet", "upernet"),
    Variant("Fast-SCNN", "fast_scnn"),
    Variant("DDRNet-23-slim", "ddrnet"),
    _on("mobilenetv3_large_100", "LR-ASPP", "lraspp"),
    _on("tf_efficientnet_lite0", "LR-ASPP", "lraspp"),
    *(Variant(f"SegFormer-{size.upper()}", "segformer", {"size": size}) for size in _SEGFORMERS),
    _on("resnet50", "Mask2Former", "mask2former"),
    _on("swin_tiny_patch4_window7_224", "Mask2Former", "mask2former"),
    _on("swin_large_patch4_window12_384", "OneFormer", "oneformer"),
    _on("vit_small_patch14_dinov2", "ViT", "vit"),
    _on("vit_base_patch16_224", "ViT", "vit"),
)
