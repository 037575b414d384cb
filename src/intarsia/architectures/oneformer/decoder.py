"""Pixel decoder and task-conditioned decoder of ``transformers``, on any pyramid of features, for semantic use."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.pixel_decoder import PixelDecoder, initialize_matrices

_TASK_LENGTH = 77

TASK_TOKENS = (49406, 518, 10549, 533, 29119, 1550, 49407)
"""What the network is told: "the task is semantic", as CLIP's byte-pair encoding numbers it.

Start of text, the, task, is, seman, tic, end of text; zeros follow up to a length of 77. A number is a token's place in
CLIP's vocabulary: 256 bytes, the same at the end of a word, the first 48,894 merges of ``bpe_simple_vocab_16e6.txt``
(https://github.com/openai/CLIP, ``clip/simple_tokenizer.py``; gzipped, its sha256 is
924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a), start and end.
"""


class OneFormerDecoder(nn.Module):
    """From features at :data:`~intarsia.nn.pixel_decoder.STRIDES` to masks with classes (Jain et al. 2023, §3).

    Args:
        encoder: whose last four features it takes.
        num_classes: K; one more says that a query shows nothing.
        queries: masks it gives, that of the task token counted: ≥ 2.
        width: channels inside, a multiple of 32.
        pixel_layers: of multi-scale deformable attention in the pixel decoder.
        decoder_layers: of masked attention.
    """

    task: Tensor

    def __init__(
        self,
        encoder: TimmEncoder,
        num_classes: int,
        *,
        queries: int,
        width: int,
        pixel_layers: int,
        decoder_layers: int,
    ) -> None:
        from transformers import OneFormerConfig
        from transformers.models.oneformer import modeling_oneformer as modeling

        super().__init__()
        config = OneFormerConfig(
            mask_dim=width,
            hidden_dim=width,
            dim_feedforward=8 * width,
            decoder_layers=decoder_layers + 1,  # there the prediction before the first layer counts as one
            num_queries=queries,
            task_seq_len=_TASK_LENGTH,
        )
        config.num_labels = num_classes
        self.pixel_decoder = PixelDecoder(encoder, width, pixel_layers, config.dropout)
        self.task_encoder = modeling.OneFormerTaskModel(config)
        self.transformer = modeling.OneFormerTransformerModule(width, config)
        decoder = self.transformer.decoder
        decoder.layers = nn.ModuleList(_MaskedAttentionLayer(layer) for layer in decoder.layers)
        for part in (decoder.layers, decoder.query_transformer, decoder.query_input_projection):
            initialize_matrices(part)
        task = torch.tensor([[*TASK_TOKENS, *[0] * (_TASK_LENGTH - len(TASK_TOKENS))]])
        self.register_buffer("task", task, persistent=False)

    def forward(self, features: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Class logits [B, Q, K + 1] and mask logits [B, Q, h, w] before the first layer and after each."""
        multi_scale, mask_features = self.pixel_decoder(features)
        decoded = self.transformer(multi_scale, mask_features, self._task_token(mask_features))
        earlier = [
            (each["class_queries_logits"], each["masks_queries_logits"]) for each in decoded.auxiliary_predictions
        ]
        return [*earlier, (decoded.prediction_class, decoded.prediction_masks)]

    def _task_token(self, features: Tensor) -> Float[Tensor, "batch hidden"]:
        # The numbers of tokens are the input as they are, and neither they nor what follows fits half precision.
        device = features.device.type
        with torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext():
            token: Tensor = self.task_encoder(self.task.to(next(self.task_encoder.parameters()).dtype))
        return token.expand(len(features), -1)


class _MaskedAttentionLayer(nn.Module):
    """A decoder layer of ``transformers``, with its parts.

    Computes the same, but that one looks up the queries whose mask is empty, which no exporter or compiler can follow.

    Args:
        layer: whose parts it takes over.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.cross_attn = layer.cross_attn
        self.self_attn = layer.self_attn
        self.ffn = layer.ffn

    def forward(
        self,
        index: int,
        output: Tensor,
        multi_stage_features: list[Tensor],
        multi_stage_positional_embeddings: list[Tensor],
        attention_mask: Tensor,
        query_embeddings: Tensor,
        output_attentions: bool | None = None,
    ) -> tuple[Tensor]:
        level = index % len(multi_stage_features)
        empty = attention_mask.all(dim=-1, keepdim=True)
        output, _ = self.cross_attn(
            output,
            multi_stage_features[level],
            memory_mask=attention_mask & ~empty,  # where a mask is empty, its query looks everywhere
            pos=multi_stage_positional_embeddings[level],
            query_pos=query_embeddings,
        )
        output, _ = self.self_attn(output, query_pos=query_embeddings)
        return (self.ffn(output),)
