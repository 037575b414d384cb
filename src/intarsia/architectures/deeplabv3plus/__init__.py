"""DeepLabV3+."""

from intarsia.architectures.deeplabv3plus.model import DeepLabV3Plus, build

__all__ = ["DeepLabV3Plus", "build"]
