"""The rasters that a prediction comes out as: classes, and how sure the network is of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from intarsia.predict.postprocess import class_indices
from intarsia.types import LabelMap

Layer = Literal["labels", "confidence", "entropy", "probabilities"]
LAYERS: tuple[Layer, ...] = get_args(Layer)

Rasters = dict[Layer, np.ndarray]
"""By layer, each [H, W] but for probabilities, which are [K, H, W]. See :func:`finished`."""

_FULL = 255  # confidence 1, or entropy as large as it can be


def layer_dtype(layer: Layer, label_map: LabelMap) -> np.dtype:
    """Of the values that :func:`finished` gives."""
    if layer == "labels":
        return np.dtype(label_map.id_dtype)
    return np.dtype(np.float16 if layer == "probabilities" else np.uint8)


def void_id(label_map: LabelMap) -> int:
    """The id of pixels that were not predicted: the ignore id, or where there is none the largest free one."""
    if label_map.ignore is not None:
        return label_map.ignore
    largest = np.iinfo(label_map.id_dtype).max
    return next(value for value in range(largest, -1, -1) if value not in label_map.ids)


def finished(
    scores: Float[Tensor, "channels height width"],
    probabilities_of: Callable[[Tensor], Tensor],
    label_map: LabelMap,
    layers: Sequence[Layer],
) -> Rasters:
    """Make the rasters from the scores of a picture, or of a part of it.

    Args:
        scores: see :func:`~intarsia.predict.postprocess.class_scores`.
        probabilities_of: from ``scores`` with a batch axis before them to probabilities.
        label_map: the K classes.
        layers: which rasters.

    Returns:
        - labels: the id of the likeliest class, uint8 or uint16 [H, W];
        - confidence: its probability, uint8, 255 standing for 1;
        - entropy: of the K probabilities, uint8, 0 where one class is certain, 255 where all are alike;
        - probabilities: float16 [K, H, W].
    """
    made: Rasters = {}
    if "labels" in layers:
        made["labels"] = label_map.indices_to_ids(class_indices(scores[None])[0].to("cpu", torch.int16).numpy())
    if len(made) == len(layers):
        return made
    shares = probabilities_of(scores[None])[0]
    if "confidence" in layers:
        made["confidence"] = _bytes(shares.amax(dim=0))
    if "entropy" in layers:
        made["entropy"] = _bytes(torch.special.entr(shares).sum(dim=0) / np.log(len(shares)))
    if "probabilities" in layers:
        made["probabilities"] = shares.to("cpu", torch.float16).numpy()
    return made


def empty(size: tuple[int, int], label_map: LabelMap, layers: Sequence[Layer]) -> Rasters:
    """Rasters of a picture [H, W] of which nothing was predicted: void, and nowhere sure of anything."""
    made: Rasters = {}
    for layer in layers:
        shape = (label_map.num_classes, *size) if layer == "probabilities" else size
        value = void_id(label_map) if layer == "labels" else _FULL if layer == "entropy" else 0
        made[layer] = np.full(shape, value, layer_dtype(layer, label_map))
    return made


def clear(rasters: Rasters, where: Bool[np.ndarray, "height width"], label_map: LabelMap) -> None:
    """Make pixels what they are in :func:`empty`, in place."""
    for layer, values in rasters.items():
        values[..., where] = empty((1, 1), label_map, [layer])[layer][..., 0]


def _bytes(values: Float[Tensor, "height width"]) -> np.ndarray:
    return (values * _FULL).round().clamp(0, _FULL).to("cpu", torch.uint8).numpy()
