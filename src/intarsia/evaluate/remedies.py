"""The words of a diagnosis: what each cause is called, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from intarsia.metrics.causes_pieces import SIZES

Cause = Literal["boundary", "noise", "suspect", "partial", "missed", "spurious", "confusion"]


@dataclass(frozen=True)
class Advice:
    """How to speak about a cause.

    Args:
        phrase: what the loss is, to be followed by the sizes, classes or places that a cause has.
        remedy: what to do, in one clause.
        how_to: the page that says more, from ``docs/``, without its ending.
    """

    phrase: str
    remedy: str
    how_to: str


ADVICE: dict[Cause, Advice] = {
    "boundary": Advice(
        "at the border, a few pixels off",
        "train on larger pictures and look how exact the true borders are",
        "how-to/sharper-boundaries",
    ),
    "noise": Advice(
        "noise (predicted specks)",
        "train longer or on larger crops, or remove specks from the masks",
        "how-to/sharper-boundaries",
    ),
    "suspect": Advice(
        "truth that may be wrong",
        "look at these true masks before changing the model",
        "how-to/prepare-your-data",
    ),
    "partial": Advice(
        "gaps and spill", "show the network more around each object: larger crops", "how-to/confused-classes"
    ),
    "missed": Advice(
        "missed objects", "add pictures with such objects or weigh their class more", "how-to/rare-classes"
    ),
    "spurious": Advice(
        "spurious objects",
        "add pictures of what is mistaken for such objects, without them",
        "how-to/confused-classes",
    ),
    "confusion": Advice(
        "confusion",
        "compare the true masks of these classes and add pictures that tell them apart",
        "how-to/confused-classes",
    ),
}
"""Each cause as a diagnosis names it."""

MISSED_SMALL = Advice("missed objects", "raise resolution or sample them more", "how-to/small-objects")
"""The advice for missed objects that are small (under 32² pixels)."""

NEVER_PREDICTED = Advice("", "weigh the class more and train longer", "how-to/rare-classes")
"""The advice for a class of the truth that no pixel is predicted as, whatever its pixels became."""


def percent(share: float) -> str:
    """A share in whole percents: never "100%" of what has other parts, and never "0%" of what is there."""
    if 0 < share < 0.005:
        return "<1%"
    return f"{min(round(100 * share), 99 if share < 1 else 100)}%"


def stratum_name(stratum: int) -> str:
    """What a table of sizes calls a stratum; unlike in sentences, ranges must not overlap here."""
    if stratum == 0:
        return f"under {SIZES[0]} px"
    if stratum == len(SIZES):
        return f"{SIZES[-1]:,} px and more"
    return f"{SIZES[stratum - 1]:,}–{SIZES[stratum] - 1:,} px"


def size_words(first: int, last: int) -> str:
    """A range of size strata in words; specks being a stratum of their own, the next one is called "under 200 px"."""
    edges = (0, *SIZES)
    if last == len(SIZES):
        return f"of {edges[first]:,} px and more" if first > 1 else "of all sizes"
    if first <= 1:
        return f"under {edges[last + 1]:,} px"
    return f"of {edges[first]:,} to {edges[last + 1] - 1:,} px"
