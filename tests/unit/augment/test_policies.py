from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pydantic
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import v2

from intarsia.augment import AugmentPolicy, build
from intarsia.augment.policies import _apply
from intarsia.errors import RecipeError
from intarsia.types import IGNORE_INDEX, Sample

NOTHING = AugmentPolicy(
    flip_horizontal=0.0, rotate_degrees=0.0, scale=(1.0, 1.0), shear_degrees=0.0, elastic=0.0,
    brightness=0.0, contrast=0.0, noise=0.0,
)  # fmt: skip
PROBABILITY = st.sampled_from([0.0, 0.5, 1.0])
POLICIES = st.builds(
    AugmentPolicy,
    crop=st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40)),
    flip_horizontal=PROBABILITY,
    flip_vertical=PROBABILITY,
    right_angles=st.booleans(),
    warp=PROBABILITY,
    rotate_degrees=st.sampled_from([0.0, 20.0, 180.0]),
    scale=st.sampled_from([(1.0, 1.0), (0.5, 1.0), (0.8, 2.0)]),
    shear_degrees=st.sampled_from([0.0, 10.0]),
    elastic=st.sampled_from([0.0, 3.0, 20.0]),
    brightness=st.sampled_from([0.0, 0.5]),
    contrast=st.sampled_from([0.0, 1.0]),
    noise=st.sampled_from([0.0, 0.3]),
)
SIZES = st.sampled_from([(1, 1), (1, 17), (23, 1), (2, 2), (31, 33), (40, 24)])


def sample(size: tuple[int, int], channels: int = 3, classes: int = 5, seed: int = 0) -> Sample:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.randint(-1, classes, size, generator=generator).short()
    return Sample(torch.rand(channels, *size, generator=generator), mask, "a picture")


def augmented(policy: AugmentPolicy, given_sample: Sample, seed: int) -> Sample:
    torch.manual_seed(seed)
    return build(policy)(given_sample)


def same(one: Sample, other: Sample) -> bool:
    return torch.equal(one.image, other.image) and torch.equal(one.mask, other.mask) and one.name == other.name


@given(policy=POLICIES, size=SIZES, channels=st.integers(1, 4), seed=st.integers(0, 1000))
def test_whatever_the_policy_the_sample_stays_a_sample(
    policy: AugmentPolicy, size: tuple[int, int], channels: int, seed: int
) -> None:
    before = sample(size, channels, seed=seed)
    copy = Sample(before.image.clone(), before.mask.clone(), before.name)
    after = augmented(policy, before, seed)
    assert same(before, copy), "the input was written to"
    assert after.name == before.name
    assert type(after.image) is type(after.mask) is torch.Tensor
    assert (after.image.dtype, after.mask.dtype) == (torch.float32, torch.int16)
    assert after.image.shape == (channels, *(policy.crop or size))
    assert after.mask.shape == (policy.crop or size)
    assert 0 <= after.image.min() <= after.image.max() <= 1
    assert set(after.mask.flatten().tolist()) <= {*before.mask.flatten().tolist(), IGNORE_INDEX}
    assert same(after, augmented(policy, before, seed)), "the same seed gave another sample"


@given(policy=POLICIES, seed=st.integers(0, 1000), size=st.sampled_from([(40, 60), (64, 33), (48, 48)]))
def test_image_and_mask_move_together(policy: AugmentPolicy, seed: int, size: tuple[int, int]) -> None:
    height, width = size
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    coordinates = Sample(torch.stack([rows / height, columns / width]), (rows * width + columns).short(), "")
    after = augmented(replace(policy, brightness=0.0, contrast=0.0, noise=0.0), coordinates, seed)
    inside = after.mask >= 0
    # The nearest pixel is at most half a pixel from where the image was interpolated, along either axis.
    assert ((after.image[0] * height - after.mask // width).abs()[inside] <= 0.5 + 1e-3).all()
    assert ((after.image[1] * width - after.mask % width).abs()[inside] <= 0.5 + 1e-3).all()


@given(seed=st.integers(0, 1000), crop=st.none() | st.just((40, 30)))
def test_away_from_edges_between_regions_the_image_still_shows_its_class(
    seed: int, crop: tuple[int, int] | None
) -> None:
    quarters = torch.arange(4).reshape(2, 2).repeat_interleave(30, 0).repeat_interleave(30, 1)
    picture = Sample(quarters.unsqueeze(0) / 4, quarters.short(), "")
    policy = replace(NOTHING, crop=crop, flip_vertical=0.5, right_angles=True, warp=1.0,
                     rotate_degrees=180.0, scale=(0.8, 1.5), shear_degrees=5.0, elastic=3.0)  # fmt: skip
    after = augmented(policy, picture, seed)
    around = after.mask.float().unfold(0, 7, 1).unfold(1, 7, 1).flatten(2)
    uniform = (around.amin(-1) == around.amax(-1)) & (around[..., 0] >= 0)
    middle = after.image[0, 3:-3, 3:-3]
    assert uniform.any()
    torch.testing.assert_close(middle[uniform] * 4, around[..., 0][uniform], atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (5, 8)])
def test_the_identity_returns_the_sample_itself(size: tuple[int, int]) -> None:
    before = sample(size)
    state = torch.get_rng_state()
    assert build(NOTHING)(before) is before
    assert build(replace(NOTHING, rotate_degrees=10.0, warp=0.0))(before) is before
    assert torch.equal(torch.get_rng_state(), state)


def test_the_global_seed_decides() -> None:
    policy = AugmentPolicy(flip_vertical=0.5, right_angles=True, crop=(9, 9))
    before = sample((20, 20))
    first = augmented(policy, before, seed=1)
    assert same(first, augmented(policy, before, seed=1))
    assert not same(first, augmented(policy, before, seed=2))


def test_each_part_alone_does_something() -> None:
    before = sample((16, 16))
    parts: list[dict[str, Any]] = [
        {"crop": (8, 8)}, {"flip_horizontal": 1.0}, {"flip_vertical": 1.0}, {"right_angles": True},
        {"warp": 1.0, "rotate_degrees": 90.0}, {"warp": 1.0, "scale": (0.5, 2.0)}, {"warp": 1.0, "shear_degrees": 30.0},
        {"warp": 1.0, "elastic": 5.0}, {"brightness": 0.5}, {"contrast": 1.0}, {"noise": 0.2},
    ]  # fmt: skip
    for part in parts:
        policy = replace(NOTHING, **part)
        assert not same(before, augmented(policy, before, seed=3)), part


def test_flips_of_probability_one_are_flips() -> None:
    before = sample((3, 4))
    after = augmented(replace(NOTHING, flip_horizontal=1.0, flip_vertical=1.0), before, seed=0)
    assert torch.equal(after.image, before.image.flip(-2, -1))
    assert torch.equal(after.mask, before.mask.flip(-2, -1))


def test_right_angles_turn_oblong_pictures_before_the_crop_and_keep_their_shape_without_one() -> None:
    before = sample((6, 10))
    shapes = {augmented(replace(NOTHING, right_angles=True), before, seed).mask.shape for seed in range(20)}
    assert shapes == {(6, 10)}
    turned = replace(NOTHING, right_angles=True, crop=(10, 6))
    results = [augmented(turned, before, seed).mask for seed in range(20)]
    assert {result.shape for result in results} == {(10, 6)}
    assert any(torch.equal(result, before.mask.rot90()) for result in results)


def test_a_crop_larger_than_the_picture_ignores_what_it_adds() -> None:
    before = Sample(torch.rand(1, 5, 6), torch.ones(5, 6, dtype=torch.int16), "")
    after = augmented(replace(NOTHING, crop=(9, 9)), before, seed=0)
    assert (after.mask == 1).sum() == 30
    assert (after.mask == IGNORE_INDEX).sum() == 81 - 30


def test_an_invented_class_is_our_own_fault() -> None:
    class Wrong(v2.Transform):  # type: ignore[misc] # torchvision ships no types
        def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
            return inpt + 1

    with pytest.raises(AssertionError, match="invented a class"):
        _apply(v2.Compose([Wrong()]), sample((4, 4)))


def test_what_is_built_can_be_sent_to_another_process() -> None:
    policy, before = AugmentPolicy(crop=(8, 8), right_angles=True, flip_vertical=0.5), sample((12, 9))
    sent = pickle.loads(pickle.dumps(build(policy)))
    torch.manual_seed(4)
    assert same(sent(before), augmented(policy, before, seed=4))


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("flip_horizontal", 1.5, "a probability from 0 to 1"),
        ("flip_vertical", -0.1, "a probability from 0 to 1"),
        ("warp", float("nan"), "a probability from 0 to 1"),
        ("rotate_degrees", -1.0, "a number from 0 up"),
        ("noise", float("inf"), "a number from 0 up"),
        ("shear_degrees", 90.0, "an angle from 0 up to but not including 90"),
        ("scale", (0.0, 1.0), "two numbers above 0, the smaller first"),
        ("scale", (1.2, 0.8), "two numbers above 0, the smaller first"),
        ("crop", (0, 5), "a height and a width of at least 1, or none"),
    ],
)
def test_numbers_out_of_range_say_so(field: str, value: Any, what: str) -> None:
    with pytest.raises(RecipeError) as caught:
        AugmentPolicy(**{field: value})
    assert str(caught.value) == f"augment.{field}: {value} is not {what}. Give {what}."


def test_a_policy_survives_the_recipe_and_unknown_keys_do_not() -> None:
    adapter = pydantic.TypeAdapter(AugmentPolicy)
    policy = AugmentPolicy(crop=(64, 48), right_angles=True)
    assert adapter.validate_json(adapter.dump_json(policy)) == policy
    with pytest.raises(pydantic.ValidationError, match="rotate"):
        adapter.validate_python({"rotate": 5})
    with pytest.raises(pydantic.ValidationError, match="a probability from 0 to 1"):
        adapter.validate_python({"warp": 2})
