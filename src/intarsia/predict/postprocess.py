"""From a network's output to what a person receives."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor
from torch.nn import functional

from intarsia.ops.mask_queries import semantic_scores
from intarsia.types import LabelMap, MaskQueries, Output, SemanticMap


def semantic_maps(
    output: Output, size: tuple[int, int], label_map: LabelMap, probabilities: bool = False
) -> list[SemanticMap]:
    """One map a picture of the batch, at ``size``.

    Where the network saw shrunken pictures, its logits (of mask queries the classes' scores) are enlarged, not
    probabilities or labels: the class boundary then falls between pixels where the network put it.

    Args:
        output: logits [B, C, h, w] with C = K, or C = 1 for two classes; or mask queries of K classes, or of one, which
            stands for the second of two.
        size: height and width of the original pictures.
        label_map: the K classes.
        probabilities: also give each class's probability a pixel (K × 4 bytes a pixel).
    """
    scores, probabilities_of = class_scores(output, size)
    ids = label_map.indices_to_ids(class_indices(scores).to("cpu", torch.int16).numpy())
    shares = probabilities_of(scores).cpu().numpy() if probabilities else [None] * len(ids)
    return [SemanticMap(mask, label_map, share) for mask, share in zip(ids, shares, strict=True)]


def class_scores(output: Output, size: tuple[int, int]) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """What is blended where tiles overlap, and how it becomes probabilities afterwards.

    Args:
        output: see :func:`semantic_maps`.
        size: height and width of the original pictures.

    Returns:
        Float32 [B, C, H, W], of which :func:`class_indices` makes classes: logits, or of mask queries the classes'
        shares; and the function from these to probabilities [B, K, H, W].
    """
    if isinstance(output, MaskQueries):
        return class_shares(_with_rest(_enlarged(semantic_scores(output), size))), _unchanged
    return _enlarged(output.logits.float(), size), class_probabilities


def class_indices(
    scores: Float[Tensor, "batch channels height width"],
) -> Integer[Tensor, "batch height width"] | Bool[Tensor, "batch height width"]:
    """The index of the largest score of each pixel, of equal ones the first; of one channel whether it is above 0."""
    if scores.shape[1] == 1:
        return scores[:, 0] > 0
    return scores.max(dim=1).indices  # as argmax, whose CPU kernel takes up to ten times as long


def class_probabilities(
    logits: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch classes height width"]:
    """Softmax over the classes; one channel stands for two classes, whose second has the sigmoid of the logit."""
    if logits.shape[1] == 1:
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)
    return logits.softmax(dim=1)


def class_shares(
    scores: Float[Tensor, "batch classes height width"],
) -> Float[Tensor, "batch classes height width"]:
    """What part each class has in the scores of a pixel, which mask queries give; it sums to 1.

    A pixel of which no query shows anything, with all scores 0, is of every class alike: 1 / K.
    """
    least = torch.finfo(scores.dtype).tiny
    return (scores + least) / (scores.sum(dim=1, keepdim=True) + scores.shape[1] * least)


def _unchanged(shares: Tensor) -> Tensor:
    return shares


def _with_rest(scores: Float[Tensor, "batch classes height width"]) -> Float[Tensor, "batch two_or_more height width"]:
    """Of a single class's scores, those of the rest before them; it is that class where its score is above a half."""
    if scores.shape[1] > 1:
        return scores
    bounded = scores.clamp(max=1)  # where several masks overlap, more than a whole pixel is of the class
    return torch.cat([1 - bounded, bounded], dim=1)


def _enlarged(
    scores: Float[Tensor, "batch channels height width"], size: tuple[int, int]
) -> Float[Tensor, "batch channels new_height new_width"]:
    if tuple(scores.shape[2:]) == size:
        return scores
    return functional.interpolate(scores, size, mode="bilinear", align_corners=False)
