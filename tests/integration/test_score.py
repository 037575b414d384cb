"""`intarsia score` and `intarsia evaluate`: conventions, sizes, groups, what is shown, and truth that is not true."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import surface_distance
from PIL import Image

from command_line import call
from intarsia.evaluate.summary import summarize
from intarsia.evaluate.write import ranked
from intarsia.metrics import VOID_CONVENTIONS, ScoreTable
from intarsia.types import LabelMap

VOID = 255


def figures(*arguments: str | Path) -> Any:
    outcome = call(*arguments, "--json")
    assert outcome.code == 0, outcome.error
    return json.loads(outcome.out)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Truth and prediction of two scenes with three pictures each, void in both, and their pictures."""
    rng = np.random.default_rng(0)
    for folder in ("truth", "predicted", "images"):
        (tmp_path / folder).mkdir()
    for name in ("north-1", "north-2", "north-3", "south-1", "south-2", "south-3"):
        truth = np.repeat(np.repeat(rng.integers(0, 3, (6, 8)), 8, axis=0), 8, axis=1).astype(np.uint8)
        predicted = np.where(rng.random(truth.shape) < 0.8, truth, 0).astype(np.uint8)
        truth[:6], predicted[:, :4] = VOID, VOID
        Image.fromarray(truth).save(tmp_path / "truth" / f"{name}.png")
        Image.fromarray(predicted).save(tmp_path / "predicted" / f"{name}.png")
        Image.fromarray(rng.integers(0, 255, (*truth.shape, 3), dtype=np.uint8)).save(
            tmp_path / "images" / f"{name}.png"
        )
    (tmp_path / "classes.yaml").write_text(f"classes: [ground, tree, house]\nignore: {VOID}\n")
    return tmp_path


def test_one_prediction_has_a_score_for_each_convention_and_each_is_named(masks: Path) -> None:
    scores = {}
    for void in VOID_CONVENTIONS:
        found = figures("score", masks / "predicted", masks / "truth", "--void", void)
        scores[void] = found["overall"]["mean_iou_dataset"]["value"]
        assert found["conventions"]["void"].startswith(f"{void}: ")
        printed = call("score", masks / "predicted", masks / "truth", "--void", void).out
        assert f"void: {void}: " in printed
        assert found["diagnosis"]["convention"].startswith("void: exclude: ")
        assert ("the reasons below are under void: exclude" in printed) == (void != "exclude")
    assert len(set(scores.values())) == 3
    assert scores["count"] < scores["exclude"] < scores["exclude-both"]


def test_intervals_are_drawn_by_group(masks: Path) -> None:
    alone = figures("score", masks / "predicted", masks / "truth")
    grouped = figures("score", masks / "predicted", masks / "truth", "--group-by", "([a-z]+)-")
    assert (alone["groups"], grouped["groups"]) == (6, 2)
    assert alone["overall"]["mean_iou_dataset"]["value"] == grouped["overall"]["mean_iou_dataset"]["value"]
    assert "over 2 groups of images" in grouped["conventions"]["interval"]


def test_everything_is_written_and_shown(masks: Path) -> None:
    out = masks / "scores"
    outcome = call("score", masks / "predicted", masks / "truth", "--images", masks / "images", "--out", out)
    assert outcome.code == 0, outcome.error
    assert {path.name for path in out.iterdir()} == {"metrics.json", "report.html", "contact-sheet.png"}
    assert "why: tree: " in outcome.out
    content = json.loads((out / "metrics.json").read_text())
    assert {"boundary", "diagnosis", "warnings", "overall", "classes", "table"} <= content.keys()
    assert "calibration" not in content  # mask files hold no probabilities
    for entry in content["diagnosis"]["classes"]:
        assert sum(part["share"] for part in entry["parts"]) == pytest.approx(1)
    page = (out / "report.html").read_text()
    for heading in ("Diagnosis", "Boundaries", "Pictures"):
        assert heading in page


@pytest.mark.filterwarnings("ignore:Please import .* from the `scipy.ndimage` namespace:DeprecationWarning")
def test_surfaces_are_measured_where_the_size_of_a_pixel_is_given(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "Inf", np.inf, raising=False)  # which surface-distance still uses
    arguments = ["--spacing", "0.5,0.8", "--surface-tolerance", "1.1", "--out", str(masks / "scores")]
    outcome = call("score", masks / "predicted", masks / "truth", *arguments)
    assert outcome.code == 0, outcome.error
    assert "NSD ≤ 1.1" in outcome.out
    assert "one missing" in outcome.out
    content = json.loads((masks / "scores" / "metrics.json").read_text())
    found, truth, predicted = content["surface"], masks / "truth", masks / "predicted"
    for k, entry in enumerate(found["classes"]):
        within, size, hausdorff = 0.0, 0.0, []
        for path in sorted(truth.iterdir()):
            true, mine = (np.asarray(Image.open(folder / path.name)) for folder in (truth, predicted))
            far = surface_distance.compute_surface_distances(true == k, (mine == k) & (true != VOID), (0.5, 0.8))
            for side in ("gt", "pred"):
                sizes, other = far[f"surfel_areas_{side}"], "pred" if side == "gt" else "gt"
                within += sizes[far[f"distances_{side}_to_{other}"] <= 1.1].sum()
                size += sizes.sum()
            hausdorff.append(surface_distance.compute_robust_hausdorff(far, 95))
        assert entry["surface_dice"][0]["value"] == pytest.approx(within / size)
        assert entry["hausdorff_95_per_image"]["value"] == pytest.approx(np.mean(hausdorff))
        assert (entry["images_finite"], entry["images_infinite"]) == (6, 0)
    assert np.shape(content["table"]["hausdorff"]) == (6, 3, 2)
    assert "Surfaces" in (masks / "scores" / "report.html").read_text()


def test_boundaries_are_matched_within_the_tolerances_that_are_named(masks: Path) -> None:
    usual = figures("score", masks / "predicted", masks / "truth")["boundary"]
    found = figures("score", masks / "predicted", masks / "truth", "--tolerance", "0.5%", "--tolerance", "2")[
        "boundary"
    ]
    assert found["tolerances"] == ["2 px", "0.5% of the diagonal"]
    assert found["classes"][1]["boundary_f1"][0] == usual["classes"][1]["boundary_f1"][1]
    printed = call("score", masks / "predicted", masks / "truth", "--tolerance", "2px").out
    assert re.search(r"mean Boundary F1: 0\.\d+ \(0\.\d+–0\.\d+\) within 2 px\n", printed)


def test_another_size_is_refused_with_both_sizes_unless_resizing_is_asked_for(masks: Path) -> None:
    with Image.open(masks / "predicted" / "south-2.png") as image:
        image.resize((32, 24), Image.Resampling.NEAREST).save(masks / "predicted" / "south-2.png")
    refused = call("score", masks / "predicted", masks / "truth")
    assert refused.code == 1
    assert "the truth is 64×48 pixels and the prediction 32×24" in refused.error
    assert "--resize nearest" in refused.error
    resized = call("score", masks / "predicted", masks / "truth", "--resize", "nearest")
    assert resized.code == 0
    assert "WARNING: predictions of another size than their truth were resized by nearest neighbor" in resized.out


def test_files_without_a_partner_are_listed(masks: Path) -> None:
    (masks / "predicted" / "north-1.png").unlink()
    shutil.copy(masks / "predicted" / "north-2.png", masks / "predicted" / "extra.png")
    outcome = call("score", masks / "predicted", masks / "truth")
    assert outcome.code == 1
    assert "north-1.png" in outcome.error
    assert "extra.png" in outcome.error
    assert "1 true mask has no prediction and 1 prediction has no truth of the same name" in outcome.error


def test_ids_outside_the_class_list_are_named(masks: Path) -> None:
    Image.fromarray(np.full((48, 64), 9, np.uint8)).save(masks / "predicted" / "north-1.png")
    outcome = call("score", masks / "predicted", masks / "truth")
    assert outcome.code == 1
    assert "north-1.png: the prediction holds the id 9, but the classes are 0 ground, 1 tree, 2 house" in outcome.error


def test_empty_truth_and_empty_prediction_have_defined_values(masks: Path) -> None:
    for path in masks.glob("*/north-*.png"):
        path.unlink()
    for path in masks.glob("*/south-[23].png"):
        path.unlink()
    blank, trees = np.zeros((48, 64), np.uint8), np.ones((48, 64), np.uint8)

    def score(truth: np.ndarray, predicted: np.ndarray) -> Any:
        Image.fromarray(truth).save(masks / "truth" / "south-1.png")
        Image.fromarray(predicted).save(masks / "predicted" / "south-1.png")
        ground, tree, house = figures("score", masks / "predicted", masks / "truth")["classes"]
        assert house["iou"]["value"] is None
        return ground["iou"]["value"], tree["iou"]["value"]

    assert score(blank, blank) == (1, None)
    assert score(blank, trees) == (0, 0)
    assert score(np.full((48, 64), VOID, np.uint8), trees) == (None, None)
    assert score(blank, np.full((48, 64), VOID, np.uint8)) == (0, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--void", "ignore"],
            "the void convention 'ignore' does not exist. Choose one of exclude, exclude-both, count",
        ),
        (["--resize", "bilinear"], "there is no way to resize called 'bilinear'. Write never or nearest"),
        (["--group-by", "("], "is not a regular expression"),
        (["--group-by", "patient([0-9]+)"], "finds no group in these names"),
        (["--images", "nowhere", "--out", "scores"], "nowhere: is not a folder"),
        (["--images", "images"], "Add `--out FOLDER` to have one"),
        (["--out", "classes.yaml"], "it would lie inside a file. Name another folder than classes.yaml"),
        (["--task", "boxes"], "there is no task called 'boxes'. Write semantic, instance or panoptic"),
        (["--task", "panoptic", "--void", "count"], "--void: does not apply to the task panoptic"),
        (["--spacing", "0.5,0"], "spacing: (0.5, 0.0) is not the size of a pixel. Give its height and width"),
        (["--spacing", "-1"], "spacing: (-1.0, -1.0) is not the size of a pixel"),
        (["--spacing", "1,1,1"], "spacing: '1,1,1' is not the size of a pixel"),
        (["--spacing", "half a mm"], "spacing: 'half a mm' is not the size of a pixel"),
        (["--surface-tolerance", "2"], "Give the height and the width of a pixel too (`--spacing 0.5,0.5`)"),
        (
            ["--spacing", "1", "--surface-tolerance", "two"],
            "surface tolerance: 'two' is no distance. Give a number ≥ 0",
        ),
        (["--tolerance", "2 cm"], "tolerance: '2 cm' is no distance. Give a number ≥ 0 of pixels"),
        (["--task", "instance", "--spacing", "1"], "--spacing: does not apply to the task instance"),
        (["--ignore", "3"], "--ignore: does not apply to the task semantic"),
    ],
)
def test_mistakes_are_one_line(masks: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str) -> None:
    monkeypatch.chdir(masks)
    outcome = call("score", "predicted", "truth", *arguments)
    assert outcome.code == 1
    assert words in outcome.error
    assert outcome.error.count("\n") == 1
    assert "defect" not in outcome.error
    assert not (masks / "scores").exists()


def test_coco_files_need_their_task(masks: Path) -> None:
    (masks / "results.json").write_text("[]")
    outcome = call("score", masks / "results.json", masks / "truth")
    assert "results.json: is no mask. COCO files are scored with `--task instance`" in outcome.error


def test_the_worst_pictures_of_a_class_are_those_that_cost_most() -> None:
    confusion = np.zeros((3, 4, 4), np.int64)
    confusion[:, 0, 0] = 100
    confusion[:, 1, 0] = [5, 50, 1]  # never found
    missed = ScoreTable(
        LabelMap(("a", "b", "c"), ignore=VOID), ("few", "many", "one"), ("few", "many", "one"), confusion
    )
    assert ranked(summarize(missed, resamples=10), missed).by_class[1] == ["many", "few"]
