"""Pretrained weights that timm has fetched before, without asking the network again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_FILES = ("model.safetensors", "pytorch_model.bin")  # what timm asks the hub for, in its order


def from_hub_cache(name: str) -> dict[str, Any]:
    """Arguments that let ``timm.create_model`` take the pretrained weights of ``name`` from the hub's cache.

    Left to itself, the hub asks whether the file is still current, and waits for an answer where the network swallows
    the question. Weights that are there are used as they are, so that a run can be repeated.

    Args:
        name: of a timm model, with or without the tag of its weights.

    Returns:
        Nothing where the weights are not in the cache (``HF_HOME`` moves it), or are no file timm can be pointed to.
    """
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id or config.custom_load:
        return {}
    repository, _, revision = config.hf_hub_id.partition("@")
    path = _cached(repository, revision or None, config.hf_hub_filename)
    return {"pretrained_cfg_overlay": {"file": str(path)}} if path else {}


def _cached(repository: str, revision: str | None, file: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for name in (file,) if file else _FILES:
        found = try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(found, str):  # otherwise nothing is known, or that the hub has no such file
            return Path(found)
    return None
