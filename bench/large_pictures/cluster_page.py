"""The section of ``docs/how-to/cluster.md`` that says what large runs take, worked out from measured figures."""

from __future__ import annotations

from textwrap import fill
from typing import Any

_PICTURES, _SLIDES = 10_000_000, 10_000
_GIGAPIXELS = 100_000 * 80_000 / 1e9  # of a slide
_CORES = (64, 512)


def section(results: dict[str, Any]) -> str:
    """Markdown: what was measured, and the arithmetic for a run of pictures and for an archive of slides."""
    return "\n\n".join([*_measured(results), *_pictures(results), *_slides(results), *_gpus()]) + "\n"


def _measured(results: dict[str, Any]) -> tuple[str, ...]:
    machine, local = results["machine"], results["local"]
    auto = machine["auto_precision"]
    one, two = (results["ray"]["workers"][count] for count in ("1", "2"))
    slide, task = results["slide"], results["task"]
    rows = [
        (f"a picture of 512², JPEG to PNG, in one process, {auto}", _ms(local[auto]["processor"])),
        ("— of it the network", _ms(local[auto]["network"])),
        ("— with two threads, which also count while they wait for each other", _ms(results["two threads"])),
        ("— in fp32, as on processors without bf16", _ms(local["fp32"]["processor"])),
        ("a picture by a Ray worker, one at work", _ms(one["worker"])),
        ("— two at work on two cores", _ms(two["worker"])),
        ("Ray's own processes, a picture", _ms(two["daemons"])),
        ("handing out a picture and taking its answer (eight are a task)", _ms(task["driver"])),
        (f"a gigapixel of slide, {slide['tissue']:.0%} tissue, `--skip-flat`, {auto}", f"{slide['predict']:.0f} s"),
        ("— putting its blocks together to a COG", f"{slide['deliver']:.1f} s"),
    ]
    return (
        _text(
            f"Measured by `bench/cluster.py`: U-Net/ResNet-18, one thread a process, {machine['cores']} cores",
            f"({machine['cpu']}), in seconds of the processor, for the machine had other work at the time.",
        ),
        "\n".join(["| what | takes |", "|---|---|", *(f"| {what} | {value} |" for what, value in rows)]),
        _text(
            "With two workers at work instead of one a picture costs",
            f"{two['worker'] / one['worker'] - 1:.0%} more of a processor, so that they do",
            f"{2 * one['worker'] / two['worker']:.2f} times the work of one; by the clock it",
            f"was {one['wall'] / two['wall']:.2f} times, beside that other work. A worker holds",
            f"{results['ray']['memory'] / 1e9:.1f} GB.",
        ),
    )


def _pictures(results: dict[str, Any]) -> tuple[str, ...]:
    two, driver = results["ray"]["workers"]["2"], results["task"]["driver"]
    each = two["worker"] + two["daemons"]
    return (
        "### 10 million pictures of 512²",
        _text(
            f"10,000,000 × ({two['worker']:.3f} + {two['daemons']:.3f}) s = {_spread(_PICTURES * each)}.",
            "The process that hands them out does at most",
            f"1 / {driver * 1000:.2f} ms = {1 / driver:,.0f} a second, enough for {each / driver:,.0f} cores; that was",
            "measured with one worker, and to watch hundreds costs it time too, so plan for half. Its list takes",
            f"10,000,000 × {results['list']:.0f} bytes = {_PICTURES * results['list'] / 1e9:.1f} GB. Split the list",
            "for more cores or less memory: a hundred calls of 100,000 pictures can also be repeated one by one.",
        ),
    )


def _slides(results: dict[str, Any]) -> tuple[str, ...]:
    slide = results["slide"]
    each = _GIGAPIXELS * (slide["predict"] + slide["deliver"])
    return (
        f"### An archive of 10,000 slides of 100,000 × 80,000 pixels, {slide['tissue']:.0%} tissue",
        _text(
            f"A slide has {_GIGAPIXELS:.0f} gigapixels, so that it takes",
            f"{_GIGAPIXELS:.0f} × ({slide['predict']:.0f} +",
            f"{slide['deliver']:.1f}) s = {each / 60:.0f} minutes of one core, and 10,000 of them",
            f"{_spread(_SLIDES * each)}.",
            "With at least as many slides as workers each worker takes whole slides, so that none waits while a slide",
            f"is put together ({_GIGAPIXELS * slide['deliver']:.0f} s). The measured slide has its tissue in",
            "squares of 3,173 pixels and perfectly even glass; ragged tissue touches more tiles.",
        ),
    )


def _gpus() -> tuple[str, ...]:
    return (
        "### On GPUs",
        _text(
            "Rates on GPUs were not measured. Predict a thousand of your pictures with `--engine local` on one, and",
            "put the seconds a picture in the place of those above; there, decoding JPEG and writing PNG may well be",
            "what takes longest.",
        ),
    )


def _spread(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.0f} core-hours: " + " or ".join(f"{hours / cores:.1f} hours on {cores} cores" for cores in _CORES)


def _text(*parts: str) -> str:
    return fill(" ".join(parts), 120, break_long_words=False, break_on_hyphens=False)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
