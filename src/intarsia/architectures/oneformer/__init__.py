"""OneFormer."""

from intarsia.architectures.oneformer.model import OneFormer, build

__all__ = ["OneFormer", "build"]
