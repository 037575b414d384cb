"""Where ``intarsia predict`` puts the result of each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intarsia.errors import OutputError, RecipeError

if TYPE_CHECKING:
    from intarsia.predict.deliver import Extras, Picture


def targets(
    pictures: Sequence[str],
    out: Path,
    chosen: str,
    *,
    overlay: bool,
    extras: Extras,
    magnification: float | None,
) -> list[Picture]:
    """Pictures with where their results go.

    Args:
        pictures: their addresses.
        out: a folder, or of one picture the file of its labels.
        chosen: the format a person named; empty: PNG, or what a file's name says.
        overlay: whether the picture with its mask over it is asked for, too; it goes to ``overlays/``.
        extras: what else is done.
        magnification: of slides.

    Raises:
        OutputError: a file for several pictures, or one whose name and format differ.
        RecipeError: there is no format of this name.
    """
    from intarsia.predict.deliver import Picture
    from intarsia.predict.saving import FORMATS, format_of, is_mask_file, labels_file, stem_of

    if chosen:
        one_of(chosen, FORMATS, "--format")
    if out.is_dir() or not is_mask_file(out):
        named = one_of(chosen or "png", FORMATS, "--format")
        files = [labels_file(out, stem_of(Path(picture).name), named) for picture in pictures]
    else:
        named, files = format_of(out), [out]
        if len(pictures) > 1:
            raise OutputError(
                f"is one mask file, for {len(pictures)} pictures", where=out, remedy="Name a folder, and --format"
            )
        if chosen not in ("", named):
            raise OutputError(f"is called as {named}, but --format is {chosen}", where=out, remedy="Leave out --format")
    drawn = [file.parent / "overlays" / f"{stem_of(file.name)}.png" if overlay else None for file in files]
    return [
        Picture(address, file, named, replace(extras, overlay=each), magnification)
        for address, file, each in zip(pictures, files, drawn, strict=True)
    ]


def check_maker(labels: Path, fingerprint: str) -> None:
    """That a mask which is kept was not made by another model.

    Raises:
        OutputError: it was.
    """
    from intarsia.data.formats.provenance import maker_of

    maker = maker_of(labels) if labels.suffix == ".png" else None
    if maker is not None and maker != fingerprint:
        raise OutputError(
            "is there already and was predicted by another model",
            where=labels,
            remedy="Name another --out, or say --overwrite to predict it again",
        )


def one_of(value: str, choices: Sequence[Any], where: str) -> Any:
    """The choice a person named.

    Raises:
        RecipeError: there is none of this name.
    """
    if value in choices:
        return value
    raise RecipeError(f"there is no {value!r}", where=where, remedy=f"Choose of {', '.join(choices)}")
