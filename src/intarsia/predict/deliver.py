"""One picture, from its pixels to the files of its result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from intarsia.data.parallel import Progress
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.blocks import Mosaic
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError, RecipeError
from intarsia.predict.clean import PIXELS, CleanRules, clean_ids
from intarsia.predict.crf import CrfParameters, refine
from intarsia.predict.layers import Layer, Rasters, clear, empty, finished, layer_dtype, void_id
from intarsia.predict.overlays import write_overlay
from intarsia.predict.predictor import Predictor
from intarsia.predict.saving import Format, Result, save

_MICROMETERS = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "km": 1e9}


@dataclass(frozen=True)
class Extras:
    """What is done with a finished prediction; refined is only a picture that fits into memory whole.

    Args:
        crf: the dense CRF's parameters; None: none.
        clean: rules by which the mask is cleaned afterwards; None: none.
        spacing: height and width of a pixel in the unit of the rules; None: what the picture's file says.
        overlay: where the picture with its mask over it goes; None: nowhere.
    """

    crf: CrfParameters | None = None
    clean: CleanRules | None = None
    spacing: tuple[float, float] | None = None
    overlay: Path | None = None


@dataclass(frozen=True)
class Delivered:
    """What became of one picture.

    Args:
        files: where each layer is.
        fractions: the share of each class by name, in [0, 1]; None of a picture predicted in blocks.
        failed: what could not be predicted and is void in the files.
        blocks: the folder of finished blocks, which is kept only where something failed, to go on from.
    """

    files: Mapping[Layer, Path]
    fractions: Mapping[str, float] | None = None
    failed: tuple[DataError, ...] = ()
    blocks: Path | None = None


def deliver(
    predictor: Predictor,
    raster: Raster,
    labels: Path,
    chosen: Format,
    extras: Extras | None = None,
    progress: Progress | None = None,
) -> Delivered:
    """Predict a picture and write its result; of a picture that does not fit into memory, block by block.

    Args:
        predictor: the model, and how.
        raster: the picture.
        labels: where its labels go; other layers go beside it, see :func:`~intarsia.predict.saving.layer_file`.
        chosen: the format.
        extras: what else is done.
        progress: told about the pixels predicted, and then about the parts written.

    Raises:
        DataError: the picture cannot be read at all, or has other channels than the model was trained on.
        RecipeError: the picture is too large for what was asked for.
        OutputError: the result cannot be written, or blocks of another run are in the way.
    """
    extras = extras or Extras()
    plan = predictor.plan(raster.size)
    refined = extras.crf is not None or extras.clean is not None
    if plan.cutting == "whole" and not _needs_blocks(predictor, chosen):
        made = _refined(predictor, raster, extras) if refined else predictor.rasters(raster, predictor.settings.layers)
        return Delivered(_save(predictor, raster, made, labels, chosen, extras), _fractions(made, predictor))
    if refined:
        height, width = raster.size
        raise RecipeError(
            f"a picture of {width}×{height} pixels does not fit into the memory, and is refined whole or not at all",
            where=raster.name,
            remedy="Leave out --crf and --clean, raise --memory, or cut the picture into several",
        )
    folder = labels.with_name(f"{labels.name}.blocks")
    outcome = predictor.stream(raster, folder, progress)
    files = _save(predictor, raster, _mosaics(predictor, raster, folder), labels, chosen, extras, progress)
    if outcome.failed:
        return Delivered(files, None, tuple(outcome.failed.values()), folder)
    shutil.rmtree(folder, ignore_errors=True)
    return Delivered(files)


def _needs_blocks(predictor: Predictor, chosen: Format) -> bool:
    """Whether a layer goes to a format that is written from blocks alone."""
    return "probabilities" in predictor.settings.layers and chosen not in ("png", "npz")


def _mosaics(predictor: Predictor, raster: Raster, folder: Path) -> dict[Layer, Raster]:
    job, label_map = predictor.job(raster), predictor.model.card.label_map
    return {
        layer: Mosaic(
            folder,
            job.blocks(),
            layer,
            layer_dtype(layer, label_map),
            channels=label_map.num_classes if layer == "probabilities" else 1,
            fill=int(empty((1, 1), label_map, [layer])[layer].flat[0]),
            source=raster,
        )
        for layer in job.layers
    }


def _save(
    predictor: Predictor,
    raster: Raster,
    result: Result,
    labels: Path,
    chosen: Format,
    extras: Extras,
    progress: Progress | None = None,
) -> dict[Layer, Path]:
    card = predictor.model.card
    files = save(result, labels, chosen, card.label_map, model=card.weights_fingerprint, progress=progress)
    if extras.overlay is not None:
        mask = result["labels"]
        known = replace(card.label_map, ignore=void_id(card.label_map))
        write_overlay(extras.overlay, raster, ArrayRaster(mask) if isinstance(mask, np.ndarray) else mask, known)
    return files


def _refined(predictor: Predictor, raster: Raster, extras: Extras) -> Rasters:
    layers, label_map = predictor.settings.layers, predictor.model.card.label_map
    known = replace(label_map, ignore=void_id(label_map))
    if extras.crf is None:
        made = predictor.rasters(raster, layers)
    else:
        network = predictor.rasters(raster, ("labels", "probabilities"))
        pixels = raster.read(0, 0, *raster.size)
        better = refine(pixels, network["probabilities"].astype(np.float32), extras.crf, raster.name)
        made = finished(torch.from_numpy(better), lambda shares: shares, label_map, layers)
        clear(made, network["labels"] == known.ignore, label_map)
    if extras.clean is not None:
        spacing = extras.spacing or _spacing(raster, extras.clean)
        made["labels"] = clean_ids(made["labels"], known, extras.clean, spacing)
    return made


def _spacing(raster: Raster, rules: CleanRules) -> Sequence[float] | None:
    """Of a pixel, in the unit of the rules, as the picture's file says."""
    if rules.unit == PIXELS:
        return None
    if raster.pixel_size is None:
        raise RecipeError(
            f"does not say how large a pixel is, and --clean counts in {rules.unit}",
            where=raster.name,
            remedy=f"Say it (--spacing, in {rules.unit}), or count in pixels (unit=px)",
        )
    return [side / _MICROMETERS[rules.unit] for side in raster.pixel_size]


def _fractions(made: Rasters, predictor: Predictor) -> dict[str, float]:
    label_map = predictor.model.card.label_map
    counts = np.bincount(made["labels"].ravel(), minlength=max(label_map.ids) + 1)
    shares = counts / made["labels"].size
    return {name: float(shares[value]) for value, name in zip(label_map.ids, label_map.names, strict=True)}
