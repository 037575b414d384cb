from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from intarsia.errors import ModelFileError
from intarsia.types import ImageSpec, LabelMap
from intarsia.weights import ModelCard, read_model, write_model

CARD = ModelCard(
    architecture="unet",
    arguments={"in_channels": 1, "num_classes": 2, "depth": 2},
    label_map=LabelMap(names=("Hintergrund", "Lunge ✓"), ids=(0, 255), ignore=7),
    image_spec=ImageSpec(channels=1, bit_depth=16, mean=(0.3,), std=(0.2,), long_side=512),
    receptive_field=61,
    recipe={"rounds": 3, "data": {"folder": "x"}},
    metrics={"val_mean_iou": 0.91},
    version="0.1.0",
)


def test_weights_and_card_round_trip(tmp_path: Path) -> None:
    weights = {"a": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last), "n": torch.tensor(3)}
    write_model(tmp_path / "model.safetensors", weights, CARD)
    read, card = read_model(tmp_path / "model.safetensors")
    assert card == CARD
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in weights.items())


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such file"):
        read_model(tmp_path / "model.safetensors")


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, {"a": torch.zeros(100)}, CARD)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ModelFileError, match=r"cut short or not a safetensors file.*Copy it again"):
        read_model(path)


def test_other_peoples_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(ModelFileError, match="no readable Intarsia card"):
        read_model(path)
