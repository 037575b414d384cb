"""Pretrained encoders in whole runs: what is frozen stays, and settings that contradict each other are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from intarsia import architectures
from intarsia.errors import RecipeError
from intarsia.nn.network import SegmentationNetwork
from intarsia.train.prepare import prepare
from intarsia.train.recipe import Recipe
from intarsia.train.run import run
from intarsia.weights import read_model, read_state_dict

Make = Callable[..., Recipe]


@pytest.fixture
def model_part(tmp_path: Path) -> dict[str, Any]:
    torch.manual_seed(0)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "published.safetensors")
    weights = str(tmp_path / "published.safetensors")
    return {"arguments": {"encoder": "test_resnet"}, "encoder_weights": weights}


def encoder_after(recipe: Recipe, folder: Path) -> dict[str, torch.Tensor]:
    run(recipe, prepare(recipe.data, recipe.seed), architectures.build, folder)
    state, _ = read_model(folder / "model.safetensors")
    return {name: tensor for name, tensor in state.items() if name.startswith("encoder.")}


def test_a_frozen_encoder_leaves_a_run_as_it_entered(
    tiny_recipe: Make, model_part: dict[str, Any], tmp_path: Path
) -> None:
    optimizer = {"learning_rate": 0.01, "warmup_steps": 0, "freeze": "all"}
    found = encoder_after(tiny_recipe(model=model_part, optimizer=optimizer), tmp_path / "run")
    network = architectures.build("unet", in_channels=3, num_classes=3, **model_part["arguments"])
    network.load_encoder_weights(read_state_dict(model_part["encoder_weights"]))
    for name, tensor in network.state_dict().items():
        if name.startswith("encoder."):
            torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)


def test_layers_near_the_image_change_less(tiny_recipe: Make, model_part: dict[str, Any], tmp_path: Path) -> None:
    optimizer = {"learning_rate": 0.01, "warmup_steps": 0, "layer_decay": 0.1}
    after = encoder_after(tiny_recipe(model=model_part, optimizer=optimizer), tmp_path / "run")
    network = architectures.build("unet", in_channels=3, num_classes=3, **model_part["arguments"])
    network.load_encoder_weights(read_state_dict(model_part["encoder_weights"]))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    # AdamW's first steps are about the learning rate, whatever the gradient.
    layers = network.encoder_layers()
    moved = [max(float((after[names[id(p)]] - p.detach()).abs().max()) for p in layer) for layer in layers]
    assert moved == sorted(moved)
    assert moved[-1] > 5 * moved[-2] > 0


def test_the_card_keeps_the_licence_of_weights_that_timm_fetched(tiny_recipe: Make, tmp_path: Path) -> None:
    def build_without_fetching(architecture: str, *, pretrained: bool, **arguments: Any) -> SegmentationNetwork:
        assert pretrained
        return architectures.build(architecture, **arguments)

    recipe = tiny_recipe(model={"arguments": {"encoder": "test_resnet", "pretrained": True}}, rounds=1)
    result = run(recipe, prepare(recipe.data, recipe.seed), build_without_fetching, tmp_path / "run")
    assert result.model.card.weights_license == "apache-2.0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model": {"arguments": {"encoder": "test_resnet"}}, "augment": {"crop": [16, 16]}},
            r"window of 16×16 pixels is smaller than one cell .* 32×32.*augment\.crop|augment\.crop.*window of 16×16",
        ),
        (
            {"model": {"arguments": {"depth": 2, "num_classes": 7}}},
            r"model\.arguments\.num_classes: is decided by the data",
        ),
        ({"optimizer": {"freeze": 1}}, r"optimizer\.freeze: layers are to be frozen, but they start at random"),
    ],
)
def test_what_cannot_go_together_is_refused_before_anything_is_written(
    tiny_recipe: Make, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    recipe = tiny_recipe(**changes)
    with pytest.raises(RecipeError, match=message):
        run(recipe, prepare(recipe.data, recipe.seed), architectures.build, tmp_path / "run")
    assert not (tmp_path / "run").exists()
