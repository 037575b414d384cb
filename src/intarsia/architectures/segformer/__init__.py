"""SegFormer."""

from intarsia.architectures.segformer.model import SegFormer, build

__all__ = ["SegFormer", "build"]
