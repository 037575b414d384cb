"""One block of a giant picture: read band by band, cut into tiles, predicted, blended, finished.

Only a row of tiles is held at a time, and the scores of the rows that are not finished yet. What comes out depends on
the block alone and not on what was predicted before it, so blocks can be made in any order, on any machine, and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from intarsia.data.rasters.raster import Raster
from intarsia.predict.bands import Band, read_bands
from intarsia.predict.layers import Layer, Rasters, clear, empty, finished
from intarsia.predict.postprocess import class_scores
from intarsia.predict.prepared import Picture, PreparedNetwork
from intarsia.predict.tiling import Block, Span, Tiling, within

Skip = Callable[[Picture], bool]
"""Whether there is nothing to see in a tile [h, w, C], which is then not predicted."""


@dataclass(frozen=True)
class BlockPredictor:
    """Predicts blocks of pictures of one size.

    Args:
        prepared: the network with its preparation.
        tiling: of the whole picture.
        layers: the rasters to make.
        batch: tiles the network is shown at once, ≥ 1. It can move the last bits of a score.
        skip: tells tiles that need no prediction, beside those that hold no data; pixels of skipped tiles alone
            are void.
    """

    prepared: PreparedNetwork
    tiling: Tiling
    layers: tuple[Layer, ...] = ("labels",)
    batch: int = 1
    skip: Skip | None = None

    @torch.inference_mode()
    def predict(self, raster: Raster, block: Block) -> Rasters:
        """The rasters of one block, at its size.

        Raises:
            DataError: a part of the picture cannot be read, or it has other channels than the network was trained on.
        """
        label_map = self.prepared.label_map
        made = empty((block.height, block.width), label_map, self.layers)
        rows = within(self.tiling.rows, block.top, block.top + block.height)
        columns = within(self.tiling.columns, block.left, block.left + block.width)
        canvas = _Canvas(block)
        for band, row, later in zip(read_bands(raster, rows, columns), rows, [*rows[1:], None], strict=True):
            canvas.grow(row.last)
            self._fill(canvas, band, row, columns, raster.name)
            finished_to = later.first if later else row.last
            above = slice(canvas.top - block.top, finished_to - block.top)
            for layer, values in self._finished(canvas, finished_to).items():
                made[layer][..., above, :] = values
            canvas.drop(finished_to)
        valid = raster.valid(block.top, block.left, block.height, block.width)
        if valid is not None:
            clear(made, ~valid, label_map)
        return made

    def _fill(self, canvas: _Canvas, band: Band, row: Span, columns: Sequence[Span], where: str) -> None:
        """Add one row of tiles."""
        shown = []
        for column in columns:
            tile = band.tile(row, column)
            if tile is None or (self.skip is not None and self.skip(tile)):
                canvas.miss(row, column)
            else:
                shown.append((tile, column))
        for _, alike in groupby(shown, key=lambda pair: pair[1].length):
            while batch := list(islice(alike, self.batch)):
                images = [self.prepared.prepare(tile, where) for tile, _ in batch]
                scores, canvas.probabilities_of = class_scores(self.prepared.output(images), batch[0][0].shape[:2])
                for each, (_, column) in zip(scores, batch, strict=True):
                    canvas.add(each, row, column)

    def _finished(self, canvas: _Canvas, last: int) -> Rasters:
        """The rasters of the canvas's rows before ``last``."""
        label_map = self.prepared.label_map
        scores, seen = canvas.rows(last)
        if scores is None or not seen.any():
            return empty((last - canvas.top, canvas.block.width), label_map, self.layers)
        made = finished(scores, canvas.probabilities_of, label_map, self.layers)
        if not seen.all():
            clear(made, ~seen, label_map)
        return made


class _Canvas:
    """The scores of a block's rows from ``top`` on, as far as tiles have been added.

    Args:
        block: what is predicted.
    """

    def __init__(self, block: Block) -> None:
        self.block = block
        self.top = block.top
        self.probabilities_of: Callable[[Tensor], Tensor] = Tensor.clone
        self._scores: Tensor | None = None  # made with the first tile, which tells channels and device
        self._missing = np.zeros((0, block.width), np.float32)  # what tiles that were left out would have weighed

    def grow(self, last: int) -> None:
        """Make room for the rows before ``last``."""
        added = last - self.top - len(self._missing)
        self._missing = np.pad(self._missing, ((0, added), (0, 0)))
        if self._scores is not None:
            self._scores = torch.nn.functional.pad(self._scores, (0, 0, 0, added))

    def add(self, scores: Float[Tensor, "channels height width"], row: Span, column: Span) -> None:
        """Add a tile's scores by its weights."""
        if self._scores is None:
            self._scores = scores.new_zeros(len(scores), *self._missing.shape)
        weights = torch.from_numpy(np.outer(row.weights, column.weights)).to(scores.device)
        used = scores[:, row.first - row.start : row.last - row.start, column.first - column.start :]
        rows, columns = self._place(row, column)
        self._scores[:, rows, columns].addcmul_(used[:, :, : len(column.weights)], weights)

    def miss(self, row: Span, column: Span) -> None:
        """Note that a tile is left out."""
        self._missing[self._place(row, column)] += np.outer(row.weights, column.weights)

    def rows(self, last: int) -> tuple[Tensor | None, np.ndarray]:
        """The weighted mean of the scores [C, h, W] before row ``last``, and bool [h, W]: where there are any."""
        missing = self._missing[: last - self.top]
        seen = missing < 1 - 1e-4  # weights sum to 1 but for rounding
        if self._scores is None:
            return None, seen & False
        scores = self._scores[:, : last - self.top]
        if missing.any():
            scores = scores / torch.from_numpy(np.where(seen, 1 - missing, 1)).to(scores.device)
        return scores, seen

    def drop(self, last: int) -> None:
        """Forget the rows before ``last``."""
        self._missing = self._missing[last - self.top :]
        if self._scores is not None:
            self._scores = self._scores[:, last - self.top :]
        self.top = last

    def _place(self, row: Span, column: Span) -> tuple[slice, slice]:
        return (
            slice(row.first - self.top, row.last - self.top),
            slice(column.first - self.block.left, column.last - self.block.left),
        )
