"""Sizes, initial state, pretrained weights and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from intarsia import architectures
from intarsia.architectures.segformer import SegFormer, build
from intarsia.architectures.segformer.blocks import Block, EfficientAttention, map_to_tokens, tokens_to_map
from intarsia.architectures.segformer.convert import LAYOUTS, read_encoder_weights
from intarsia.architectures.segformer.decoder import AllMLPDecoder
from intarsia.errors import FetchError, ModelFileError, RecipeError
from intarsia.nn.layouts import to_layout

_DOWNLOAD = "huggingface_hub.hf_hub_download"


def _network(in_channels: int = 3, drop_path: float = 0.0) -> SegFormer:
    torch.manual_seed(0)
    return build(in_channels=in_channels, num_classes=2, width=16, drop_path=drop_path)


def _classifier(network: SegFormer) -> dict[str, Tensor]:
    """An image classifier with this network's encoder, as transformers publishes it."""
    written = to_layout(network.state_dict(), LAYOUTS["transformers"](network))
    encoder = {key: tensor for key, tensor in written.items() if key.startswith("segformer.")}
    return {**encoder, "classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}


def test_merging_before_enlarging_is_the_papers_decoder() -> None:
    torch.manual_seed(0)
    decoder = AllMLPDecoder((3, 5), width=7, projection_norm=False).eval()
    fine, coarse = torch.randn(2, 3, 4, 6), torch.randn(2, 5, 2, 3)
    (project_fine, project_coarse), (merge_fine, merge_coarse) = decoder.projections, decoder.merges
    assert isinstance(merge_fine, nn.Conv2d)
    assert isinstance(merge_coarse, nn.Conv2d)
    enlarged = nn.functional.interpolate(project_coarse(coarse), (4, 6), mode="bilinear")
    merged = nn.functional.conv2d(
        torch.cat([project_fine(fine), enlarged], dim=1), torch.cat([merge_fine.weight, merge_coarse.weight], dim=1)
    )
    torch.testing.assert_close(decoder([fine, coarse]), nn.functional.relu(decoder.norm(merged)))


def test_attention_without_reduction_is_multi_head_attention() -> None:
    torch.manual_seed(0)
    ours, theirs = EfficientAttention(8, heads=2, reduction=1), nn.MultiheadAttention(8, 2, batch_first=True)
    parts = (ours.query, ours.key, ours.value)
    theirs.load_state_dict(
        {
            "in_proj_weight": torch.cat([part.weight for part in parts]),
            "in_proj_bias": torch.cat([part.bias for part in parts]),
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
    )
    tokens = torch.randn(3, 6, 8)
    torch.testing.assert_close(ours(tokens, (2, 3)), theirs(tokens, tokens, tokens)[0])


def test_tokens_are_a_map_row_by_row_without_a_copy() -> None:
    tokens = torch.arange(24.0).reshape(1, 6, 4)
    features = tokens_to_map(tokens, (2, 3))
    assert features[0, :, 1, 0].tolist() == tokens[0, 3].tolist()
    assert features.is_contiguous(memory_format=torch.channels_last)
    assert features.data_ptr() == map_to_tokens(features).data_ptr() == tokens.data_ptr()
    torch.testing.assert_close(map_to_tokens(features), tokens)


def test_branches_are_left_out_ever_more_often_and_by_image() -> None:
    blocks = [module for module in _network(drop_path=0.5).encoder.modules() if isinstance(module, Block)]
    assert [block.drop_path for block in blocks] == pytest.approx([0.5 * index / 7 for index in range(8)])
    block, tokens = blocks[-1].train(), torch.randn(1, 1, 256).expand(64, 1, 256)
    torch.manual_seed(0)
    changes = block(tokens, (1, 1)) - tokens
    assert len(changes.flatten(1).unique(dim=0)) == 4  # neither branch, either, or both
    torch.testing.assert_close(block.eval()(tokens, (1, 1)), block(tokens, (1, 1)))


def test_layers_are_embeddings_and_blocks_from_the_image_on() -> None:
    network = _network()
    names = {parameter: name for name, parameter in network.encoder.named_parameters()}
    layers = [names[layer[0]].removesuffix(".weight") for layer in network.encoder_layers()]
    assert layers[:4] == [
        "stages.0.embedding.conv",
        "stages.0.blocks.0.norm1",
        "stages.0.blocks.1.norm1",
        "stages.1.embedding.conv",
    ]
    assert len(layers) == 12
    assert "stages.0.norm.bias" in {names[parameter] for parameter in network.encoder_layers()[2]}


def test_weights_for_rgb_see_gray_as_gray() -> None:
    rgb, gray = _network().eval(), _network(in_channels=1).eval()
    gray.load_encoder_weights(_classifier(rgb))
    image = torch.rand(1, 1, 32, 64)
    with torch.no_grad():
        torch.testing.assert_close(gray.encoder(image), rgb.encoder(image.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_half_precision_weights_become_single() -> None:
    network = _network()
    halved = {key: tensor.half() for key, tensor in _classifier(network).items()}
    read = read_encoder_weights(halved, network.encoder.state_dict(), in_channels=3)
    assert {tensor.dtype for tensor in read.values()} == {torch.float32}


def test_weights_of_another_size_are_refused_and_change_nothing() -> None:
    network = _network()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    other = build(in_channels=3, num_classes=2, size="b1")
    with pytest.raises(ModelFileError, match=r"transformers's layout: \d+ tensors are of another shape"):
        network.load_encoder_weights(_classifier(other))
    deeper = build(in_channels=3, num_classes=2, size="b2")
    with pytest.raises(ModelFileError, match=r"\d+ tensors are not part of it \(segformer.encoder.block.0.2"):
        network.load_encoder_weights(_classifier(deeper))
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_weights_of_another_architecture_are_refused() -> None:
    with pytest.raises(ModelFileError, match=r"of its 1 tensors none is called as in a mix transformer.*\(mit_b0 …\)"):
        _network().load_encoder_weights({"layer1.0.conv1.weight": torch.zeros(64, 64, 3, 3)})


def test_fetched_weights_are_the_authors_of_a_fixed_revision(tmp_path: Path) -> None:
    network = _network()
    written = to_layout(network.state_dict(), LAYOUTS["nvlabs"](network))
    encoder = {key.removeprefix("backbone."): t for key, t in written.items() if key.startswith("backbone.")}
    save_file(encoder, tmp_path / "model.safetensors")
    with mock.patch(_DOWNLOAD, return_value=str(tmp_path / "model.safetensors")) as download:
        pretrained = build(in_channels=4, num_classes=3, pretrained=True)
    assert download.call_args.args == ("smp-hub/mit_b0.imagenet", "model.safetensors")
    assert len(download.call_args.kwargs["revision"]) == 40
    key = "stages.2.blocks.1.attention.value.weight"
    assert torch.equal(pretrained.encoder.state_dict()[key], network.encoder.state_dict()[key])


def test_weights_that_cannot_be_fetched_are_one_line() -> None:
    with (
        mock.patch(_DOWNLOAD, side_effect=FileNotFoundError("no\nroute")),
        pytest.raises(
            FetchError, match=r"^argument `pretrained`: the weights 'smp-hub/mit_b5.imagenet' could not be fetched.*\.$"
        ),
    ):
        build(in_channels=3, num_classes=2, size="b5", pretrained=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": "b6"}, r"`size`: found 'b6'\. Possible are: b0, b1, b2, b3, b4, b5"),
        ({"width": 0}, r"`width`: found 0\. Give a whole number, 1 or larger"),
        ({"drop_path": 1.0}, r"`drop_path`: found 1\.0\. Give a number from 0 to below 1"),
        ({"num_classes": 0}, r"`num_classes`: found 0\."),
    ],
)
def test_impossible_arguments_are_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        architectures.build("segformer", **{"in_channels": 3, "num_classes": 2, **arguments})
