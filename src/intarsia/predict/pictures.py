"""Many pictures, of any size, by any engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intarsia.data.parallel import Progress
from intarsia.errors import DataError, IntarsiaError, OutputError
from intarsia.predict.deliver import Delivered, Picture, deliver_blocks
from intarsia.predict.engines.engine import Engine
from intarsia.predict.predictor import Predictor
from intarsia.predict.tiling import Block


def predict_pictures(
    predictor: Predictor, engine: Engine, pictures: Sequence[Picture], progress: Progress | None = None
) -> Iterator[tuple[Picture, Delivered | IntarsiaError]]:
    """Predict pictures and write their results: those that fit into memory first, then giant ones block by block.

    Args:
        predictor: the model, and how; it plans, the engine works.
        engine: who does the work.
        pictures: each with a result of its own.
        progress: told about pictures, and while a giant one is predicted about its pixels.

    Yields:
        Each picture and what became of it. What a person can correct (one picture is damaged, say) does not hold up
        the others.

    Raises:
        OutputError: results cannot be written at all, of which the next picture would say the same.
    """
    giant = []
    for done, (picture, answer) in enumerate(engine.pictures(pictures), start=1):
        if isinstance(answer, OutputError):
            raise answer
        if answer is None:
            giant.append(picture)
        else:
            yield picture, answer
        if progress is not None:
            progress(done, len(pictures))
    for picture in giant:
        try:
            yield picture, _in_blocks(predictor, engine, picture, progress)
        except OutputError:
            raise
        except IntarsiaError as error:
            yield picture, error


def _in_blocks(predictor: Predictor, engine: Engine, picture: Picture, progress: Progress | None) -> Delivered:
    raster = picture.open()
    try:
        job, todo = predictor.begin(raster, picture.blocks)
        total = raster.size[0] * raster.size[1]
        done = total - sum(block.pixels for block in todo)
        failed: dict[Block, DataError] = {}
        for block, error in engine.blocks(picture, job.cut, todo):
            if isinstance(error, DataError):
                failed[block] = error
            elif error is not None:
                raise error
            done += block.pixels
            if progress is not None:
                progress(done, total)
        return deliver_blocks(predictor, raster, picture, failed, progress)
    finally:
        raster.close()
