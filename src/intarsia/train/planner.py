"""A recipe from a look at the data: a sound start that people can read, and change key by key.

The rules are few and stated beside the numbers they set; ``docs/explanation/planning.md`` gives the reasons.
"""

from __future__ import annotations

from collections.abc import Callable

from intarsia.augment import AugmentPolicy
from intarsia.data.examination import Summary
from intarsia.train.prepare import PreparedData, prepare
from intarsia.train.recipe import DataPart, LossPart, ModelPart, OptimizerPart, Recipe

_WINDOW = 256  # pixels a side that training sees at once, at most
_BATCH = 8
_PASSES = 40  # how often each training picture is seen, within the bounds below
_FEWEST_STEPS, _MOST_STEPS = 300, 3000
_ROUNDS = 10
_IMBALANCE = 20  # the largest class has this many times the pixels of the smallest: weigh classes
_COARSEST = 8  # cells a side of the coarsest features, at least
_DEEPEST = 4


def plan(part: DataPart, progress: Callable[[int, int], None] | None = None) -> Recipe:
    """Look at a data set and choose a recipe for it.

    Raises:
        DataError: the data cannot be used as it is.
    """
    return plan_for(part, prepare(part, seed=0, progress=progress))


def plan_for(part: DataPart, data: PreparedData) -> Recipe:
    """Choose a recipe for data that was prepared with seed 0."""
    seen = data.examination.summary(data.splits["train"])
    window = _window(seen)
    side = min(window or (seen.heights[0], seen.widths[0]))
    steps = min(max(_PASSES * seen.images // _BATCH, _FEWEST_STEPS), _MOST_STEPS)
    return Recipe(
        data=part,
        model=ModelPart(architecture="unet", arguments=_arguments(side)),
        augment=AugmentPolicy(crop=window),
        loss=plan_loss(seen),
        optimizer=OptimizerPart(warmup_steps=steps // 20),
        rounds=_ROUNDS,
        steps_per_round=steps // _ROUNDS,
        batch_size=_BATCH,
    )


def plan_loss(seen: Summary) -> LossPart:
    """Cross-entropy + Dice; where some class is rare, with weights, or short runs never learn it at all."""
    present = [pixels for pixels in seen.class_pixels if pixels]
    return LossPart(class_weights="balanced" if max(present) > _IMBALANCE * min(present) else "none")


def _window(seen: Summary) -> tuple[int, int] | None:
    """The training window: None (whole pictures) where all are of one small size, so that nothing is cut off."""
    (_, height, tallest), (_, width, widest) = seen.heights, seen.widths
    one_size = seen.heights[0] == tallest and seen.widths[0] == widest
    if one_size and max(tallest, widest) <= _WINDOW:
        return None
    return min(round(height), _WINDOW), min(round(width), _WINDOW)


def _arguments(side: int) -> dict[str, int]:
    """Only what departs from the network's own defaults, so that another architecture can take its place."""
    depth = _depth(side)
    return {} if depth == _DEEPEST else {"depth": depth}


def _depth(side: int) -> int:
    """As deep as the paper's four levels, but never so that the coarsest features have fewer than 8 cells a side."""
    depth = 1
    while depth < _DEEPEST and side // 2 ** (depth + 1) >= _COARSEST:
        depth += 1
    return depth
