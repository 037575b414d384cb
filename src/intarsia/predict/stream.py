"""Predicting a picture of any size block by block, into a folder that a killed run goes on from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import intarsia
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError
from intarsia.predict.blocks import BlockPredictor, Skip
from intarsia.predict.layers import Layer, Rasters, empty
from intarsia.predict.ledger import Ledger
from intarsia.predict.plan import Plan
from intarsia.predict.prepared import PreparedNetwork
from intarsia.predict.tiling import Block, blocks

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` in pixels after each block."""


@dataclass(frozen=True)
class Job:
    """What is to be made of one picture; all of it that changes a single bit of the result is in :meth:`facts`.

    Args:
        prepared: the network with its preparation.
        model: the fingerprint of its weights, with what was added to them (views of test-time augmentation, say).
        plan: how the picture is cut.
        layers: the rasters to make.
        skip: tiles to leave out, and a text that says which.
    """

    prepared: PreparedNetwork
    model: str
    plan: Plan
    layers: tuple[Layer, ...] = ("labels",)
    skip: tuple[Skip, str] | None = None

    def facts(self, raster: Raster) -> dict[str, str]:
        """What the blocks depend on, by name."""
        plan = self.plan
        return {
            "version of intarsia": intarsia.__version__,
            "model": self.model,
            "picture": raster.identity(),
            "device or precision": f"{self.prepared.device.type} {self.prepared.precision}",
            "way of cutting": f"{plan.cutting}, {plan.batch} tiles of {plan.tile} at once ({plan.tiling.digest()})",
            "size of blocks": str(plan.block),
            "choice of layers": ", ".join(self.layers),
            "choice of tiles to skip": self.skip[1] if self.skip else "none",
        }

    def blocks(self) -> list[Block]:
        """The blocks of the picture, in the order in which they are predicted."""
        return list(blocks(self.plan.tiling.size, self.plan.block))

    def worker(self) -> BlockPredictor:
        """What predicts them."""
        skip = self.skip[0] if self.skip else None
        return BlockPredictor(self.prepared, self.plan.tiling, self.layers, self.plan.batch, skip)


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Args:
        predicted: blocks that this run predicted.
        kept: blocks that an earlier run had.
        failed: what went wrong, by block; these read as void.
    """

    predicted: int
    kept: int
    failed: dict[Block, DataError]


def predict_blocks(job: Job, raster: Raster, folder: Path, progress: Progress | None = None) -> Outcome:
    """Predict the blocks of a picture that a folder does not hold yet.

    A block is stored while the next one is predicted. Should the process be killed at any moment, the same call goes
    on from the last block that was stored, and its result is the same byte for byte.

    Args:
        job: what is to be made.
        raster: the picture.
        folder: where finished blocks are kept.
        progress: told the pixels done, those of earlier runs included.

    Raises:
        OutputError: the folder cannot be written, or holds blocks of another run.
        DataError: the picture changed on the way; a part of it that cannot be read does not end the run, it is
            reported in the outcome.
    """
    facts = job.facts(raster)
    ledger = Ledger(folder, facts)
    whole = job.blocks()
    todo = ledger.unfinished(whole, job.layers)
    total = sum(block.height * block.width for block in whole)
    done = total - sum(block.height * block.width for block in todo)
    failed: dict[Block, DataError] = {}
    worker = job.worker()
    with _in_background() as store:
        for block in todo:
            try:
                rasters = worker.predict(raster, block)
            except DataError as error:
                failed[block] = error
            else:
                if raster.identity() != facts["picture"]:
                    raise _changed(raster)
                store(ledger.record, block, rasters)
            done += block.height * block.width
            if progress is not None:
                progress(done, total)
    return Outcome(len(todo) - len(failed), len(whole) - len(todo), failed)


def predict_in_memory(job: Job, raster: Raster) -> Rasters:
    """The rasters of a whole picture, at its size.

    Raises:
        DataError: see :meth:`~intarsia.predict.blocks.BlockPredictor.predict`.
    """
    whole, worker = job.blocks(), job.worker()
    if len(whole) == 1:
        return worker.predict(raster, whole[0])
    made = empty(raster.size, job.prepared.label_map, job.layers)
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

        yield call
        if pending:
            pending.pop().result()
