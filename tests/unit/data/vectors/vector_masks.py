"""Random label rasters for the tests of polygons."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from intarsia.types import LabelMap

LABELS = LabelMap(("background", "lung", "heart"), ids=(0, 5, 9), ignore=255)
VOID = 255


def masks(ids: tuple[int, ...] = (0, 5, 9, 255), dtype: type[np.generic] = np.uint8) -> st.SearchStrategy[np.ndarray]:
    """Masks of the given ids, up to 24 × 24, with regions of all sizes that touch at edges and corners."""
    small = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5).flatmap(
        lambda size: arrays(dtype, size, elements=st.sampled_from(ids), fill=st.nothing())
    )

    def noise(height: int, width: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        shares = random.dirichlet([0.7] * len(ids))
        return random.choice(np.array(ids, dtype), (height, width), p=shares)

    return small | st.builds(noise, st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**32))


def blobs(size: tuple[int, int] = (96, 128), seed: int = 0) -> np.ndarray:
    """A mask of round regions of all classes that border on each other."""
    points = np.random.default_rng(seed).uniform(0, 1, (40, 2)) * size
    rows, columns = np.mgrid[: size[0], : size[1]]
    distance = (rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2
    nearest = distance.argmin(axis=2)
    mask: np.ndarray = np.array([0, 5, 9], np.uint8)[nearest % 3]
    return mask
