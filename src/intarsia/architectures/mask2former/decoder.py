"""Pixel decoder and masked-attention decoder of ``transformers``, on any pyramid of features."""

from __future__ import annotations

from torch import Tensor, nn

from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.pixel_decoder import PixelDecoder, initialize_matrices


class Mask2FormerDecoder(nn.Module):
    """From features at :data:`~intarsia.nn.pixel_decoder.STRIDES` to masks with classes (Cheng et al. 2022, §3).

    Args:
        encoder: whose last four features it takes.
        num_classes: K; one more says that a query shows nothing.
        queries: masks it gives.
        width: channels inside, a multiple of 32.
        pixel_layers: of multi-scale deformable attention in the pixel decoder.
        decoder_layers: of masked attention.
    """

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
        from transformers import Mask2FormerConfig
        from transformers.models.mask2former import modeling_mask2former as modeling

        super().__init__()
        config = Mask2FormerConfig(
            mask_feature_size=width,
            hidden_dim=width,
            dim_feedforward=8 * width,
            decoder_layers=decoder_layers + 1,  # there the prediction before the first layer counts as one
            num_queries=queries,
        )
        self.pixel_decoder = PixelDecoder(encoder, width, pixel_layers, dropout=0.0)
        self.transformer = modeling.Mask2FormerTransformerModule(width, config)
        self.class_predictor = nn.Linear(width, num_classes + 1)
        initialize_matrices(self.transformer.decoder.layers)

    def forward(self, features: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Class logits [B, Q, K + 1] and mask logits [B, Q, h, w] before the first layer and after each."""
        multi_scale, mask_features = self.pixel_decoder(features)
        decoded = self.transformer(multi_scale, mask_features)
        states, masks = decoded.intermediate_hidden_states, decoded.masks_queries_logits
        return [(self.class_predictor(state.transpose(0, 1)), mask) for state, mask in zip(states, masks, strict=True)]
