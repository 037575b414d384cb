"""Where ``intarsia predict`` puts the result of each picture."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from intarsia.apps.cli.options import one_of
from intarsia.errors import OutputError, RecipeError

if TYPE_CHECKING:
    from intarsia.data.rasters.addresses import Address
    from intarsia.predict.deliver import Extras, Picture
    from intarsia.predict.layers import Layer
    from intarsia.predict.predictor import Predictor

COCO = "coco"
"""The format of one file for all pictures, made of their masks."""

_ANNOTATIONS = "annotations.json"


@dataclass(frozen=True)
class Targets:
    """What is to be written.

    Args:
        pictures: each with where its result goes.
        annotations: the COCO file made of all of them; None: none.
    """

    pictures: list[Picture]
    annotations: Address | None = None


def targets(
    pictures: Sequence[str],
    out: str,
    chosen: str,
    *,
    overlay: bool,
    extras: Extras,
    magnification: float | None,
    work: Path | None = None,
) -> Targets:
    """Pictures with where their results go.

    Args:
        pictures: their addresses.
        out: a folder, or of one picture the file of its labels; on a disk or in a store.
        chosen: the format a person named; empty: PNG, or what a file's name says.
        overlay: whether the picture with its mask over it is asked for, too; it goes to ``overlays/``.
        extras: what else is done.
        magnification: of slides.
        work: the folder for blocks of giant pictures; None: where the labels go.

    Raises:
        OutputError: a file for several pictures, or one whose name and format differ.
        RecipeError: there is no format of this name, or simplified are to be what are no polygons.
    """
    from intarsia.data.formats.decode import stem_of
    from intarsia.data.rasters.addresses import folder_of, name_of, to_address, within
    from intarsia.predict.deliver import Picture
    from intarsia.predict.saving import FORMATS, POLYGONS, format_of, is_mask_file, labels_file

    if chosen:
        one_of(chosen, (*FORMATS, COCO), "--format")
    place, annotations = to_address(out), None
    if chosen == COCO or name_of(place).lower().endswith(".json"):
        place, annotations = _coco_places(place, chosen)
        chosen = "png"
    a_store = str(place).lower().endswith(".zarr")  # is a folder, and a result all the same
    if (isinstance(place, Path) and place.is_dir() and not a_store) or not is_mask_file(place):
        _check_folder(place)
        named = one_of(chosen or "png", FORMATS, "--format")
        files = [labels_file(place, picture, named) for picture in pictures]
    else:
        named, files = format_of(place), [place]
        if len(pictures) > 1:
            raise OutputError(
                f"is one mask file, for {len(pictures)} pictures", where=out, remedy="Name a folder, and --format"
            )
        if chosen not in ("", named):
            raise OutputError(f"is called as {named}, but --format is {chosen}", where=out, remedy="Leave out --format")
    if extras.simplify and named not in POLYGONS:
        raise RecipeError(
            "is for polygons, and pixels are written", where="--simplify", remedy="Add --format geojson or gpkg"
        )

    def picture(address: str, file: Address) -> Picture:
        drawn = within(folder_of(file), "overlays", f"{stem_of(name_of(file))}.png")
        chosen_extras = replace(extras, overlay=drawn) if overlay else extras
        return Picture(address, file, named, chosen_extras, magnification, work)

    return Targets([picture(*each) for each in zip(pictures, files, strict=True)], annotations)


def _coco_places(place: Address, chosen: str) -> tuple[Address, Address]:
    """The folder of the masks a COCO file is made of, and the file."""
    from intarsia.data.rasters.addresses import folder_of, name_of, within
    from intarsia.predict.saving import is_mask_file

    if name_of(place).lower().endswith(".json"):
        if chosen not in ("", COCO):
            raise OutputError(
                f"is called as {COCO}, but --format is {chosen}", where=place, remedy="Leave out --format"
            )
        return within(folder_of(place), f"{Path(place).stem}.masks"), place
    if is_mask_file(place) and not (isinstance(place, Path) and place.is_dir()):
        raise OutputError(
            f"is called like a mask, but --format is {COCO}", where=place, remedy="Name a folder, or a file NAME.json"
        )
    return place, within(place, _ANNOTATIONS)


def _check_folder(place: Address) -> None:
    """That what is to be a folder is not called like a picture, by which a person meant a file.

    Raises:
        OutputError: it is.
    """
    from intarsia.data.formats.decode import IMAGE_SUFFIXES
    from intarsia.data.formats.video import VIDEO_SUFFIXES
    from intarsia.data.rasters.opening import RASTER_SUFFIXES
    from intarsia.predict.saving import SUFFIXES

    if Path(place).suffix.lower() in IMAGE_SUFFIXES | RASTER_SUFFIXES | VIDEO_SUFFIXES:
        raise OutputError(
            "is called like a picture, and masks are not written as that",
            where=place,
            remedy=f"Let the name end in {', '.join(SUFFIXES.values())} or .json, or name a folder",
        )


def finished(predictor: Predictor, pictures: Sequence[Picture]) -> set[Address]:
    """The labels of those pictures of which all that is asked for is there already, made as it would be now.

    In a store only the first of them is looked at, because fetching millions takes hours.

    Raises:
        OutputError: one was made by another model or with other options.
        DataError: a store does not give it away.
    """
    from intarsia.data.rasters.addresses import existing

    layers = predictor.settings.layers
    there = existing(file for picture in pictures for file in picture.files(layers))
    labeled = [picture for picture in pictures if picture.labels in there]
    on_disk = [picture for picture in labeled if isinstance(picture.labels, Path)]
    for picture in on_disk or labeled[:1]:
        _check_maker(predictor, picture)
    return {picture.labels for picture in labeled if _is_whole(picture, layers, there)}


def _is_whole(picture: Picture, layers: Sequence[Layer], there: Collection[Address]) -> bool:
    from intarsia.predict.saving import layers_in

    in_one_file = picture.chosen == "npz" and isinstance(picture.labels, Path)
    if in_one_file and not layers_in(Path(picture.labels)).issuperset(layers):
        return False
    return all(file in there for file in picture.files(layers))


def _check_maker(predictor: Predictor, picture: Picture) -> None:
    from intarsia.data.formats.provenance import ZARR_TEXT, provenance_of
    from intarsia.data.rasters.addresses import fetched, within
    from intarsia.predict.deliver import provenance

    a_folder = picture.chosen == "zarr" and not isinstance(picture.labels, Path)  # too many files to fetch
    with fetched(within(picture.labels, ZARR_TEXT) if a_folder else picture.labels) as path:
        found = provenance_of(path)
    wanted = provenance(predictor, picture)
    if found is None or found == wanted:
        return
    by = (
        "by another model"
        if found.model != wanted.model
        else f"with other options ({found.options or 'none'}; now {wanted.options or 'none'})"
    )
    raise OutputError(
        f"is there already and was predicted {by}",
        where=picture.labels,
        remedy="Name another --out, or say --overwrite to predict it again",
    )


def clear_blocks(pictures: Sequence[Picture]) -> None:
    """Forget what earlier runs left of giant pictures."""
    from intarsia.data.rasters.identity import is_remote

    for picture in pictures:
        if picture.work is not None or not is_remote(picture.labels):
            shutil.rmtree(picture.blocks, ignore_errors=True)
