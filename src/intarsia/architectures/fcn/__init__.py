"""FCN."""

from intarsia.architectures.fcn.model import FCN, build

__all__ = ["FCN", "build"]
