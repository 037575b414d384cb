from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import DataError, ShapeError
from intarsia.evaluate.runner import pair_masks, score_files
from intarsia.types import LabelMap

LABELS = LabelMap(names=("a", "b"), ignore=9)


def save(path: Path, rows: list[list[int]]) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.array(rows, dtype=np.uint8)).save(path)


def test_counts_by_hand(tmp_path: Path) -> None:
    save(tmp_path / "t/x.png", [[0, 0, 1, 9]])
    save(tmp_path / "p/x.tif", [[0, 1, 1, 1]])
    table = score_files(pair_masks(tmp_path / "p", tmp_path / "t"), LABELS)
    assert table.names == ("x",)
    assert table.dataset.tolist() == [[1, 1, 0], [0, 1, 0], [0, 1, 0]]


def test_two_files_need_not_share_a_name(tmp_path: Path) -> None:
    save(tmp_path / "truth.png", [[0, 1]])
    save(tmp_path / "mine.png", [[0, 1]])
    assert len(pair_masks(tmp_path / "mine.png", tmp_path / "truth.png")) == 1


def test_unmatched_files_are_listed_from_both_sides(tmp_path: Path) -> None:
    save(tmp_path / "t/x.png", [[0]])
    save(tmp_path / "p/y.png", [[0]])
    with pytest.raises(DataError, match=r"x\.png.*y\.png: 1 true mask has no prediction and 1 prediction has no truth"):
        pair_masks(tmp_path / "p", tmp_path / "t")


def test_sizes_are_both_named(tmp_path: Path) -> None:
    save(tmp_path / "t/x.png", [[0, 1]])
    save(tmp_path / "p/x.png", [[0]])
    with pytest.raises(ShapeError, match=r"p/x\.png, .*t/x\.png: the truth is 2×1 pixels and the prediction 1×1"):
        score_files(pair_masks(tmp_path / "p", tmp_path / "t"), LABELS)


def test_folder_against_file(tmp_path: Path) -> None:
    save(tmp_path / "t/x.png", [[0]])
    with pytest.raises(DataError, match="Name two files or two folders"):
        pair_masks(tmp_path / "t" / "x.png", tmp_path / "t")
