from __future__ import annotations

from typing import Any

import torch

from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.pixel_decoder import STRIDES, PixelDecoder


def _decoder() -> Any:
    torch.manual_seed(0)
    return PixelDecoder(TimmEncoder("test_resnet", in_channels=3), width=64, layers=2, dropout=0.0)


def test_it_gives_three_coarse_maps_and_one_fine() -> None:
    channels = TimmEncoder("test_resnet", in_channels=3).out_channels[-4:]
    features = [
        torch.randn(2, count, 64 // stride, 96 // stride) for count, stride in zip(channels, STRIDES, strict=True)
    ]
    coarse, fine = _decoder()(features)
    assert [tuple(each.shape) for each in coarse] == [(2, 64, 2, 3), (2, 64, 4, 6), (2, 64, 8, 12)]
    assert fine.shape == (2, 64, 16, 24)


def test_heads_start_looking_each_in_its_own_direction() -> None:
    attention = _decoder().decoder.encoder.layers[0].self_attn
    directions = torch.tensor([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]])
    offsets = attention.sampling_offsets.bias.detach().reshape(8, 3, 4, 2)
    for point in range(4):
        expected = (point + 1.0) * directions[:, None].expand(8, 3, 2)
        torch.testing.assert_close(offsets[:, :, point], expected, rtol=0, atol=1e-5)
    assert not attention.sampling_offsets.weight.any()
    assert not attention.attention_weights.weight.any()


def test_every_weight_starts_finite_and_level_embeddings_apart() -> None:
    decoder = _decoder()
    assert all(parameter.isfinite().all() for parameter in decoder.parameters())
    assert 0.5 < decoder.decoder.level_embed.std() < 1.5
