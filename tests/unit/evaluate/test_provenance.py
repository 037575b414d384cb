"""Warnings about truth that a model made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.mask import read_mask, write_mask
from intarsia.data.formats.provenance import made_by, maker_of
from intarsia.evaluate.provenance import all_right, pair_warnings, truth_warnings
from intarsia.types import LabelMap

LABELS = LabelMap(("background", "cell"), ids=(0, 300))
MASK = np.array([[0, 300], [300, 0]], np.uint16)


@pytest.fixture
def masks(tmp_path: Path) -> dict[str, Path]:
    makers = {"a": "model-a", "b": "model-b", "person": ""}
    paths = {name: tmp_path / f"{name}.png" for name in makers}
    for name, maker in makers.items():
        write_mask(paths[name], MASK, LABELS, model=maker)
    return paths


def test_a_predicted_mask_names_its_model_and_reads_as_ever(masks: dict[str, Path]) -> None:
    assert {name: maker_of(path) for name, path in masks.items()} == {"a": "model-a", "b": "model-b", "person": None}
    for path in masks.values():
        np.testing.assert_array_equal(read_mask(path), MASK)


def test_a_mask_of_any_size_names_its_model(masks: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert maker_of(masks["a"]) == "model-a"


def test_who_edits_a_mask_becomes_its_maker(masks: dict[str, Path]) -> None:
    with Image.open(masks["a"]) as image:
        Image.fromarray(np.asarray(image)).save(masks["a"])
    assert maker_of(masks["a"]) is None


def test_what_is_no_picture_names_nobody(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    assert maker_of(tmp_path / "x.png") is None
    assert maker_of(tmp_path / "missing.png") is None


def test_truth_by_people_needs_no_warning(masks: dict[str, Path]) -> None:
    assert truth_warnings([masks["person"]], model="model-a", teachers=["model-b"]) == []


def test_the_model_under_test_its_teachers_and_others_are_told_apart(masks: dict[str, Path]) -> None:
    truth = list(masks.values())
    (own, other) = truth_warnings(truth, model="model-a")
    assert own.startswith("1 of the 3 true masks were predicted by the very model under test")
    assert other.startswith("1 of the 3 true masks were predicted by a model and not changed since")
    (taught, _) = truth_warnings(truth, model="model-c", teachers=["model-b"])
    assert "by a model whose masks the model under test was trained on" in taught


def test_pairs_know_the_model_from_the_predictions(masks: dict[str, Path], tmp_path: Path) -> None:
    prediction = tmp_path / "prediction.png"
    write_mask(prediction, MASK, LABELS, model="model-a")
    right, wrong = np.diag([2, 2, 0]), np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]])

    (own,) = pair_warnings([(prediction, masks["a"])], identical=False)
    assert "the very model under test" in own
    assert pair_warnings([(prediction, masks["person"])] * 2, identical=False) == []
    (copies,) = pair_warnings([(prediction, masks["person"])] * 2, identical=True)
    assert "are these copies of the same masks?" in copies
    assert all_right(right)
    assert not all_right(right + wrong)
    assert not all_right(np.zeros((3, 3), np.int64))


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
    warnings = pair_warnings([pair, pair], identical=False)
    assert [each.startswith(warning or "never") for each in warnings] == [True] * (warning is not None)
