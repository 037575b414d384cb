from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64

from intarsia.errors import DataError, ShapeError
from intarsia.ops import overlay
from intarsia.types import LabelMap

SHAPES = LabelMap(
    names=("background", "circle", "square"),
    ids=(0, 7, 300),
    colors=((0, 0, 0), (200, 0, 0), (0, 100, 0)),
    ignore=9,
)
STREET = LabelMap(names=("sky", "road"), colors=((128, 128, 128), (128, 64, 128)))
GRADIENT = np.tile(np.arange(0, 256, 16, dtype=np.uint8)[:, None, None], (1, 16, 1))


def test_blend_leaves_background_clear_fills_at_alpha_and_outlines_at_full_strength() -> None:
    class_ids = np.zeros((16, 16), dtype=np.uint16)
    class_ids[4:9, 4:9] = 7
    blended = overlay.blend(GRADIENT, class_ids, SHAPES, alpha=0.5)
    np.testing.assert_array_equal(blended[0], np.repeat(GRADIENT[0], 3, axis=1))
    np.testing.assert_array_equal(blended[3, 6], [48, 48, 48])  # just outside: the outline lies within the region
    np.testing.assert_array_equal(blended[4, 6], [200, 0, 0])
    np.testing.assert_array_equal(blended[6, 6], [148, 48, 48])  # halfway from gray 96 to the color


def test_a_region_of_one_pixel_is_one_solid_pixel() -> None:
    class_ids = np.zeros((16, 16), dtype=np.uint16)
    class_ids[5, 5] = 300
    blended = overlay.blend(GRADIENT, class_ids, SHAPES, alpha=0.1)
    assert blended[5, 5].tolist() == [0, 100, 0]
    changed = (blended != np.repeat(GRADIENT, 3, axis=2)).any(axis=2)
    assert np.argwhere(changed).tolist() == [[5, 5]]


def test_a_first_class_that_is_not_black_is_drawn() -> None:
    blended = overlay.blend(GRADIENT, np.zeros((16, 16), dtype=np.uint8), STREET, alpha=1.0)
    assert (blended == 128).all()
    assert overlay.background_index(STREET) is None
    assert overlay.background_index(SHAPES) == 0


def test_a_region_at_the_edge_of_the_picture_has_no_outline_there() -> None:
    blended = overlay.blend(GRADIENT, np.full((16, 16), 7, dtype=np.uint16), SHAPES, alpha=0.0)
    np.testing.assert_array_equal(blended, np.repeat(GRADIENT, 3, axis=2))


def test_ignored_pixels_are_striped_in_both_overlays() -> None:
    ids = np.full((16, 16), 9, dtype=np.uint16)
    for shown in (
        overlay.blend(GRADIENT, ids, SHAPES),
        overlay.errors(GRADIENT, ids, np.zeros_like(ids), SHAPES),
    ):
        np.testing.assert_array_equal(shown, overlay.stripes(16, 16))
        assert {tuple(color) for color in shown.reshape(-1, 3).tolist()} == set(overlay.IGNORED)


def test_errors_tells_missed_spurious_and_confused_apart() -> None:
    truth = np.array([[0, 0, 7, 7, 7, 9, 0]], dtype=np.uint16)
    predicted = np.array([[0, 7, 7, 0, 300, 7, 9]], dtype=np.uint16)
    image = np.full((1, 7, 1), 200, dtype=np.uint8)
    shown = [tuple(color) for color in overlay.errors(image, truth, predicted, SHAPES)[0].tolist()]
    dimmed = (100, 100, 100)
    assert shown[:5] == [dimmed, overlay.SPURIOUS, dimmed, overlay.MISSED, overlay.CONFUSED]
    assert shown[5] in overlay.IGNORED
    assert shown[6] == overlay.SPURIOUS


def test_without_a_background_every_error_is_a_confusion() -> None:
    truth, predicted = np.array([[0, 1, 0]], dtype=np.uint8), np.array([[1, 0, 0]], dtype=np.uint8)
    shown = overlay.errors(np.zeros((1, 3, 3), dtype=np.uint8), truth, predicted, STREET)
    assert [tuple(color) for color in shown[0].tolist()] == [overlay.CONFUSED, overlay.CONFUSED, (0, 0, 0)]


@given(data=st.data(), height=st.integers(1, 6), width=st.integers(1, 6))
def test_a_perfect_prediction_shows_no_error(data: st.DataObject, height: int, width: int) -> None:
    ids = data.draw(st.lists(st.sampled_from((0, 7, 300)), min_size=height * width, max_size=height * width))
    mask = np.array(ids, dtype=np.uint16).reshape(height, width)
    image = np.full((height, width, 3), 90, dtype=np.uint8)
    assert (overlay.errors(image, mask, mask, SHAPES) == 45).all()


def test_a_16_bit_picture_is_stretched_to_the_range_of_the_screen() -> None:
    image = np.linspace(1000, 1400, 400, dtype=np.uint16).reshape(20, 20, 1)
    shown = overlay.for_display(image)
    assert shown.dtype == np.uint8
    assert shown.shape == (20, 20, 3)
    assert (int(shown.min()), int(shown.max())) == (0, 255)
    assert (np.diff(shown[:, :, 0].ravel().astype(int)) >= 0).all()


def test_a_faint_8_bit_picture_is_stretched_and_others_are_left_alone() -> None:
    faint = np.tile(np.arange(10, 40, dtype=np.uint8)[:, None, None], (1, 30, 1))
    assert int(overlay.for_display(faint).max()) == 255
    np.testing.assert_array_equal(overlay.for_display(GRADIENT), np.repeat(GRADIENT, 3, axis=2))


@pytest.mark.parametrize(("dtype", "value", "shown"), [(np.uint8, 77, 77), (np.uint16, 65535, 255), (np.uint16, 0, 0)])
def test_a_constant_picture_keeps_its_brightness(dtype: type, value: int, shown: int) -> None:
    assert (overlay.for_display(np.full((4, 4, 1), value, dtype=dtype)) == shown).all()


@pytest.mark.parametrize(("channels", "taken"), [(1, [0, 0, 0]), (2, [0, 0, 0]), (3, [0, 1, 2]), (5, [0, 1, 2])])
def test_any_number_of_channels_can_be_shown(channels: int, taken: list[int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 9, channels), dtype=np.uint8)
    np.testing.assert_array_equal(overlay.for_display(image), image[:, :, taken])


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"picture is 16 × 16 .* the mask 8 × 16\. Give the mask that belongs"):
        overlay.blend(GRADIENT, np.zeros((8, 16), dtype=np.uint8), SHAPES)
    full, half = np.zeros((16, 16), dtype=np.uint8), np.zeros((16, 8), dtype=np.uint8)
    with pytest.raises(ShapeError, match="the prediction 16 × 8"):
        overlay.errors(GRADIENT, full, half, SHAPES)
    with pytest.raises(ShapeError, match="the truth 16 × 8"):
        overlay.errors(GRADIENT, half, full, SHAPES)


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(DataError, match="holds the id 4, but the classes are"):
        overlay.blend(GRADIENT, np.full((16, 16), 4, dtype=np.uint8), SHAPES)


# Machado, Oliveira, Fernandes: A physiologically-based model for simulation of color vision deficiency, IEEE TVCG 2009,
# severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def seen(color: tuple[int, int, int], vision: str) -> Float64[np.ndarray, "3"]:
    """CIELAB (D65) of an sRGB color as seen with ``vision``."""
    encoded = np.asarray(color) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = (VISION[vision] @ linear).clip(0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ linear / to_xyz.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", sorted(VISION))
def test_color_blind_readers_can_tell_the_kinds_of_errors_apart(vision: str) -> None:
    kinds = (overlay.MISSED, overlay.SPURIOUS, overlay.CONFUSED)
    grays = [(gray, gray, gray) for gray in range(0, 129, 8)]
    pairs = [*combinations(kinds, 2), *((kind, gray) for kind in kinds for gray in grays)]
    distances = {pair: float(np.linalg.norm(seen(pair[0], vision) - seen(pair[1], vision))) for pair in pairs}
    assert min(distances.values()) > 30, min(distances.items(), key=lambda item: item[1])
