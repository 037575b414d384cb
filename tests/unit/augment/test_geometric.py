from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from intarsia.augment import geometric
from intarsia.augment.geometric import RandomCrop, RandomRightAngle, RandomWarp
from intarsia.augment.joint import JointTransform

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))


def coded(height: int, width: int) -> tuple[Tensor, Tensor]:
    """An image and a mask that both say where each pixel comes from: its number in reading order."""
    number = torch.arange(height * width).reshape(height, width)
    return number.float().unsqueeze(0) / (height * width), number.short()


def run(transform: JointTransform, image: Tensor, mask: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    moved_image, moved_mask = transform(tv_tensors.Image(image), tv_tensors.Mask(mask))
    return moved_image.as_subclass(Tensor), moved_mask.as_subclass(Tensor)


def test_right_angles_are_all_four_and_turn_both_alike() -> None:
    image, mask = coded(2, 3)
    seen = set()
    for seed in range(40):
        turned_image, turned_mask = run(RandomRightAngle(), image, mask, seed)
        assert torch.equal((turned_image[0] * 6).round().short(), turned_mask)
        seen.add(tuple(map(tuple, turned_mask.tolist())))
    assert seen == {
        ((0, 1, 2), (3, 4, 5)),
        ((2, 5), (1, 4), (0, 3)),
        ((5, 4, 3), (2, 1, 0)),
        ((3, 0), (4, 1), (5, 2)),
    }


def test_right_angles_that_keep_the_shape() -> None:
    oblong = {
        tuple(run(RandomRightAngle(keep_shape=True), *coded(2, 3), seed)[1].flatten()[:1].tolist())
        for seed in range(30)
    }
    assert oblong == {(0,), (5,)}
    square = {
        tuple(run(RandomRightAngle(keep_shape=True), *coded(2, 2), seed)[1].flatten()[:1].tolist())
        for seed in range(30)
    }
    assert square == {(0,), (1,), (2,), (3,)}


@given(picture=SIZES, window=SIZES, seed=st.integers(0, 1000))
def test_a_crop_shows_the_picture_as_it_is_and_ignores_the_rest(
    picture: tuple[int, int], window: tuple[int, int], seed: int
) -> None:
    image, mask = coded(*picture)
    cropped_image, cropped_mask = run(RandomCrop(window), image, mask, seed)
    assert cropped_image.shape == (1, *window)
    assert cropped_mask.shape == window
    assert cropped_mask.dtype == torch.int16
    inside = cropped_mask >= 0
    assert inside.sum() == min(picture[0], window[0]) * min(picture[1], window[1])
    number = (cropped_image[0] * picture[0] * picture[1]).round().short()
    assert torch.equal(number[inside], cropped_mask[inside])
    # In one piece: neighbors in the window are neighbors in the picture.
    across = inside[:, 1:] & inside[:, :-1]
    assert (cropped_mask.diff(dim=1)[across] == 1).all()


def test_every_place_of_a_crop_comes_up() -> None:
    image, mask = coded(4, 3)
    corners = {int(run(RandomCrop((3, 2)), image, mask, seed)[1][0, 0]) for seed in range(60)}
    assert corners == {0, 1, 3, 4}


def test_outside_a_small_picture_the_image_repeats_its_edge() -> None:
    image = torch.tensor([[[0.2, 0.8]]])
    cropped_image, cropped_mask = run(RandomCrop((1, 4)), image, torch.tensor([[3, 4]], dtype=torch.int16), seed=1)
    first = int((cropped_mask[0] == 3).nonzero())
    expected = [0.2] * (first + 1) + [0.8] * (3 - first)
    assert cropped_image[0, 0].tolist() == pytest.approx(expected)
    assert cropped_mask[0].tolist() == [-1] * first + [3, 4] + [-1] * (2 - first)


@given(picture=SIZES)
def test_a_warp_of_nothing_changes_nothing(picture: tuple[int, int]) -> None:
    image, mask = coded(*picture)
    warped_image, warped_mask = run(RandomWarp(), image, mask)
    torch.testing.assert_close(warped_image, image, atol=1e-5, rtol=0)
    assert torch.equal(warped_mask, mask)


@pytest.mark.parametrize(("angle", "scale", "shear"), [(25.0, 1.0, 0.0), (0.0, 1.0, 15.0), (40.0, 1.3, 0.0)])
def test_the_affine_part_equals_torchvisions(
    monkeypatch: pytest.MonkeyPatch, angle: float, scale: float, shear: float
) -> None:
    monkeypatch.setattr(geometric, "uniform", lambda low, high: high)
    monkeypatch.setattr(geometric, "_random_center", lambda extent, window: (extent - 1) / 2)
    image = torch.rand(3, 31, 44, generator=torch.Generator().manual_seed(0))
    mask = torch.randint(0, 9, (31, 44), generator=torch.Generator().manual_seed(1)).short()
    warp = RandomWarp(None, angle, (scale, scale), shear)
    warped_image, warped_mask = run(warp, image, mask)
    reference_image, reference_mask = (
        functional.affine(moved, -angle, [0, 0], scale, [shear, 0.0], interpolation, fill=fill)
        for moved, interpolation, fill in (
            (image, InterpolationMode.BILINEAR, 0.0),
            (mask.float().unsqueeze(0), InterpolationMode.NEAREST, -1.0),
        )
    )
    # On a pixel's very border, rounding decides; elsewhere the two agree, the outside included.
    assert (warped_mask != reference_mask[0]).float().mean() < 0.005
    interior = (slice(None), slice(10, 21), slice(14, 30))
    torch.testing.assert_close(warped_image[interior], reference_image[interior], atol=1e-4, rtol=0)


@given(
    picture=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    window=st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40)),
    amounts=st.tuples(st.floats(0, 180), st.floats(0.5, 1), st.floats(1, 2), st.floats(0, 40), st.floats(0, 8)),
    seed=st.integers(0, 1000),
)
def test_a_warp_takes_image_and_mask_from_the_same_place(
    picture: tuple[int, int],
    window: tuple[int, int] | None,
    amounts: tuple[float, float, float, float, float],
    seed: int,
) -> None:
    height, width = picture
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    image = torch.stack([rows / height, columns / width])
    rotate, smallest, largest, shear, elastic = amounts
    warp = RandomWarp(window, rotate, (smallest, largest), shear, elastic)
    warped_image, warped_mask = run(warp, image, (rows * width + columns).short(), seed)
    assert warped_mask.dtype == torch.int16
    assert warped_mask.shape == warped_image.shape[1:] == (window or picture)
    inside = warped_mask >= 0
    # The nearest pixel is at most half a pixel from where the image was interpolated, along either axis.
    assert ((warped_image[0] * height - warped_mask // width).abs()[inside] <= 0.5 + 1e-3).all()
    assert ((warped_image[1] * width - warped_mask % width).abs()[inside] <= 0.5 + 1e-3).all()


def test_scaling_alone_keeps_the_window_inside_the_picture() -> None:
    image, mask = coded(50, 60)
    for seed in range(20):
        assert (run(RandomWarp((20, 24), scale=(0.5, 2.0)), image, mask, seed)[1] >= 0).all()


def test_zooming_in_by_two_shows_each_pixel_twice_along_either_axis() -> None:
    _, mask = coded(40, 40)
    seen = run(RandomWarp((20, 20), scale=(2.0, 2.0)), *coded(40, 40), seed=5)[1]
    counts = torch.bincount(seen.flatten().int())
    assert counts.max() == 4
    assert counts[counts > 0].numel() <= 11 * 11
    assert set(seen.flatten().tolist()) <= set(mask.flatten().tolist())


def test_elastic_displacements_have_the_spread_asked_for_and_are_smooth() -> None:
    torch.manual_seed(0)
    warp = RandomWarp(elastic=6.0)
    fields = torch.stack([warp.draw(97, 120) for _ in range(100)])
    identity = torch.stack(torch.meshgrid(torch.arange(97.0), torch.arange(120.0), indexing="ij"))
    displaced = fields - identity
    control = displaced[..., ::48, ::48]
    assert control.std().item() == pytest.approx(6, rel=0.1)
    assert control.mean().abs() < 0.3
    # Rows stay in order (no fold) all but everywhere: control points are eight standard deviations apart.
    assert (fields[:, 0].diff(dim=1) > 0).float().mean() > 0.999
