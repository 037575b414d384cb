"""Which transforms a training sample goes through, in plain numbers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Int16
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from intarsia.augment.geometric import RandomCrop, RandomRightAngle, RandomWarp
from intarsia.augment.photometric import RandomLight, RandomNoise
from intarsia.errors import RecipeError
from intarsia.types import IGNORE_INDEX, Sample


@dataclass(frozen=True)
class AugmentPolicy:
    """How much training samples are varied. Amounts are drawn evenly around "as it is", anew each time; 0 disables.

    The defaults suit most pictures that have an up and a down. For pictures seen from above or through a microscope,
    add ``flip_vertical=0.5, right_angles=True, rotate_degrees=180.0``; for soft tissue and cells raise ``elastic``.

    Args:
        crop: height and width of the training window in pixels; None trains on whole pictures. A smaller picture is
            surrounded by ignored pixels.
        flip_horizontal: probability of a left–right flip.
        flip_vertical: probability of an upside-down flip.
        right_angles: turn by 0, 90, 180 or 270 degrees; without ``crop``, pictures that are not square are turned by
            0 or 180 only, so that their height and width stay.
        warp: probability that the next four apply at all; other samples keep their pixels uninterpolated.
        rotate_degrees: rotation in ± degrees.
        scale: smallest and largest magnification, e.g. (0.5, 2.0); even on a logarithmic axis; (1.0, 1.0) disables.
        shear_degrees: shear along the rows in ± degrees, less than 90.
        elastic: standard deviation, in pixels, of smooth random displacements.
        brightness: shift in ± units of the [0, 1] range.
        contrast: stretch about the mean by a factor between 1 / (1 + contrast) and 1 + contrast.
        noise: largest standard deviation of Gaussian noise, in units of the [0, 1] range.

    Raises:
        RecipeError: a number outside its range.
    """

    crop: tuple[int, int] | None = None
    flip_horizontal: float = 0.5
    flip_vertical: float = 0.0
    right_angles: bool = False
    warp: float = 0.5
    rotate_degrees: float = 10.0
    scale: tuple[float, float] = (0.8, 1.25)
    shear_degrees: float = 3.0
    elastic: float = 2.0
    brightness: float = 0.1
    contrast: float = 0.2
    noise: float = 0.02

    # Read by pydantic where a policy is part of a recipe: an unknown key is an error there as everywhere.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name in ("flip_horizontal", "flip_vertical", "warp"):
            self._require(name, 0 <= getattr(self, name) <= 1, "a probability from 0 to 1")
        for name in ("rotate_degrees", "elastic", "brightness", "contrast", "noise"):
            self._require(name, 0 <= getattr(self, name) < math.inf, "a number from 0 up")
        self._require("shear_degrees", 0 <= self.shear_degrees < 90, "an angle from 0 up to but not including 90")
        low, high = self.scale
        self._require("scale", 0 < low <= high < math.inf, "two numbers above 0, the smaller first")
        self._require("crop", self.crop is None or min(self.crop) >= 1, "a height and a width of at least 1, or none")

    def _require(self, name: str, holds: bool, what: str) -> None:
        if not holds:
            raise RecipeError(f"{getattr(self, name)} is not {what}", where=f"augment.{name}", remedy=f"Give {what}")

    @property
    def warps(self) -> bool:
        """Whether any sample is resampled."""
        amounts = (self.rotate_degrees, self.shear_degrees, self.elastic)
        return self.warp > 0 and (any(amounts) or self.scale != (1, 1))


def build(policy: AugmentPolicy) -> Callable[[Sample], Sample]:
    """Turn a policy into a function of samples.

    Geometry comes first, each part only if the policy asks for it: right angles, then a warp (which computes the
    training window alone) or a plain crop, then flips; light and noise follow. Everything random is drawn from torch's
    global generator, so the same seed before the call gives the same sample bit for bit. A policy that does nothing
    returns the sample it was given.

    Returns:
        A function that keeps the sample's dtypes, channels and name, and its height and width unless the policy crops;
        the mask's values are those it had, and the ignore index. It can be pickled, for loaders that start workers.
    """
    transforms = _geometry(policy) + _light(policy)
    return functools.partial(_apply, v2.Compose(transforms) if transforms else None)


def _geometry(policy: AugmentPolicy) -> list[Any]:
    transforms: list[Any] = []
    if policy.right_angles:
        transforms.append(RandomRightAngle(keep_shape=policy.crop is None))
    window = RandomCrop(policy.crop) if policy.crop else None
    if policy.warps:
        warp = RandomWarp(policy.crop, policy.rotate_degrees, policy.scale, policy.shear_degrees, policy.elastic)
        transforms.append(v2.RandomChoice([warp, window or v2.Identity()], p=[policy.warp, 1 - policy.warp]))
    elif window:
        transforms.append(window)
    if policy.flip_horizontal:
        transforms.append(v2.RandomHorizontalFlip(policy.flip_horizontal))
    if policy.flip_vertical:
        transforms.append(v2.RandomVerticalFlip(policy.flip_vertical))
    return transforms


def _light(policy: AugmentPolicy) -> list[Any]:
    transforms: list[Any] = []
    if policy.brightness or policy.contrast:
        transforms.append(RandomLight(policy.brightness, policy.contrast))
    if policy.noise:
        transforms.append(RandomNoise(policy.noise))
    return transforms


def _apply(transform: v2.Compose | None, sample: Sample) -> Sample:
    if transform is None:
        return sample
    image, mask = transform(tv_tensors.Image(sample.image), tv_tensors.Mask(sample.mask))
    image, mask = image.as_subclass(Tensor), mask.as_subclass(Tensor)
    assert _values(mask) <= _values(sample.mask) | {IGNORE_INDEX}, "augmentation invented a class"
    return replace(sample, image=image, mask=mask)


def _values(mask: Int16[Tensor, "height width"]) -> set[int]:
    # A histogram is far faster than torch.unique, which sorts.
    counts = torch.bincount(mask.flatten() - IGNORE_INDEX)
    return {int(index) + IGNORE_INDEX for index in counts.nonzero()}
