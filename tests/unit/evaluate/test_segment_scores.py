"""What scores of objects and of panoptic maps share: words about intervals, and warnings about files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.provenance import made_by
from intarsia.evaluate.segments import CountedPictures, file_warnings, interval_in_words
from intarsia.metrics.panoptic import PanopticCounts


def test_intervals_are_told_in_words() -> None:
    assert interval_in_words(("a", "a"), 20, 0) == "none: a single group says nothing about the spread between groups"
    assert interval_in_words(("a",), 20, 0) == "none: a single image says nothing about the spread between images"
    assert "over 2 groups of images" in interval_in_words(("a", "b", "b"), 20, 0)
    assert "over 2 images, 20 resamples, seed 0" in interval_in_words(("a", "b"), 20, 0)


def scored(iou_sum: float, hits: int, spurious: int = 0, missed: int = 0) -> CountedPictures[PanopticCounts]:
    """Two pictures of one class, alike."""
    matched = (np.full((2, 1), count) for count in (hits, spurious, missed))
    return CountedPictures(("a", "b"), ("a", "b"), PanopticCounts(np.full((2, 1), float(iou_sum)), *matched))


def write(path: Path, maker: str) -> Path:
    Image.new("L", (3, 2)).save(path, pnginfo=made_by(maker))
    return path


@pytest.mark.parametrize(
    ("predicted", "truth", "warning"),
    [
        ("model-a", "model-a", "2 of the 2 true masks were predicted by the very model under test"),
        ("model-a", "model-b", "2 of the 2 true masks were predicted by a model and not changed since"),
        ("", "model-b", "2 of the 2 true masks were predicted by a model and not changed since"),
        ("model-a", "", None),
    ],
)
def test_truth_that_a_model_made_is_noticed(tmp_path: Path, predicted: str, truth: str, warning: str | None) -> None:
    pair = write(tmp_path / "p.png", predicted), write(tmp_path / "t.png", truth)
    warnings = file_warnings([pair, pair], scored(1.8, 2))
    assert [each.startswith(warning or "never") for each in warnings] == [True] * (warning is not None)


def test_copies_are_noticed(tmp_path: Path) -> None:
    pair = write(tmp_path / "p.png", ""), write(tmp_path / "t.png", "")
    (warning,) = file_warnings([pair, pair], scored(2, 2))
    assert warning == "everything predicted equals its truth pixel for pixel: are these copies of the same masks?"
    for different in (scored(1.9, 2), scored(2, 2, spurious=1), scored(2, 2, missed=1), scored(0, 0)):
        assert file_warnings([pair, pair], different) == []
    assert file_warnings([pair], scored(2, 2)) == []
