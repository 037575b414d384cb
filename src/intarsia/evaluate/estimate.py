"""A figure with its interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from intarsia.metrics.undefined import or_none


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval.

    Args:
        value: of the figure's own range and unit; NaN when undefined.
        low: the interval's lower end; NaN when there is none (a single group, or an undefined figure).
        high: the interval's upper end; NaN when there is none.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float | None]:
        """A form JSON can hold: null for what is undefined."""
        return {"value": or_none(self.value), "low": or_none(self.low), "high": or_none(self.high)}


def estimates(
    values: Shaped[np.ndarray, "figures"], interval: tuple[Shaped[np.ndarray, "figures"], Shaped[np.ndarray, "figures"]]
) -> list[Estimate]:
    """Figures and the ends of their intervals, side by side."""
    return [Estimate(*map(float, each)) for each in zip(values, *interval, strict=True)]
