"""DDRNet."""

from intarsia.architectures.ddrnet.model import DDRNet, build

__all__ = ["DDRNet", "build"]
