"""``intarsia predict``: masks of the same size for pictures of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intarsia.apps.cli.console import Device, Json, console, print_json, progress_bar
from intarsia.errors import DataError, IntarsiaError

if TYPE_CHECKING:
    from intarsia.data.formats.image import ImageArray
    from intarsia.predict.model import Model


def run(
    model: Annotated[Path, typer.Argument(help="A model.safetensors, or the run folder that holds one.")],
    inputs: Annotated[
        list[str], typer.Argument(help="Pictures: files, folders, or quoted patterns such as 'in/*.png'.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder for the masks.")] = Path("predictions"),
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Also write each picture with its mask over it.")
    ] = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Label every pixel of pictures: one indexed PNG of class ids each, at the picture's own size."""
    from intarsia.apps.cli.opening import load_model
    from intarsia.data.parallel import iterate_files

    pictures = expand(inputs)
    loaded = load_model(model, device)
    written: list[dict[str, Any]] = []
    refused: list[IntarsiaError] = []
    with progress_bar("predicting") as progress:
        # The next pictures are read while the network is at work. They are not put into batches: what is in a batch
        # moves the last bits of a result, and a mask shall depend on its own picture alone, as evaluation takes it.
        for done, (picture, image) in enumerate(zip(pictures, iterate_files(_read, pictures), strict=True), start=1):
            try:
                written.append(_predict(loaded, picture, image, out, overlays))
            except DataError as error:  # one bad file does not hold up the others; it is named at the end
                refused.append(error)
            progress(done, len(pictures))
    if as_json:
        print_json({"written": written, "refused": [str(error) for error in refused]})
    else:
        console().print(f"{len(written)} mask{'s' if len(written) != 1 else ''} in {out}")
    if refused:
        raise _refusal(refused, len(pictures))


def expand(inputs: Sequence[str]) -> list[Path]:
    """The picture files that files, folders and patterns stand for, in order and without repeats.

    Raises:
        DataError: an input that matches nothing, a folder without pictures, or two pictures of one name.
    """
    from intarsia.data.formats.decode import IMAGE_SUFFIXES

    pictures: dict[Path, None] = {}
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        else:
            found = [path] if path.is_file() else matching(text)
        if not found:
            what = (
                "holds no pictures" if path.is_dir() else "there is no such file, and no file matches it as a pattern"
            )
            raise DataError(
                what, where=text, remedy="Name picture files, a folder of them, or a quoted pattern such as 'in/*.png'"
            )
        pictures.update(dict.fromkeys(found))
    stems = Counter(picture.stem for picture in pictures)
    twins = [picture for picture in pictures if stems[picture.stem] > 1]
    if twins:
        raise DataError(
            "would be written to the same mask file",
            where=twins,
            remedy="Predict them in separate calls with their own --out",
        )
    return list(pictures)


def matching(pattern: str) -> list[Path]:
    """The files a pattern such as ``in/**/*.png`` matches, sorted."""
    anchor = Path(Path(pattern).anchor)
    relative = Path(pattern).relative_to(anchor)
    return sorted(path for path in anchor.glob(str(relative)) if path.is_file()) if relative.parts else []


def _read(picture: Path) -> ImageArray | DataError:
    from intarsia.data.formats.image import read_image

    try:
        return read_image(picture)
    except DataError as error:
        return error


def _predict(model: Model, picture: Path, image: ImageArray | DataError, out: Path, overlays: bool) -> dict[str, Any]:
    from intarsia.data.formats.mask import write_mask
    from intarsia.evaluate.figures import png_bytes
    from intarsia.files import write_bytes
    from intarsia.ops.overlay import blend

    if isinstance(image, DataError):
        raise image
    result = model.predictor.predict(image, where=picture)
    mask = out / f"{picture.stem}.png"
    write_mask(mask, result.class_ids, result.label_map, model=model.card.weights_fingerprint)
    entry: dict[str, Any] = {"image": str(picture), "mask": str(mask), "fractions": result.fractions()}
    if overlays:
        overlay = out / "overlays" / f"{picture.stem}.png"
        write_bytes(overlay, png_bytes(blend(image, result.class_ids, result.label_map)))
        entry["overlay"] = str(overlay)
    return entry


def _refusal(refused: Sequence[IntarsiaError], count: int) -> IntarsiaError:
    if len(refused) == 1:
        return refused[0]
    return DataError(
        f"{len(refused)} of {count} pictures could not be used; the first: {refused[0].found}",
        where=[place for error in refused for place in error.where],
        remedy=refused[0].remedy,
    )
