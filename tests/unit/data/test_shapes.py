from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.data import shapes
from intarsia.data.doctor import examine
from intarsia.data.formats.folder import open_folder
from intarsia.data.shapes import SHAPES, draw_shapes, write_shapes


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40))
def test_any_size_the_same_every_time(seed: int, height: int, width: int) -> None:
    image, mask = draw_shapes(seed, height, width)
    assert image.shape == (height, width, 3)
    assert set(np.unique(mask)) <= set(SHAPES.ids)
    again, mask_again = draw_shapes(seed, height, width)
    assert np.array_equal(image, again)
    assert np.array_equal(mask, mask_again)


def test_color_does_not_give_the_class_away() -> None:
    pictures = [draw_shapes(seed) for seed in range(80)]
    means = [np.mean([image[mask == shape].mean(axis=0) for image, mask in pictures if (mask == shape).any()], axis=0)
             for shape in SHAPES.ids]  # fmt: skip
    assert np.ptp(means, axis=0).max() < 25
    shares = np.bincount(np.concatenate([mask.ravel() for _, mask in pictures]), minlength=3) / (80 * 128 * 128)
    assert shares[1:] == pytest.approx([0.12, 0.12], abs=0.04)


def test_the_set_is_a_healthy_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "_SPLITS", {"train": 5, "val": 2, "test": 3})
    seen: list[tuple[int, int]] = []
    write_shapes(tmp_path, lambda done, total: seen.append((done, total)))
    folder = open_folder(tmp_path)
    assert {name: len(items) for name, items in folder.splits.items()} == {"train": 5, "val": 2, "test": 3}
    assert folder.label_map == SHAPES
    assert examine(folder).findings == ()
    assert seen[-1] == (10, 10)
