"""How ``transformers`` names the parts its mask-query networks share, for every ``convert.py`` that reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from intarsia.nn.layouts import Layout, Packed, renamed
from intarsia.nn.mask_query_network import MaskQueryNetwork
from intarsia.nn.swin import is_swin

_ENCODER = "model.pixel_level_module.encoder."
_SHARED = {
    "decoder.pixel_decoder.decoder.": "model.pixel_level_module.decoder.",
    "decoder.transformer.": "model.transformer_module.",
}
_SWIN_BLOCK = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "attn.relative_position_bias_table": "attention.self.relative_position_bias_table",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
# What belongs to training there, and a normalisation after Swin that newer versions write and none uses.
_IGNORED = ("criterion.", "model.text_mapper.", f"{_ENCODER}swin.layernorm.")


def mask_query_layout(network: MaskQueryNetwork, modules: Mapping[str, str]) -> Layout:
    """The names in the files that are published for ``transformers``, which its ``save_pretrained`` writes.

    In memory the library calls some layers otherwise, and not the same in every version.

    Args:
        network: ours.
        modules: from the beginning of our keys ("decoder.task_encoder.") to that of theirs, for the parts that other
            networks do not have.
    """
    keys = list(network.state_dict())
    table: dict[str, str | Packed] = {}
    for key in keys:
        part, _, rest = key.partition(".features.")
        if part == "encoder":
            table.update(dict(_encoder_entries(key, rest, swin=is_swin(network.encoder.name))))
        elif key.startswith("decoder.pixel_decoder.norms."):
            level, kind = key.split(".")[-2:]
            table[f"{_ENCODER}hidden_states_norms.stage{int(level) + 1}.{kind}"] = key
    table |= renamed(keys, {**_SHARED, **modules})
    # Older files hold what follows from the size of Swin's windows.
    indices = [key.replace("bias_table", "index") for key in table if key.endswith(".relative_position_bias_table")]
    return Layout("transformers", table, ignored=(*_IGNORED, *indices))


def _encoder_entries(key: str, name: str, swin: bool) -> Iterator[tuple[str, str | Packed]]:
    """Their keys for one of ours, ``name`` as timm's feature network calls it."""
    if not swin:
        yield f"{_ENCODER}_backbone.{name}", key
        return
    module, _, rest = name.partition(".")
    if module == "patch_embed":
        yield f"{_ENCODER}embeddings.{rest.replace('proj', 'patch_embeddings.projection')}", key
        return
    stage = int(module.removeprefix("layers_"))
    part, _, rest = rest.partition(".")
    if part == "downsample":  # there at the end of a stage, here at the start of the next
        yield f"{_ENCODER}encoder.layers.{stage - 1}.downsample.{rest}", key
        return
    block, _, rest = rest.partition(".")
    beginning = f"{_ENCODER}encoder.layers.{stage}.blocks.{block}."
    if rest.startswith("attn.qkv."):
        for index, projection in enumerate(("query", "key", "value")):
            theirs = f"{beginning}attention.self.{projection}.{rest.removeprefix('attn.qkv.')}"
            yield theirs, Packed((key,), part=(index, 3))
        return
    ours = next(layer for layer in _SWIN_BLOCK if rest.startswith(layer))
    yield beginning + _SWIN_BLOCK[ours] + rest.removeprefix(ours), key
