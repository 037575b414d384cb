"""``intarsia predict`` to polygons and COCO, from videos, and masks of its own read back by every other verb."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
import tifffile
from affine import Affine
from PIL import Image
from pycocotools.coco import COCO
from rasterio.features import rasterize

from command_line import call
from intarsia.data.formats import video
from intarsia.data.formats.folder import open_folder
from intarsia.data.formats.mask import read_mask, write_mask
from intarsia.data.rasters.opening import open_labels
from intarsia.errors import DataError
from tiny_model import LABELS, write_tiny_model
from tiny_pictures import CUT, picture, whole_mask, write_tiff


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "model.safetensors")


def burn(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The class ids of a file of polygons, 7 where there are none."""
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    shown = [(feature["geometry"], feature["properties"]["class_id"]) for feature in features]
    return np.asarray(rasterize(shown, shape, fill=7, dtype="uint8"))


@pytest.mark.parametrize("cut", [CUT, ["--device", "cpu"]], ids=["in blocks", "whole"])
def test_polygons_are_the_mask(cut: list[str], model: Path, tmp_path: Path) -> None:
    values = picture(150, 230)
    source = write_tiff(tmp_path / "a.tif", values)
    outcome = call("predict", model, source, "-o", tmp_path / "a.geojson", "--confidence", *cut)
    assert outcome.code == 0, outcome.error
    np.testing.assert_array_equal(burn(tmp_path / "a.geojson", (150, 230)), whole_mask(model, values, tmp_path))
    assert (tmp_path / "confidence" / "a.tif").is_file()
    assert not (tmp_path / "a.geojson.blocks").exists()


def test_simplified_polygons_leave_no_gaps(model: Path, tmp_path: Path) -> None:
    source = write_tiff(tmp_path / "a.tif", picture(150, 230))
    asked: list[str | Path] = ["--format", "geojson", "--simplify", "2", "--device", "cpu"]
    assert call("predict", model, source, "-o", tmp_path / "out", *asked).code == 0
    features = json.loads((tmp_path / "out" / "a.geojson").read_text(encoding="utf-8"))["features"]
    polygons = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], object)
    assert shapely.coverage_is_valid(polygons)
    assert shapely.area(polygons).sum() == pytest.approx(150 * 230, rel=0.01)
    refused = call("predict", model, source, "-o", tmp_path / "png", "--simplify", "2")
    assert "--simplify: is for polygons, and pixels are written. Add --format geojson or gpkg" in refused.error


def test_a_map_becomes_polygons_on_the_ground(model: Path, tmp_path: Path) -> None:
    place = Affine(0.2, 0, 500_000, 0, -0.2, 5_800_000)
    profile = {"driver": "GTiff", "width": 120, "height": 90, "count": 3, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(tmp_path / "map.tif", "w", **profile, transform=place) as dataset:
        dataset.write(np.moveaxis(picture(90, 120), -1, 0))
    assert call("predict", model, tmp_path / "map.tif", "-o", tmp_path / "map.gpkg", "--device", "cpu").code == 0
    meta, _, geometry, _ = pyogrio.raw.read(tmp_path / "map.gpkg")
    assert rasterio.crs.CRS.from_user_input(meta["crs"]).to_epsg() == 32633
    bounds = shapely.total_bounds(shapely.from_wkb(geometry))
    assert bounds.tolist() == pytest.approx([500_000, 5_799_982, 500_024, 5_800_000])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools' decode
@pytest.mark.parametrize("target", ["out", "masks.json"])
def test_coco_is_one_file_of_all_masks(target: str, model: Path, tmp_path: Path) -> None:
    for name, size in (("a", (40, 60)), ("b", (70, 30))):
        Image.fromarray(picture(*size)).save(tmp_path / f"{name}.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    asked: list[str | Path] = ["-o", tmp_path / target, "--format", "coco", "--device", "cpu"]
    first = call("predict", model, tmp_path / "a.png", *asked)
    assert first.code == 0, first.error
    outcome = call("predict", model, tmp_path / "?.png", *asked)
    assert outcome.code == 1
    assert "c.png: is cut short or not a picture" in outcome.error
    assert "1 kept that were there" in outcome.out
    file = tmp_path / target if target.endswith("json") else tmp_path / target / "annotations.json"
    masks = tmp_path / target.replace(".json", ".masks")
    coco = COCO(str(file))
    assert f"{len(coco.anns)} annotations in" in outcome.out.replace("\n", " ")
    assert [image["file_name"] for image in coco.dataset["images"]] == ["a.png", "b.png"]
    for image in coco.dataset["images"]:
        burned = np.full((image["height"], image["width"]), 7, np.uint8)
        for annotation in coco.imgToAnns[image["id"]]:
            burned[coco.annToMask(annotation) > 0] = annotation["category_id"]
        np.testing.assert_array_equal(burned, read_mask(masks / image["file_name"]))


def test_names_that_cannot_be_coco(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(20, 20)).save(tmp_path / "a.png")
    one = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "a.json", "--format", "tiff")
    assert "a.json: is called as coco, but --format is tiff. Leave out --format" in one.error
    other = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "m.tif", "--format", "coco")
    assert "m.tif: is called like a mask, but --format is coco" in other.error


def write_clip(path: Path, count: int) -> list[np.ndarray]:
    """A video without loss of color, so that its frames are known."""
    frames = [np.roll(picture(48, 64), 8 * index, axis=1) for index in range(count)]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        container.mux(stream.encode())
    return frames


def test_every_frame_of_a_video_has_a_mask(model: Path, tmp_path: Path) -> None:
    frames = write_clip(tmp_path / "clip.mkv", 21)
    outcome = call("predict", model, tmp_path / "clip.mkv", "-o", tmp_path / "out", "--overlay", "--device", "cpu")
    assert outcome.code == 0, outcome.error
    masks = sorted((tmp_path / "out" / "clip").glob("*.png"))
    assert [mask.name for mask in masks] == [f"{index:05}.png" for index in range(21)]
    for index in (0, 7, 20):
        expected = whole_mask(model, frames[index], tmp_path)
        np.testing.assert_array_equal(read_mask(masks[index]), expected)
    assert (tmp_path / "out" / "clip" / "overlays" / "00020.png").is_file()
    one = call("predict", model, f"{tmp_path / 'clip.mkv'}#frame=7", "-o", tmp_path / "one.png", "--device", "cpu")
    assert one.code == 0, one.error
    assert (tmp_path / "one.png").read_bytes() == masks[7].read_bytes()


def test_a_damaged_video_is_predicted_as_far_as_it_goes(model: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mkv", 12)
    content = bytearray((tmp_path / "clip.mkv").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    (tmp_path / "clip.mkv").write_bytes(content)
    outcome = call("predict", model, tmp_path / "clip.mkv", "-o", tmp_path / "out", "--device", "cpu")
    masks = list((tmp_path / "out" / "clip").glob("*.png"))
    assert 3 <= len(masks) < 12
    if outcome.code:  # FFmpeg takes some damage for the end
        assert f"clip.mkv: cannot be decoded after {len(masks)} frames" in outcome.error
        assert outcome.error.count("\n") == 1


def test_masks_are_not_mixed_up_with_those_of_other_options(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    other = write_tiny_model(tmp_path / "other.safetensors", 1)
    for name in ("a.png", "a.tif", "a.ome.tif", "a.zarr", "a.npz", "a.geojson", "a.gpkg"):
        rest: list[str | Path] = [tmp_path / "a.png", "-o", tmp_path / "out" / name, "--device", "cpu"]
        assert call("predict", model, *rest, "--clean", "specks=4").code == 0
        assert "1 kept that were there" in call("predict", model, *rest, "--clean", "specks=4", "--batch", "2").out
        refused = call("predict", model, *rest, "--tta", "flips")
        assert f"{name}: is there already and was predicted with other options (clean {{classes:" in refused.error
        assert "; now views flips averaging probabilities). Name another --out" in refused.error
        refused = call("predict", other, *rest, "--clean", "specks=4")
        assert f"{name}: is there already and was predicted by another model" in refused.error
        assert call("predict", other, *rest, "--overwrite").code == 0


def test_what_was_not_asked_for_before_is_made_now(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    rest: list[str | Path] = [tmp_path / "a.png", "-o", tmp_path / "out", "--device", "cpu"]
    assert call("predict", model, *rest).code == 0
    assert "1 mask in" in call("predict", model, *rest, "--overlay", "--confidence").out
    assert (tmp_path / "out" / "overlays" / "a.png").is_file()
    assert "1 kept that were there" in call("predict", model, *rest, "--overlay", "--confidence").out


@pytest.mark.parametrize("form", ["png", "tiff", "ome-tiff"])
def test_masks_of_our_own_are_masks_to_every_verb(form: str, model: Path, tmp_path: Path) -> None:
    values = picture(700, 600)  # large enough for a smaller version in the file
    Image.fromarray(values).save(tmp_path / "a.png")
    asked: list[str | Path] = ["-o", tmp_path / "out", "--format", form, "--confidence", "--overlay", "--device", "cpu"]
    assert call("predict", model, tmp_path / "a.png", *asked).code == 0
    truth = whole_mask(model, values, tmp_path)
    (mask,) = (path for path in (tmp_path / "out").iterdir() if path.is_file())
    np.testing.assert_array_equal(read_mask(mask), truth)
    raster = open_labels(mask)
    np.testing.assert_array_equal(raster.read(0, 0, 700, 600)[:, :, 0], truth)
    raster.close()
    (tmp_path / "classes.yaml").write_text("classes: [ground, house, tree]\n")
    write_mask(tmp_path / "truth" / "a.png", truth, LABELS)
    scored = json.loads(call("score", tmp_path / "out", tmp_path / "truth", "--json").out)
    assert scored["overall"]["mean_iou_dataset"]["value"] == 1.0
    inspected = call("inspect", tmp_path / "out", "--classes", tmp_path / "classes.yaml", "--json")
    assert json.loads(inspected.out)["images"] == 1


def test_labels_of_a_zarr_are_read_by_window(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(60, 50)).save(tmp_path / "a.png")
    assert call("predict", model, tmp_path / "a.png", "-o", tmp_path / "a.zarr", "--device", "cpu").code == 0
    found = open_labels(tmp_path / "a.zarr").read(3, 5, 40, 40)[:, :, 0]
    np.testing.assert_array_equal(found, whole_mask(model, picture(60, 50), tmp_path)[3:43, 5:45])


def test_it_says_how_a_picture_was_cut(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(200, 150)).save(tmp_path / "a.png")
    cut = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "cut.png", *CUT)
    assert "(1 in exact tiles of 96 pixels)" in cut.out
    whole = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "whole.png", "--device", "cpu", "--json")
    assert [entry["cut"] for entry in json.loads(whole.out)["written"]] == ["whole"]


def test_what_no_picture_could_be_predicted_with_is_said_once(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        Image.fromarray(picture(64, 64)).save(tmp_path / "in" / f"{name}.png")
    asked: list[str | Path] = ["--tiles", "blended", "--memory", "1MB"]
    outcome = call("predict", model, tmp_path / "in", "-o", tmp_path / "out", *asked)
    assert outcome.error.startswith("Error: memory: tiles of")
    assert "of 3 pictures" not in outcome.error
    assert outcome.error.count("\n") == 1


def test_frames_that_are_cut_into_blocks_are_decoded_in_order(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "clip.mkv", 30)
    begun = []
    begin = video._Reader._begin

    def counting(reader: video._Reader) -> None:
        begun.append(reader)
        begin(reader)

    monkeypatch.setattr(video._Reader, "_begin", counting)
    cut = ["--tiles", "blended", "--tile", "32", "--device", "cpu"]
    assert call("predict", model, tmp_path / "clip.mkv", "-o", tmp_path / "out", *cut).code == 0
    assert len(list((tmp_path / "out" / "clip").glob("*.png"))) == 30
    assert len(begun) <= 3


def test_refined_probabilities_are_not_written_block_by_block(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    asked = ["--clean", "specks=4", "--probabilities", "--device", "cpu"]
    refused = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "a.tif", *asked)
    assert "probabilities are written block by block in tiff, and masks are refined whole" in refused.error
    assert call("predict", model, tmp_path / "a.png", "-o", tmp_path / "a.npz", *asked).code == 0


def test_layers_that_a_file_of_numpy_lacks_are_made(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    rest: list[str | Path] = [tmp_path / "a.png", "-o", tmp_path / "a.npz", "--device", "cpu"]
    assert call("predict", model, *rest).code == 0
    assert "1 mask in" in call("predict", model, *rest, "--confidence").out
    with np.load(tmp_path / "a.npz") as content:
        assert {"class_ids", "confidence"} <= set(content.files)
    assert "1 kept" in call("predict", model, *rest, "--confidence").out
    (tmp_path / "a.npz").write_bytes(b"damaged")
    assert "1 mask in" in call("predict", model, *rest).out


def test_annotations_of_others_are_not_lost(model: Path, tmp_path: Path) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    (tmp_path / "truth.json").write_text('{"images": []}')
    rest: list[str | Path] = [tmp_path / "a.png", "-o", tmp_path / "truth.json", "--device", "cpu"]
    refused = call("predict", model, *rest)
    assert "truth.json: is there already and was not written by this program. Name another --out" in refused.error
    assert (tmp_path / "truth.json").read_text() == '{"images": []}'
    assert call("predict", model, *rest, "--overwrite").code == 0
    assert "1 kept" in call("predict", model, *rest).out


def test_a_damaged_mask_that_was_kept_does_not_hide_the_others(model: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(picture(40, 60)).save(tmp_path / f"{name}.png")
    asked: list[str | Path] = ["-o", tmp_path / "out", "--format", "coco", "--device", "cpu"]
    assert call("predict", model, tmp_path / "a.png", *asked).code == 0
    (tmp_path / "out" / "a.png").write_bytes((tmp_path / "out" / "a.png").read_bytes()[:200])
    outcome = call("predict", model, tmp_path / "?.png", *asked)
    assert outcome.code == 1
    assert "1 mask in" in outcome.out
    assert "out/a.png: is cut short or not a picture" in outcome.error


def test_masks_of_pyramids_train_and_other_things_are_no_masks(tmp_path: Path) -> None:
    ids = np.ones((40, 50), np.uint8)
    Image.fromarray(picture(40, 50)).save(tmp_path / "a.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "images" / "a.png")
    tifffile.imwrite(tmp_path / "masks" / "a.ome.tif", ids, ome=True)
    (item,) = open_folder(tmp_path).items
    assert item.name == "a"
    write_tiff(tmp_path / "rgb.tif", picture(40, 50))
    with pytest.raises(DataError, match=r"rgb\.tif: has 3 channels, but a mask holds one class id a pixel"):
        open_labels(tmp_path / "rgb.tif")
    tifffile.imwrite(tmp_path / "lossy.tif", ids, tile=(16, 16), compression="jpeg")
    with pytest.raises(DataError, match=r"lossy\.tif: is a mask saved as JPEG in TIFF"):
        open_labels(tmp_path / "lossy.tif")


def test_a_missing_package_is_said_before_anything_is_predicted(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(picture(40, 60)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "shapely", None)
    outcome = call("predict", model, tmp_path / "a.png", "-o", tmp_path / "a.geojson")
    assert "--format geojson: needs the package shapely, which is not installed. Install it: pip" in outcome.error
