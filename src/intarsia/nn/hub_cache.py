"""Pretrained weights that timm has fetched before, without asking the network again."""

from __future__ import annotations

from typing import Any

_FILE = "model.safetensors"  # what timm asks the hub for first


def from_hub_cache(name: str) -> dict[str, Any]:
    """Arguments that let ``timm.create_model`` take the pretrained weights of ``name`` from the hub's cache.

    Left to itself, the hub asks whether the file is still current, and waits for an answer where the network swallows
    the question. Weights that are there are used as they are, so that a run can be repeated.

    Args:
        name: of a timm model, with or without the tag of its weights.

    Returns:
        Nothing where the weights are not in the cache (``HF_HOME`` moves it), or are no file timm can be pointed to.
        Pickled ones are left to timm and the hub: of a file it is pointed to, timm may run what is in it.
    """
    from huggingface_hub import try_to_load_from_cache
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id or config.custom_load:
        return {}
    repository, _, revision = config.hf_hub_id.partition("@")
    file = config.hf_hub_filename or _FILE
    if not file.endswith(".safetensors"):
        return {}
    found = try_to_load_from_cache(repository, file, revision=revision or None)
    # Where it is no text, nothing is known, or that the hub has no such file.
    return {"pretrained_cfg_overlay": {"file": found}} if isinstance(found, str) else {}
