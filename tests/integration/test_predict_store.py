"""``intarsia predict`` from one store into another."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

from command_line import call
from tiny_model import write_tiny_model

CUT = ["--tiles", "exact", "--tile", "96", "--block", "100"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.safetensors")


@pytest.fixture
def store() -> Iterator[Any]:
    """A store with two pictures."""
    store = fsspec.filesystem("memory")
    for name in ("a", "b"):
        content = io.BytesIO()
        Image.fromarray(np.random.default_rng(ord(name)).integers(0, 256, (120, 150, 3), np.uint8)).save(content, "PNG")
        store.pipe_file(f"/in/{name}.png", content.getvalue())
    store.pipe_file("/in/notes.txt", b"none of them")
    yield store
    for each in store.ls("/", detail=False):
        store.rm(each, recursive=True)


def on_the_disk(store: Any, folder: Path) -> Path:
    store.get("/in", str(folder / "in"), recursive=True)
    return folder / "in"


def test_the_store_holds_what_the_disk_would(model: Path, store: Any, tmp_path: Path) -> None:
    asked = ["--confidence", "--probabilities", "--overlay", "--device", "cpu"]
    assert call("predict", model, on_the_disk(store, tmp_path), "-o", tmp_path / "out", *asked).code == 0
    made = json.loads(call("predict", model, "memory://in/", "-o", "memory://out/", *asked, "--json").out)
    assert [entry["mask"] for entry in made["written"]] == ["memory://out/a.png", "memory://out/b.png"]
    put = {name.removeprefix("/out/"): store.cat_file(name) for name in store.find("/out")}
    files = {str(file.relative_to(tmp_path / "out")): file for file in (tmp_path / "out").rglob("*.*")}
    assert put.keys() == files.keys()
    assert all(put[name] == file.read_bytes() for name, file in files.items() if not name.endswith(".npz"))  # dated


def test_what_is_there_is_kept_unless_another_model_made_it(model: Path, store: Any, tmp_path: Path) -> None:
    command = ["memory://in/*.png", "-o", "memory://out", "--device", "cpu"]
    assert call("predict", model, "memory://in/a.png", *command[1:]).code == 0
    made = json.loads(call("predict", model, *command, "--json").out)
    assert [Path(each).name for each in made["kept"]] == ["a.png"]
    assert [entry["mask"] for entry in made["written"]] == ["memory://out/b.png"]
    other = write_tiny_model(tmp_path / "other.safetensors", seed=1)
    outcome = call("predict", other, *command)
    assert outcome.code == 1
    assert "memory://out/a.png: is there already and was predicted by another model" in outcome.error
    assert call("predict", other, *command, "--overwrite").code == 0


def test_a_zarr_in_a_store_names_its_model(model: Path, store: Any, tmp_path: Path) -> None:
    command = ["memory://in/a.png", "-o", "memory://out/a.zarr", "--device", "cpu"]
    assert call("predict", model, *command).code == 0
    assert "1 kept" in call("predict", model, *command).out
    other = write_tiny_model(tmp_path / "other.safetensors", seed=1)
    assert "a.zarr: is there already and was predicted by another model" in call("predict", other, *command).error


def test_coco_goes_to_a_store(model: Path, store: Any) -> None:
    assert call("predict", model, "memory://in/", "-o", "memory://out", "--format", "coco", "--device", "cpu").code == 0
    content = json.loads(store.cat_file("/out/annotations.json"))
    assert [image["file_name"] for image in content["images"]] == ["a.png", "b.png"]


def test_blocks_of_giant_pictures_need_a_disk(model: Path, store: Any, tmp_path: Path) -> None:
    command = ["memory://in/a.png", "-o", "memory://out/a.zarr", "--device", "cpu", *CUT]
    outcome = call("predict", model, *command)
    assert outcome.code == 1
    assert "a.png: is predicted in blocks, which are kept in a folder until its mask is whole. Name a" in outcome.error
    assert call("predict", model, *command, "--work", tmp_path / "work").code == 0
    assert list((tmp_path / "work").iterdir()) == []
    on_disk = call("predict", model, on_the_disk(store, tmp_path) / "a.png", "-o", tmp_path / "a.zarr", *CUT)
    assert on_disk.code == 0
    chunks = [file for file in (tmp_path / "a.zarr" / "0").rglob("*") if file.is_file()]
    assert {".zarray", "0"} <= {file.name for file in chunks}
    assert all(store.cat_file(f"/out/{file.relative_to(tmp_path)}") == file.read_bytes() for file in chunks)


def test_stores_that_cannot_be_used(model: Path, store: Any) -> None:
    outcome = call("predict", model, "memory://nothing/", "-o", "memory://out")
    assert "memory://nothing/: cannot be looked into" in outcome.error
    store.pipe_file("/texts/a.txt", b"")
    assert "memory://texts/: holds no pictures" in call("predict", model, "memory://texts/", "-o", "memory://out").error
    outcome = call("predict", model, "memory://in/", "-o", "nowhere://out")
    assert "nowhere://out: cannot be written to (Protocol not known: nowhere" in outcome.error
