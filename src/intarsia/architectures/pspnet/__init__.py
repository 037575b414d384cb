"""PSPNet."""

from intarsia.architectures.pspnet.model import PSPNet, build

__all__ = ["PSPNet", "build"]
