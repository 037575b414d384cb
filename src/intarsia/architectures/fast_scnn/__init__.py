"""Fast-SCNN."""

from intarsia.architectures.fast_scnn.model import FastSCNN, build

__all__ = ["FastSCNN", "build"]
