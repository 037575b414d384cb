"""A comparison in one line, and what a reader should know besides."""

from __future__ import annotations

import math

from intarsia.evaluate.comparison.result import ALPHA, Comparison, Difference
from intarsia.evaluate.comparison.seeds import RunsSummary

_NAMED = 4  # classes named in the one line


def verdict(comparison: Comparison) -> str:
    """What was found, in one line; figures in points, 100 × IoU, as papers print them.

    B is better or worse only if the test and the interval agree on it; else no difference is shown, or the two
    contradict each other and that is said.
    """
    overall = comparison.mean_iou
    if comparison.identical:
        return "A and B are equal: every count of every picture is the same"
    if math.isnan(overall.value):
        return "nothing to compare: no class is present in any picture"
    if comparison.groups < 2:
        return f"nothing can be said of chance: all pictures are one group; B − A is {signed(overall.value)} mIoU"
    return _decided(comparison) if overall.shown else _undecided(comparison)


def notes(comparison: Comparison) -> list[str]:
    """What the one line leaves out and may change how it is read; one sentence each."""
    said = []
    least = 2.0 ** (1 - comparison.groups)
    if comparison.groups > 1 and _test_by_swaps(comparison) and least > ALPHA:
        said.append(
            f"{comparison.groups} groups cannot show any difference: the smallest p-value they allow is {least:.3g}"
        )
    if "groups" in comparison.conventions:
        said.append(comparison.conventions["groups"])
    said.append(_luck_in_training(comparison))
    return said


def runs_verdict(summary: RunsSummary) -> str:
    """The mean IoU of several runs of one method, in one line, in points."""
    of = summary.mean_iou
    spread = of.spread
    line = (
        f"mean IoU of {len(spread.values)} runs: {points(spread.mean)}, standard deviation"
        f" {points(spread.deviation, 2)}, from {points(min(spread.values))} to {points(max(spread.values))}"
    )
    if math.isnan(of.low):
        return line + "; no interval, because all pictures are one group"
    return (
        f"{line}; 95% CI with other pictures {points(of.low_pictures)} to {points(of.high_pictures)},"
        f" with other pictures and runs {points(of.low)} to {points(of.high)}"
    )


def points(value: float, digits: int = 1) -> str:
    """A figure times 100, with a true minus sign; a dash for what is undefined."""
    if math.isnan(value):
        return "–"
    text = f"{100 * value:.{digits}f}"
    return (text.lstrip("-") if float(text) == 0 else text).replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """The same with a plus sign before what is positive."""
    text = points(value, digits)
    return text if text[0] in "−–" or float(text) == 0 else f"+{text}"


def probability(p: float) -> str:
    """A p-value as people write it: two digits, never zero."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _decided(comparison: Comparison) -> str:
    of, digits = comparison.mean_iou, _digits(comparison.mean_iou)
    word, low, high = ("better", of.low, of.high) if of.value > 0 else ("worse", -of.high, -of.low)
    return (
        f"B is {word} by {points(abs(of.value), digits)} mIoU,"
        f" 95% CI {points(low, digits)} to {points(high, digits)}{_classes(comparison)}"
    )


def _undecided(comparison: Comparison) -> str:
    of = comparison.mean_iou
    digits = _digits(of)
    facts = (
        f"B − A is {points(of.value, digits)} mIoU, 95% CI {points(of.low, digits)} to {points(of.high, digits)},"
        f" p = {probability(of.p)}".replace("= <", "<")
    )
    without_zero = of.low > 0 or of.high < 0
    if without_zero or of.p <= ALPHA:
        return f"undecided: {facts}; the interval and the test disagree{_classes(comparison)}"
    miss = f"a true difference under {points(of.detectable, digits)} is often missed with these pictures"
    return f"no difference shown: {facts}; {miss}{_classes(comparison)}"


def _classes(comparison: Comparison) -> str:
    """The classes whose difference is shown, those that go against the whole first."""
    shown = [entry for entry in comparison.classes if entry.iou.shown]
    whole = comparison.mean_iou
    sides = [("better", 1), ("worse", -1)]
    if whole.shown:  # naming those that go along would only repeat the sentence
        sides = [side for side in sides if side[1] * whole.value < 0]
    parts = []
    for word, sign in sides:
        names = [entry.name for entry in shown if sign * entry.iou.value > 0]
        if len(names) > _NAMED:
            parts.append(f"{word} on {len(names)} of {len(comparison.classes)} classes")
        elif names:
            parts.append(f"{word} on {', '.join(names)}")
    return "".join(f"; {part}" for part in parts)


def _luck_in_training(comparison: Comparison) -> str:
    spreads = [spread.deviation for spread in comparison.spreads]
    known = [spread for spread in spreads if not math.isnan(spread)]
    if not known:
        return "each side is one run: how another training would have turned out is not in these intervals"
    words = " and ".join(
        f"{points(spread, 2)} mIoU ({name})"
        for name, spread in zip("AB", spreads, strict=True)
        if not math.isnan(spread)
    )
    line = f"standard deviation between runs: {words}"
    if len(known) == 1:
        line += "; the other side is one run and is taken to spread as much"
    if max(known) >= abs(comparison.mean_iou.value):
        line += "; that is as large as the difference"
    return line


def _test_by_swaps(comparison: Comparison) -> bool:
    return all(len(spread.values) == 1 for spread in comparison.spreads)


def _digits(of: Difference) -> int:
    """One digit after the point, as papers have it; more where the interval would vanish in rounding."""
    width = 100 * (of.high - of.low)
    return 1 if width >= 0.5 else 2 if width >= 0.05 else 3
