"""What scores of objects and of panoptic maps share."""

from __future__ import annotations

import numpy as np

from intarsia.evaluate.estimate import Estimate
from intarsia.evaluate.segments import CountedPictures, of_each_class, perfect
from intarsia.metrics.panoptic import PanopticCounts


def scored(
    iou_sum: float, hits: int, spurious: int = 0, missed: int = 0, names: str = "ab"
) -> CountedPictures[PanopticCounts]:
    """Pictures of one class, alike."""
    matched = (np.full((len(names), 1), count) for count in (hits, spurious, missed))
    return CountedPictures(
        tuple(names), tuple(names), PanopticCounts(np.full((len(names), 1), float(iou_sum)), *matched)
    )


def test_copies_are_noticed() -> None:
    assert perfect(scored(2, 2))
    for different in (scored(1.9, 2), scored(2, 2, spurious=1), scored(2, 2, missed=1), scored(0, 0)):
        assert not perfect(different)
    assert not perfect(scored(2, 2, names="a"))


def test_figures_go_to_their_classes() -> None:
    pq, sq, other_pq, other_sq = (Estimate(value, 0.0, 1.0) for value in (0.1, 0.2, 0.3, 0.4))
    assert of_each_class(("pq", "sq"), [pq, other_pq, sq, other_sq]) == [
        {"pq": pq, "sq": sq},
        {"pq": other_pq, "sq": other_sq},
    ]
