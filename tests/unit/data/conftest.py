"""Tiny data folders for the tests of the data room."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakePair = Callable[..., tuple[Path, Path]]


@pytest.fixture
def make_pair() -> MakePair:
    """Write ``images/NAME.png`` (gray, 6 × 8, values from the name) and ``masks/NAME.png`` (ids 0 and 1)."""

    def make(
        folder: Path, name: str, image: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> tuple[Path, Path]:
        if image is None:
            random = np.random.default_rng(list(f"{folder.name}{name}".encode()))
            image = random.integers(0, 256, (6, 8), dtype=np.uint8)
        if mask is None:
            mask = np.zeros((6, 8), dtype=np.uint8)
            mask[2:4] = 1
        paths = folder / "images" / f"{name}.png", folder / "masks" / f"{name}.png"
        for path, array in zip(paths, (image, mask), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(path)
        return paths

    return make
