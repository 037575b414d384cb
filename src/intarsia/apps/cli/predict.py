"""``intarsia predict``: masks of the same size for pictures of any size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intarsia.apps.cli.console import Device, Json, console, print_json, progress_bar
from intarsia.apps.cli.engines import cluster_asked_for, engine_for
from intarsia.apps.cli.inputs import expand
from intarsia.apps.cli.opening import model_file
from intarsia.apps.cli.options import bytes_of, one_of
from intarsia.apps.cli.outputs import Targets, clear_blocks, finished, targets
from intarsia.errors import DataError, IntarsiaError

if TYPE_CHECKING:
    from intarsia.data.parallel import Progress
    from intarsia.data.rasters.addresses import Address
    from intarsia.predict.deliver import Delivered, Extras, Picture
    from intarsia.predict.engines.engine import Engine
    from intarsia.predict.predictor import Predictor

_RESULT, _CUT, _BETTER = "What comes out", "Large pictures", "Better masks, slower"
_MACHINES = "Many machines"


def run(
    model: Annotated[Path, typer.Argument(help="A model.safetensors, or the run folder that holds one.")],
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures: files, folders, addresses, videos, quoted patterns such as 'in/*.png', or - for a list on "
            "standard input."
        ),
    ],
    out: Annotated[
        str,
        typer.Option("--out", "-o", help="The folder or address for the masks, or of one picture the mask file."),
    ] = "predictions",
    chosen: Annotated[
        str,
        typer.Option(
            "--format",
            help="png, tiff (COG), ome-tiff, zarr, npz; geojson, gpkg: polygons; coco: one file of all. A mask file's "
            "name says it.",
            rich_help_panel=_RESULT,
        ),
    ] = "",
    simplify: Annotated[
        float,
        typer.Option(
            "--simplify", min=0, help="Cut off polygons' corners of about so many pixels.", rich_help_panel=_RESULT
        ),
    ] = 0.0,
    overlay: Annotated[
        bool,
        typer.Option("--overlay", help="Also write each picture with its mask over it.", rich_help_panel=_RESULT),
    ] = False,
    confidence: Annotated[
        bool,
        typer.Option(
            "--confidence", help="Also write the probability of each pixel's class, 255 for 1.", rich_help_panel=_RESULT
        ),
    ] = False,
    entropy: Annotated[
        bool,
        typer.Option(
            "--entropy", help="Also write how undecided each pixel is, 255 for entirely.", rich_help_panel=_RESULT
        ),
    ] = False,
    probabilities: Annotated[
        bool,
        typer.Option("--probabilities", help="Also write the probability of every class.", rich_help_panel=_RESULT),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Predict again what is there already; else it is kept.", rich_help_panel=_RESULT
        ),
    ] = False,
    tiles: Annotated[
        str, typer.Option("--tiles", help="auto, whole, exact or blended.", rich_help_panel=_CUT)
    ] = "auto",
    tile: Annotated[
        int | None, typer.Option("--tile", min=1, help="Side of a tile in pixels.", rich_help_panel=_CUT)
    ] = None,
    overlap: Annotated[
        float, typer.Option("--overlap", help="Of blended tiles, a share of their side.", rich_help_panel=_CUT)
    ] = 0.25,
    window: Annotated[
        str, typer.Option("--window", help="gaussian, linear or uniform.", rich_help_panel=_CUT)
    ] = "gaussian",
    memory: Annotated[
        str, typer.Option("--memory", help="The most the process may take: 2GB, 800MB.", rich_help_panel=_CUT)
    ] = "",
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="Tiles at once.", rich_help_panel=_CUT)] = None,
    block: Annotated[
        int | None,
        typer.Option("--block", min=1, help="Side in pixels of what is stored at once.", rich_help_panel=_CUT),
    ] = None,
    skip_flat: Annotated[
        int | None,
        typer.Option(
            "--skip-flat", min=0, help="Leave out tiles whose values differ by no more than this.", rich_help_panel=_CUT
        ),
    ] = None,
    magnification: Annotated[
        float | None,
        typer.Option("--magnification", min=0.01, help="Of a slide: 20 for 20×.", rich_help_panel=_CUT),
    ] = None,
    tta: Annotated[
        str, typer.Option("--tta", help="Look several times: flips, d4 or multiscale.", rich_help_panel=_BETTER)
    ] = "",
    crf: Annotated[
        str,
        typer.Option("--crf", help="Dense CRF: default, or the file that tune-crf wrote.", rich_help_panel=_BETTER),
    ] = "",
    clean: Annotated[
        list[str] | None,
        typer.Option("--clean", help="Such as specks=50,holes=200 or lung:largest=2; repeat.", rich_help_panel=_BETTER),
    ] = None,
    spacing: Annotated[
        float | None,
        typer.Option("--spacing", help="Side of a pixel, in the unit of --clean.", rich_help_panel=_BETTER),
    ] = None,
    engine: Annotated[
        str, typer.Option("--engine", help="local, or ray: the machines of a cluster.", rich_help_panel=_MACHINES)
    ] = "local",
    address: Annotated[
        str,
        typer.Option(
            "--address",
            help="Of a Ray cluster: auto, HOST:PORT or ray://…; else this machine.",
            rich_help_panel=_MACHINES,
        ),
    ] = "",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="How many; as many as the cluster has room for.", rich_help_panel=_MACHINES
        ),
    ] = None,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work", help="A folder all machines share, for blocks of giant pictures.", rich_help_panel=_MACHINES
        ),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Label every pixel of pictures of any size: masks of class ids at the picture's own size.

    What is there already is kept. A picture too large for the memory is predicted in blocks; killed at any moment, the
    same command goes on where it was.
    """
    from intarsia.ops.window import WINDOW_KINDS
    from intarsia.predict.plan import CUTTINGS, TileOptions
    from intarsia.predict.saving import check_installed
    from intarsia.predict.settings import Settings
    from intarsia.predict.tta import VIEWS

    asked = {"confidence": confidence, "entropy": entropy, "probabilities": probabilities}
    settings = Settings(
        tiles=TileOptions(
            cutting=one_of(tiles, CUTTINGS, "--tiles"),
            tile=tile,
            overlap=overlap,
            window=one_of(window, WINDOW_KINDS, "--window"),
            batch=batch,
            block=block,
            memory=bytes_of(memory),
        ),
        views=one_of(tta, VIEWS, "--tta") if tta else None,
        layers=("labels", *(name for name, wanted in asked.items() if wanted)),  # type: ignore[arg-type] # named so
        skip_flat=skip_flat,
    )
    file = model_file(model)
    goals = targets(
        expand(inputs),
        out,
        chosen,
        overlay=overlay,
        extras=_extras(crf, clean or [], spacing, simplify),
        magnification=magnification,
        work=work,
    )
    for picture in goals.pictures[:1]:
        check_installed(picture.chosen, settings.layers)
    cluster = cluster_asked_for(engine, address, workers)
    with (
        progress_bar("predicting") as progress,
        engine_for(file, settings, device, cluster) as (predictor, chosen_engine),
    ):
        made = _run(predictor, chosen_engine, goals, overwrite, progress, as_json)
    if as_json:
        print_json(made.to_dict())
    else:
        console().print(made.describe(out))
    if made.refused:
        raise _refusal(made.refused, len(goals.pictures))


@dataclass
class _Made:
    """What became of the pictures."""

    cuts: Counter[str] = field(default_factory=Counter)  # how many pictures were cut how
    written: list[dict[str, Any]] = field(default_factory=list)  # filled for --json only: it grows with the pictures
    kept: list[str] = field(default_factory=list)
    refused: list[IntarsiaError] = field(default_factory=list)
    annotations: tuple[str, int] | None = None  # the COCO file, and how many it holds

    def to_dict(self) -> dict[str, Any]:
        content = {"written": self.written, "kept": self.kept, "refused": [str(error) for error in self.refused]}
        return content if self.annotations is None else {**content, "annotations": self.annotations[0]}

    def describe(self, out: str) -> str:
        """The line at the end."""
        count = self.cuts.total()
        said = f"{count} mask{'s' if count != 1 else ''} in {out}"
        tiled = [f"{number} {how}" for how, number in sorted(self.cuts.items()) if how != "whole"]
        if tiled:
            said += f" ({', '.join(tiled)})"
        if self.kept:
            said += f", {len(self.kept)} kept that were there"
        if self.annotations is not None:
            said += f"; {self.annotations[1]:,} annotations in {self.annotations[0]}"
        return said


def _run(
    predictor: Predictor, engine: Engine, goals: Targets, overwrite: bool, progress: Progress, listed: bool
) -> _Made:
    from intarsia.predict.annotations import check_annotations
    from intarsia.predict.pictures import predict_pictures

    pictures = goals.pictures
    predictor.cut((1, 1))  # what no picture could be predicted with is said at once
    if goals.annotations is not None and not overwrite:
        check_annotations(goals.annotations)
    there = set() if overwrite else finished(predictor, pictures)
    made = _Made(kept=[picture.address for picture in pictures if picture.labels in there])
    todo = [picture for picture in pictures if picture.labels not in there]
    if overwrite:
        clear_blocks(todo)
    for picture, result in predict_pictures(predictor, engine, todo, progress):
        if isinstance(result, IntarsiaError):  # it does not hold up the others and is named at the end
            made.refused.append(result)
        else:
            made.cuts[result.cut.describe()] += 1
            there.add(picture.labels)
            made.refused.extend(result.failed)
            if listed:
                made.written.append(_entry(picture, result))
    if goals.annotations is not None:
        _annotate(goals.annotations, [picture for picture in pictures if picture.labels in there], predictor, made)
    return made


def _annotate(file: Address, pictures: Sequence[Picture], predictor: Predictor, made: _Made) -> None:
    """Make one file of the masks that were kept or written now."""
    from intarsia.predict.annotations import write_annotations

    try:
        made.annotations = str(file), write_annotations(file, pictures, predictor.model.card.label_map)
    except DataError as error:  # a kept mask is damaged, which does not make the new ones worthless
        made.refused.append(error)


def _entry(picture: Picture, result: Delivered) -> dict[str, Any]:
    files: dict[str, str] = {layer: str(path) for layer, path in result.files.items() if layer != "labels"}
    overlay = {} if picture.extras.overlay is None else {"overlay": str(picture.extras.overlay)}
    masks = {"image": picture.address, "mask": str(picture.labels), "fractions": result.fractions}
    return {**masks, "cut": result.cut.describe(), **files, **overlay}


def _extras(crf: str, clean: Sequence[str], spacing: float | None, simplify: float) -> Extras:
    from intarsia.predict.clean import CleanRules
    from intarsia.predict.crf import CrfParameters, read_parameters
    from intarsia.predict.deliver import Extras

    return Extras(
        crf=None if not crf else CrfParameters() if crf == "default" else read_parameters(crf),
        clean=CleanRules.parse(clean) if clean else None,
        spacing=None if spacing is None else (spacing, spacing),
        simplify=simplify,
    )


def _refusal(refused: Sequence[IntarsiaError], count: int) -> IntarsiaError:
    if len({str(error) for error in refused}) == 1:  # one picture, or what is wrong with all of them
        return refused[0]
    return DataError(
        f"{len(refused)} of {count} pictures could not be used; the first: {refused[0].found}",
        where=[place for error in refused for place in error.where],
        remedy=refused[0].remedy,
    )
