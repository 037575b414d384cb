import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.errors import ShapeError
from intarsia.evaluate import figures
from intarsia.ops import overlay
from intarsia.types import LabelMap

BINARY = LabelMap(names=("background", "lung"), ids=(0, 255))
STREET = LabelMap(names=("sky", "road", "car"), colors=((128, 128, 128), (128, 64, 128), (64, 0, 128)), ignore=11)


def example(
    height: int, width: int, *, channels: int = 1, bits: int = 8, name: str = "film.png", score: float = 0.5
) -> figures.Example:
    """Truth in the left half, prediction in the top half, over a gradient."""
    top = 2**bits - 1
    ramp = np.linspace(0, top, width).astype(np.uint8 if bits == 8 else np.uint16)
    truth, predicted = (np.zeros((height, width), dtype=np.uint8) for _ in range(2))
    truth[:, : width // 2] = 255
    predicted[: height // 2] = 255
    return figures.Example(name, np.tile(ramp[None, :, None], (height, 1, channels)), truth, predicted, score)


def colors_in(image: Image.Image) -> set[tuple[int, int, int]]:
    return {tuple(color) for color in np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0).tolist()}


def test_panels_keep_proportions_and_show_the_colors_of_classes_and_errors() -> None:
    picture, truth, predicted, errors = figures.panels(example(50, 100), BINARY, 200)
    assert {panel.size for panel in (picture, truth, predicted, errors)} == {(200, 100)}
    assert BINARY.colors[1] in colors_in(truth)
    assert {overlay.MISSED, overlay.SPURIOUS} <= colors_in(errors)
    assert overlay.CONFUSED not in colors_in(errors)
    quarter = np.asarray(errors)[50:, :100]  # bottom left: in truth, not predicted; nearest keeps its edges sharp
    assert (quarter == overlay.MISSED).all()


def test_panels_have_the_size_asked_for_and_at_least_one_pixel() -> None:
    assert figures.panels(example(30, 20), BINARY, 300)[0].size == (200, 300)
    assert figures.panels(example(600, 400), BINARY, 300)[0].size == (200, 300)
    assert figures.panels(example(3, 2000), BINARY, 100)[0].size == (100, 1)


def test_picture_and_masks_are_scaled_alike() -> None:
    picture, truth, predicted = figures.scaled(example(30, 20, bits=16), 2.5)
    assert picture.shape == (75, 50, 3)
    assert truth.shape == predicted.shape == (75, 50)
    assert (truth == 255).mean() == pytest.approx(0.5, abs=0.01)
    assert (predicted == 255).mean() == pytest.approx(0.5, abs=0.01)
    assert set(np.unique(truth)) == {0, 255}


def test_a_contact_sheet_takes_pictures_of_any_size_depth_and_channels() -> None:
    rows = [
        example(100, 100),
        example(40, 120, channels=3),
        example(90, 60, bits=16),
        example(1, 1, score=math.nan, name="a-very-long-name-" * 30),
    ]
    sheet = figures.contact_sheet(rows, BINARY, tile=200)
    assert sheet.mode == "RGB"
    assert sheet.width >= 800
    assert sheet.height > 200 + 67 + 200 + 200
    assert {BINARY.colors[1], overlay.MISSED, overlay.SPURIOUS} <= colors_in(sheet)
    paper = np.asarray(sheet)[:, [0, -1]]
    assert (paper == 255).all(), "something is drawn into the margin"


def test_the_legend_names_only_what_can_occur() -> None:
    assert [key.label for key in figures.error_keys(BINARY)] == [
        "missed (only in truth)",
        "spurious (only in prediction)",
    ]
    assert [key.label for key in figures.error_keys(STREET)] == ["wrong class", "ignored (not scored)"]
    assert [key.label for key in figures.class_keys(BINARY)] == ["background (clear)", "lung"]
    assert [key.fill for key in figures.class_keys(STREET)] == [(color,) for color in STREET.colors]
    assert figures.error_keys(LabelMap(names=("all",), colors=((1, 2, 3),))) == ()


def test_the_legend_of_forty_classes_breaks_into_lines_inside_the_sheet() -> None:
    many = LabelMap(names=tuple(f"class number {index}" for index in range(40)), ids=(0, *range(217, 256)))
    sheet = figures.contact_sheet([example(20, 20)], many, tile=200)
    assert set(many.colors) - {(0, 0, 0)} <= colors_in(sheet)
    assert (np.asarray(sheet)[:, -20:] == 255).all()


def test_a_long_class_name_is_shortened_to_the_sheet() -> None:
    sheet = figures.contact_sheet([], LabelMap(names=("background", "long " * 100)), tile=200)
    assert (np.asarray(sheet)[:, -20:] == 255).all()


def test_masks_of_another_size_are_refused() -> None:
    image, mask = np.zeros((4, 6, 1), dtype=np.uint8), np.zeros((4, 6), dtype=np.uint8)
    with pytest.raises(
        ShapeError, match=r"film: the picture is 4 × 6 .* the truth 4 × 6 and the prediction 6 × 4\. Give"
    ):
        figures.Example("film", image, mask, mask.T, 0.0)


def test_an_empty_contact_sheet_still_has_its_legend() -> None:
    assert BINARY.colors[1] in colors_in(figures.contact_sheet([], BINARY))


def test_a_png_holds_the_picture_exactly() -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for form in (array, Image.fromarray(array)):
        with Image.open(io.BytesIO(figures.png_bytes(form))) as image:
            np.testing.assert_array_equal(np.asarray(image), array)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"step": 1.0, "loss": 0.5}],
        [{"step": 10.0, "loss": 0.5}, {"step": 20.0, "loss": math.nan, "val_mean_iou": 0.8}, {"step": 30.0}],
        [{"step": 10, "val_mean_iou": math.inf, "learning_rate": 1e-3, "seconds": 2.0}, {"loss": 0.3}],
    ],
)
def test_curves_are_a_png_whatever_is_missing(rows: list[dict[str, float]]) -> None:
    with Image.open(io.BytesIO(figures.curves_png(rows))) as image:
        assert image.format == "PNG"
        assert image.width > 800


def test_curves_show_both_lines() -> None:
    rows = [{"step": 10.0 * k, "loss": 1 / k, "val_mean_iou": 1 - 1 / (k + 1)} for k in range(1, 9)]
    with Image.open(io.BytesIO(figures.curves_png(rows))) as image:
        assert {(0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2)} <= colors_in(image)


@pytest.mark.needs_shared_data
def test_a_street_scene_with_void_gets_its_contact_sheet(shared_data: Path) -> None:
    folder = shared_data / "camvid" / "val"
    path = sorted((folder / "images").iterdir())[0]
    with Image.open(path) as image, Image.open(folder / "masks" / f"{path.stem}.png") as mask:
        picture, truth = np.asarray(image.convert("RGB")), np.asarray(mask)
    predicted = np.roll(truth, 3, axis=1)
    scene = figures.Example(path.name, picture, truth, predicted, 0.7)
    sheet = figures.contact_sheet([scene], LabelMap(names=tuple(f"class {index}" for index in range(11)), ignore=11))
    assert {overlay.CONFUSED, *overlay.IGNORED} <= colors_in(sheet)
