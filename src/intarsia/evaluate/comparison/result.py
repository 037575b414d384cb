"""What a comparison of two models found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intarsia.evaluate.comparison.seeds import Spread
from intarsia.metrics.undefined import or_none

ALPHA = 0.05
"""The rate of false alarms a difference may have to count as shown."""

_POWER = 2.80  # z(0.975) + z(0.8): a difference of so many standard errors is found four times in five
_WIDTH = 3.92  # 2·z(0.975): the width of a 95% interval in standard errors


@dataclass(frozen=True)
class Difference:
    """One figure of both models and how they differ; all in [0, 1], NaN where undefined.

    Args:
        a: the figure of A, the mean over its runs.
        b: the figure of B.
        low: the lower end of the 95% interval of B − A.
        high: the upper end.
        p: two-sided p-value of there being no difference.
        p_holm: the same, corrected for the number of classes; of a mean, equal to ``p``.
    """

    a: float
    b: float
    low: float
    high: float
    p: float
    p_holm: float

    @property
    def value(self) -> float:
        """B − A."""
        return self.b - self.a

    @property
    def detectable(self) -> float:
        """The true difference these pictures would show four times in five, from the interval's width."""
        return _POWER / _WIDTH * (self.high - self.low)

    @property
    def shown(self) -> bool:
        """Whether the test finds a difference and the interval holds no zero: both must agree."""
        return self.p_holm <= ALPHA and (self.low > 0 or self.high < 0)

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold: null for what is undefined."""
        figures = {
            "a": self.a,
            "b": self.b,
            "difference": self.value,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "p_holm": self.p_holm,
            "detectable": self.detectable,
        }
        return {**{key: or_none(value) for key, value in figures.items()}, "shown": self.shown}


@dataclass(frozen=True)
class ClassDifference:
    """How the models differ in one class."""

    id: int
    name: str
    iou: Difference
    dice: Difference

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        return {"id": self.id, "name": self.name, "iou": self.iou.to_dict(), "dice": self.dice.to_dict()}


@dataclass(frozen=True)
class Effect:
    """How large and how common the difference is.

    Args:
        cohens_d: paired Cohen's d (d_z): the mean over groups of B's mean IoU minus A's, over the standard deviation of
            these differences; NaN when they are all equal or there is one group.
        better: pictures whose own mean IoU is higher with B.
        worse: pictures whose own mean IoU is lower with B.
        equal: pictures on which they are equal.
    """

    cohens_d: float
    better: int
    worse: int
    equal: int

    def to_dict(self) -> dict[str, Any]:
        """A form JSON can hold."""
        pictures = self.better + self.worse + self.equal
        return {
            "cohens_d_over_groups": or_none(self.cohens_d),
            "pictures_better": self.better,
            "pictures_worse": self.worse,
            "pictures_equal": self.equal,
            "share_of_pictures_better": self.better / pictures if pictures else None,
        }


@dataclass(frozen=True)
class Comparison:
    """How B differs from A.

    Args:
        sources: the files of A's runs and of B's.
        mean_iou: of the dataset's mean IoU.
        mean_dice: of the dataset's mean Dice.
        classes: of each class, in the order of the label map.
        effect: how large and how common the difference is.
        spreads: the mean IoU of the runs of A and of B.
        identical: whether every count of every picture is the same.
        images: how many pictures.
        groups: how many independent groups they form.
        conventions: how it was computed, in words.
    """

    sources: tuple[tuple[str, ...], tuple[str, ...]]
    mean_iou: Difference
    mean_dice: Difference
    classes: tuple[ClassDifference, ...]
    effect: Effect
    spreads: tuple[Spread, Spread]
    identical: bool
    images: int
    groups: int
    conventions: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints, without the verdict; undefined figures are null."""
        (of_a, of_b), (spread_a, spread_b) = self.sources, self.spreads
        return {
            "a": {"evaluations": list(of_a), "mean_iou_dataset": spread_a.to_dict()},
            "b": {"evaluations": list(of_b), "mean_iou_dataset": spread_b.to_dict()},
            "overall": {"mean_iou_dataset": self.mean_iou.to_dict(), "mean_dice_dataset": self.mean_dice.to_dict()},
            "classes": [entry.to_dict() for entry in self.classes],
            "effect": self.effect.to_dict(),
            "identical": self.identical,
            "images": self.images,
            "groups": self.groups,
            "conventions": dict(self.conventions),
        }
