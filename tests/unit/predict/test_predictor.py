from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from intarsia.architectures import build
from intarsia.data.rasters.array import ArrayRaster
from intarsia.errors import OutputError, RecipeError
from intarsia.predict.model import Model, assemble
from intarsia.predict.plan import TileOptions
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from intarsia.types import ImageSpec, LabelMap
from intarsia.weights import ModelCard

LABELS = LabelMap(names=("sky", "road", "tree"), ids=(0, 7, 9))


def model(long_side: int | None = None, architecture: str = "unet", **arguments: object) -> Model:
    torch.manual_seed(0)
    chosen: dict[str, Any] = {"in_channels": 3, "num_classes": 3, **(arguments or {"base_width": 4, "depth": 2})}
    network = build(architecture, **chosen)
    card = ModelCard(
        architecture=architecture,
        arguments=chosen,
        label_map=LABELS,
        image_spec=ImageSpec(3, 8, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2), long_side),
        weights_fingerprint="abc",
    )
    return assemble(network, card, "fp32")


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def settings(cutting: str, **options: object) -> Settings:
    return Settings(tiles=TileOptions(cutting=cutting, **options))  # type: ignore[arg-type] # said by name


def test_exact_tiles_are_the_whole_picture_and_blended_ones_nearly() -> None:
    chosen, image = model(), picture(150, 190)
    whole = Predictor(chosen).predict(image, probabilities=True)
    exact = Predictor(chosen, settings("exact", tile=96, block=100)).predict(image, probabilities=True)
    blended = Predictor(chosen, settings("blended", tile=64)).predict(image)
    assert np.array_equal(whole.class_ids, chosen.predict(image).class_ids)
    assert np.array_equal(exact.class_ids, whole.class_ids)
    assert whole.probabilities is not None
    assert exact.probabilities is not None
    assert np.abs(exact.probabilities - whole.probabilities).max() < 1e-3
    assert np.mean(blended.class_ids == whole.class_ids) > 0.9


def test_pictures_are_taken_as_they_come_and_not_all_at_once() -> None:
    drawn = []

    def pictures() -> Iterator[np.ndarray]:
        for side in range(8, 60):
            drawn.append(side)
            yield picture(side, 16)

    results = Predictor(model()).predict_many(pictures())
    assert next(results).size == (8, 16)
    assert len(drawn) < 20
    assert [each.size[0] for each in results] == list(range(9, 60))


def test_a_stream_goes_on_where_it_was_ended_with_the_same_bytes(tmp_path: Path) -> None:
    predictor = Predictor(model(), settings("exact", tile=96, block=64))
    raster = ArrayRaster(picture(150, 190))
    told: list[tuple[int, int]] = []
    first = predictor.stream(raster, tmp_path / "one", lambda done, total: told.append((done, total)))
    assert first == {}
    assert told[-1] == (150 * 190, 150 * 190)
    predictor.stream(raster, tmp_path / "two")
    lost = sorted((tmp_path / "two").glob("*.labels.tif"))[2:7]
    for file in lost:
        file.unlink()
    told.clear()
    predictor.stream(raster, tmp_path / "two", lambda done, total: told.append((done, total)))
    assert len(told) == 5
    files = sorted(each.name for each in (tmp_path / "one").iterdir())
    assert files == sorted(each.name for each in (tmp_path / "two").iterdir())
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)
    mosaic = predictor.mosaics(raster, tmp_path / "one")["labels"]
    whole = predictor.predict(picture(150, 190)).class_ids
    assert np.array_equal(mosaic.read(0, 0, 150, 190)[:, :, 0], whole)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (settings("exact", tile=96, block=32), "way of cutting"),
        (settings("exact", tile=112, block=64), "way of cutting"),
        (Settings(TileOptions("exact", 96, block=64), layers=("labels", "confidence")), "choice of layers"),
        (Settings(TileOptions("exact", 96, block=64), skip_flat=3), "choice of tiles to skip"),
    ],
)
def test_blocks_of_a_run_with_other_settings_are_not_taken(other: Settings, named: str, tmp_path: Path) -> None:
    raster = ArrayRaster(picture(100, 100))
    Predictor(model(), settings("exact", tile=96, block=64)).stream(raster, tmp_path)
    with pytest.raises(OutputError, match=f"holds blocks of a run with another {named}"):
        Predictor(model(), other).stream(raster, tmp_path)


def test_blocks_of_another_picture_are_not_taken(tmp_path: Path) -> None:
    predictor = Predictor(model(), settings("exact", tile=96, block=64))
    predictor.stream(ArrayRaster(picture(100, 100)), tmp_path)
    with pytest.raises(OutputError, match="with another picture"):
        predictor.stream(ArrayRaster(picture(100, 100) // 2), tmp_path)


def test_a_run_goes_on_with_the_plan_it_began_with(tmp_path: Path) -> None:
    raster, chosen = ArrayRaster(picture(150, 190)), model()
    roomy = Predictor(chosen, settings("blended", tile=64, block=128, memory=2**40))
    roomy.stream(raster, tmp_path)
    (tmp_path / "y0-x0.labels.tif").unlink()
    tight = Predictor(chosen, settings("blended", tile=64, block=128, memory=1))  # which would not even be planned
    assert tight.stream(raster, tmp_path) == {}


def test_what_cannot_be_cut_exactly_says_so() -> None:
    looks_everywhere = model(architecture="pspnet", encoder="resnet18")
    with pytest.raises(RecipeError, match="looks at the whole picture for every pixel"):
        Predictor(looks_everywhere, settings("exact")).predict(picture(64, 64))
    mirrored = Settings(TileOptions("exact"), views="flips")
    with pytest.raises(RecipeError, match="so no cutting leaves its result as it is"):
        Predictor(model(), mirrored).predict(picture(64, 64))


def test_a_model_that_shrinks_pictures_is_not_shown_tiles() -> None:
    with pytest.raises(RecipeError, match="shrinks pictures to 50 pixels before it looks"):
        Predictor(model(long_side=50), settings("blended", tile=32)).predict(picture(64, 64))
    assert Predictor(model(long_side=50)).predict(picture(64, 64)).size == (64, 64)


def test_too_little_memory_is_said_and_not_met() -> None:
    with pytest.raises(RecipeError, match=r"MiB more than there is.*Raise --memory"):
        Predictor(model(), settings("blended", memory=1)).predict(picture(64, 64))


def test_a_ceiling_that_holds_no_whole_picture_makes_tiles() -> None:
    import psutil

    predictor = Predictor(model(), settings("auto", memory=psutil.Process().memory_info().rss + 400 * 2**20))
    assert predictor.cut((200, 200)).cutting == "whole"
    assert predictor.cut((30000, 30000)).cutting == "exact"


def test_views_are_looked_at() -> None:
    plain, several = Predictor(model()), Predictor(model(), Settings(views="d4"))
    image = picture(40, 40)
    first = plain.predict(image, probabilities=True).probabilities
    second = several.predict(image, probabilities=True).probabilities
    assert first is not None
    assert second is not None
    assert not np.allclose(first, second)
    turned = several.predict(np.ascontiguousarray(np.rot90(image)), probabilities=True).probabilities
    assert turned is not None
    # Sides are multiples of the stride, so no padding tells one end from the other.
    assert np.allclose(np.rot90(second, axes=(1, 2)), turned, atol=1e-5)


def test_a_gpu_has_a_memory_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor(model(), settings("auto", memory=64 * 2**30))
    assert predictor.cut((4000, 4000)).cutting == "whole"
    for free, cutting in ((2**20 * 128, "exact"), (2**36, "whole")):
        monkeypatch.setattr("intarsia.predict.predictor.free_memory", lambda _, free=free: free)
        cut = predictor.cut((4000, 4000))
        assert cut.cutting == cutting
    monkeypatch.setattr("intarsia.predict.predictor.free_memory", lambda _: 2**20)
    with pytest.raises(RecipeError, match=r"memory of the GPU: tiles of 512 pixels take \d+ MiB more than"):
        predictor.cut((4000, 4000))
