"""From the figures in the JSON file to the page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_INTRODUCTION = """# Every architecture on CamVid

*Written by `python bench/architectures.py --markdown` from the figures in [architectures.json](architectures.json); not
edited by hand.*

Every architecture trains with the same recipe as `intarsia train` runs it, on the same augmented samples in the same
order, for the same number of steps, and is scored as `intarsia evaluate` scores it, after the last step. **This is a
short training on two processor cores**: it tells how fast an architecture gets somewhere from the weights at hand, not
how far it gets in the end. Networks of attention, above all those from scratch, need many times as many steps and
pictures; the papers' own figures are for tens of thousands of them.
"""

_METHOD = """## What is compared, and how

- **Data**: CamVid at 480×360, 367 training and 101 validation pictures, 11 classes, void ignored; pictures of one drive
  resemble each other, so the intervals (95% bootstrap over pictures) are too narrow. Crops of 256×256, batches of 8.
- **Recipe**: the loss that `intarsia plan` chooses here (cross-entropy + Dice with balanced class weights; for mask
  queries the set-prediction loss with the same weights), AdamW, linear warm-up, cosine to zero. Only the peak learning
  rate differs, as the table says. No rate was tuned on these pictures.
- **Weights**: the encoder's ImageNet weights where they can be had; *scratch* where nothing could be fetched. The rows
  on ResNet-18 start from the same file, so they compare decoders.
- **Time**: the median of some training steps (loading, augmentation, forward, backward, update) and of some whole
  pictures' prediction one at a time, on a machine that did nothing else, apart from the training that is scored.
"""


def page(results: Mapping[str, Any]) -> str:
    rows = {name: row for name, row in results["rows"].items() if "mean_iou" in row}
    ranked = sorted(rows, key=lambda name: -(rows[name]["mean_iou"]["value"] or 0))
    return "\n".join(
        [
            _INTRODUCTION,
            _overview({name: rows[name] for name in ranked}),
            "## IoU of each class\n",
            _classes({name: rows[name] for name in ranked}),
            _METHOD,
            _machine(results["machine"]),
            "## Run it again\n\n```\npython bench/architectures.py --shared ../shared\n"
            "python bench/architectures.py --time --shared ../shared  # the times alone, on a quiet machine\n"
            "python bench/architectures.py --markdown > docs/benchmarks/architectures.md\n```\n\n"
            "See [bench/README.md](../../bench/README.md) for what `--shared` must hold.\n",
        ]
    )


def _overview(rows: Mapping[str, Any]) -> str:
    header = ("architecture", "mean IoU", "pixel accuracy", "parameters", "a training step", "a picture", "steps")
    table = [
        (
            name,
            _estimate(row["mean_iou"]),
            _estimate(row["pixel_accuracy"]),
            f"{row['parameters'] / 1e6:.1f} M",
            _seconds(row.get("step_seconds")),
            _milliseconds(row.get("predict_seconds")),
            f"{row['steps']} at {row['learning_rate']:g}, {row['weights'] or 'scratch'}",
        )
        for name, row in rows.items()
    ]
    return _markdown([header, *table])


def _classes(rows: Mapping[str, Any]) -> str:
    names = list(next(iter(rows.values()))["class_iou"])
    table = [(name, *(_value(row["class_iou"][one]) for one in names)) for name, row in rows.items()]
    return _markdown([("architecture", *names), *table])


def _machine(facts: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {release}" for name, release in facts["packages"].items())
    return (
        f"## The machine\n\n{facts['cpu']} ({', '.join(facts['cpu_flags'])}), {facts['cores']} cores,"
        f" {facts['threads']} threads, {facts['system']}, Python {facts['python']}, {packages}; automatic precision"
        f" {facts['auto_precision']}.\n"
    )


def _estimate(figure: Mapping[str, float | None]) -> str:
    value, low, high = figure["value"], figure["low"], figure["high"]
    return _value(figure) if value is None or low is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _value(figure: Mapping[str, float | None]) -> str:
    return "–" if figure["value"] is None else f"{figure['value']:.3f}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{1000 * value:.0f} ms"


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])
