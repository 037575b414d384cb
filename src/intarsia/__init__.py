"""Intarsia: image segmentation from raw pictures to masks you can trust.

The names below are the public surface, loaded when first used so that ``import intarsia`` does not wait for PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from intarsia.data.formats.image import read_image
    from intarsia.data.formats.mask import read_mask, write_mask
    from intarsia.data.rasters.opening import open_labels, open_raster
    from intarsia.errors import IntarsiaError
    from intarsia.predict.model import Model, load
    from intarsia.predict.plan import TileOptions
    from intarsia.predict.predictor import Predictor
    from intarsia.predict.settings import Settings
    from intarsia.types import ImageSpec, LabelMap, SemanticMap

__version__ = "0.1.0"

__all__ = [
    "ImageSpec",
    "IntarsiaError",
    "LabelMap",
    "Model",
    "Predictor",
    "SemanticMap",
    "Settings",
    "TileOptions",
    "__version__",
    "load",
    "open_labels",
    "open_raster",
    "read_image",
    "read_mask",
    "write_mask",
]

_ROOMS = {
    "ImageSpec": "intarsia.types",
    "IntarsiaError": "intarsia.errors",
    "LabelMap": "intarsia.types",
    "Model": "intarsia.predict.model",
    "Predictor": "intarsia.predict.predictor",
    "SemanticMap": "intarsia.types",
    "Settings": "intarsia.predict.settings",
    "TileOptions": "intarsia.predict.plan",
    "load": "intarsia.predict.model",
    "open_labels": "intarsia.data.rasters.opening",
    "open_raster": "intarsia.data.rasters.opening",
    "read_image": "intarsia.data.formats.image",
    "read_mask": "intarsia.data.formats.mask",
    "write_mask": "intarsia.data.formats.mask",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'intarsia' has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return __all__
