"""How bright pixels are: contrast, brightness and noise of the image; the mask is left alone.

Any number of channels; results are clamped to [0, 1].
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float32
from torch import Tensor

from intarsia.augment.joint import JointTransform, uniform


class RandomLight(JointTransform):
    """Stretch an image's values about each channel's mean, then shift them; one factor and one shift an image.

    Args:
        brightness: the shift is even in ± this, in units of the [0, 1] range.
        contrast: the factor is between 1 / (1 + contrast) and 1 + contrast, drawn evenly on a logarithmic axis.
    """

    def __init__(self, brightness: float, contrast: float) -> None:
        super().__init__()
        self.brightness = brightness
        self.contrast = contrast

    def draw(self, height: int, width: int) -> tuple[float, float]:
        """Draw the factor and the shift."""
        limit = math.log1p(self.contrast)
        return math.exp(uniform(-limit, limit)), uniform(-self.brightness, self.brightness)

    def image(
        self, image: Float32[Tensor, "channels height width"], drawn: tuple[float, float]
    ) -> Float32[Tensor, "channels height width"]:
        """Stretch and shift."""
        factor, shift = drawn
        mean = image.mean(dim=(1, 2), keepdim=True)
        return (image * factor + (mean * (1 - factor) + shift)).clamp_(0, 1)


class RandomNoise(JointTransform):
    """Add Gaussian noise, independent in every pixel and channel.

    Args:
        noise: largest standard deviation, in units of the [0, 1] range; each image's own is even in [0, noise].
    """

    def __init__(self, noise: float) -> None:
        super().__init__()
        self.noise = noise

    def draw(self, height: int, width: int) -> float:
        """Draw the standard deviation."""
        return uniform(0.0, self.noise)

    def image(
        self, image: Float32[Tensor, "channels height width"], drawn: float
    ) -> Float32[Tensor, "channels height width"]:
        """Add the noise."""
        return torch.randn(image.shape).mul_(drawn).add_(image).clamp_(0, 1)
