"""``intarsia compare`` from mask files to the verdict, and every mistake a person can make."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import command_line
from intarsia.data.formats.classes import read_classes
from intarsia.data.formats.mask import read_mask
from intarsia.evaluate.summary import summarize
from intarsia.metrics import ScoreTable, confusion_matrix
from intarsia.types import LabelMap


def call(*arguments: str | Path) -> str:
    """What is printed."""
    outcome = command_line.call("compare", *arguments)
    assert outcome.code == 0, outcome.error
    return outcome.out


def refused(words: str, *arguments: str | Path) -> None:
    """One line that matches ``words``, and no success."""
    outcome = command_line.call("compare", *arguments)
    assert outcome.code == 1
    assert re.search(words, outcome.error)
    assert outcome.error.count("\n") == 1


def score(folder: Path, labels: LabelMap, masks: dict[str, np.ndarray], seed: int, errors: float) -> Path:
    """Score masks of which some blocks of 8×8 pixels are called another class."""
    rng = np.random.default_rng(seed)
    confusion = []
    for truth in masks.values():
        wrong = np.kron(rng.random([-(-side // 8) for side in truth.shape]) < errors, np.ones((8, 8), bool))
        other = np.roll(truth, 24, axis=1)
        other[other == labels.ignore] = labels.ids[0]
        fit = np.where(truth == labels.ignore, labels.ids[0], truth)
        predicted = np.where(wrong[: truth.shape[0], : truth.shape[1]], other, fit).astype(truth.dtype)
        confusion.append(confusion_matrix(truth, predicted, labels))
    table = ScoreTable(labels, tuple(masks), tuple(masks), np.stack(confusion))
    content = {**summarize(table, resamples=10).to_dict(), "table": table.to_dict()}
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def scored(tmp_path: Path, tiny_data: Path) -> Path:
    labels = read_classes(tiny_data / "classes.yaml")
    masks = {path.stem: read_mask(path) for path in sorted((tiny_data / "masks").iterdir())}
    for seed in range(3):
        score(tmp_path / "a" / f"seed{seed}", labels, masks, seed, 0.3)
        score(tmp_path / "b" / f"seed{seed}", labels, masks, 10 + seed, 0.1)
    return tmp_path


def test_one_run_against_another(scored: Path) -> None:
    out = call(scored / "a" / "seed0", scored / "b" / "seed0" / "metrics.json").splitlines()
    assert out[0].startswith("B is better by ")
    assert out[1] == f"A: {scored / 'a' / 'seed0' / 'metrics.json'}"
    assert [line.split()[0] for line in out if line.endswith("better")] == [
        "background",
        "circle",
        "square",
        "mean",
        "mean",
    ]
    assert "intervals: 95% percentile bootstrap over 16 images, both models by the same 10,000 draws, seed 0" in out
    assert "note: each side is one run: how another training would have turned out is not in these intervals" in out


def test_methods_of_several_runs(scored: Path) -> None:
    out = call(scored / "a", scored / "b")
    assert out.startswith("B is better by ")
    assert "note: standard deviation between runs: " in out
    assert "Student's t" in out


def test_the_spread_of_one_method(scored: Path) -> None:
    out = call(scored / "a")
    assert out.startswith("mean IoU of 3 runs: ")
    content = json.loads(call(scored / "a", "--json"))
    assert content["verdict"] == out.splitlines()[0]
    assert len(content["overall"]["mean_iou_dataset"]["values"]) == 3


def test_json_holds_everything(scored: Path) -> None:
    content = json.loads(call(scored / "a" / "seed0", scored / "b" / "seed0", "--json"))
    assert content["verdict"].startswith("B is better by ")
    assert [entry["name"] for entry in content["classes"]] == ["background", "circle", "square"]
    assert content["classes"][1]["dice"]["shown"]
    assert content["notes"]


def test_a_model_against_itself(scored: Path) -> None:
    out = call(scored / "a" / "seed0", scored / "a" / "seed0").splitlines()
    assert out[0] == "A and B are equal: every count of every picture is the same"
    assert len(out) == 3


def test_mistakes_are_named(scored: Path, tiny_data: Path) -> None:
    one = scored / "a" / "seed0"
    refused("is a single evaluation, and there is none to compare it with", one)
    refused(r"masks: holds no metrics\.json", one, tiny_data / "masks")
    refused("is not a JSON file", one, tiny_data / "masks" / "00.png")
    content = json.loads((one / "metrics.json").read_text())
    content["table"]["names"][0] = "other"
    (scored / "other.json").write_text(json.dumps(content))
    refused(r"not the same pictures: 1 \(00\) only in the first, 1 \(other\) only in the", one, scored / "other.json")


@pytest.mark.needs_shared_data
def test_real_masks(shared_data: Path, tmp_path: Path) -> None:
    names = "Sky, Building, Pole, Road, Pavement, Tree, SignSymbol, Fence, Car, Pedestrian, Bicyclist"
    labels = LabelMap(tuple(names.split(", ")), ignore=11)
    files = sorted((shared_data / "camvid/val/masks").iterdir())[:30]
    masks = {path.stem: read_mask(path) for path in files}
    for name, seed, errors in (("a", 1, 0.1), ("same", 2, 0.1), ("worse", 3, 0.2)):
        score(tmp_path / name, labels, masks, seed, errors)
    assert call(tmp_path / "a", tmp_path / "same").startswith("no difference shown: ")
    assert call(tmp_path / "a", tmp_path / "worse").startswith("B is worse by ")
