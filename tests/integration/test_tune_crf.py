"""``intarsia tune-crf`` on a tiny model and data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from intarsia import architectures
from intarsia.apps.cli import tune_crf
from intarsia.errors import RecipeError
from intarsia.predict.crf import CrfParameters, read_parameters
from intarsia.train.prepare import prepare
from intarsia.train.recipe import parse_recipe
from intarsia.train.run import run

APP = typer.Typer()
APP.command()(tune_crf.run)


def call(*arguments: str | Path) -> str:
    """Standard output of a call that succeeds; errors come out as they are."""
    result = CliRunner().invoke(APP, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    recipe = parse_recipe(
        {
            "data": {"folder": str(tiny_data), "val": 0.25, "test": 0.25},
            "model": {"arguments": {"depth": 2, "base_width": 4}},
            "optimizer": {"learning_rate": 0.01, "warmup_steps": 2},
            "rounds": 1,
            "steps_per_round": 12,
            "batch_size": 4,
            "device": "cpu",
        }
    )
    folder = tmp_path_factory.mktemp("run")
    run(recipe, prepare(recipe.data, recipe.seed), architectures.build, folder)
    return folder


def test_it_says_what_it_tried_and_writes_what_it_found(trained: Path, tiny_data: Path, tmp_path: Path) -> None:
    out = tmp_path / "found" / "crf.yaml"
    arguments = (trained, tiny_data, "--out", out, "--rounds", "1", "--pictures", "3", "--device", "cpu")
    content = json.loads(call(*arguments, "--json"))
    assert content["split"] == "val"
    assert content["pictures"] == 3
    assert content["metric"] == "mean IoU of the pixels of all pictures together"
    assert content["before"] == content["trials"][0]["score"]
    assert content["trials"][0]["parameters"] is None
    assert content["defaults"] == content["trials"][1]["score"]
    assert content["after"] == max(trial["score"] for trial in content["trials"][1:])
    assert any("which is therefore too good" in warning for warning in content["warnings"])
    shown = call(*arguments)
    assert f"{content['before']:.4f}" in shown
    assert f"{content['after']:.4f}" in shown
    assert "WARNING: the parameters were chosen by the score on these very pictures" in shown
    if content["after"] > content["before"] + 1e-5:
        assert content["written"] == str(out)
        assert read_parameters(out) == CrfParameters(**content["parameters"])
        assert f"wrote {out}" in shown
    else:
        assert content["written"] is None
        assert not out.exists()
        assert "do without the CRF" in shown


def test_an_unknown_metric_is_refused_by_its_nearest(trained: Path, tiny_data: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no metric 'mean-iou'\. Did you mean 'mean_iou'\? Possible are: "):
        call(trained, tiny_data, "--metric", "mean-iou")


def test_items_are_taken_evenly() -> None:
    assert tune_crf._evenly(list(range(10)), 4) == [0, 2, 5, 7]  # type: ignore[arg-type, comparison-overlap]  # any items
    assert tune_crf._evenly([], 4) == []
