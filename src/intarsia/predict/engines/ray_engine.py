"""The machines of a Ray cluster do the work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from intarsia.data.rasters.addresses import folder_of
from intarsia.data.rasters.extras import required
from intarsia.data.rasters.identity import is_remote
from intarsia.errors import DataError, IntarsiaError, RecipeError
from intarsia.files import output_error
from intarsia.predict.deliver import Delivered, Picture
from intarsia.predict.engines.crew import Crew, GivenUp
from intarsia.predict.engines.room import Room, join, room
from intarsia.predict.engines.worker import Setup, Worker
from intarsia.predict.model import Model, load
from intarsia.predict.plan import Cut
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from intarsia.predict.tiling import Block

_TOGETHER = 8  # pictures a task at most: the next are read while one is predicted
_TASKS = 4  # a worker at least, so that none has nothing to do for long while the last ones are finished
_BLOCK = 4096  # pixels a side: less than a minute of a CPU, which is what the death of a worker costs
_HUGE = (2**20, 2**20)


class RayEngine:
    """Spreads pictures, or the blocks of a giant one, over processes that each hold the model.

    This process predicts nothing: it hands out a few tasks a worker at a time, and puts the blocks of a giant picture
    together. A task whose worker died is done again by another one.

    Args:
        model_file: the model; its content is sent to the workers.
        settings: how.
        device: "auto" for GPUs where the cluster has any, "cuda" or "cpu".
        address: of a Ray cluster: "auto", ``HOST:PORT`` or ``ray://HOST:PORT``; None: that of the environment variable
            RAY_ADDRESS, else Ray is started on this machine. A process that is in a cluster already stays in it.
        workers: how many, each with a GPU, or with as many CPUs as PyTorch has threads in this process; None: as many
            as there is room for. Should there be room for fewer, the others begin when machines join.

    Attributes:
        predictor: plans for the workers.

    Raises:
        RecipeError: there is no such cluster, it has no room, or no worker can be started.
        DataError: Ray is not installed.
        ModelFileError: the file is missing, damaged, or was not written by this package.
    """

    def __init__(
        self,
        model_file: str | Path,
        settings: Settings,
        device: str = "auto",
        *,
        address: str | None = None,
        workers: int | None = None,
    ) -> None:
        ray = required("ray", where="--engine ray")
        model = load(model_file, device="cpu")
        # Their number moves the last bits of a result; with as many, workers give what this process would.
        threads = torch.get_num_threads()
        with ExitStack() as closing:
            if not ray.is_initialized():
                join(ray, address, threads * (workers or 1))
                closing.callback(ray.shutdown)
            there = room([node["Resources"] for node in ray.nodes() if node["Alive"]], device, threads)
            count = workers or _filling(there)
            model = replace(model, prepared=replace(model.prepared, device=torch.device(there.device)))
            settings = _for_workers(model, settings, there.ceiling(count, psutil.Process().memory_info().rss))
            setup = ray.put(Setup(Path(model_file).read_bytes(), settings, there.device, threads))
            actor = ray.remote(Worker).options(**there.resources, scheduling_strategy="SPREAD")
            self._crew = Crew(ray, lambda: actor.remote(setup), count)
            closing.callback(self._crew.dismiss)
            opened = self._crew.opened()
            prepared = replace(model.prepared, precision=opened.precision)
            model = replace(model, prepared=prepared)
            self.predictor = Predictor(model, settings, gpu_memory=lambda: opened.gpu_memory)
            self._closing = closing.pop_all()

    def pictures(self, pictures: Sequence[Picture]) -> Iterator[tuple[Picture, Delivered | IntarsiaError | None]]:
        """See :class:`~intarsia.predict.engines.engine.Engine`.

        Pictures that do not fit into memory are predicted whole by one worker each where there are as many of them as
        workers, for then no worker waits while others are put together; fewer are left to be spread block by block.
        """
        _make_folders(pictures)
        giants = []
        together = max(1, min(_TOGETHER, len(pictures) // (_TASKS * self._crew.count)))
        for picture, answer in self._crew.work("pictures", pictures, together=together, ahead=2):
            if answer is None:
                giants.append(picture)
            else:
                yield picture, _given_up(picture.address) if isinstance(answer, GivenUp) else answer
        if len(giants) < self._crew.count:
            yield from ((picture, None) for picture in giants)
            return
        for picture, answer in self._crew.work("giants", giants):
            yield picture, _given_up(picture.address) if isinstance(answer, GivenUp) else answer

    def blocks(self, picture: Picture, cut: Cut, todo: Sequence[Block]) -> Iterator[tuple[Block, IntarsiaError | None]]:
        """See :class:`~intarsia.predict.engines.engine.Engine`."""
        for block, answer in self._crew.work("blocks", todo, picture, cut):
            where = f"{picture.address}, block {block.name}"
            yield block, _given_up(where) if isinstance(answer, GivenUp) else answer

    def close(self) -> None:
        """End the workers, and leave the cluster; one that was started is ended."""
        self._closing.close()


def _filling(there: Room) -> int:
    if there.workers == 0:
        raise RecipeError(
            f"the cluster has no machine with {'a GPU' if there.device == 'cuda' else 'CPUs'}",
            where="--engine ray",
            remedy="Choose another --device, or say how many --workers are to begin once machines join",
        )
    return there.workers


def _for_workers(model: Model, settings: Settings, memory: int) -> Settings:
    """Settings with a ceiling for each worker, and with blocks that are many enough."""
    tiles = settings.tiles
    tiles = replace(tiles, memory=tiles.memory or memory)
    try:
        most = Predictor(model, replace(settings, tiles=tiles), gpu_memory=lambda: None).cut(_HUGE)
    except RecipeError:  # which is said of the picture that it concerns
        return replace(settings, tiles=tiles)
    if tiles.block is None and most.cutting != "whole" and most.block > _BLOCK:
        tiles = replace(tiles, block=_BLOCK)
    return replace(settings, tiles=tiles)


def _make_folders(pictures: Sequence[Picture]) -> None:
    """Of the results on a disk: workers take it for a disk they do not share where they see none."""
    for folder in {folder_of(picture.labels) for picture in pictures if not is_remote(picture.labels)}:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(error, folder) from error


def _given_up(where: str) -> DataError:
    return DataError(
        "ended three workers that were to predict it, one after another",
        where=where,
        remedy="Predict it by itself with --engine local to see why; it may need more memory than a worker has",
    )
