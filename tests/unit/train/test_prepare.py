from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import DataError
from intarsia.train.prepare import prepare
from intarsia.train.recipe import DataPart


def write(folder: Path, names: list[str]) -> None:
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.fromarray(random.integers(0, 256, (16, 16), dtype=np.uint8)).save(folder / "images" / f"{name}.png")
        Image.fromarray(random.integers(0, 2, (16, 16), dtype=np.uint8)).save(folder / "masks" / f"{name}.png")


def test_patients_never_straddle(tmp_path: Path) -> None:
    write(tmp_path, [f"p{p}-{film}" for p in range(9) for film in range(3)])
    data = prepare(DataPart(folder=str(tmp_path), group_by=r"p(\d+)-"), seed=0)
    patients = [{item.group for item in items} for items in data.splits.values()]
    assert sum(map(len, patients)) == len(set().union(*patients)) == 9


def test_the_folders_own_splits_are_checked_for_leaks(tmp_path: Path) -> None:
    write(tmp_path, ["p1-a", "p1-b", "p2-a"])
    (tmp_path / "splits").mkdir()
    for split, name in (("train", "p1-a"), ("val", "p1-b"), ("test", "p2-a")):
        (tmp_path / "splits" / f"{split}.txt").write_text(name)
    with pytest.raises(
        DataError, match=r"1 in train and val: 1 groups of .* more than one split.*Keep each group in one"
    ):
        prepare(DataPart(folder=str(tmp_path), group_by=r"p(\d+)-"), seed=0)


def test_validation_is_cut_from_training_where_it_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "train", [f"a{i}" for i in range(10)])
    write(tmp_path / "test", ["b"])
    data = prepare(DataPart(folder=str(tmp_path)), seed=0)
    assert {name: len(items) for name, items in data.splits.items()} == {"train": 8, "val": 2, "test": 1}
    assert any("no validation part" in note for note in data.notes)


def test_statistics_and_fingerprint_are_those_of_training_alone(tmp_path: Path) -> None:
    write(tmp_path / "train", ["a", "b"])
    write(tmp_path / "val", ["c"])
    before = prepare(DataPart(folder=str(tmp_path)), seed=0)
    Image.fromarray(np.full((16, 16), 255, dtype=np.uint8)).save(tmp_path / "val" / "images" / "c.png")
    after = prepare(DataPart(folder=str(tmp_path)), seed=0)
    assert (before.spec, before.fingerprint) == (after.spec, after.fingerprint)
    Image.fromarray(np.full((16, 16), 255, dtype=np.uint8)).save(tmp_path / "train" / "images" / "a.png")
    changed = prepare(DataPart(folder=str(tmp_path)), seed=0)
    assert changed.spec.mean != before.spec.mean
    assert changed.fingerprint != before.fingerprint
