"""Pieces of masks, on drawn ones and on real ones whose things are known one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.folder import Item
from intarsia.ops.components import connected_components
from intarsia.train.explain_data import MOST_MASKS, measure_mask, measure_pieces
from intarsia.types import LabelMap


def test_pieces_have_areas_classes_and_cores() -> None:
    mask = np.full((12, 40), -1, np.int16)
    mask[1:9, 1:9] = 1
    mask[1:9, 12:20] = mask[1:9, 24:32] = 0
    mask[4:6, 20:24] = 0  # a bridge a quarter as wide as the squares
    mask[11, 39] = 1
    areas, classes, cores = measure_mask(mask)
    assert areas.tolist() == [64, 136, 1]
    assert classes.tolist() == [1, 0, 1]
    assert cores.tolist() == [1, 2, 0]  # a single pixel is too shallow to tell


def test_a_void_mask_has_no_pieces() -> None:
    assert [values.size for values in measure_mask(np.full((5, 6), -1, np.int16))] == [0, 0, 0]


def test_masks_are_added_up_by_class(tmp_path: Path) -> None:
    items = []
    for i in range(3):
        mask = np.zeros((20, 20), np.uint8)
        mask[2:4, 2:4] = 7
        mask[10:14, 10 : 10 + i] = 7
        Image.fromarray(mask).save(tmp_path / f"{i}.png")
        items.append(Item(str(i), tmp_path / f"{i}.png", tmp_path / f"{i}.png", str(i)))
    (background, cell, never), masks = measure_pieces(items, LabelMap(("ground", "cell", "never"), ids=(0, 7, 9)))
    assert masks == 3
    assert (background.pictures, background.areas.size) == (3, 3)
    assert cell.areas.tolist() == [4, 4, 4, 4, 8]
    assert cell.small == pytest.approx(np.sqrt(4 * 4 / np.pi))
    assert (never.pictures, never.areas.size, never.small) == (0, 0, 0)


def test_of_many_masks_some_are_read(tmp_path: Path) -> None:
    Image.fromarray(np.ones((2, 2), np.uint8)).save(tmp_path / "a.png")
    items = [Item(str(i), tmp_path / "a.png", tmp_path / "a.png", str(i)) for i in range(3 * MOST_MASKS)]
    seen: list[tuple[int, int]] = []
    (_, cell), masks = measure_pieces(items, LabelMap(("a", "b")), lambda done, total: seen.append((done, total)))
    assert masks == cell.pictures == MOST_MASKS == len(seen)


@pytest.mark.needs_shared_data
def test_most_pieces_named_as_clumps_are_several_nuclei(shared_data: Path) -> None:
    named = right = several = 0
    for path in sorted((shared_data / "nuclei" / "instances").glob("*.png"))[::5]:
        nuclei = np.asarray(Image.open(path)).astype(np.int64)
        areas, classes, cores = measure_mask((nuclei > 0).astype(np.int16) - 1)
        pieces, count = connected_components((nuclei > 0).astype(np.uint8))
        pairs = np.unique(np.stack([pieces.ravel(), nuclei.ravel()]), axis=1)
        true = np.bincount(pairs[0][pairs[1] > 0], minlength=count + 1)[1:]
        named += int((cores > 1).sum())
        right += int(((cores > 1) & (true > 1)).sum())
        several += int((true > 1).sum())
        assert len(areas) == len(classes) == count
    assert right >= 0.9 * named
    assert right >= 0.4 * several
