"""What other programs call the parts of a SegFormer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """One program's names.

    In all of them ``{stage}`` and ``{block}`` count from 0, ``{number}`` is the stage counted from 1 and ``{coarse}``
    from the coarsest.

    Args:
        prefix: of the encoder in a whole network.
        alone: of the encoder in an image classifier.
        encoder: from a part's name here to the beginning of its weight's and bias's there. Parts that share a name
            are packed into one tensor, in our order.
        projection: the decoder's projection of one stage.
        merge: the weight of the convolution that merges the maps.
        norm: its batch normalisation.
        head: the last convolution.
        convolved: the parts of the encoder that are linear layers here and 1×1 convolutions there.
        projection_norm: the batch normalisation after a projection, where it has one.
        fine_first: whether the maps are lined up from fine to coarse before they are merged.
        align_corners: how its logits are enlarged, see :class:`~intarsia.nn.encoder_decoder.EncoderDecoder`.
        ignored: see :class:`~intarsia.nn.layouts.Layout`.
    """

    prefix: str
    alone: str
    encoder: Mapping[str, str]
    projection: str
    merge: str
    norm: str
    head: str
    convolved: frozenset[str] = frozenset()
    projection_norm: str | None = None
    fine_first: bool = False
    align_corners: bool = False
    ignored: tuple[str, ...] = ()


_AUTHORS = {
    "embedding.conv": "patch_embed{number}.proj.",
    "embedding.norm": "patch_embed{number}.norm.",
    "norm": "norm{number}.",
    "norm1": "block{number}.{block}.norm1.",
    "attention.query": "block{number}.{block}.attn.q.",
    "attention.key": "block{number}.{block}.attn.kv.",
    "attention.value": "block{number}.{block}.attn.kv.",
    "attention.output": "block{number}.{block}.attn.proj.",
    "attention.reduce": "block{number}.{block}.attn.sr.",
    "attention.norm": "block{number}.{block}.attn.norm.",
    "norm2": "block{number}.{block}.norm2.",
    "ffn.expand": "block{number}.{block}.mlp.fc1.",
    "ffn.conv": "block{number}.{block}.mlp.dwconv.dwconv.",
    "ffn.contract": "block{number}.{block}.mlp.fc2.",
}
_TRANSFORMERS = {
    "embedding.conv": "encoder.patch_embeddings.{stage}.proj.",
    "embedding.norm": "encoder.patch_embeddings.{stage}.layer_norm.",
    "norm": "encoder.layer_norm.{stage}.",
    "norm1": "encoder.block.{stage}.{block}.layer_norm_1.",
    "attention.query": "encoder.block.{stage}.{block}.attention.self.query.",
    "attention.key": "encoder.block.{stage}.{block}.attention.self.key.",
    "attention.value": "encoder.block.{stage}.{block}.attention.self.value.",
    "attention.output": "encoder.block.{stage}.{block}.attention.output.dense.",
    "attention.reduce": "encoder.block.{stage}.{block}.attention.self.sr.",
    "attention.norm": "encoder.block.{stage}.{block}.attention.self.layer_norm.",
    "norm2": "encoder.block.{stage}.{block}.layer_norm_2.",
    "ffn.expand": "encoder.block.{stage}.{block}.mlp.dense1.",
    "ffn.conv": "encoder.block.{stage}.{block}.mlp.dwconv.dwconv.",
    "ffn.contract": "encoder.block.{stage}.{block}.mlp.dense2.",
}
_MMSEGMENTATION = {
    "embedding.conv": "layers.{stage}.0.projection.",
    "embedding.norm": "layers.{stage}.0.norm.",
    "norm": "layers.{stage}.2.",
    "norm1": "layers.{stage}.1.{block}.norm1.",
    "attention.query": "layers.{stage}.1.{block}.attn.attn.in_proj_",
    "attention.key": "layers.{stage}.1.{block}.attn.attn.in_proj_",
    "attention.value": "layers.{stage}.1.{block}.attn.attn.in_proj_",
    "attention.output": "layers.{stage}.1.{block}.attn.attn.out_proj.",
    "attention.reduce": "layers.{stage}.1.{block}.attn.sr.",
    "attention.norm": "layers.{stage}.1.{block}.attn.norm.",
    "norm2": "layers.{stage}.1.{block}.norm2.",
    "ffn.expand": "layers.{stage}.1.{block}.ffn.layers.0.",
    "ffn.conv": "layers.{stage}.1.{block}.ffn.layers.1.",
    "ffn.contract": "layers.{stage}.1.{block}.ffn.layers.4.",
}
PROGRAMS: Mapping[str, Program] = {
    "transformers": Program(
        prefix="segformer.",
        alone="segformer.",
        encoder=_TRANSFORMERS,
        projection="decode_head.linear_c.{stage}.proj",
        merge="decode_head.linear_fuse.weight",
        norm="decode_head.batch_norm",
        head="decode_head.classifier",
    ),
    "nvlabs": Program(
        prefix="backbone.",
        alone="",
        encoder=_AUTHORS,
        projection="decode_head.linear_c{number}.proj",
        merge="decode_head.linear_fuse.conv.weight",
        norm="decode_head.linear_fuse.bn",
        head="decode_head.linear_pred",
        ignored=("decode_head.conv_seg.",),  # of the class it inherits from, never used
    ),
    "smp": Program(
        prefix="encoder.",
        alone="",
        encoder=_AUTHORS,
        projection="decoder.mlp_stage.{coarse}.linear",
        merge="decoder.fuse_stage.0.weight",
        norm="decoder.fuse_stage.1",
        head="segmentation_head.0",
        align_corners=True,
    ),
    "mmsegmentation": Program(
        prefix="backbone.",
        alone="",
        encoder=_MMSEGMENTATION,
        projection="decode_head.convs.{stage}.conv",
        merge="decode_head.fusion_conv.conv.weight",
        norm="decode_head.fusion_conv.bn",
        head="decode_head.conv_seg",
        convolved=frozenset({"ffn.expand", "ffn.contract"}),
        projection_norm="decode_head.convs.{stage}.bn",
        fine_first=True,
    ),
}
"""By the name of the program. "transformers" means its files, for the names inside the running program have changed
between its releases; "nvlabs" is the authors' release, "smp" segmentation_models_pytorch."""
