"""One process of a cluster: it holds the model, and predicts what it is handed."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

import intarsia
from intarsia.data.rasters.addresses import Address, folder_of
from intarsia.data.rasters.identity import is_remote
from intarsia.errors import IntarsiaError, OutputError
from intarsia.files import write_bytes
from intarsia.predict.deliver import Delivered, Picture
from intarsia.predict.device import Precision, free_memory
from intarsia.predict.engines.local import LocalEngine
from intarsia.predict.model import load
from intarsia.predict.pictures import predict_pictures
from intarsia.predict.plan import Cut
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from intarsia.predict.tiling import Block

Resolved = Literal["bf16", "fp32"]


@dataclass(frozen=True)
class Setup:
    """What every worker of a run is given.

    Args:
        model: the content of the model file, which therefore needs not be on a shared disk.
        settings: how pictures are predicted.
        device: where the network computes: "cpu" or "cuda".
        threads: of PyTorch. Their number moves the last bits of a result.
    """

    model: bytes
    settings: Settings
    device: str
    threads: int


@dataclass(frozen=True)
class Opened:
    """What a worker says of itself once it holds the model.

    Args:
        machine: its name.
        version: of this package.
        precision: in which it computes.
        gpu_memory: bytes its GPU has free; None where it has none.
    """

    machine: str
    version: str
    precision: Resolved
    gpu_memory: int | None = None


class Worker:
    """Predicts with one model. An error that ends the run is returned and not raised, so that it arrives as it is.

    Args:
        setup: see there.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup

    def open(self, precision: Precision) -> Opened | IntarsiaError:
        """Load the model."""
        torch.set_num_threads(self._setup.threads)
        with tempfile.TemporaryDirectory(prefix="intarsia-") as folder:
            file = Path(folder, "model.safetensors")
            write_bytes(file, self._setup.model)
            try:
                model = load(file, device=self._setup.device, precision=precision)
            except IntarsiaError as error:
                return error
        self._predictor = Predictor(model, self._setup.settings)
        self._engine = LocalEngine(self._predictor)
        prepared = model.prepared
        return Opened(socket.gethostname(), intarsia.__version__, prepared.precision, free_memory(prepared.device))

    def pictures(self, pictures: Sequence[Picture]) -> list[Delivered | IntarsiaError | None] | OutputError:
        """See :meth:`~intarsia.predict.engines.engine.Engine.pictures`; the answers in the order of the pictures."""
        unseen = _unseen(folder_of(picture.labels) for picture in pictures if not is_remote(picture.labels))
        return unseen or [answer for _, answer in self._engine.pictures(pictures)]

    def giants(self, pictures: Sequence[Picture]) -> list[Delivered | IntarsiaError] | OutputError:
        """Predict pictures that do not fit into memory, each from its first block to the files of its result."""
        try:
            return [answer for _, answer in predict_pictures(self._predictor, self._engine, pictures)]
        except OutputError as error:
            return error

    def blocks(self, blocks: Sequence[Block], picture: Picture, cut: Cut) -> list[IntarsiaError | None] | IntarsiaError:
        """See :meth:`~intarsia.predict.engines.engine.Engine.blocks`; the answers in the order of the blocks."""
        try:
            unseen = _unseen([picture.blocks])
            return unseen or [error for _, error in self._engine.blocks(picture, cut, blocks)]
        except IntarsiaError as error:
            return error


def _unseen(folders: Iterable[Address]) -> OutputError | None:
    """Who planned the work made the folders; that one is not there means that the machines do not share it."""
    for folder in folders:
        if not Path(folder).is_dir():
            return OutputError(
                f"is not seen by the machine {socket.gethostname()}",
                where=folder,
                remedy="Name a folder on a disk that all machines share, or the address of a store",
            )
    return None
