"""Logits equal those of transformers' SegformerForSemanticSegmentation, through the files it writes and reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import SegformerConfig, SegformerForImageClassification, SegformerForSemanticSegmentation

from intarsia.architectures.segformer import SegFormer, build
from intarsia.architectures.segformer.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout

_WIDTH = 24


def _config(**arguments: Any) -> SegformerConfig:
    settings: dict[str, Any] = {"decoder_hidden_size": _WIDTH, "num_labels": 3, **arguments}
    return SegformerConfig(**settings)


def _network() -> SegFormer:
    return build(in_channels=3, num_classes=3, width=_WIDTH, drop_path=0.0)


def _randomise(network: nn.Module) -> None:
    """Give weights and running statistics values that differ everywhere, so that a swapped pair would show."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var") or ("norm" in name and name.endswith("weight")):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.1)
        elif tensor.is_floating_point():
            tensor.normal_(std=1.4 * tensor[0].numel() ** -0.5)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[SegFormer, nn.Module]:
    torch.manual_seed(0)
    theirs = SegformerForSemanticSegmentation(_config(drop_path_rate=0.0, classifier_dropout_prob=0.0))
    _randomise(theirs)
    theirs.save_pretrained(tmp_path)
    ours = _network()
    layout = LAYOUTS["transformers"](ours)
    ours.load_state_dict(from_layout(load_file(tmp_path / "model.safetensors"), ours.state_dict(), layout))
    _as_the_authors(theirs)
    assert isinstance(ours.decoder.dropout, nn.Dropout2d)
    ours.decoder.dropout.p = 0
    return ours, theirs


def _as_the_authors(network: nn.Module) -> None:
    """Set the ε of the layer normalisations that transformers leaves at PyTorch's, although its config has another."""
    for name, module in network.named_modules():
        if isinstance(module, nn.LayerNorm) and "embeddings" not in name and "attention" not in name:
            assert module.eps == 1e-5
            module.eps = 1e-6


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(pair: tuple[SegFormer, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), size)


def test_equal_in_training(pair: tuple[SegFormer, nn.Module]) -> None:
    ours, theirs = pair
    _assert_equal(ours.train(), theirs.train(), (64, 96))


def test_transformers_reads_the_file_written_from_ours(tmp_path: Path) -> None:
    torch.manual_seed(0)
    ours, config = _network().eval(), _config()
    _randomise(ours)
    config.save_pretrained(tmp_path)
    tensors = to_layout(ours.state_dict(), LAYOUTS["transformers"](ours))
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    read: Any = SegformerForSemanticSegmentation.from_pretrained
    theirs, found = read(tmp_path, local_files_only=True, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    _as_the_authors(theirs)
    _assert_equal(ours, theirs.eval(), (64, 64))


def test_the_encoder_starts_from_a_classifier(tmp_path: Path) -> None:
    torch.manual_seed(0)
    theirs: Any = SegformerForImageClassification(_config())
    theirs.eval()
    _randomise(theirs)
    theirs.save_pretrained(tmp_path)
    ours = _network().eval()
    ours.load_encoder_weights(load_file(tmp_path / "model.safetensors"))
    _as_the_authors(theirs)
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = theirs.segformer(image, output_hidden_states=True).hidden_states
        torch.testing.assert_close(ours.encoder(image), list(expected), rtol=1e-5, atol=1e-5)


def _assert_equal(ours: SegFormer, theirs: nn.Module, size: tuple[int, int]) -> None:
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = nn.functional.interpolate(theirs(image).logits, size, mode="bilinear", align_corners=False)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
