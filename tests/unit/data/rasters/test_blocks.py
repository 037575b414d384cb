"""Blocks put together are the whole, whatever window is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intarsia.data.rasters.blocks import Mosaic, block_file, write_block
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError, OutputError
from unit.data.rasters.label_rasters import labels, placed


@dataclass(frozen=True)
class Block:
    top: int
    left: int
    height: int
    width: int

    @property
    def name(self) -> str:
        return f"y{self.top}-x{self.left}"


def blocks(size: tuple[int, int], side: int) -> list[Block]:
    return [
        Block(top, left, min(side, size[0] - top), min(side, size[1] - left))
        for top in range(0, size[0], side)
        for left in range(0, size[1], side)
    ]


def stored(folder: Path, whole: np.ndarray, side: int) -> list[Block]:
    cut = blocks(whole.shape[-2:], side)
    for block in cut:
        part = whole[..., block.top : block.top + block.height, block.left : block.left + block.width]
        write_block(folder, block.name, "labels", part)
    return cut


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16])
@pytest.mark.parametrize(("size", "side"), [((1, 1), 512), ((700, 900), 300), ((1, 77), 16), ((1100, 1300), 1024)])
def test_windows_of_a_mosaic(dtype: type, size: tuple[int, int], side: int, tmp_path: Path) -> None:
    whole: np.ndarray = labels(size, np.uint16).astype(dtype)
    if dtype == np.float16:
        whole = np.random.default_rng(0).random((3, *size)).astype(np.float16)
    cut = stored(tmp_path, whole, side)
    channels = 3 if dtype == np.float16 else 1
    mosaic = Mosaic(tmp_path, cut, "labels", np.dtype(dtype), channels=channels)
    assert isinstance(mosaic, Raster)
    assert (mosaic.size, mosaic.channels, mosaic.dtype) == (size, channels, np.dtype(dtype))
    assembled = whole[:, :, None] if channels == 1 else np.moveaxis(whole, 0, -1)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def any_window(data: st.DataObject) -> None:
        top, bottom = sorted(data.draw(st.tuples(*[st.integers(0, size[0])] * 2)))
        left, right = sorted(data.draw(st.tuples(*[st.integers(0, size[1])] * 2)))
        window = mosaic.read(top, left, bottom - top, right - left)
        assert window.dtype == dtype
        assert np.array_equal(window, assembled[top:bottom, left:right])

    any_window()
    assert np.array_equal(mosaic.read(0, 0, *size), assembled)
    mosaic.close()


def test_missing_blocks_read_as_the_fill_value_until_they_are_there(tmp_path: Path) -> None:
    whole = labels((700, 900))
    cut = stored(tmp_path, whole, 300)
    part = block_file(tmp_path, cut[4].name, "labels")
    away = part.rename(tmp_path / "away")
    mosaic = Mosaic(tmp_path, cut, "labels", np.dtype(np.uint8), fill=9, source=placed(whole))
    expected = whole.copy()
    expected[300:600, 300:600] = 9
    assert np.array_equal(mosaic.read(0, 0, 700, 900)[:, :, 0], expected)
    away.rename(part)
    assert np.array_equal(mosaic.read(0, 0, 700, 900)[:, :, 0], whole)
    assert mosaic.georeference is not None
    assert mosaic.pixel_size == (0.5, 0.25)
    assert mosaic.identity() == Mosaic(tmp_path, cut, "labels", np.dtype(np.uint8)).identity()


def test_a_block_is_a_file_any_program_opens(tmp_path: Path) -> None:
    whole = labels((300, 700), np.uint16)
    write_block(tmp_path / "new", "y0-x0", "labels", whole)
    assert np.array_equal(tifffile.imread(block_file(tmp_path / "new", "y0-x0", "labels")), whole)
    shares = np.random.default_rng(0).random((4, 100, 200)).astype(np.float16)
    write_block(tmp_path / "new", "y0-x0", "probabilities", shares)
    assert np.array_equal(tifffile.imread(block_file(tmp_path / "new", "y0-x0", "probabilities")), shares)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["y0-x0.labels.tif", "y0-x0.probabilities.tif"]


def test_blocks_are_small_and_always_the_same(tmp_path: Path) -> None:
    whole = labels((2048, 2048))
    for name in "ab":
        write_block(tmp_path, name, "labels", whole)
    first, second = (block_file(tmp_path, name, "labels").read_bytes() for name in "ab")
    assert first == second
    assert len(first) < whole.nbytes / 10
    write_block(tmp_path, "tiny", "labels", whole[:3, :5])
    assert block_file(tmp_path, "tiny", "labels").stat().st_size < 1000


@pytest.mark.parametrize("damage", ["cut", "noise", "empty", "tags"])
def test_a_damaged_block_is_named(damage: str, tmp_path: Path) -> None:
    (block,) = stored(tmp_path, labels((500, 500)), 512)
    file = block_file(tmp_path, block.name, "labels")
    content = file.read_bytes()
    damaged = {"cut": content[:-50], "noise": content[:-50] + b"\0" * 50, "empty": b"", "tags": content[:60]}
    file.write_bytes(damaged[damage])
    with pytest.raises(DataError, match=r"y0-x0\.labels\.tif: is a damaged block file \(.+\)\. Delete it and run"):
        Mosaic(tmp_path, [block], "labels", np.dtype(np.uint8)).read(0, 0, 500, 500)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Name another folder"):
        write_block(tmp_path / "file", "y0-x0", "labels", labels((5, 5)))
