"""``intarsia predict`` on pictures of every kind and size: formats, going on after a kill, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile
import zarr
from affine import Affine
from PIL import Image
from typer.testing import CliRunner

from command_line import call
from intarsia.apps.cli.app import app
from intarsia.data.formats.mask import read_mask
from intarsia.data.rasters.raster import Raster
from intarsia.predict import blocks as blocks_module
from intarsia.predict.layers import Rasters
from intarsia.predict.tiling import Block
from tiny_model import write_tiny_model
from tiny_pictures import CUT, picture, whole_mask, write_tiff


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.safetensors")


def test_every_format_holds_the_same_labels(model: Path, tmp_path: Path) -> None:
    values = picture(150, 230)
    write_tiff(tmp_path / "a.tif", values)
    expected = whole_mask(model, values, tmp_path)
    for name in ("a.png", "a.tif", "a.ome.tif", "a.zarr", "a.npz"):
        outcome = call("predict", model, tmp_path / "a.tif", "-o", tmp_path / "out" / name, *CUT)
        assert outcome.code == 0, outcome.error
    out = tmp_path / "out"
    assert np.array_equal(tifffile.imread(out / "a.tif"), expected)
    with np.load(out / "a.npz") as content:
        assert np.array_equal(content["class_ids"], expected)
        assert content["names"].tolist() == ["ground", "house", "tree"]
    assert np.array_equal(read_mask(out / "a.png"), expected)
    assert np.array_equal(tifffile.imread(out / "a.ome.tif"), expected)
    assert np.array_equal(np.asarray(zarr.open_group(out / "a.zarr", mode="r")["0"]), expected)
    assert sorted(path.name for path in out.iterdir()) == ["a.npz", "a.ome.tif", "a.png", "a.tif", "a.zarr"]


def test_other_layers_go_beside_the_labels(model: Path, tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", picture(100, 130))
    asked = ["--confidence", "--entropy", "--probabilities", "--overlay"]
    made = json.loads(
        call("predict", model, tmp_path / "a.tif", "-o", tmp_path / "cut" / "a.tif", *asked, *CUT, "--json").out
    )
    assert call("predict", model, tmp_path / "a.tif", "-o", tmp_path / "png", *asked, "--device", "cpu").code == 0
    (entry,) = made["written"]
    assert entry["probabilities"] == str(tmp_path / "cut" / "probabilities" / "a.zarr")
    shares = np.asarray(zarr.open_group(entry["probabilities"], mode="r")["0"]).astype(np.float32)
    with np.load(tmp_path / "png" / "probabilities" / "a.npz") as content:
        assert np.abs(content["probabilities"].astype(np.float32) - shares).max() < 1e-3
    confidence = np.asarray(Image.open(tmp_path / "png" / "confidence" / "a.png"))
    assert np.abs(confidence - 255 * shares.max(axis=0)).max() <= 1
    assert np.abs(tifffile.imread(entry["confidence"]).astype(int) - confidence).max() <= 1
    assert np.asarray(Image.open(tmp_path / "png" / "entropy" / "a.png")).shape == (100, 130)
    assert np.asarray(Image.open(entry["overlay"])).shape == (100, 130, 3)


@pytest.mark.parametrize("cut", [CUT, ["--device", "cpu"]], ids=["in blocks", "whole"])
def test_a_map_stays_where_it_is_on_the_ground(cut: list[str], model: Path, tmp_path: Path) -> None:
    place = Affine(0.2, 0, 500_000, 0, -0.2, 5_800_000)
    profile = {"driver": "GTiff", "width": 120, "height": 90, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(tmp_path / "map.tif", "w", **profile, transform=place) as dataset:
        dataset.write(np.moveaxis(picture(90, 120), -1, 0))
    assert call("predict", model, tmp_path / "map.tif", "-o", tmp_path / "mask.tif", *cut).code == 0
    with rasterio.open(tmp_path / "mask.tif") as dataset:
        assert dataset.crs.to_epsg() == 32633
        assert dataset.transform.almost_equals(place)
        assert dataset.tags(1)["CLASS_1"] == "house"


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (513, 2)])
def test_the_smallest_pictures(size: tuple[int, int], model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(*size)).save(tmp_path / "a.png")
    for name in ("a.png", "a.tif"):
        assert call("predict", model, tmp_path / "a.png", "-o", tmp_path / "out" / name, "--device", "cpu").code == 0
    assert np.asarray(Image.open(tmp_path / "out" / "a.png")).shape == size


def kill_when(command: list[str], ready: Any, environment: dict[str, str]) -> None:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None, "it was to be killed at work"
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_killed_and_begun_again_it_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(700, 900))
    assert call("predict", model, source, "-o", tmp_path / "one.tif", "--confidence", *CUT).code == 0
    target = tmp_path / "two.tif"
    command = [
        sys.executable,
        "-m",
        "intarsia",
        "predict",
        str(model),
        str(source),
        "-o",
        str(target),
        "--confidence",
        *CUT,
    ]
    folder = tmp_path / "two.tif.blocks"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for least in (5, 40):
        kill_when(command, lambda least=least: len(list(folder.glob("*.labels.tif"))) >= least, environment)
        assert not target.exists()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("y*.tif")}
    assert len(kept) >= 40
    assert call("predict", model, source, "-o", target, "--confidence", *CUT).code == 0
    for made in (tmp_path, tmp_path / "confidence"):
        assert (made / "two.tif").read_bytes() == (made / "one.tif").read_bytes()
    assert not folder.exists()


def test_another_model_picture_or_option_does_not_go_on(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(250, 250))
    target = tmp_path / "out.tif"

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("intarsia.predict.pictures.deliver_blocks", stop)
        assert call("predict", model, source, "-o", target, *CUT).code != 0
    other = write_tiny_model(tmp_path / "other.safetensors", 1)
    changed = "out.tif.blocks: holds blocks of a run with another"
    assert f"{changed} model" in call("predict", other, source, "-o", target, *CUT).error
    assert (
        f"{changed} choice of views" in call("predict", model, source, "-o", target, "--tta", "flips", *CUT[2:]).error
    )
    write_tiff(source, picture(250, 250) // 2)
    refused = call("predict", model, source, "-o", target, *CUT)
    assert f"{changed} picture. Go on with what that run began with, or say --overwrite to begin anew" in refused.error
    assert refused.code == 1
    assert call("predict", model, source, "-o", target, "--overwrite", *CUT).code == 0


def test_a_damaged_part_is_reported_and_the_rest_goes_on(model: Path, tmp_path: Path) -> None:
    values = picture(400, 400)
    source = write_tiff(tmp_path / "a.tif", values)
    expected = whole_mask(model, values, tmp_path)
    content = source.read_bytes()
    with tifffile.TiffFile(source) as file:
        offsets = file.pages[0].dataoffsets
    source.write_bytes(content[: offsets[-2]])  # the last two tiles are cut off, the directory stays in front
    outcome = call("predict", model, source, "-o", tmp_path / "out.tif", *CUT)
    assert outcome.code == 1
    assert "cannot be decoded in rows" in outcome.error
    assert outcome.error.count("\n") == 1
    found = tifffile.imread(tmp_path / "out.tif")
    void = found == 255
    assert 0 < void.mean() < 0.5
    assert np.array_equal(found[~void], expected[~void])
    assert (tmp_path / "out.tif.blocks").is_dir()


def test_a_picture_changed_on_the_way_ends_the_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(300, 300))
    predict = blocks_module.BlockPredictor.predict

    def touching(self: blocks_module.BlockPredictor, raster: Raster, block: Block) -> Rasters:
        made = predict(self, raster, block)
        if block.left:
            os.utime(source)
        return made

    monkeypatch.setattr(blocks_module.BlockPredictor, "predict", touching)
    outcome = call("predict", model, source, "-o", tmp_path / "out.tif", *CUT)
    assert "a.tif: was changed while it was predicted. Predict it again with --overwrite" in outcome.error
    assert outcome.code == 1
    assert not (tmp_path / "out.tif").exists()


def test_a_full_disk_is_one_line(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(300, 300))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("intarsia.files.os.fsync", full)
    outcome = call("predict", model, source, "-o", tmp_path / "out.tif", *CUT)
    assert outcome.code == 1
    assert "could not be written (no space left on device)" in outcome.error
    assert outcome.error.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_one_line(model: Path, tmp_path: Path) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(90, 90))
    (tmp_path / "file").write_text("in the way")
    for cut in (CUT, []):
        outcome = call("predict", model, source, "-o", tmp_path / "file" / "out.tif", *cut)
        assert outcome.code == 1
        assert "could not be written, because it would lie inside a file" in outcome.error
        assert outcome.error.count("\n") == 1


def test_mixed_kinds_in_one_folder(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(picture(40, 60)).save(folder / "color.png")
    Image.fromarray(picture(70, 30)[:, :, 0]).save(folder / "gray.png")
    Image.fromarray(picture(9, 9)).save(folder / "small.jpg")
    Image.fromarray(picture(9, 9)[:, :, 0].astype(np.uint16)).save(folder / "deep.png")
    tifffile.imwrite(folder / "nan.tif", np.full((20, 20), np.nan, np.float32))
    write_tiff(folder / "tiled.tif", picture(100, 80))
    outcome = call("predict", model, folder, "-o", tmp_path / "out", "--device", "cpu")
    assert outcome.code == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "color.png",
        "gray.png",
        "small.png",
        "tiled.png",
    ]
    assert "deep.png" in outcome.error
    assert "nan.tif" in outcome.error
    assert "2 of 6 pictures could not be used" in outcome.error
    alone = call("predict", model, folder / "nan.tif", "-o", tmp_path / "nan")
    assert "float" in alone.error
    assert alone.error.count("\n") == 1


def test_what_is_there_is_kept_unless_another_model_made_it(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    rest: list[str | Path] = [tmp_path / "a.png", "-o", tmp_path / "out", "--device", "cpu"]
    first = call("predict", model, *rest)
    written = (tmp_path / "out" / "a.png").stat().st_mtime_ns
    second = call("predict", model, *rest)
    assert "1 mask in" in first.out
    assert "0 masks in" in second.out
    assert "1 kept that were there" in second.out
    assert (tmp_path / "out" / "a.png").stat().st_mtime_ns == written
    other = write_tiny_model(tmp_path / "other.safetensors", 1)
    refused = call("predict", other, *rest)
    assert "is there already and was predicted by another model. Name another --out" in refused.error
    assert call("predict", other, *rest, "--overwrite").code == 0


def test_a_list_on_standard_input(model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(picture(20, 20)).save(tmp_path / f"{name}.png")
    arguments = ["predict", str(model), "-", "-o", str(tmp_path / "out"), "--device", "cpu"]
    listed = CliRunner().invoke(app, arguments, input=f"{tmp_path / 'a.png'}\n\n{tmp_path / 'b.png'}\n")
    assert "2 masks in" in listed.stdout
    empty = CliRunner().invoke(app, arguments, input="\n")
    assert "standard input: is empty. Write one picture a line to it" in empty.stderr


def test_a_refined_mask_is_another_one(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(64, 64)).save(tmp_path / "a.png")
    masks = {}
    for name, asked in {
        "plain": [],
        "crf": ["--crf", "default"],
        "clean": ["--clean", "specks=400"],
        "tta": ["--tta", "d4"],
        "flat": ["--skip-flat", "255", "--tiles", "blended", "--tile", "32"],
    }.items():
        outcome = call("predict", model, tmp_path / "a.png", "-o", tmp_path / name, "--device", "cpu", *asked)
        assert outcome.code == 0, outcome.error
        masks[name] = np.asarray(Image.open(tmp_path / name / "a.png"))
    assert (masks["flat"] == 255).all()
    assert len({mask.tobytes() for mask in masks.values()}) >= 4


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (["--tiles", "exakt"], "--tiles: there is no 'exakt'. Choose of auto, whole, exact, blended"),
        (["--window", "round"], "--window: there is no 'round'"),
        (["--tta", "all"], "--tta: there is no 'all'. Choose of flips, d4, multiscale"),
        (["--format", "bmp"], "--format: there is no 'bmp'"),
        (["--memory", "much"], "--memory: 'much' is no size. Give a number and a unit: 2GB"),
        (["--memory", "1MB", "--tiles", "blended"], "MiB more than there is. Raise --memory"),
        (["--overlap", "1.5", "--tiles", "blended", "--tile", "32"], "an overlap of 1.5 of a tile is not possible"),
        (["--tiles", "exact", "--tile", "16"], "Take tiles of 60 pixels or more"),
        (["--crf", "none.yaml"], "none.yaml: cannot be read"),
        (["--clean", "speks=3"], "there is no key 'speks'"),
        (["--clean", "specks=3,unit=mm"], "does not say how large a pixel is"),
        (["--clean", "specks=3", "--tiles", "blended", "--tile", "32"], "is refined whole or not at all"),
    ],
)
def test_what_cannot_be_is_one_line(asked: list[str], answer: str, model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(200, 64)).save(tmp_path / "a.png")
    outcome = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "out", "--device", "cpu", *asked)
    assert outcome.code == 1, outcome.out
    assert answer in outcome.error
    assert outcome.error.count("\n") == 1


def test_a_store_is_a_result_and_not_a_folder_for_results(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(20, 20)).save(tmp_path / "a.png")
    arguments: list[str | Path] = ["predict", model, tmp_path / "a.png", "-o", tmp_path / "mask.zarr"]
    assert "1 mask in" in call(*arguments).out
    assert "1 kept that were there" in call(*arguments).out
    assert not list((tmp_path / "mask.zarr").glob("*.png"))


def test_a_name_of_a_picture_that_masks_are_not_written_as_is_refused(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(20, 20)).save(tmp_path / "a.png")
    outcome = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "mask.jpg")
    assert (
        "mask.jpg: is called like a picture, and masks are not written as that. Let the name end in .png"
        in outcome.error
    )
    assert not (tmp_path / "mask.jpg").exists()


def test_one_file_for_several_pictures_is_refused(model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(picture(20, 20)).save(tmp_path / f"{name}.png")
    outcome = call("predict", model, tmp_path / "?.png", "-o", tmp_path / "mask.tif")
    assert "mask.tif: is one mask file, for 2 pictures. Name a folder, and --format" in outcome.error
    differs = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "mask.tif", "--format", "png")
    assert "is called as tiff, but --format is png" in differs.error
