"""The check every network makes of the images it is given."""

from __future__ import annotations

from torch import Tensor

from intarsia.errors import ShapeError


def check_image(image: Tensor, in_channels: int) -> None:
    """Refuse what is not a non-empty float batch [B, C, H, W] with the network's channel count.

    Args:
        image: what the network was called with.
        in_channels: the channels the network was built for.

    Raises:
        ShapeError: naming the shape or dtype found and what to do.
    """
    shape = tuple(image.shape)
    if len(shape) != 4 or 0 in shape:
        found = f"has the shape {shape}, but a batch is [B, C, H, W] with at least one pixel"
        raise ShapeError(found, where="network input", remedy="Add the batch dimension with image[None]")
    if shape[1] != in_channels:
        raise ShapeError(
            f"has {shape[1]} channels, but the network was built for {in_channels}",
            where="network input",
            remedy=f"Convert the image to {in_channels} channels, or build the network with in_channels={shape[1]}",
        )
    if not image.is_floating_point():
        raise ShapeError(
            f"has the dtype {image.dtype}, but a network takes floating point",
            where="network input",
            remedy="Divide the image by the largest value of its bit depth and normalise it as in training",
        )
