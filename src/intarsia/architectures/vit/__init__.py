"""A plain vision transformer with a small head."""

from intarsia.architectures.vit.model import ViT, build

__all__ = ["ViT", "build"]
