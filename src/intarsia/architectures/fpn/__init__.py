"""FPN for semantic segmentation."""

from intarsia.architectures.fpn.model import FPN, build

__all__ = ["FPN", "build"]
