"""Predicting a picture block by block: in memory, or into a folder that a killed run goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError
from intarsia.predict.blocks import BlockPredictor
from intarsia.predict.layers import Rasters, empty
from intarsia.predict.ledger import record
from intarsia.predict.plan import Cut
from intarsia.predict.tiling import Block, blocks


@dataclass(frozen=True)
class Job:
    """What is to be made of one picture.

    Args:
        worker: predicts its blocks.
        cut: how it is cut.
        identity: of the picture it is made for, see :meth:`~intarsia.data.rasters.raster.Raster.identity`.
    """

    worker: BlockPredictor
    cut: Cut
    identity: str

    def blocks(self) -> list[Block]:
        """The blocks of the picture, in the order in which they are predicted."""
        return blocks(self.worker.tiling, self.cut.block)


def store_blocks(
    job: Job, raster: Raster, folder: Path, todo: Sequence[Block]
) -> Iterator[tuple[Block, DataError | None]]:
    """Predict blocks and keep them in a folder, each stored while the next one is predicted.

    Args:
        job: what is to be made.
        raster: the picture.
        folder: where finished blocks are kept, see :class:`~intarsia.predict.ledger.Ledger`.
        todo: the blocks.

    Yields:
        Each block, and what went wrong with it: a part of the picture that cannot be read does not end the run.

    Raises:
        OutputError: the folder cannot be written.
        DataError: the picture was changed on the way.
    """
    with _in_background() as store:
        for block in todo:
            try:
                rasters = job.worker.predict(raster, block)
            except DataError as error:
                yield block, error
                continue
            if raster.identity() != job.identity:
                raise _changed(raster)
            store(record, folder, block, rasters)
            yield block, None


def predict_in_memory(job: Job, raster: Raster) -> Rasters:
    """The rasters of a whole picture, at its size.

    Raises:
        DataError: see :meth:`~intarsia.predict.blocks.BlockPredictor.predict`.
    """
    whole, worker = job.blocks(), job.worker
    if len(whole) == 1:
        return worker.predict(raster, whole[0])
    made = empty(raster.size, worker.prepared.label_map, worker.layers)
    for block in whole:
        rows, columns = slice(block.top, block.top + block.height), slice(block.left, block.left + block.width)
        for layer, values in worker.predict(raster, block).items():
            made[layer][..., rows, columns] = values
    return made


def _changed(raster: Raster) -> DataError:
    return DataError(
        "was changed while it was predicted",
        where=raster.name,
        remedy="Predict it again with --overwrite once nothing writes to it any more",
    )


@contextmanager
def _in_background() -> Iterator[Callable[..., None]]:
    """Calls made one after another by a thread, at most one of them waiting; what they raise is raised here."""
    with ThreadPoolExecutor(1, thread_name_prefix="intarsia-write") as writer:
        pending: list[Future[None]] = []

        def call(work: Callable[..., None], *arguments: object) -> None:
            if pending:
                pending.pop().result()
            pending.append(writer.submit(work, *arguments))

        try:
            yield call
        finally:
            if pending:
                pending.pop().result()
