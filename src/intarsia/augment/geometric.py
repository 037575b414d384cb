"""Where pixels come from: right angles, crops, and one fused warp; image and mask move together.

No class index is ever invented: a mask is only looked up, and what lies outside the picture is ignored. The image there
repeats its edge, which no loss sees.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float32, Int16, Int64
from torch import Tensor

from intarsia.augment.joint import JointTransform, uniform
from intarsia.types import IGNORE_INDEX

_MIN_CONTROL_SPACING = 32
"""Pixels between control points of the elastic field, at least."""


class RandomRightAngle(JointTransform):
    """Turn by 0, 90, 180 or 270 degrees, each as likely.

    Args:
        keep_shape: turn pictures that are not square by 0 or 180 degrees only, so that height and width stay.
    """

    def __init__(self, keep_shape: bool = False) -> None:
        super().__init__()
        self.keep_shape = keep_shape

    def draw(self, height: int, width: int) -> int:
        """Draw the number of quarter turns."""
        step = 2 if self.keep_shape and height != width else 1
        return step * int(torch.randint(4 // step, ()))

    def image(self, image: Float32[Tensor, "channels height width"], drawn: int) -> Tensor:
        """Turn the image counter-clockwise."""
        return torch.rot90(image, drawn, (-2, -1))

    def mask(self, mask: Int16[Tensor, "height width"], drawn: int) -> Tensor:
        """Turn the mask counter-clockwise."""
        return torch.rot90(mask, drawn, (-2, -1))


class RandomCrop(JointTransform):
    """Cut a window of one size; where the picture is smaller it lies anywhere inside the window.

    Args:
        size: height and width of the window in pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def draw(self, height: int, width: int) -> tuple[Int64[Tensor, "h 1"], Int64[Tensor, " w"]]:
        """Draw the rows and columns of the picture that the window shows."""
        rows = _random_run(self.size[0], height)
        return rows.unsqueeze(1), _random_run(self.size[1], width)

    def image(
        self, image: Float32[Tensor, "channels height width"], drawn: tuple[Tensor, Tensor]
    ) -> Float32[Tensor, "channels h w"]:
        """Cut the image; outside it, repeat its edge."""
        rows, columns = (index.clamp(0, size - 1) for index, size in zip(drawn, image.shape[1:], strict=True))
        return image[:, rows, columns]

    def mask(self, mask: Int16[Tensor, "height width"], drawn: tuple[Tensor, Tensor]) -> Int16[Tensor, "h w"]:
        """Cut the mask; outside it, ignore."""
        return _lookup(mask, *drawn)


class RandomWarp(JointTransform):
    """Rotate, scale, shear and bend in one resampling that computes the pixels of one window and no others.

    The picture is interpolated (bilinearly, without antialiasing) once; the mask takes the nearest index. The window
    lies anywhere in the picture that its scaled extent allows, and everything turns about the window's center, so that
    little of the outside comes into view. The elastic field is that of the U-Net paper (Ronneberger et al. 2015,
    section 3.1): Gaussian offsets at the points of a coarse grid, bicubic in between. Its points are eight standard
    deviations apart, and at least 32 pixels, which makes large displacements smooth and folds rare.

    Args:
        size: height and width of the window in pixels; None is the picture's own.
        rotate_degrees: the angle is even in ± this many degrees.
        scale: smallest and largest magnification, drawn evenly on a logarithmic axis.
        shear_degrees: the shear angle is even in ± this many degrees, along the window's rows.
        elastic: standard deviation of the control points' offsets, in pixels of the picture.
    """

    def __init__(
        self,
        size: tuple[int, int] | None = None,
        rotate_degrees: float = 0.0,
        scale: tuple[float, float] = (1.0, 1.0),
        shear_degrees: float = 0.0,
        elastic: float = 0.0,
    ) -> None:
        super().__init__()
        self.size = size
        self.rotate_degrees = rotate_degrees
        self.scale = scale
        self.shear_degrees = shear_degrees
        self.elastic = elastic

    def draw(self, height: int, width: int) -> Float32[Tensor, "2 h w"]:
        """Draw the row and the column of the picture that each pixel of the window shows, as real numbers."""
        h, w = self.size or (height, width)
        angle = math.radians(uniform(-self.rotate_degrees, self.rotate_degrees))
        shear = math.tan(math.radians(uniform(-self.shear_degrees, self.shear_degrees)))
        zoom = math.exp(uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        # From the window's center outwards, backwards through the three: unscale, shear, rotate.
        down = (torch.arange(h).unsqueeze(1) - (h - 1) / 2) / zoom
        right = (torch.arange(w).unsqueeze(0) - (w - 1) / 2) / zoom + shear * down
        rows = _random_center(height, h / zoom) + math.cos(angle) * down + math.sin(angle) * right
        columns = _random_center(width, w / zoom) - math.sin(angle) * down + math.cos(angle) * right
        source = torch.stack([rows, columns])
        return source + self._displacement(h, w) if self.elastic else source

    def _displacement(self, height: int, width: int) -> Float32[Tensor, "2 {height} {width}"]:
        spacing = max(_MIN_CONTROL_SPACING, math.ceil(8 * self.elastic))
        steps = [math.ceil((n - 1) / spacing) for n in (height, width)]
        offsets = self.elastic * torch.randn(1, 2, *(n + 1 for n in steps))
        # A whole number of steps, then cut: stretching the grid to the window would bend small windows more.
        size = [n * spacing + 1 for n in steps]
        return F.interpolate(offsets, size=size, mode="bicubic", align_corners=True)[0, :, :height, :width]

    def image(
        self, image: Float32[Tensor, "channels height width"], drawn: Float32[Tensor, "2 h w"]
    ) -> Float32[Tensor, "channels h w"]:
        """Sample the image bilinearly; outside it, repeat its edge."""
        # grid_sample wants (x, y), and puts −1 and 1 at the outer edges of the border pixels.
        size = torch.tensor(image.shape[1:]).reshape(2, 1, 1)
        grid = ((2 * drawn + 1) / size - 1).flip(0).movedim(0, -1)
        sampled = F.grid_sample(
            image.unsqueeze(0), grid.unsqueeze(0), mode="bilinear", padding_mode="border", align_corners=False
        )
        return sampled[0].clamp_(0, 1)  # the four weights sum to 1 only up to rounding

    def mask(self, mask: Int16[Tensor, "height width"], drawn: Float32[Tensor, "2 h w"]) -> Int16[Tensor, "h w"]:
        """Take the nearest index of the mask; outside it, ignore."""
        rows, columns = drawn.round().long()
        return _lookup(mask, rows, columns)


def _random_run(length: int, extent: int) -> Int64[Tensor, " {length}"]:
    """``length`` indices in a row, inside ``extent`` where they fit, else around it."""
    slack = extent - length
    return torch.arange(length) + min(slack, 0) + torch.randint(abs(slack) + 1, ())


def _random_center(extent: int, window: float) -> float:
    """Where the middle pixel of a window may lie so that it is inside ``extent`` where it fits, else around it."""
    slack = (extent - window) / 2
    return (extent - 1) / 2 + uniform(-abs(slack), abs(slack))


def _lookup(
    mask: Int16[Tensor, "height width"], rows: Int64[Tensor, "..."], columns: Int64[Tensor, "..."]
) -> Int16[Tensor, "h w"]:
    """Take ``mask[rows, columns]``, and the ignore index where they point outside."""
    height, width = mask.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    found = mask[rows.clamp(0, height - 1), columns.clamp(0, width - 1)]
    return torch.where(inside, found, IGNORE_INDEX)
