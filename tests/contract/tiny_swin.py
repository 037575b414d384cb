"""The smallest Swin with everything a Swin has: shifted windows, and merging of patches."""

from __future__ import annotations

from typing import Any

from timm.models import build_model_with_cfg, register_model
from timm.models.swin_transformer import SwinTransformer

SIZES: dict[str, Any] = {"window_size": 4, "embed_dim": 8, "depths": (2, 2, 1, 2), "num_heads": (1, 2, 2, 4)}


@register_model
def swin_test(pretrained: bool = False, **arguments: Any) -> Any:
    """Importing this module lets timm build it by its name, as any other model."""
    features = {"flatten_sequential": True, "out_indices": (0, 1, 2, 3)}
    return build_model_with_cfg(
        SwinTransformer, "swin_test", pretrained, feature_cfg=features, **{**SIZES, **arguments}
    )
