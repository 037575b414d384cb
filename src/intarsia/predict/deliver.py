"""One picture, from its pixels to the files of its result."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from intarsia.data.formats.provenance import Provenance
from intarsia.data.parallel import Progress
from intarsia.data.rasters.addresses import Address, name_of
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.identity import is_remote
from intarsia.data.rasters.opening import open_raster
from intarsia.data.rasters.raster import Raster
from intarsia.data.vectors.geojson import check_place
from intarsia.errors import DataError, RecipeError
from intarsia.predict.clean import PIXELS, CleanRules, clean_ids
from intarsia.predict.crf import CrfParameters, refine
from intarsia.predict.layers import Layer, Rasters, clear, finished, void_id
from intarsia.predict.ledger import begun
from intarsia.predict.overlays import write_overlay
from intarsia.predict.plan import Cut
from intarsia.predict.predictor import Predictor
from intarsia.predict.saving import Format, Result, layer_file, save, written_in_blocks
from intarsia.predict.settings import Settings
from intarsia.predict.tiling import Block

_PLAIN = re.compile(r"[^\w .,:;{}*=-]", re.ASCII)
_MICROMETERS = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "km": 1e9}


@dataclass(frozen=True)
class Extras:
    """What is done with a finished prediction; refined is only a picture that fits into memory whole.

    Args:
        crf: the dense CRF's parameters; None: none.
        clean: rules by which the mask is cleaned afterwards; None: none.
        spacing: height and width of a pixel in the unit of the rules; None: what the picture's file says.
        overlay: where the picture with its mask over it goes; None: nowhere.
        simplify: how far polygons' corners are cut off, pixels; see
            :func:`~intarsia.data.vectors.trace.trace_polygons`.
    """

    crf: CrfParameters | None = None
    clean: CleanRules | None = None
    spacing: tuple[float, float] | None = None
    overlay: Address | None = None
    simplify: float = 0.0


@dataclass(frozen=True)
class Delivered:
    """What became of one picture.

    Args:
        files: where each layer is.
        cut: how it was cut.
        fractions: the share of each class by name, in [0, 1]; None of a picture predicted in blocks.
        failed: what could not be predicted and is void in the files.
        blocks: the folder of finished blocks, which is kept only where something failed, to go on from.
    """

    files: Mapping[Layer, Address]
    cut: Cut
    fractions: Mapping[str, float] | None = None
    failed: tuple[DataError, ...] = ()
    blocks: Path | None = None


@dataclass(frozen=True, slots=True)  # there may be millions
class Picture:
    """One picture, and where its result goes.

    Args:
        address: of the picture.
        labels: the file of its labels, on a disk or in a store; of other layers see
            :func:`~intarsia.predict.saving.layer_file`.
        chosen: the format.
        extras: what else is done.
        magnification: of a slide; None: as scanned.
        work: a folder on a disk for the blocks of a giant picture; None: where the labels go.
    """

    address: str
    labels: Address
    chosen: Format
    extras: Extras = Extras()
    magnification: float | None = None
    work: Path | None = None

    def files(self, layers: Sequence[Layer]) -> list[Address]:
        """All that is written of it."""
        made = [layer_file(self.labels, layer, self.chosen) for layer in layers]
        return made if self.extras.overlay is None else [*made, self.extras.overlay]

    def open(self) -> Raster:
        """The picture.

        Raises:
            DataError: it cannot be opened.
        """
        return open_raster(self.address, magnification=self.magnification)

    @property
    def blocks(self) -> Path:
        """The folder for its blocks, should it be predicted in blocks.

        Raises:
            RecipeError: its labels go to a store, and no folder was named.
        """
        if self.work is None and is_remote(self.labels):
            raise RecipeError(
                "is predicted in blocks, which are kept in a folder until its mask is whole",
                where=self.address,
                remedy="Name a folder on a disk that all machines share: --work FOLDER",
            )
        folder = Path(self.labels).parent if self.work is None else self.work
        return folder / f"{name_of(self.labels)}.blocks"


def deliver_whole(predictor: Predictor, raster: Raster, picture: Picture) -> Delivered | None:
    """Predict a picture that fits into memory and write its result.

    Args:
        predictor: the model, and how.
        raster: the picture, opened.
        picture: where its result goes.

    Returns:
        None of a picture that does not fit, or whose result is written from blocks; nothing has been done then.

    Raises:
        DataError: the picture cannot be read, or has other channels than the model was trained on.
        RecipeError: the picture is too large for what was asked for.
        OutputError: the result cannot be written.
    """
    extras, layers = picture.extras, predictor.settings.layers
    if picture.chosen == "geojson":
        check_place(raster.georeference, picture.labels)
    refined = extras.crf is not None or extras.clean is not None
    cut = predictor.cut(raster.size)
    large = cut.cutting != "whole"
    if large and refined:
        height, width = raster.size
        raise RecipeError(
            f"a picture of {width}×{height} pixels is to be cut into tiles, and is refined whole or not at all",
            where=raster.name,
            remedy="Leave out --crf and --clean, or let it be whole: no --tiles and --tile, more --memory",
        )
    in_blocks = any(written_in_blocks(layer, picture.chosen) for layer in layers)
    if in_blocks and refined:
        raise RecipeError(
            f"probabilities are written block by block in {picture.chosen}, and masks are refined whole",
            where="--probabilities with --crf or --clean",
            remedy="Take --format png or npz, or ask for one of the two",
        )
    if large or in_blocks:
        return None
    made = _refined(predictor, raster, extras) if refined else predictor.rasters(raster, layers)
    return Delivered(_save(predictor, raster, made, picture), cut, _fractions(made, predictor))


def deliver_blocks(
    predictor: Predictor,
    raster: Raster,
    picture: Picture,
    failed: Mapping[Block, DataError],
    progress: Progress | None = None,
) -> Delivered:
    """Write the result of a picture whose blocks are all done, and remove them.

    Args:
        predictor: the model, and how.
        raster: the picture, opened.
        picture: where its result goes, and where its blocks are.
        failed: what went wrong; the blocks of the others are then kept.
        progress: told about the parts written.

    Raises:
        OutputError: the result cannot be written; the blocks are kept.
    """
    cut = begun(picture.blocks)
    assert cut is not None, "the run was begun"
    files = _save(predictor, raster, predictor.mosaics(raster, picture.blocks), picture, progress)
    if failed:
        return Delivered(files, cut, None, tuple(failed.values()), picture.blocks)
    shutil.rmtree(picture.blocks, ignore_errors=True)
    return Delivered(files, cut)


def provenance(predictor: Predictor, picture: Picture) -> Provenance:
    """What the files of a result name: the model, and of the options those that change it and are not the defaults."""
    settings, extras, plain = predictor.settings, picture.extras, Settings()
    tiles = replace(settings.tiles, batch=None, block=None, memory=None)
    said = []
    if tiles.cutting in ("whole", "exact"):  # where nothing overlaps
        tiles = replace(tiles, overlap=plain.tiles.overlap, window=plain.tiles.window)
    if tiles != plain.tiles:
        side = "" if tiles.tile is None else f" of {tiles.tile} pixels"
        said.append(f"{tiles.cutting} tiles{side} overlap {tiles.overlap:g} {tiles.window}")
    if settings.views is not None:
        said.append(f"views {settings.views} averaging {settings.merging}")
    if settings.skip_flat is not None:
        said.append(f"skip-flat {settings.skip_flat}")
    if extras.crf is not None:
        said.append(f"crf {' '.join(f'{value:g}' for value in astuple(extras.crf))}")
    if extras.clean is not None:
        said.append(f"clean {json.dumps(extras.clean.to_dict())}")
    spacing = None if extras.clean is None else extras.spacing
    for name, value in (("spacing", spacing), ("magnification", picture.magnification)):
        said += [] if value is None else [f"{name} {value}"]
    if extras.simplify:
        said.append(f"simplify {extras.simplify:g}")
    # In XML and JSON some characters are written otherwise than they are read.
    return Provenance(predictor.model.card.weights_fingerprint, _PLAIN.sub("", "; ".join(said)))


def _save(
    predictor: Predictor, raster: Raster, result: Result, picture: Picture, progress: Progress | None = None
) -> dict[Layer, Address]:
    card, overlay = predictor.model.card, picture.extras.overlay
    placed = {layer: _placed(values, raster) for layer, values in result.items()}
    if overlay is not None:  # before the labels, of which that they are there means that all is
        mask = placed["labels"]
        assert not isinstance(mask, np.ndarray)
        write_overlay(overlay, raster, mask, replace(card.label_map, ignore=void_id(card.label_map)))
    return save(
        placed,
        picture.labels,
        picture.chosen,
        card.label_map,
        provenance=provenance(predictor, picture),
        simplify=picture.extras.simplify,
        progress=progress,
    )


def _placed(values: Raster | np.ndarray, raster: Raster) -> Raster | np.ndarray:
    """A layer in memory as a raster that lies where the picture does; probabilities stay what they are."""
    if not isinstance(values, np.ndarray) or values.dtype == np.float16:
        return values
    return ArrayRaster(values, georeference=raster.georeference, pixel_size=raster.pixel_size)


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
