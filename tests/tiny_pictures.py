"""Pictures of colored squares, and what the program makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from command_line import call

CUT = ["--tiles", "exact", "--tile", "96", "--block", "100", "--device", "cpu"]
"""Options that cut even a small picture."""


def picture(height: int, width: int) -> np.ndarray:
    """Squares of eight pixels, uint8 [H, W, 3]."""
    coarse = np.random.default_rng(0).integers(0, 256, (-(-height // 8), -(-width // 8), 3), np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]


def write_tiff(path: Path, values: np.ndarray) -> Path:
    """A tiled TIFF."""
    tifffile.imwrite(path, values, tile=(64, 64), compression="zlib", photometric="rgb")
    return path


def whole_mask(model: Path, values: np.ndarray, folder: Path) -> np.ndarray:
    """The mask of a picture shown to the network whole."""
    Image.fromarray(values).save(folder / "whole.png")
    outcome = call("predict", model, folder / "whole.png", "--out", folder / "whole", "--overwrite", "--device", "cpu")
    assert outcome.code == 0, outcome.error
    return np.asarray(Image.open(folder / "whole" / "whole.png"))
