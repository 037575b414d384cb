"""UPerNet."""

from intarsia.architectures.upernet.model import UPerNet, build

__all__ = ["UPerNet", "build"]
