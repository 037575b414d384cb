"""DeepLabV3."""

from intarsia.architectures.deeplabv3.model import DeepLabV3, build

__all__ = ["DeepLabV3", "build"]
