"""From the figures in the JSON file to tables, on the screen and as the page of the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from side_by_side.contest import OURS, THEIRS

_INTRODUCTION = """# The main job, beside segmentation_models_pytorch

*Written by `python bench/main_job.py --markdown` from the figures in [main-job.json](main-job.json); not edited by
hand.*

Both programs train a U-Net on a ResNet-18 encoder that starts from the same ImageNet weights: Intarsia with a recipe,
as `intarsia train` runs it, and `segmentation_models_pytorch.Unet` (smp) in a plain PyTorch loop with the settings of
its own examples (`examples/binary_segmentation_intro_cpu.py`, `examples/camvid_segmentation_multiclass.ipynb`). They
take turns in one process on one machine, and see the same augmented samples in the same batches and order, for the same
number of steps.
"""

_METHOD = """## What is compared, and how

- **Score**: of the model after the last step, on both sides; nothing is chosen by a validation score. Both are scored
  by `intarsia.evaluate` on whole pictures at their own size, with the conventions of
  [what each figure means](../reference/conventions.md). smp accepts multiples of 32 only, so pictures are padded for it
  and its logits cut back. Brackets hold a 95% bootstrap interval over pictures, or over patients where they are known.
  Both programs are scored on the same pictures, whose difficulty moves both scores alike: overlapping intervals do not
  mean that the difference is chance.
- **Time**: wall-clock seconds from the first training forward pass to the end of the last optimizer step, loading and
  augmentation included (the first batch's apart), taken by the same hooks in both programs. Validation, writing files
  and scoring are outside. *Time* in the tables is that of the program over Intarsia's.
- **Not compared**: other hardware than that below, and other settings than these. Part of the time gained is bf16 and
  channels-last memory, which a plain loop can be given too; Intarsia chooses them by itself where the processor gains.
"""


_WARPING = ("rotate_degrees", "scale", "shear_degrees", "elastic")  # idle in a policy whose `warp` is 0


def table(name: str, entry: Mapping[str, Any]) -> str:
    """One set as a table for the screen."""
    rows = [_header(entry), *_rows(entry)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    smoke = "" if entry["full_run"] else " — A SHORTENED RUN, its scores mean nothing"
    return "\n".join([f"\n{name}: {_amount(entry)}{smoke}", *(f"  {line}" for line in lines)])


def page(results: Mapping[str, Any]) -> str:
    """The whole page of the documentation."""
    sets = results["sets"]
    sections = [_INTRODUCTION, _overview(sets), *(_section(name, entry) for name, entry in sets.items())]
    return "\n".join([*sections, _METHOD, _machines(sets), _command(sets)])


def _overview(sets: Mapping[str, Any]) -> str:
    header = ("set", "figure", "Intarsia", "smp", "Intarsia's seconds", "smp's seconds", "Intarsia's share of the time")
    rows = []
    for name, entry in sets.items():
        mine, peer = entry["programs"][OURS], entry["programs"][THEIRS]
        figure = entry["headline"]
        share = mine["train_seconds"] / peer["train_seconds"]
        scores = (_estimate(program["figures"][figure]) for program in (mine, peer))
        seconds = (f"{program['train_seconds']:.0f}" for program in (mine, peer))
        rows.append((f"[{name}](#{name})", figure, *scores, *seconds, f"{share:.0%}"))
    return _markdown([header, *rows])


def _section(name: str, entry: Mapping[str, Any]) -> str:
    warning = "" if entry["full_run"] else "**A shortened run: its scores mean nothing.**\n\n"
    settings = "\n".join(f"- {program}: {facts['settings']}." for program, facts in entry["programs"].items())
    return (
        f"## {name}\n\n{warning}{entry['title']}. {entry['note']} {_amount(entry).capitalize()}.\n\n"
        f"{_markdown([_header(entry), *_rows(entry)])}\n{_classes(entry)}{settings}\n- Augmentation of both:"
        f" {_augmentation(entry['augment'])}.\n"
    )


def _header(entry: Mapping[str, Any]) -> tuple[str, ...]:
    figures = entry["programs"][OURS]["figures"]
    return ("program", *figures, "training", "time", "step (median)", "parameters")


def _rows(entry: Mapping[str, Any]) -> list[tuple[str, ...]]:
    base = entry["programs"][OURS]["train_seconds"]
    return [
        (
            program,
            *(_estimate(figure) for figure in facts["figures"].values()),
            f"{facts['train_seconds']:.1f} s",
            f"{facts['train_seconds'] / base:.2f}×",
            f"{facts['median_step_seconds']:.3f} s",
            f"{facts['parameters']:,}",
        )
        for program, facts in entry["programs"].items()
    ]


def _classes(entry: Mapping[str, Any]) -> str:
    """The IoU of each class, where there are more than two."""
    programs = entry["programs"]
    names = list(programs[OURS]["class_iou"])
    if len(names) <= 2:
        return ""
    rows = [(name, *(_estimate(facts["class_iou"][name]) for facts in programs.values())) for name in names]
    return f"{_markdown([('IoU of', *programs), *rows])}\n"


def _amount(entry: Mapping[str, Any]) -> str:
    folds = f" in each of {entry['parts']} folds" if entry["parts"] > 1 else ""
    return (
        f"{entry['steps']} steps of {entry['batch_size']} out of {entry['train_images']} training pictures{folds};"
        f" scored on {entry['scored_images']} pictures ({entry['scored']})"
    )


def _estimate(figure: Mapping[str, float | None]) -> str:
    value, low, high = figure["value"], figure["low"], figure["high"]
    if value is None:
        return "–"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def _augmentation(policy: Mapping[str, Any]) -> str:
    """The keys of the policy that do anything."""
    idle = set(_WARPING) if not policy["warp"] else set()
    idle |= {key for key, value in policy.items() if not value or value == [1.0, 1.0]}
    return ", ".join(f"`{key}` {value}" for key, value in policy.items() if key not in idle)


def _machines(sets: Mapping[str, Any]) -> str:
    """Where everything was measured; said once where all sets were run alike."""
    described: dict[str, list[str]] = {}
    for name, entry in sets.items():
        described.setdefault(_machine(entry["machine"]), []).append(name)
    lines = [f"- {', '.join(names)}: {machine}" for machine, names in described.items()]
    loads = ", ".join(f"{name} {entry['machine']['load_before']:.2f}" for name, entry in sets.items())
    return "\n".join(["## The machine\n", *lines, f"- Load average when its run began: {loads}.\n"])


def _machine(facts: Mapping[str, Any]) -> str:
    packages = ", ".join(f"{name} {release}" for name, release in facts["packages"].items())
    flags = ", ".join(facts["cpu_flags"]) or "no flags known"
    return (
        f"{facts['cpu']} ({flags}), {facts['cores']} cores, {facts['threads']} threads, {facts['system']}, Python"
        f" {facts['python']}, {packages}; automatic precision {facts['auto_precision']}."
    )


def _command(sets: Iterable[str]) -> str:
    return (
        "## Run it again\n\n```\npython bench/main_job.py"
        f" {' '.join(sets)} --shared ../shared --out docs/benchmarks/main-job.json\n"
        "python bench/main_job.py --markdown > docs/benchmarks/main-job.md\n```\n\n"
        "See [bench/README.md](../../bench/README.md) for what `--shared` must hold.\n"
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])
