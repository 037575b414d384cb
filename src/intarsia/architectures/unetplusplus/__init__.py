"""U-Net++."""

from intarsia.architectures.unetplusplus.model import UNetPlusPlus, build

__all__ = ["UNetPlusPlus", "build"]
