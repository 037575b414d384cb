"""Logits equal those of transformers' OneFormer, with the weights of one tiny random network copied to the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import OneFormerConfig, OneFormerForUniversalSegmentation

from intarsia.architectures import mask2former
from intarsia.architectures.mask2former.convert import LAYOUTS as MASK2FORMER_LAYOUTS
from intarsia.architectures.oneformer import OneFormer, build
from intarsia.architectures.oneformer.convert import LAYOUTS
from intarsia.errors import ModelFileError
from intarsia.nn.layouts import from_layout, to_layout
from parity.mask_queries import TINY, TINY_THERE, all_layers, assert_equal, backbone, published

Pair = tuple[OneFormer, Any, dict[str, Tensor]]

# As OneFormerProcessor makes it of "the task is semantic": CLIP's tokens times their attention mask.
_TASK = torch.tensor([[49406, 518, 10549, 533, 29119, 1550, 49407] + 70 * [0]])


@pytest.fixture(params=["test_resnet", "swin_test"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    config = OneFormerConfig(backbone_config=backbone(request.param), conv_dim=32, mask_dim=32, **TINY_THERE)
    theirs: Any = OneFormerForUniversalSegmentation(config)
    given = published(theirs, tmp_path)
    ours = build(in_channels=3, encoder=request.param, **TINY)
    ours.load_state_dict(from_layout(given, ours.state_dict(), LAYOUTS["transformers"](ours)))
    return ours, theirs, given


@pytest.mark.parametrize("size", [(64, 96), (192, 160)], ids=str)
def test_every_layer_equal_in_evaluation(pair: Pair, size: tuple[int, int]) -> None:
    ours, theirs, _ = pair
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        output = theirs.eval()(pixel_values=image, task_inputs=_TASK.expand(2, -1))
    layers = [(each["class_queries_logits"], each["masks_queries_logits"]) for each in output.auxiliary_predictions]
    expected = [*layers, (output.class_queries_logits, output.masks_queries_logits)]
    assert_equal(all_layers(ours.eval(), image), expected)


def test_written_back_it_is_the_published_file(pair: Pair) -> None:
    ours, _, given = pair
    written = to_layout(ours.state_dict(), LAYOUTS["transformers"](ours))
    unused = {
        key for key in given if key.startswith(("criterion.", "model.pixel_level_module.encoder.swin.layernorm."))
    }
    assert given.keys() - written.keys() == unused
    assert all(torch.equal(tensor, given[key]) for key, tensor in written.items())


def test_the_text_encoder_of_its_training_is_left_out(pair: Pair) -> None:
    ours, _, given = pair
    given = {**given, "model.text_mapper.prompt_ctx.weight": torch.zeros(16, 256)}
    from_layout(given, ours.state_dict(), LAYOUTS["transformers"](ours))


def test_a_mask2former_is_refused(pair: Pair) -> None:
    ours, _, _ = pair
    other = mask2former.build(in_channels=3, encoder="test_resnet", **TINY)
    given = to_layout(other.state_dict(), MASK2FORMER_LAYOUTS["transformers"](other))
    with pytest.raises(ModelFileError, match=r"tensors are missing .* and .* tensors are not part of it"):
        from_layout(given, ours.state_dict(), LAYOUTS["transformers"](ours))
