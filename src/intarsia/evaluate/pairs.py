"""Stored pictures and masks, as scoring needs them: untouched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from intarsia.data.dataset import read_pair
from intarsia.data.formats.folder import Item

_CACHE_BYTES = 2**30


class Pairs(Dataset[tuple[np.ndarray, np.ndarray, str]]):
    """Items as (picture, mask of ids, name), kept in memory up to 1 GiB because every round of training reads all."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = tuple(items)
        self._room = _CACHE_BYTES
        self._cache: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, str]:
        pair = self._cache.get(index)
        if pair is None:
            pair = read_pair(self._items[index])
            size = pair[0].nbytes + pair[1].nbytes
            if size <= self._room:
                self._room -= size
                self._cache[index] = pair
        return (*pair, self._items[index].name)
