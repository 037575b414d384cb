"""The page on other programs' checkpoints: its code runs as it stands there, and its table is that of the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file
from transformers import SegformerConfig, SegformerForSemanticSegmentation

from intarsia.architectures import build
from intarsia.architectures.foreign import LAYOUTS, foreign_layout
from intarsia.errors import ModelFileError, RecipeError
from intarsia.nn.layouts import from_layout

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs/how-to/load-foreign-checkpoints.md").read_text(encoding="utf-8")
_DESCRIBE, _LOAD, _USE, _BACK, _UNPICKLE = re.findall(r"^```python\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
_ROWS = re.findall(r"^\| `(\w+)` \| `([\w-]+)` \| ((?:`[\w=-]+`(?:, )?)+) \|", _PAGE, re.MULTILINE)
_CLASSES = 19


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A network of theirs with random weights in the file the page names, beside a picture."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    settings: dict[str, Any] = {"num_labels": _CLASSES}
    network: Any = SegformerForSemanticSegmentation(SegformerConfig(**settings))
    network.eval()
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and tensor.ndim > 1:
            tensor.normal_(std=1.4 * tensor[0].numel() ** -0.5)
    network.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").rename("segformer-b0-cityscapes.safetensors")
    pixels = np.random.default_rng(0).integers(256, size=(8, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((96, 64), Image.Resampling.BICUBIC).save("street.jpg")
    return network


def _predicted(network: Any) -> np.ndarray:
    """What transformers predicts, prepared by its own numbers."""
    with Image.open("street.jpg") as picture:
        image = torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(values).reshape(1, 3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        logits = network((image - mean) / std).logits
        logits = torch.nn.functional.interpolate(logits, image.shape[-2:], mode="bilinear")
    return np.asarray(logits.argmax(1)[0])


def test_the_page_s_code_makes_a_model_that_predicts_as_theirs(theirs: Any) -> None:
    names: dict[str, Any] = {}
    for code in (_DESCRIBE, _LOAD, _USE.replace('"model.safetensors"', '"model.safetensors", precision="fp32"')):
        exec(code, names)
    assert names["model"].card.label_map.names[0] == "road"
    expected = _predicted(theirs)
    assert len(np.unique(expected)) > 3
    assert (names["result"].class_ids == expected).mean() > 0.999


def test_the_page_s_way_back_gives_a_file_that_theirs_loads_strictly(theirs: Any) -> None:
    names: dict[str, Any] = {}
    for code in (_DESCRIBE, _LOAD, _BACK):
        exec(code, names)
    expected = load_file("segformer-b0-cityscapes.safetensors")
    written = load_file("theirs.safetensors")
    assert written.keys() == expected.keys()
    assert all(torch.equal(written[key], tensor) for key, tensor in expected.items())


def test_the_page_s_way_out_of_a_pickle_keeps_every_tensor(theirs: Any) -> None:
    torch.save({"state_dict": theirs.state_dict(), "settings": _Settings()}, "theirs.pth")
    exec(_UNPICKLE, {})
    assert load_file("theirs.safetensors").keys() == theirs.state_dict().keys()


class _Settings:
    """Something a training program would leave in its file."""


def test_the_table_has_every_layout_there_is() -> None:
    listed = [(architecture, program) for architecture, program, _ in _ROWS]
    assert len(listed) == len(set(listed))
    assert set(listed) == {(name, program) for name, programs in LAYOUTS.items() for program in programs}


def test_every_conversion_is_registered() -> None:
    folders = {path.parent.name for path in (_ROOT / "src/intarsia/architectures").glob("*/convert.py")}
    assert set(LAYOUTS) == folders
    assert list(LAYOUTS) == sorted(LAYOUTS)


@pytest.mark.parametrize(("architecture", "program", "settings"), _ROWS)
def test_what_the_table_says_to_build_with_is_accepted(architecture: str, program: str, settings: str) -> None:
    pairs = (setting.split("=") for setting in re.findall(r"`([^`]+)`", settings))
    arguments = {name: yaml.safe_load(value) for name, value in pairs}
    with torch.device("meta"):
        network = build(architecture, in_channels=3, num_classes=_CLASSES, **arguments)
    layout = foreign_layout(architecture, program, network)
    assert layout.table


def test_slips_are_answered_as_the_page_says() -> None:
    network = build("unet", in_channels=3, num_classes=2, encoder="test_resnet", base_width=4)
    for architecture, program in (("unet", "smpp"), ("ddrnet", "smp")):
        with pytest.raises(RecipeError) as caught:
            foreign_layout(architecture, program, network)
        assert f"`{caught.value.found}" in _PAGE
    with pytest.raises(RecipeError, match=r"architecture.*found 'unett'. Did you mean 'unet'"):
        foreign_layout("unett", "smp", network)
    layout = foreign_layout("unet", "smp-universal", network)
    with pytest.raises(ModelFileError, match=r"it does not fit this network in .*'s layout: .* tensors are missing"):
        from_layout({}, network.state_dict(), layout)
