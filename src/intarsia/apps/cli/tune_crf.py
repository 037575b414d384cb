"""``intarsia tune-crf``: parameters of the dense CRF for a model and its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intarsia.apps.cli.console import Device, Json, console, plain_table, print_json, progress_bar, show_warnings
from intarsia.apps.cli.doctor import Classes
from intarsia.apps.cli.opening import load_model
from intarsia.errors import RecipeError

if TYPE_CHECKING:
    from intarsia.data.formats.folder import Item
    from intarsia.predict.crf_tuning import KnownPicture, Metric, Trial, Tuning
    from intarsia.predict.model import Model

_OPTIMISTIC = (
    "the parameters were chosen by the score on these very pictures, which is therefore too good: score the model with"
    " them on pictures that are neither of training nor of this split"
)


def run(
    model: Annotated[Path, typer.Argument(help="A model.safetensors, or the run folder that holds one.")],
    data: Annotated[Path, typer.Argument(help="The data set's folder.")],
    split: Annotated[str, typer.Option("--split", help="The pictures to tune on: val, train, test or all.")] = "val",
    classes: Classes = None,
    metric: Annotated[str, typer.Option("--metric", help="What to raise: mean_iou or boundary_f1.")] = "mean_iou",
    pictures: Annotated[
        int, typer.Option("--pictures", help="How many pictures at most, taken evenly from the split.", min=1)
    ] = 20,
    rounds: Annotated[int, typer.Option("--rounds", help="How often to go through all parameters.", min=1)] = 2,
    out: Annotated[Path, typer.Option("--out", help="The file for the parameters.")] = Path("crf.yaml"),
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Find parameters of the dense CRF that sharpen a model's masks, for `intarsia predict --crf FILE`."""
    from intarsia.data.formats.folder import open_folder
    from intarsia.predict.crf_tuning import METRICS, tune
    from intarsia.train.selection import select

    chosen_metric = _metric(metric)
    loaded = load_model(model, device)
    chosen = select(loaded.card, open_folder(data, classes), split)
    items = _evenly(chosen.items, pictures)
    screen = console(to_stderr=as_json)
    screen.print(f"tuning on {len(items)} of {len(chosen.items)} pictures ({chosen.split}) of {data}")
    warnings = [*chosen.warnings, _OPTIMISTIC]
    known = _predict(loaded, items)
    with progress_bar("trying parameters") as progress:
        found = tune(known, loaded.card.label_map, metric=chosen_metric, rounds=rounds, progress=progress)
    best = found.best.parameters
    assert best is not None
    if found.helps:
        best.write(out)
    if as_json:
        trials = [_plain(trial) for trial in found.trials]
        content = {"metric": METRICS[chosen_metric], "pictures": len(items), "split": chosen.split, "trials": trials}
        results = {"before": found.alone.score, "defaults": found.start.score, "after": found.best.score}
        written = {"parameters": asdict(best), "written": str(out) if found.helps else None}
        print_json({**content, **results, **written, "warnings": warnings})
        return
    show_warnings(warnings)
    _show(found, METRICS[chosen_metric], out)


def _metric(name: str) -> Metric:
    from intarsia.nn.arguments import nearest
    from intarsia.predict.crf_tuning import METRICS

    for metric in METRICS:
        if name == metric:
            return metric
    raise RecipeError(
        f"there is no metric {name!r}", where="--metric", remedy=f"{nearest(name, list(METRICS))}{', '.join(METRICS)}"
    )


def _evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, evenly spaced: neighbours are often frames of one scene."""
    if len(items) <= count:
        return list(items)
    return [items[at * len(items) // count] for at in range(count)]


def _predict(model: Model, items: Sequence[Item]) -> list[KnownPicture]:
    import numpy as np

    from intarsia.data.dataset import read_pair
    from intarsia.predict.crf_tuning import KnownPicture

    known = []
    with progress_bar("predicting") as progress:
        for done, item in enumerate(items, start=1):
            image, truth = read_pair(item)
            probabilities = model.prepared.predict(image, probabilities=True, where=item.image).probabilities
            assert probabilities is not None
            known.append(KnownPicture(image, probabilities.astype(np.float16), truth, str(item.image)))
            progress(done, len(items))
    return known


def _plain(trial: Trial) -> dict[str, Any]:
    return {"parameters": None if trial.parameters is None else asdict(trial.parameters), "score": trial.score}


def _show(found: Tuning, metric: str, out: Path) -> None:
    screen = console()
    table = plain_table(metric, "score")
    rows = (("the network alone", found.alone), ("with the default CRF", found.start), ("with the best", found.best))
    for name, trial in rows:
        table.add_row(name, f"{trial.score:.4f}")
    screen.print(table)
    if not found.helps:
        screen.print(f"none of {len(found.trials) - 1} parameters is better than the network alone: do without the CRF")
        return
    assert found.best.parameters is not None
    screen.print(", ".join(f"{name} {value:g}" for name, value in asdict(found.best.parameters).items()))
    screen.print(f"wrote {out}")
