"""U-Net."""

from intarsia.architectures.unet.model import UNet, build

__all__ = ["UNet", "build"]
