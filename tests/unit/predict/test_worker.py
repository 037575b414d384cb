"""What a worker of a cluster says, without a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import intarsia
from intarsia.errors import OutputError, RecipeError
from intarsia.predict.deliver import Picture
from intarsia.predict.engines.worker import Opened, Setup, Worker
from intarsia.predict.plan import Cut
from intarsia.predict.settings import Settings
from intarsia.predict.tiling import Block
from tiny_model import write_tiny_model


@pytest.fixture(autouse=True)
def same_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def worker(folder: Path, device: str = "cpu") -> Worker:
    model = write_tiny_model(folder / "model.safetensors")
    return Worker(Setup(model.read_bytes(), Settings(), device, threads=3))


def test_it_computes_as_it_is_told(tmp_path: Path) -> None:
    opened = worker(tmp_path).open("bf16")
    assert isinstance(opened, Opened)
    assert (opened.version, opened.precision) == (intarsia.__version__, "bf16")
    assert torch.get_num_threads() == 3


def test_what_it_cannot_do_is_an_answer(tmp_path: Path) -> None:
    answer = worker(tmp_path, "tpu").open("auto")
    assert isinstance(answer, RecipeError)
    assert "there is no device 'tpu'" in str(answer)


def test_a_disk_that_is_not_shared_is_told_from_one_that_is(tmp_path: Path) -> None:
    asked = worker(tmp_path)
    asked.open("fp32")
    elsewhere = Picture("a.png", tmp_path / "elsewhere" / "a.png", "png")
    cut = Cut("exact", 96, 0.25, "gaussian", 1, 100)
    for answer in (asked.pictures([elsewhere]), asked.blocks([Block(0, 0, 10, 10)], elsewhere, cut)):
        assert isinstance(answer, OutputError)
        assert "is not seen by the machine" in str(answer)
        assert str(answer).endswith("Name a folder on a disk that all machines share, or the address of a store.")
