"""Where ``intarsia predict`` puts the result of each picture."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from intarsia.apps.cli.options import one_of
from intarsia.errors import OutputError

if TYPE_CHECKING:
    from intarsia.data.rasters.addresses import Address
    from intarsia.predict.deliver import Extras, Picture


def targets(
    pictures: Sequence[str],
    out: str,
    chosen: str,
    *,
    overlay: bool,
    extras: Extras,
    magnification: float | None,
    work: Path | None = None,
) -> list[Picture]:
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
        RecipeError: there is no format of this name.
    """
    from intarsia.data.rasters.addresses import folder_of, name_of, to_address, within
    from intarsia.predict.deliver import Picture
    from intarsia.predict.saving import FORMATS, format_of, is_mask_file, labels_file, stem_of

    if chosen:
        one_of(chosen, FORMATS, "--format")
    place = to_address(out)
    a_store = str(place).lower().endswith(".zarr")  # is a folder, and a result all the same
    if (isinstance(place, Path) and place.is_dir() and not a_store) or not is_mask_file(place):
        _check_folder(place)
        named = one_of(chosen or "png", FORMATS, "--format")
        files = [labels_file(place, stem_of(Path(picture).name), named) for picture in pictures]
    else:
        named, files = format_of(place), [place]
        if len(pictures) > 1:
            raise OutputError(
                f"is one mask file, for {len(pictures)} pictures", where=out, remedy="Name a folder, and --format"
            )
        if chosen not in ("", named):
            raise OutputError(f"is called as {named}, but --format is {chosen}", where=out, remedy="Leave out --format")

    def picture(address: str, file: Address) -> Picture:
        drawn = within(folder_of(file), "overlays", f"{stem_of(name_of(file))}.png")
        chosen_extras = replace(extras, overlay=drawn) if overlay else extras
        return Picture(address, file, named, chosen_extras, magnification, work)

    return [picture(*each) for each in zip(pictures, files, strict=True)]


def _check_folder(place: Address) -> None:
    """That what is to be a folder is not called like a picture, by which a person meant a file.

    Raises:
        OutputError: it is.
    """
    from intarsia.data.formats.decode import IMAGE_SUFFIXES
    from intarsia.data.rasters.opening import RASTER_SUFFIXES
    from intarsia.predict.saving import SUFFIXES

    if Path(place).suffix.lower() in IMAGE_SUFFIXES | RASTER_SUFFIXES:
        raise OutputError(
            "is called like a picture, and masks are not written as that",
            where=place,
            remedy=f"Let the name end in {', '.join(SUFFIXES.values())}, or name a folder",
        )


def check_makers(kept: Sequence[Address], fingerprint: str) -> None:
    """That masks which are kept were not made by another model.

    In a store only the first of them is looked at, because fetching millions takes hours.

    Raises:
        OutputError: one was.
        DataError: the store does not give it away.
    """
    from intarsia.data.formats.provenance import maker_of
    from intarsia.data.rasters.addresses import fetched, name_of

    masks = [labels for labels in kept if name_of(labels).endswith(".png")]
    on_disk = [labels for labels in masks if isinstance(labels, Path)]
    for labels in on_disk or masks[:1]:
        with fetched(labels) as path:
            maker = maker_of(path)
        if maker is not None and maker != fingerprint:
            raise OutputError(
                "is there already and was predicted by another model",
                where=labels,
                remedy="Name another --out, or say --overwrite to predict it again",
            )


def clear_blocks(pictures: Sequence[Picture]) -> None:
    """Forget what earlier runs left of giant pictures."""
    from intarsia.data.rasters.identity import is_remote

    for picture in pictures:
        if picture.work is not None or not is_remote(picture.labels):
            shutil.rmtree(picture.blocks, ignore_errors=True)
