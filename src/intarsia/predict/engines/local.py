"""This process does the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intarsia.data.parallel import iterate
from intarsia.data.rasters.raster import Raster
from intarsia.errors import IntarsiaError
from intarsia.predict.deliver import Delivered, Picture, deliver_whole
from intarsia.predict.plan import Cut
from intarsia.predict.predictor import Predictor
from intarsia.predict.stream import store_blocks
from intarsia.predict.tiling import Block


class LocalEngine:
    """One after another, in order; the next pictures are read while the network is at work.

    Args:
        predictor: the model, and how.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def pictures(self, pictures: Sequence[Picture]) -> Iterator[tuple[Picture, Delivered | IntarsiaError | None]]:
        """See :class:`~intarsia.predict.engines.engine.Engine`.

        Pictures are not put into batches: what is in a batch moves the last bits of a result, and a mask shall depend
        on its own picture alone, as evaluation takes it.
        """
        for picture, raster in zip(pictures, iterate(_opened, pictures), strict=True):
            yield picture, raster if isinstance(raster, IntarsiaError) else self._deliver(raster, picture)

    def _deliver(self, raster: Raster, picture: Picture) -> Delivered | IntarsiaError | None:
        try:
            return deliver_whole(self._predictor, raster, picture)
        except IntarsiaError as error:
            return error
        finally:
            raster.close()

    def blocks(self, picture: Picture, cut: Cut, todo: Sequence[Block]) -> Iterator[tuple[Block, IntarsiaError | None]]:
        """See :class:`~intarsia.predict.engines.engine.Engine`."""
        raster = picture.open()
        try:
            yield from store_blocks(self._predictor.job(raster, cut), raster, picture.blocks, todo)
        finally:
            raster.close()

    def close(self) -> None:
        """There is nothing to let go of."""


def _opened(picture: Picture) -> Raster | IntarsiaError:
    try:
        return picture.open()
    except IntarsiaError as error:
        return error
