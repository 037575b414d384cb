"""Networks that return masks with classes train, validate, predict and are saved like those that score pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from intarsia import architectures
from intarsia.errors import RecipeError
from intarsia.predict.model import load
from intarsia.train.prepare import prepare
from intarsia.train.recipe import Recipe
from intarsia.train.run import RunResult, run
from intarsia.weights import read_model

Make = Callable[..., Recipe]

TINY = {"encoder": "test_resnet", "queries": 6, "width": 32, "pixel_layers": 1, "decoder_layers": 1}
BY_MASKS = pytest.mark.parametrize("architecture", ["mask2former", "oneformer"])


def train(recipe: Recipe, folder: Path) -> RunResult:
    return run(recipe, prepare(recipe.data, recipe.seed), architectures.build, folder)


def recipe_of(make: Make, architecture: str, **changes: Any) -> Recipe:
    optimizer = {"learning_rate": 0.003, "warmup_steps": 2}
    return make(model={"architecture": architecture, "arguments": TINY}, optimizer=optimizer, **changes)


@BY_MASKS
def test_the_loss_falls_and_the_file_predicts_the_same(
    architecture: str, tiny_recipe: Make, tiny_data: Path, tmp_path: Path
) -> None:
    recipe = recipe_of(
        tiny_recipe, architecture, loss={"class_weights": "balanced", "dice_weight": 0.5}, precision="fp32"
    )
    result = train(recipe, tmp_path / "run")
    losses = [row["loss"] for row in result.history]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.9 * losses[0]

    picture = tiny_data / "images" / "03.png"
    kept = result.model.predict(picture, probabilities=True)
    model = load(tmp_path / "run" / "model.safetensors", device="cpu", precision="fp32")
    fresh = model.predict(picture, probabilities=True)
    assert fresh.size == (48, 48)
    assert fresh.probabilities is not None
    assert kept.probabilities is not None
    assert np.allclose(fresh.probabilities, kept.probabilities, atol=1e-5)
    assert np.allclose(fresh.probabilities.sum(axis=0), 1, atol=1e-5)
    assert np.array_equal(fresh.class_ids, fresh.probabilities.argmax(axis=0))
    assert model.predict(np.zeros((1, 7, 3), np.uint8)).size == (1, 7)


def test_two_runs_are_bit_identical(tiny_recipe: Make, tmp_path: Path) -> None:
    recipe = recipe_of(tiny_recipe, "mask2former", rounds=1, precision="bf16")
    for name in ("a", "b"):
        train(recipe, tmp_path / name)
    ours, theirs = (read_model(tmp_path / name / "model.safetensors")[0] for name in ("a", "b"))
    assert all(torch.equal(tensor, theirs[key]) for key, tensor in ours.items())


@pytest.mark.parametrize("name", ["ce", "focal"])
def test_a_loss_of_pixels_is_refused_before_anything_is_written(name: str, tiny_recipe: Make, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=rf"loss\.name: the loss {name} is one of pixels.*Choose ce_dice"):
        train(recipe_of(tiny_recipe, "mask2former", loss={"name": name}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
