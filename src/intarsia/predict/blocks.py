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
from jaxtyping import Bool, Float
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
        canvas = _Canvas(block, max(len(row.weights) for row in rows))
        for band, row, later in zip(read_bands(raster, rows, columns), rows, [*rows[1:], None], strict=True):
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
        height: the most rows that are held at once.
    """

    def __init__(self, block: Block, height: int) -> None:
        self.block = block
        self.top = block.top
        self.probabilities_of: Callable[[Tensor], Tensor] = Tensor.clone
        self._scores: Tensor | None = None  # made with the first tile, which tells channels and device
        # What tiles that were left out would have weighed; made with the first of them.
        self._missing: Tensor | None = None
        self._height = height

    def add(self, scores: Float[Tensor, "channels height width"], row: Span, column: Span) -> None:
        """Add a tile's scores by its weights."""
        if self._scores is None:
            self._scores = scores.new_zeros(len(scores), self._height, self.block.width)
        used = scores[:, row.first - row.start : row.last - row.start, column.first - column.start :]
        rows, columns = self._place(row, column)
        self._scores[:, rows, columns].addcmul_(used[:, :, : len(column.weights)], _weights(row, column, scores.device))

    def miss(self, row: Span, column: Span) -> None:
        """Note that a tile is left out."""
        if self._missing is None:
            self._missing = torch.zeros(self._height, self.block.width)
        self._missing[self._place(row, column)] += _weights(row, column, torch.device("cpu"))

    def rows(self, last: int) -> tuple[Tensor | None, Bool[np.ndarray, "rows width"]]:
        """The weighted mean of the scores [C, h, W] before row ``last``, and where there are any."""
        count = last - self.top
        scores = None if self._scores is None else self._scores[:, :count]
        if self._missing is None:
            return scores, np.full((count, self.block.width), scores is not None)
        missing = self._missing[:count]
        seen = missing < 1 - 1e-4  # weights sum to 1 but for rounding
        if scores is not None and bool(missing.any()):
            scores = scores / torch.where(seen, 1 - missing, 1).to(scores.device)
        return scores, seen.numpy()

    def drop(self, last: int) -> None:
        """Forget the rows before ``last``; those after it move up."""
        count = last - self.top
        for held in (self._scores, self._missing):
            if held is not None:
                rest = held[..., count:, :].clone()
                held[..., : rest.shape[-2], :] = rest
                held[..., rest.shape[-2] :, :] = 0
        self.top = last

    def _place(self, row: Span, column: Span) -> tuple[slice, slice]:
        return (
            slice(row.first - self.top, row.last - self.top),
            slice(column.first - self.block.left, column.last - self.block.left),
        )


def _weights(row: Span, column: Span, device: torch.device) -> Float[Tensor, "rows columns"]:
    return torch.outer(torch.from_numpy(row.weights), torch.from_numpy(column.weights)).to(device)
