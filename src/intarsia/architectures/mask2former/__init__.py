"""Mask2Former."""

from intarsia.architectures.mask2former.model import Mask2Former, build

__all__ = ["Mask2Former", "build"]
