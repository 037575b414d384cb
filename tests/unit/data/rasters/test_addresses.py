from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

from intarsia.data.rasters.addresses import existing, fetched, folder_of, name_of, to_address, within
from intarsia.data.rasters.delivery import delivered_file, delivered_folder
from intarsia.data.rasters.opening import open_raster
from intarsia.errors import DataError, OutputError


@pytest.fixture
def store() -> Iterator[Any]:
    store = fsspec.filesystem("memory")
    yield store
    for each in store.ls("/", detail=False):
        store.rm(each, recursive=True)


@pytest.mark.parametrize("folder", ["s3://bucket/masks", "s3://bucket/masks/", Path("masks")])
def test_taking_apart_is_the_inverse_of_putting_together(folder: str | Path) -> None:
    file = within(folder, "a.png")
    assert type(file) is type(folder)
    assert name_of(file) == "a.png"
    assert str(folder_of(file)) == str(folder).rstrip("/")


def test_an_address_of_the_disk_is_a_path() -> None:
    assert to_address("file:///a/b") == to_address("local:///a/b") == to_address("/a/b") == Path("/a/b")
    assert to_address("s3://bucket/b") == "s3://bucket/b"


def test_what_is_there(store: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    store.pipe_file("/masks/a.png", b"1")
    store.pipe_file("/masks/half.zarr/0/0.0", b"1")
    store.pipe_file("/masks/whole.zarr/.zgroup", b"{}")
    names = ("a.png", "b.png", "half.zarr", "whole.zarr")
    there = existing([tmp_path / "a.png", tmp_path / "b.png", *(f"memory://masks/{name}" for name in names)])
    assert there == {tmp_path / "a.png", "memory://masks/a.png", "memory://masks/whole.zarr"}
    assert existing(["memory://nowhere/a.png"]) == set()


def test_a_store_that_refuses_is_said(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(store), "ls", refuse)
    with pytest.raises(
        OutputError, match=r"memory://masks: cannot be looked into \(Access Denied\)\. Check the address"
    ):
        existing(["memory://masks/a.png"])


def test_content_is_fetched(store: Any, tmp_path: Path) -> None:
    store.pipe_file("/masks/a.png", b"1")
    with fetched("memory://masks/a.png") as file:
        assert file.name == "a.png"
        assert file.read_bytes() == b"1"
    assert not file.exists()
    with fetched(tmp_path) as same:
        assert same == tmp_path
    with (
        pytest.raises(DataError, match=r"memory://masks/b\.png: cannot be fetched .* Check the address"),
        fetched("memory://masks/b.png"),
    ):
        pass


def test_a_picture_in_a_store_is_the_one_on_the_disk(store: Any, tmp_path: Path) -> None:
    turned = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    turned.save(tmp_path / "a.jpg", exif=exif)
    store.put_file(str(tmp_path / "a.jpg"), "/in/a.jpg")
    here, there = open_raster(tmp_path / "a.jpg"), open_raster("memory://in/a.jpg")
    assert there.size == (30, 20)
    assert np.array_equal(there.read(0, 0, 30, 20), here.read(0, 0, 30, 20))
    identity = there.identity()
    store.pipe_file("/in/a.jpg", b"cut short")
    assert there.identity() != identity
    with pytest.raises(DataError, match=r"memory://in/a\.jpg: is cut short or not a picture"):
        open_raster("memory://in/a.jpg")


def test_a_store_without_objects_is_asked_to_rename(tmp_path: Path) -> None:
    address = f"file://{tmp_path}/masks/a.png"
    for content in (b"1", b"2"):
        with delivered_file(address) as file:
            file.write_bytes(content)
        assert (tmp_path / "masks" / "a.png").read_bytes() == content
        assert [each.name for each in (tmp_path / "masks").iterdir()] == ["a.png"]


def test_what_makes_a_folder_whole_is_put_last(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[str] = []
    whole = type(store).put_file

    def noted(self: Any, here: str, there: str, *rest: Any, **options: Any) -> None:
        put.append(there)
        whole(self, here, there, *rest, **options)

    monkeypatch.setattr(type(store), "put_file", noted)
    with delivered_folder("memory://masks/a.zarr") as folder:
        for name in (".zgroup", "0/0.0", ".zattrs"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"1")
    assert [name_of(address) for address in put if not address.endswith("/0")] == ["0.0", ".zattrs", ".zgroup"]
    assert sorted(store.find("/masks")) == ["/masks/a.zarr/.zattrs", "/masks/a.zarr/.zgroup", "/masks/a.zarr/0/0.0"]
