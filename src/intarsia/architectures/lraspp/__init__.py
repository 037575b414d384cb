"""LR-ASPP."""

from intarsia.architectures.lraspp.model import LRASPP, build

__all__ = ["LRASPP", "build"]
