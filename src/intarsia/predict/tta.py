"""Test-time augmentation: the same picture shown several ways, the answers turned back and averaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from intarsia.predict.postprocess import class_probabilities, class_scores
from intarsia.types import Output, SemanticLogits

Views = Literal["flips", "d4", "multiscale"]
VIEWS: tuple[Views, ...] = get_args(Views)
Merging = Literal["probabilities", "logits"]

_SCALES = (0.75, 1.0, 1.25)

Image = Float[Tensor, "_batch _channels _height _width"]
View = tuple[Callable[[Image], Image], Callable[[Image], Image]]
"""How a picture is turned, and how what the network says of it is turned back."""


def augmented(
    network: Callable[[Tensor], Output], views: Views, merging: Merging = "probabilities"
) -> Callable[[Tensor], SemanticLogits]:
    """A network that looks at each picture several times.

    Args:
        network: normalized images [B, C, H, W] to an output of the same H, W.
        views: "flips" are the picture and its three mirror images (left-right, up-down, both), "d4" the eight of the
            square's symmetries (turns by right angles too), "multiscale" the picture at 0.75, 1 and 1.25 times its
            size, each also mirrored left-right. Take what may happen to your pictures: a street has no up-down.
        merging: whether probabilities or logits are averaged. Of probabilities no view outweighs the others by being
            surer than it can be; of networks with mask queries it makes no difference.

    Returns:
        From images to logits whose softmax is the average, with K channels, or with one where the network has one and
        logits are averaged.
    """

    def look(image: Tensor) -> SemanticLogits:
        size = (image.shape[2], image.shape[3])
        total: Tensor | None = None
        count = 0
        for turn, back in _views(views, size):
            turned = turn(image)
            scores, probabilities_of = class_scores(network(turned), (turned.shape[2], turned.shape[3]))
            seen = back(
                probabilities_of(scores) if merging == "probabilities" else _as_logits(scores, probabilities_of)
            )
            total = seen if total is None else total + seen
            count += 1
        assert total is not None
        mean = total / count
        return SemanticLogits(_log(mean) if merging == "probabilities" else mean)

    return look


def _as_logits(scores: Tensor, probabilities_of: Callable[[Tensor], Tensor]) -> Tensor:
    return scores if probabilities_of is class_probabilities else _log(scores)


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()


def _views(views: Views, size: tuple[int, int]) -> Iterator[View]:
    if views == "multiscale":
        for scale in _SCALES:
            smaller = (max(1, round(scale * size[0])), max(1, round(scale * size[1])))
            for mirrored in ((), (3,)):
                yield _scaled(size, smaller, mirrored)
        return
    both: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))
    for axes in both:
        yield _flipped(axes, transposed=False)
        if views == "d4":
            yield _flipped(axes, transposed=True)


def _flipped(axes: tuple[int, ...], transposed: bool) -> View:
    def turn(image: Image) -> Image:
        flipped = image.flip(axes) if axes else image
        return flipped.mT if transposed else flipped

    def back(scores: Image) -> Image:
        upright = scores.mT if transposed else scores
        return upright.flip(axes) if axes else upright

    return turn, back


def _scaled(size: tuple[int, int], other: tuple[int, int], axes: tuple[int, ...]) -> View:
    flip, unflip = _flipped(axes, transposed=False)

    def turn(image: Image) -> Image:
        return flip(_resized(image, other))

    def back(scores: Image) -> Image:
        return _resized(unflip(scores), size)

    return turn, back


def _resized(image: Image, size: tuple[int, int]) -> Image:
    if tuple(image.shape[2:]) == size:
        return image
    return functional.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
