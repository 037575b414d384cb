"""The multi-scale deformable pixel decoder that Mask2Former and OneFormer share, taken from ``transformers``."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.swin import is_swin

STRIDES = (4, 8, 16, 32)
"""Of the features it takes. Those it returns are at the last three, coarse to fine; what masks are made of, at 4."""

_GROUPS = 32


class PixelDecoder(nn.Module):
    """Makes an encoder's features fit for masks: coarse ones look at each other, fine ones are added.

    Cheng et al. 2022 (arXiv:2112.01527, §3.2.2 and 4.1), with the deformable attention of Zhu et al. 2020
    (arXiv:2010.04159). A transformer's features are layer-normalised first, as they come from it raw.

    Args:
        encoder: whose last four features it takes.
        width: channels of the features it returns, see :func:`check_width`.
        layers: of deformable attention among strides 8, 16 and 32.
        dropout: of these layers, in training.
    """

    def __init__(self, encoder: TimmEncoder, width: int, layers: int, dropout: float) -> None:
        from transformers import Mask2FormerConfig
        from transformers.models.mask2former import modeling_mask2former as modeling

        super().__init__()
        config = Mask2FormerConfig(
            feature_size=width,
            mask_feature_size=width,
            encoder_feedforward_dim=4 * width,
            encoder_layers=layers,
            dropout=dropout,
        )
        channels = encoder.out_channels[-len(STRIDES) :]
        normalized = is_swin(encoder.name)
        self.norms = nn.ModuleList(nn.LayerNorm(count) if normalized else nn.Identity() for count in channels)
        self.decoder = modeling.Mask2FormerPixelDecoder(config, channels)
        _initialize(self.decoder)

    def forward(self, features: list[Tensor]) -> tuple[list[Tensor], Float[Tensor, "batch hidden rows columns"]]:
        """Features at strides 32, 16 and 8, and those at 4 that a mask's own vector is multiplied with."""
        pairs = zip(self.norms, features, strict=True)
        decoded = self.decoder([norm(map.movedim(1, -1)).movedim(-1, 1).contiguous() for norm, map in pairs])
        return list(decoded.multi_scale_features), decoded.mask_features


def initialize_matrices(module: nn.Module) -> None:
    """Draw all its weight matrices after Glorot & Bengio (2010), uniformly; vectors stay."""
    for parameter in module.parameters():
        if parameter.ndim > 1:
            nn.init.xavier_uniform_(parameter)


def check_width(width: int) -> None:
    """Refuse a number of channels that is no multiple of 32, the groups of its normalisations.

    Raises:
        RecipeError: naming a possible width.
    """
    check_count("width", width)
    if width % _GROUPS:
        nearest = max(_GROUPS, round(width / _GROUPS) * _GROUPS)
        raise RecipeError(
            f"found {width}",
            where="argument `width`",
            remedy=f"Give a multiple of {_GROUPS}, for example {nearest}",
        )


@torch.no_grad()
def _initialize(decoder: Any) -> None:
    """Start as Cheng et al. do, which their code tells and the paper does not."""
    for module in decoder.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, a=1)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for projection in decoder.input_projections:
        nn.init.xavier_uniform_(projection[0].weight)
    nn.init.normal_(decoder.level_embed)
    initialize_matrices(decoder.encoder)
    for layer in decoder.encoder.layers:
        _look_around(layer.self_attn)


def _look_around(attention: Any) -> None:
    """Each head starts by sampling evenly in its own direction, its k-th point k cells away (Zhu et al. 2020)."""
    for linear in (attention.sampling_offsets, attention.attention_weights):
        nn.init.zeros_(linear.weight)
    for linear in (attention.attention_weights, attention.value_proj, attention.output_proj):
        nn.init.zeros_(linear.bias)
    attention.sampling_offsets.bias.copy_(_directions(attention.n_heads, attention.n_levels, attention.n_points))


def _directions(heads: int, levels: int, points: int) -> Float[Tensor, "offsets"]:
    angles = 2 * math.pi / heads * torch.arange(heads)
    on_circle = torch.stack([angles.cos(), angles.sin()], dim=-1)
    on_square = on_circle / on_circle.abs().amax(dim=-1, keepdim=True)
    offsets = on_square[:, None, None] * torch.arange(1, points + 1)[:, None]
    return offsets.expand(heads, levels, points, 2).flatten()
