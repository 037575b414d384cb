"""What would make a score worthless is said: truth that a model made, splits that were made differently."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from command_line import call
from intarsia.data.formats.mask import read_mask, write_mask
from intarsia.data.formats.provenance import maker_of
from intarsia.data.shapes import SHAPES

TINY = ["--set", "rounds=1", "--set", "steps_per_round=2", "--set", "batch_size=4", "--set", "device=cpu"]
SMALL = ["--set", "model.arguments={depth: 2, base_width: 4}"]


@pytest.fixture(scope="module")
def pseudo(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and a data set whose masks it predicted."""
    root = tmp_path_factory.mktemp("honesty")
    assert call("train", tiny_data, "--out", root / "run", *TINY, *SMALL).code == 0
    shutil.copytree(tiny_data / "images", root / "pseudo" / "images")
    shutil.copy(tiny_data / "classes.yaml", root / "pseudo")
    made = call("predict", root / "run", tiny_data / "images", "--out", root / "pseudo" / "masks")
    assert made.code == 0, made.error
    return root / "run", root / "pseudo"


def test_the_card_knows_the_weights_and_masks_carry_them(pseudo: tuple[Path, Path]) -> None:
    run, data = pseudo
    card = intarsia.load(run / "model.safetensors", device="cpu").card
    assert len(card.weights_fingerprint) == 64
    assert card.teachers == ()
    assert {maker_of(mask) for mask in (data / "masks").iterdir()} == {card.weights_fingerprint}


def test_truth_made_by_the_model_under_test_is_a_loud_warning(pseudo: tuple[Path, Path], tmp_path: Path) -> None:
    run, data = pseudo
    outcome = call("evaluate", run, data, "--split", "all", "--out", tmp_path)
    assert outcome.code == 0, outcome.error
    warning = "16 of the 16 true masks were predicted by the very model under test"
    assert f"WARNING: {warning}" in outcome.out
    assert outcome.out.index("WARNING") < outcome.out.index("IoU")
    assert warning in json.loads((tmp_path / "metrics.json").read_text())["warnings"][0]
    assert warning in (tmp_path / "report.html").read_text()


def test_masks_scored_against_themselves_are_noticed(pseudo: tuple[Path, Path]) -> None:
    masks = pseudo[1] / "masks"
    printed = call("score", masks, masks).out
    assert "predicted by the very model under test" in printed
    assert "every prediction equals its truth pixel for pixel" in printed


def test_the_doctor_knows_predicted_masks(pseudo: tuple[Path, Path]) -> None:
    (found,) = json.loads(call("doctor", pseudo[1], "--json").out)["mismatches"]
    assert found["finding"].startswith("16 of 16 masks were predicted by a model")


def test_a_student_knows_its_teacher(tiny_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "taught"
    shutil.copytree(tiny_data, data)
    for mask in (data / "masks").iterdir():
        write_mask(mask, read_mask(mask), SHAPES, model="the teacher's weights")
    assert call("train", data, "--out", tmp_path / "student", *TINY, *SMALL).code == 0
    assert intarsia.load(tmp_path / "student/model.safetensors", device="cpu").card.teachers == (
        "the teacher's weights",
    )
    outcome = call("evaluate", tmp_path / "student", data, "--split", "all", "--out", tmp_path / "e")
    assert "by a model whose masks the model under test was trained on" in outcome.out


def test_the_doctor_notices_splits_that_were_made_differently(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for split, brightness in (("train", 140), ("val", 60)):
        for name, pixels in (
            ("images", rng.normal(brightness, 20, (20, 20)).clip(0, 255)),
            ("masks", rng.integers(0, 2, (20, 20))),
        ):
            (tmp_path / split / name).mkdir(parents=True)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / split / name / "a.png")
    printed = call("doctor", tmp_path).out
    assert "warning: train and val: The two sets of pictures differ: mean brightness 0.2" in printed
    (found,) = json.loads(call("doctor", tmp_path, "--json").out)["mismatches"]
    assert found["name"] == "preprocessing mismatch"
