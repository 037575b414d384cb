"""``intarsia inspect`` from end to end: with a truth and without, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import command_line
from command_line import Outcome
from corruptions import SCENE, jittered, scene, small_objects_deleted
from intarsia.data.formats.mask import write_mask
from intarsia.types import LabelMap


def call(*arguments: str | Path) -> Outcome:
    return command_line.call("inspect", *arguments)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder with truth/, predicted/ (small objects of one class missing, borders shaken) and classes.yaml."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth, label_map = scene(rng)
        made = small_objects_deleted(truth, label_map, np.random.default_rng(1))
        assert made is not None
        predicted = np.where(made.predicted == truth, jittered(truth, label_map, rng), made.predicted)
        write_mask(tmp_path / "truth" / f"{seed}.png", truth, label_map)
        write_mask(tmp_path / "predicted" / f"{seed}.png", predicted, label_map)
    names = ", ".join(SCENE.names)
    (tmp_path / "classes.yaml").write_text(f"classes: [{names}]\nignore: 255\n")
    return tmp_path


def test_with_a_truth_it_says_why(masks: Path) -> None:
    outcome = call(masks / "predicted", masks / "truth")
    assert outcome.code == 0, outcome.error
    assert "class       id" in outcome.out
    assert "why classes lose what they lose" in outcome.out
    assert "of the loss is" in outcome.out
    assert "see docs/how-to/" in outcome.out
    assert "under 200 px" in outcome.out
    assert outcome.error == ""


def test_json_holds_nothing_else(masks: Path) -> None:
    content = json.loads(call(masks / "predicted", masks / "truth", "--json").out)
    assert content["images"] == 3
    assert [entry["name"] for entry in content["diagnosis"]["classes"]] == list(SCENE.names)
    alone = json.loads(call(masks / "predicted", "--json").out)
    assert alone["diagnosis"] is None
    assert content["warnings"] == alone["warnings"] == []
    assert set(content["classes"][0]["size_quantiles"]) == {"10%", "50%", "90%"}
    assert "ratio" not in alone["classes"][0]


def test_without_a_truth_good_masks_are_passed_over_and_bad_ones_not(masks: Path) -> None:
    assert "only a truth can tell" in call(masks / "predicted").out
    for path in (masks / "predicted").iterdir():
        write_mask(path, np.zeros((192, 256), np.uint8), SCENE)
    outcome = call(masks / "predicted")
    assert outcome.code == 0
    assert "warning: never predicted: No mask holds rock, tree, boat, buoy." in outcome.out
    assert "warning: one class only: 3 of 3 masks hold a single class." in outcome.out


def test_two_files_and_inferred_classes(tmp_path: Path) -> None:
    Image.fromarray(np.kron(np.eye(8, dtype=np.uint8) * 255, np.ones((9, 9), np.uint8))).save(tmp_path / "a.png")
    outcome = call(tmp_path / "a.png", tmp_path / "a.png")
    assert outcome.code == 0, outcome.error
    assert "inferred from 1 masks the classes 0 background, 255 foreground" in outcome.error
    assert "no loss to explain: background, foreground" in outcome.out


def test_a_truth_that_was_not_drawn_is_warned_of_as_by_score(masks: Path) -> None:
    for path in (masks / "predicted").iterdir():
        write_mask(path, np.asarray(Image.open(path)), SCENE, model="a" * 16)
    told = "3 of the 3 true masks were predicted by the very model under test"
    content = json.loads(
        call(masks / "predicted", masks / "predicted", "--json", "--classes", masks / "classes.yaml").out
    )
    assert content["warnings"][0].startswith(told)
    assert content["warnings"][1].startswith("every prediction equals its truth")
    assert f"WARNING: {told}" in call(masks / "predicted", masks / "predicted").out.replace("\n", " ")


def test_a_class_list_may_be_named(masks: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("classes: [ground, stone, plant, ship, mark, whale]\n")
    outcome = call(masks / "predicted", "--classes", other)
    assert "No mask holds whale" in outcome.out


def test_a_grid_of_tiles(masks: Path) -> None:
    assert (
        "note: tile seams: No more pixels are wrong" in call(masks / "predicted", masks / "truth", "--tile", "64").out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{tmp}/nowhere"], "nowhere: does not exist. Name a mask file or a folder of masks."),
        (["{tmp}/predicted", "{tmp}/nowhere"], "nowhere: does not exist"),
        (["{tmp}/predicted/0.png", "{tmp}/truth"], "is a file, and its partner is a folder"),
        (["{tmp}/predicted", "{tmp}/few"], "1 prediction has no truth"),
        (["{tmp}/predicted", "--tile", "64"], "--tile: errors along seams can only be seen beside a truth"),
        (["{tmp}/predicted", "{tmp}/truth", "--tile", "300"], "tiles of 300 pixels have no seam"),
        (["{tmp}/empty"], "empty: holds no masks"),
        (["{tmp}/colors"], "colors/0.png: is a color picture (RGB)"),
        (["{tmp}/foreign"], "foreign/0.png: holds the id 9"),
        (["{tmp}/predicted", "{tmp}/small"], "the truth is 20×10 pixels and the prediction 256×192"),
        (["{tmp}/predicted", "--classes", "{tmp}/no.yaml"], "no.yaml: cannot be read"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], said: str, masks: Path) -> None:
    for name in ("few", "empty", "colors", "foreign", "small"):
        (masks / name).mkdir()
    for name in ("0", "1", "2"):
        Image.fromarray(np.zeros((10, 20), np.uint8)).save(masks / "small" / f"{name}.png")
        if name != "2":
            (masks / "few" / f"{name}.png").write_bytes((masks / "truth" / f"{name}.png").read_bytes())
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8)).save(masks / "colors/0.png")
    Image.fromarray(np.full((9, 9), 9, np.uint8)).save(masks / "foreign" / "0.png")
    outcome = call(*(a.format(tmp=masks) for a in arguments))
    assert outcome.code == 1
    assert outcome.error.count("\n") == 1, outcome.error
    assert said in outcome.error


@pytest.mark.needs_shared_data
def test_street_scenes(shared_data: Path, tmp_path: Path) -> None:
    label_map = LabelMap(tuple("ABCDEFGHIJK"), ignore=11)
    (tmp_path / "classes.yaml").write_text(f"classes: [{', '.join(label_map.names)}]\nignore: 11\n")
    for kind in ("truth", "predicted"):
        (tmp_path / kind).mkdir()
    for seed, file in enumerate(sorted((shared_data / "camvid/val/masks").iterdir())[:6]):
        truth = np.asarray(Image.open(file)).astype(np.uint8)
        rng = np.random.default_rng(seed)
        predicted = np.where(truth == 11, 3, jittered(truth, label_map, rng))
        predicted[predicted == 10] = 9  # every bicyclist is called a pedestrian
        Image.fromarray(truth).save(tmp_path / "truth" / file.name)
        Image.fromarray(predicted.astype(np.uint8)).save(tmp_path / "predicted" / file.name)
    content = json.loads(call(tmp_path / "predicted", tmp_path / "truth", "--json").out)
    bicyclist = content["diagnosis"]["classes"][10]
    assert "confusion, mostly with J" in bicyclist["sentence"]
    assert {finding["name"] for finding in content["findings"]} >= {"never predicted", "blurred borders"}
