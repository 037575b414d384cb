"""Files that cannot become a model, and what is said of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from intarsia import architectures
from intarsia.errors import ModelFileError
from intarsia.predict.model import load
from intarsia.types import ImageSpec, LabelMap
from intarsia.weights import ModelCard, write_model

ARGUMENTS: dict[str, Any] = {"in_channels": 1, "num_classes": 2, "depth": 2, "base_width": 4}
CARD = ModelCard(
    architecture="unet",
    arguments=ARGUMENTS,
    label_map=LabelMap(names=("background", "cell"), ids=(0, 1)),
    image_spec=ImageSpec(channels=1, bit_depth=8, mean=(0.5,), std=(0.2,)),
    version="9.1",
)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return architectures.build("unet", **ARGUMENTS).state_dict()


def test_a_model_file_becomes_a_model(weights: dict[str, Tensor], tmp_path: Path) -> None:
    write_model(tmp_path / "model.safetensors", weights, CARD)
    model = load(tmp_path / "model.safetensors", device="cpu")
    assert model.card == CARD
    assert model.predict(np.zeros((20, 30), np.uint8)).class_ids.shape == (20, 30)


def _missing(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(list(weights.items())[1:])


def _unexpected(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**weights, "more": torch.zeros(1)}


def _misshapen(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    name, tensor = next(iter(weights.items()))
    return {**weights, name: torch.cat([tensor, tensor])}


@pytest.mark.parametrize("spoil", [_missing, _unexpected, _misshapen])
def test_weights_that_do_not_fit_their_card(
    spoil: Callable[[dict[str, Tensor]], dict[str, Tensor]], weights: dict[str, Tensor], tmp_path: Path
) -> None:
    write_model(tmp_path / "model.safetensors", spoil(weights), CARD)
    expected = (
        r"model\.safetensors: its weights do not fit its card\. Copy the file again, or install version 9\.1 of the "
        r"package, which wrote it\.$"
    )
    with pytest.raises(ModelFileError, match=expected):
        load(tmp_path / "model.safetensors", device="cpu")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"architecture": "unet4"}, r"argument `architecture`: found 'unet4'"),
        ({"arguments": {**ARGUMENTS, "dept": 3}}, r"argument `dept` of unet: there is none of this name"),
        ({"arguments": {**ARGUMENTS, "encoder": "resnet1"}, "version": ""}, r"argument `encoder`: timm has no model"),
    ],
)
def test_a_card_of_a_network_that_is_not_there(
    change: dict[str, Any], found: str, weights: dict[str, Tensor], tmp_path: Path
) -> None:
    write_model(tmp_path / "model.safetensors", weights, dataclasses.replace(CARD, **change))
    writer = "the version" if "version" in change else r"version 9\.1"
    expected = (
        rf"the network of its card cannot be built \({found}.*\)\. Copy the file again, or install {writer} of the"
    )
    with pytest.raises(ModelFileError, match=expected):
        load(tmp_path / "model.safetensors", device="cpu")
