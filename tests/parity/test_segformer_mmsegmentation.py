"""Logits equal those of mmsegmentation's SegFormer, written out here in the form and under the names it has there.

It packs query, key and value into PyTorch's own multi-head attention, has 1×1 convolutions for linear layers, a
normalisation after each projection of the decoder, and lines the projections up from fine to coarse. One thing is the
authors' here and not mmsegmentation's: the ε of the layer normalisations after embeddings and reductions, 1e-5 where it
takes 1e-6. The last test shows how little that is.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from intarsia.architectures.segformer import SegFormer, build
from intarsia.architectures.segformer.convert import LAYOUTS
from intarsia.nn.layouts import from_layout, to_layout

_WIDTH = 24
_CHANNELS = (32, 64, 160, 256)


def _to_map(tokens: Tensor, size: torch.Size) -> Tensor:
    return tokens.transpose(1, 2).reshape(len(tokens), -1, *size)


def _to_tokens(features: Tensor) -> Tensor:
    return features.flatten(2).transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, channels: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(channels, heads)
        self.ratio = ratio
        if ratio > 1:
            self.sr = nn.Conv2d(channels, channels, ratio, ratio)
            self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor, size: torch.Size) -> Tensor:
        source = tokens
        if self.ratio > 1:
            source = self.norm(_to_tokens(self.sr(_to_map(tokens, size))))
        queries, keys = tokens.transpose(0, 1), source.transpose(0, 1)  # tokens first
        attended: Tensor = self.attn(queries, keys, keys)[0]
        return attended.transpose(0, 1)


class _FFN(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = 4 * channels
        conv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        expand, contract = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)
        self.layers = nn.Sequential(expand, conv, nn.GELU(), nn.Dropout(0.0), contract)

    def forward(self, tokens: Tensor, size: torch.Size) -> Tensor:
        return _to_tokens(self.layers(_to_map(tokens, size)))


class _Block(nn.Module):
    def __init__(self, channels: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = _Attention(channels, heads, ratio)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.ffn = _FFN(channels)

    def forward(self, tokens: Tensor, size: torch.Size) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens), size)
        result: Tensor = tokens + self.ffn(self.norm2(tokens), size)
        return result


class _PatchEmbed(nn.Module):
    def __init__(self, before: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(before, channels, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(channels)


class _Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        settings = zip((3, *_CHANNELS), _CHANNELS, (7, 3, 3, 3), (4, 2, 2, 2), (1, 2, 5, 8), (8, 4, 2, 1), strict=False)
        for before, channels, kernel, stride, heads, ratio in settings:
            blocks = nn.ModuleList(_Block(channels, heads, ratio) for _ in range(2))
            norm = nn.LayerNorm(channels, eps=1e-6)
            self.layers.append(nn.ModuleList([_PatchEmbed(before, channels, kernel, stride), blocks, norm]))

    def forward(self, features: Tensor) -> list[Tensor]:
        found = []
        for stage in self.layers:
            assert isinstance(stage, nn.ModuleList)
            embedding, blocks, norm = stage
            assert isinstance(embedding, _PatchEmbed)
            assert isinstance(blocks, nn.ModuleList)
            features = embedding.projection(features)
            size, tokens = features.shape[2:], embedding.norm(_to_tokens(features))
            for block in blocks:
                tokens = block(tokens, size)
            features = _to_map(norm(tokens), size)
            found.append(features)
        return found


class _ConvModule(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 1, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(features)))


class _Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_seg = nn.Conv2d(_WIDTH, 3, 1)
        self.convs = nn.ModuleList(_ConvModule(channels, _WIDTH) for channels in _CHANNELS)
        self.fusion_conv = _ConvModule(4 * _WIDTH, _WIDTH)

    def forward(self, features: list[Tensor]) -> Tensor:
        size = features[0].shape[2:]
        maps = [conv(each) for conv, each in zip(self.convs, features, strict=True)]
        enlarged = [functional.interpolate(each, size, mode="bilinear", align_corners=False) for each in maps]
        logits: Tensor = self.conv_seg(self.fusion_conv(torch.cat(enlarged, dim=1)))
        return logits


class _Reference(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone()
        self.decode_head = _Head()
        for name, tensor in self.state_dict().items():
            if name.endswith("running_var") or (name.endswith("weight") and tensor.ndim == 1):
                tensor.uniform_(0.5, 1.5)
            elif tensor.is_floating_point():
                tensor.normal_(std=0.1 if tensor.ndim == 1 else 1.4 * tensor[0].numel() ** -0.5)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.decode_head(self.backbone(image))
        return functional.interpolate(logits, image.shape[2:], mode="bilinear", align_corners=False)


@pytest.fixture
def pair() -> tuple[SegFormer, nn.Module]:
    torch.manual_seed(0)
    theirs = _Reference()
    ours = build(in_channels=3, num_classes=3, width=_WIDTH, projection_norm=True, drop_path=0.0)
    layout = LAYOUTS["mmsegmentation"](ours)
    ours.load_state_dict(from_layout(theirs.state_dict(), ours.state_dict(), layout))
    assert isinstance(ours.decoder.dropout, nn.Dropout2d)
    ours.decoder.dropout.p = 0
    return ours, theirs


@pytest.mark.parametrize("size", [(64, 64), (32, 96)], ids=str)
def test_equal_in_evaluation(pair: tuple[SegFormer, nn.Module], size: tuple[int, int]) -> None:
    ours, theirs = pair
    _assert_equal(ours.eval(), theirs.eval(), size)


def test_equal_in_training(pair: tuple[SegFormer, nn.Module]) -> None:
    ours, theirs = pair
    _assert_equal(ours.train(), theirs.train(), (64, 96))


def test_written_back_the_checkpoint_is_the_same(pair: tuple[SegFormer, nn.Module]) -> None:
    ours, theirs = pair
    written = to_layout(ours.state_dict(), LAYOUTS["mmsegmentation"](ours))
    assert written.keys() == theirs.state_dict().keys()
    assert all(torch.equal(tensor, written[key]) for key, tensor in theirs.state_dict().items())


def test_the_encoder_alone_starts_from_a_whole_checkpoint(pair: tuple[SegFormer, nn.Module]) -> None:
    ours, theirs = pair
    other = build(in_channels=3, num_classes=8)
    other.load_encoder_weights(theirs.state_dict())
    assert all(torch.equal(t, ours.encoder.state_dict()[key]) for key, t in other.encoder.state_dict().items())


def test_its_other_epsilon_hardly_matters(pair: tuple[SegFormer, nn.Module]) -> None:
    ours, theirs = pair
    image = torch.randn(2, 3, 64, 64)
    for module in theirs.modules():
        if isinstance(module, nn.LayerNorm):
            module.eps = 1e-6
    with torch.no_grad():
        expected = theirs.eval()(image)
        assert (ours.eval()(image).logits - expected).abs().max() < 1e-4 * expected.abs().max()


def _assert_equal(ours: SegFormer, theirs: nn.Module, size: tuple[int, int]) -> None:
    image = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = theirs(image)
        assert expected.std() > 0.1
        torch.testing.assert_close(ours(image).logits, expected, rtol=1e-5, atol=1e-5)
