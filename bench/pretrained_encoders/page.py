"""From the figures in the JSON file to the page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pretrained_encoders.trials import SECTIONS

_INTRODUCTION = """# Pretrained encoders on nuclei

*Written by `python bench/pretrained.py --markdown` from the figures in [pretrained.json](pretrained.json); not edited
by hand.*

Whether an encoder's ImageNet weights are of use for microscopy, in gray as in color, and how much of them training
should change. Every row is one training of a U-Net with one recipe, on the same augmented samples in the same order,
for the same number of steps; only what the row names differs. *Gain* is over the row from scratch, on the same
pictures. What to make of it: [Fine-tune](../how-to/fine-tune.md).
"""

_METHOD = """## What is compared, and how

- **Network**: a U-Net, on a ResNet-18 where no encoder is named. Its weights are the file that lies with the pictures,
  those of the other encoders are from the weights' catalogue.
- **Data**: 200 pictures of BBBC038, fluorescent and stained, nucleus against background. {test} of them are scored, and
  never seen in training. For the gray sections they were made gray first, so that networks have one channel and the
  encoder's first convolution is adapted to it.
- **Recipe**: crops of {crop}×{crop}, batches of {batch}, the loss that `intarsia plan` chooses, AdamW with a peak
  learning rate of {rate:g} for every row, linear warm-up, cosine to zero. The model after the last step is scored;
  nothing is chosen by a validation score, and no setting was tuned on these pictures. These are short trainings: a
  network from scratch would make up for some of the distance in longer ones.
- **Score**: as `intarsia evaluate` does it, on whole pictures at their own size. Brackets hold 95% bootstrap intervals
  over pictures; those of gains, and whether a gain is *shown*, are those of `intarsia compare`. They say nothing about
  other seeds, nor about other draws of the few pictures: each row is a single training.
- **Time** was not measured.
"""

_CHANNELS = """## Other numbers of channels, before any training

The first convolution reads three channels. For another number it is adapted: one channel receives the sum of the three
filters; more repeat them in turn, red's for the fourth, all scaled by three over their number. Correlation of the
encoder's features with those of the RGB picture that the input was made of (of three equal channels for gray), over all
values, {pictures} pictures of CamVid, {side}×{side}; the same ResNet-18.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page of the documentation."""
    trained = results["sections"]
    method = _METHOD.format(
        test=_only({section["test_images"] for section in trained.values()}),
        crop=results["settings"]["crop"],
        batch=results["settings"]["batch_size"],
        rate=results["settings"]["learning_rate"],
    )
    channels = [_channels(results["channels"])] if "channels" in results else []
    sections = [_section(SECTIONS[name].title, section) for name, section in trained.items()]
    return "\n".join([_INTRODUCTION, *sections, *channels, method, _machine(results["machine"]), _COMMAND])


def _section(title: str, section: Mapping[str, Any]) -> str:
    rows = [("start", "Dice of nucleus", "gain in Dice", "mean IoU", "gain in mean IoU", "parameters that learn")]
    for name, row in section["rows"].items():
        learn = f"{row['learning'] / 1e6:.1f} of {row['parameters'] / 1e6:.1f} M"
        dice, mean_iou = (_estimate(row[figure]) for figure in ("dice", "mean_iou"))
        rows.append((name, dice, _gain(row.get("dice_gain")), mean_iou, _gain(row.get("mean_iou_gain")), learn))
    amount = f"{section['steps']} steps, {section['train_images']} training pictures, {section['test_images']} scored."
    return f"## {title}\n\n{amount}\n\n{_markdown(rows)}"


def _channels(measured: Mapping[str, Any]) -> str:
    rows = [("input", *(f"stride {stride}" for stride in measured["strides"]))]
    rows += [(name, *(f"{value:.3f}" for value in values)) for name, values in measured["rows"].items()]
    return f"{_CHANNELS.format(**measured)}\n{_markdown(rows)}"


def _estimate(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _gain(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "–"
    verdict = "shown" if figure["shown"] else "not shown"
    return f"{figure['difference']:+.3f} [{figure['low']:+.3f}, {figure['high']:+.3f}], {verdict}"


def _machine(facts: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {release}" for name, release in facts["packages"].items())
    return (
        f"## The machine\n\n{facts['cpu']} ({', '.join(facts['cpu_flags'])}), {facts['threads']} threads,"
        f" {facts['system']}, Python {facts['python']}, {packages}; automatic precision {facts['auto_precision']}.\n"
    )


def _only(values: set[int]) -> int:
    (value,) = values
    return value


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])


_COMMAND = """## Run it again

```
python bench/pretrained.py --shared ../shared
python bench/pretrained.py --markdown > docs/benchmarks/pretrained.md
```

See [bench/README.md](../../bench/README.md) for what `--shared` must hold. The weights of the other encoders come from
the [catalogue](../reference/cli.md): `intarsia weights pull` fetches them beforehand.
"""
