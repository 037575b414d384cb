"""From the figures in the JSON file to a table on the screen and to the page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prediction.contest import AS_TRAINED, BATCHES, OURS, OURS_BF16, PEER, PLAIN
from prediction.contestants import CROP, SIDE

_INTRODUCTION = f"""# Predicting, beside segmentation_models_pytorch

*Written by `python bench/predict_speed.py --markdown` from the figures in [predict-speed.json](predict-speed.json); not
edited by hand.*

How long a person waits for the masks of {SIDE}×{SIDE} pictures, from the uint8 picture in memory to the uint8 mask,
with the same weights in both programs. What Intarsia does about it: [Speed](../explanation/speed.md).
"""

_METHOD = f"""## What is compared, and how

- **smp**: `segmentation_models_pytorch` as its users run it: `eval()`, `torch.inference_mode()`, fp32, normalize,
  network, argmax. *{PLAIN}* is the same with the two switches PyTorch offers anyone; what Intarsia gains beyond that
  row is its own. Intarsia is what `intarsia.load(file)` predicts with; *{AS_TRAINED}* is the network as it was trained,
  in the same layout and precision, so the difference to the last row is what acceleration is worth.
- **Networks**: trained by Intarsia from scratch for a few steps on crops of {CROP}×{CROP} of drawn pictures of the same
  kind, so that masks mean something; the weights are then handed over by `convert.py`. Ours are built to compute what
  smp's do (`variant="smp"`, `align_corners=True`).
- **Same masks**: share of pixels whose class is that of smp's mask, and the mean IoU of both against the truth, over
  all pictures together.
- **Time**: the programs take turns in one process. *Faster* is smp's time over the row's, round by round: the median,
  and in brackets the middle half of the rounds. By *processor* it is the same of the time the processor spent on the
  process, all threads together: it hardly moves when other programs use the machine too.
"""


def table(name: str, entry: Mapping[str, Any]) -> str:
    """One network as a table for the screen."""
    rows = _rows(entry)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"\n{name}", *(f"  {line}" for line in lines)])


def page(results: Mapping[str, Any]) -> str:
    """The whole page of the documentation."""
    sections = [
        f"## {'On the CPU' if device == 'cpu' else f'On {device}'}\n\n{_summary(part)}\n{_networks(part)}"
        for device, part in results["devices"].items()
    ]
    return "\n".join([_INTRODUCTION, *sections, _METHOD, _machines(results["devices"]), _command()])


def _summary(part: Mapping[str, Any]) -> str:
    best = OURS_BF16 if all(OURS_BF16 in one["mean_iou"] for one in part["networks"].values()) else OURS
    header = ("network", "Intarsia (auto)", "Intarsia, fp32", "equal pixels, fp32", "mean IoU, smp", "Intarsia (auto)")
    rows = [
        (
            one["title"],
            _times(one["batches"]["1"]["faster"][best]),
            _times(one["batches"]["1"]["faster"][OURS]),
            f"{one['equal_pixels'][OURS]:.4%}",
            f"{one['mean_iou'][PEER]:.4f}",
            f"{one['mean_iou'][best]:.4f}",
        )
        for one in part["networks"].values()
    ]
    return f"Times faster than smp, one picture at a time:\n\n{_markdown([header, *rows])}"


def _networks(part: Mapping[str, Any]) -> str:
    return "\n".join(
        f"### {one['title']}\n\n{one['steps']} steps of training; masks of {one['pictures']} pictures;"
        f" {', '.join(str(one['batches'][str(batch)]['rounds']) for batch in BATCHES)} timed rounds.\n\n"
        f"{_markdown(_rows(one))}"
        for one in part["networks"].values()
    )


def _rows(entry: Mapping[str, Any]) -> list[tuple[str, ...]]:
    header = ["program", "equal pixels", "mean IoU"]
    for batch in BATCHES:
        called = "one picture" if batch == 1 else f"{batch} pictures"
        header += [called, "faster", "by processor"]
    rows = [tuple(header)]
    for program in entry["mean_iou"]:
        cells = [program, f"{entry['equal_pixels'][program]:.4%}", f"{entry['mean_iou'][program]:.4f}"]
        for batch in BATCHES:
            measured = entry["batches"][str(batch)]
            cells.append(f"{1000 * measured['seconds'][program]['median']:.0f} ms")
            cells += [_times(measured[key][program]) for key in ("faster", "faster_by_processor")]
        rows.append(tuple(cells))
    return rows


def _times(ratio: Mapping[str, float]) -> str:
    return f"{ratio['median']:.2f}× [{ratio['low']:.2f}, {ratio['high']:.2f}]"


def _machines(devices: Mapping[str, Any]) -> str:
    lines: dict[str, list[str]] = {}
    for device, one in ((device, one) for device, part in devices.items() for one in part["networks"].values()):
        facts = one["machine"]
        packages = ", ".join(f"{name} {release}" for name, release in facts["packages"].items())
        flags = ", ".join(facts["cpu_flags"]) or "no flags known"
        line = (
            f"{device}: {one['device']}; {facts['cpu']} ({flags}), {facts['cores']} cores, {facts['threads']}"
            f" threads, {facts['system']}, Python {facts['python']}, {packages}. Load average before:"
            f" {facts['load_before']:.2f}."
        )
        lines.setdefault(line, []).append(one["title"])
    return "\n".join(["## The machine\n", *(f"- {', '.join(titles)} on {line}" for line, titles in lines.items()), ""])


def _command() -> str:
    return (
        "## Run it again\n\n```\npython bench/predict_speed.py\n"
        "python bench/predict_speed.py --markdown > docs/benchmarks/predict-speed.md\n```\n"
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])
