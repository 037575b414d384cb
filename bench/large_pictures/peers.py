"""Each program labels the same picture in memory with the same network; what differs is how it goes about it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from intarsia.data.rasters.array import ArrayRaster
from intarsia.ops.window import window
from intarsia.predict.model import Model, load
from intarsia.predict.plan import TileOptions
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from intarsia.types import SemanticLogits
from large_pictures.virtual import VirtualRaster

TILE, OVERLAP = 512, 0.25
CEILING = 20 * 10**9
"""Bytes a program may take."""

_EXACT_TILE = 2048
_SHOWN = 2048  # pixels of the upper left that are compared with the picture predicted whole

Labels = np.ndarray


def intarsia_blended(model: Model, picture: np.ndarray) -> Labels:
    """Gaussian, 25% overlap."""
    settings = Settings(TileOptions("blended", TILE, OVERLAP))
    return Predictor(model, settings).rasters(ArrayRaster(picture), ("labels",))["labels"]


def intarsia_exact(model: Model, picture: np.ndarray) -> Labels:
    """Tiles of 2048 pixels, of which the middle counts."""
    settings = Settings(TileOptions("exact", _EXACT_TILE))
    return Predictor(model, settings).rasters(ArrayRaster(picture), ("labels",))["labels"]


@torch.inference_mode()
def monai(model: Model, picture: np.ndarray) -> Labels:
    """``sliding_window_inference``, Gaussian, 25% overlap, as its documentation has it."""
    from monai.inferers import sliding_window_inference

    image = _prepared(model, picture)[None]
    logits = sliding_window_inference(image, (TILE, TILE), 1, _network(model), overlap=OVERLAP, mode="gaussian")
    assert isinstance(logits, Tensor)
    return np.asarray(logits[0].argmax(dim=0).to(torch.uint8))


def monai_by_axes(model: Model, picture: np.ndarray) -> Labels:
    """The same, its tiny weights lifted an axis at a time as Intarsia lifts them."""
    from monai.inferers import utils

    along = torch.from_numpy(window(TILE, "gaussian"))
    before = utils.compute_importance_map
    utils.compute_importance_map = lambda *_, **__: torch.outer(along, along)
    try:
        return monai(model, picture)
    finally:
        utils.compute_importance_map = before


@torch.inference_mode()
def tutorial(model: Model, picture: np.ndarray) -> Labels:
    """The loop of many a tutorial: overlapping tiles, probabilities added up and divided by how often."""
    network = _network(model)
    image = _prepared(model, picture)
    _, height, width = image.shape
    classes = model.card.label_map.num_classes
    total, count = np.zeros((classes, height, width), np.float32), np.zeros((height, width), np.float32)
    step = round(TILE * (1 - OVERLAP))
    for top in _starts(height, step):
        for left in _starts(width, step):
            tile = image[None, :, top : top + TILE, left : left + TILE]
            probabilities = network(tile).softmax(dim=1)[0].numpy()
            total[:, top : top + TILE, left : left + TILE] += probabilities
            count[top : top + TILE, left : left + TILE] += 1
    return np.asarray((total / count).argmax(axis=0), np.uint8)


@torch.inference_mode()
def no_overlap(model: Model, picture: np.ndarray) -> Labels:
    """The shorter loop: tiles side by side."""
    network = _network(model)
    image = _prepared(model, picture)
    labels = np.empty(image.shape[1:], np.uint8)
    for top in range(0, labels.shape[0], TILE):
        for left in range(0, labels.shape[1], TILE):
            tile = network(image[None, :, top : top + TILE, left : left + TILE])
            labels[top : top + TILE, left : left + TILE] = tile[0].argmax(dim=0).numpy()
    return labels


PROGRAMS: dict[str, Callable[[Model, np.ndarray], Labels]] = {
    "Intarsia, exact": intarsia_exact,
    "Intarsia, blended": intarsia_blended,
    "MONAI": monai,
    "MONAI, weights lifted by axes": monai_by_axes,
    "tutorial, overlapping": tutorial,
    "tutorial, side by side": no_overlap,
}


def run(name: str, file: Path, side: int) -> dict[str, Any]:
    """Time and peak memory of one program in this process, and how its labels differ from the whole picture's."""
    resource.setrlimit(resource.RLIMIT_DATA, (CEILING, CEILING))  # before the machine ends whatever it likes
    model = load(file, device="cpu", precision="fp32")
    picture = VirtualRaster(side).read(0, 0, side, side)
    held = _peak()
    started = time.perf_counter()
    labels: Labels = PROGRAMS[name](model, picture)
    seconds = time.perf_counter() - started
    peak = _peak()
    # What lies in the middle half of this corner sees nothing but the corner, so it is what the whole picture gives.
    corner = min(side, _SHOWN)
    inner = slice(0, corner) if corner == side else slice(0, corner - 512)
    truth = model.prepared.predict(picture[:corner, :corner]).class_ids[inner, inner]
    wrong = labels[inner, inner] != truth
    near = _near_seams(wrong.shape[0])
    at_seams = float(wrong[near].mean()) if near.any() else 0.0
    elsewhere = wrong[~near][:, ~near]
    return {
        "seconds": seconds,
        "peak_bytes": peak,
        "picture_bytes": picture.nbytes,
        "held_bytes": held,
        "differs": float(wrong.mean()),
        "differs_at_seams": at_seams,
        "differs_elsewhere": float(elsewhere.mean()),
    }


def _near_seams(length: int) -> np.ndarray:
    """Rows (columns) within 8 pixels of where tiles of 512 pixels side by side meet."""
    places = np.arange(length)
    near = np.minimum(places % TILE, TILE - places % TILE) <= 8
    return np.asarray(near & (places > 8) & (places < length - 8))  # the picture's own border is no seam


def _network(model: Model) -> Callable[[Tensor], Tensor]:
    def network(image: Tensor) -> Tensor:
        output = model.prepared.network(image.contiguous(memory_format=torch.channels_last))
        assert isinstance(output, SemanticLogits)
        return output.logits

    return network


def _prepared(model: Model, picture: np.ndarray) -> Tensor:
    spec = model.card.image_spec
    mean, std = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.std))
    return (torch.from_numpy(picture).permute(2, 0, 1).float() / 255 - mean) / std


def _starts(length: int, step: int) -> list[int]:
    last = max(length - TILE, 0)
    return [*range(0, last, step), last]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
