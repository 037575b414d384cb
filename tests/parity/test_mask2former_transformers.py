"""Logits equal those of transformers' Mask2Former, with the weights of one tiny random network copied to the other."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

from intarsia.architectures.mask2former import Mask2Former, build
from intarsia.architectures.mask2former.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout
from intarsia.ops.mask_queries import semantic_scores
from parity.mask_queries import TINY, TINY_THERE, all_layers, assert_equal, backbone, published

Pair = tuple[Mask2Former, Any, dict[str, Tensor]]


def _pair(encoder: str, folder: Path) -> Pair:
    config = Mask2FormerConfig(
        backbone_config=backbone(encoder),
        feature_size=32,
        mask_feature_size=32,
        output_auxiliary_logits=True,
        **TINY_THERE,
    )
    theirs: Any = Mask2FormerForUniversalSegmentation(config)
    given = published(theirs, folder)
    ours = build(in_channels=3, encoder=encoder, **TINY)
    ours.load_state_dict(from_layout(given, ours.state_dict(), LAYOUTS["transformers"](ours)))
    return ours, theirs, given


@pytest.fixture(params=["test_resnet", "swin_test"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    return _pair(request.param, tmp_path)


def _expected(theirs: Any, image: Tensor) -> list[tuple[Tensor, Tensor]]:
    with torch.no_grad():
        output = theirs(pixel_values=image)
    layers = [(each["class_queries_logits"], each["masks_queries_logits"]) for each in output.auxiliary_logits]
    return [*layers, (output.class_queries_logits, output.masks_queries_logits)]


@pytest.mark.parametrize("size", [(64, 96), (192, 160)], ids=str)
def test_every_layer_equal_in_evaluation(pair: Pair, size: tuple[int, int]) -> None:
    ours, theirs, _ = pair
    image = torch.randn(2, 3, *size)
    assert_equal(all_layers(ours.eval(), image), _expected(theirs.eval(), image))


def test_every_layer_equal_in_training(tmp_path: Path) -> None:
    ours, theirs, _ = _pair("test_resnet", tmp_path)  # Swin drops layers by chance
    image = torch.randn(2, 3, 64, 96)
    found = ours.train()(image)
    layers = [(each.class_logits, each.mask_logits) for each in (*found.auxiliary, found)]
    assert_equal(layers, _expected(theirs.train(), image))


def test_semantic_scores_equal_their_processors(tmp_path: Path) -> None:
    # It enlarges every mask to 384 × 384 first, whatever the image's size, so only there the two mean the same.
    ours, theirs, _ = _pair("test_resnet", tmp_path)
    image = torch.randn(1, 3, 384, 384)
    with torch.no_grad():
        scores, output = semantic_scores(ours.eval()(image)), theirs.eval()(pixel_values=image)
    expected: Any = Mask2FormerImageProcessor().post_process_semantic_segmentation(
        SimpleNamespace(**output), [(384, 384)], return_segmentation_scores=True
    )[0]
    torch.testing.assert_close(scores[0], expected.segmentation_scores, rtol=1e-5, atol=1e-5)
    assert (scores[0].argmax(dim=0) == expected.segmentation).float().mean() > 0.9999


def test_written_back_it_is_the_published_file(pair: Pair) -> None:
    ours, _, given = pair
    written = to_layout(ours.state_dict(), LAYOUTS["transformers"](ours))
    unused = {
        key for key in given if key.startswith(("criterion.", "model.pixel_level_module.encoder.swin.layernorm."))
    }
    assert given.keys() - written.keys() == unused
    assert all(torch.equal(tensor, given[key]) for key, tensor in written.items())


def test_windows_indices_of_older_files_are_left_out(tmp_path: Path) -> None:
    ours, _, given = _pair("swin_test", tmp_path)
    key = "model.pixel_level_module.encoder.encoder.layers.3.blocks.0.attention.self.relative_position_index"
    from_layout({**given, key: torch.zeros(16, 16)}, ours.state_dict(), LAYOUTS["transformers"](ours))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_predictor.bias": None}, r"1 tensors are missing \(class_predictor.bias\)"),
        ({"class_predictor.scale": torch.ones(1)}, r"1 tensors are not part of it \(class_predictor.scale\)"),
        ({"class_predictor.bias": torch.ones(9)}, r"1 tensors are of another shape \(class_predictor.bias\)"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: dict[str, Tensor | None], message: str) -> None:
    ours, _, given = _pair("swin_test", tmp_path)
    changed = {key: tensor for key, tensor in {**given, **change}.items() if tensor is not None}
    with pytest.raises(ModelFileError, match=message):
        from_layout(changed, ours.state_dict(), LAYOUTS["transformers"](ours))


def test_a_checkpoint_of_another_encoder_is_refused(tmp_path: Path) -> None:
    _, _, given = _pair("swin_test", tmp_path)
    ours = build(in_channels=3, encoder="test_resnet", **TINY)
    with pytest.raises(
        ModelFileError, match=r"in transformers's layout: .* tensors are missing .*_backbone.*Build the"
    ):
        from_layout(given, ours.state_dict(), LAYOUTS["transformers"](ours))
