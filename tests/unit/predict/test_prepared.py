import gc
import weakref

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from intarsia.errors import DataError, RecipeError
from intarsia.ops.prepare import normalize
from intarsia.predict.postprocess import semantic_maps
from intarsia.predict.prepared import PreparedNetwork
from intarsia.types import ImageSpec, LabelMap, SemanticLogits

GRAY = ImageSpec(channels=1, bit_depth=8, mean=(0.25,), std=(0.5,))
LABELS = LabelMap(names=("dark", "bright"), ids=(3, 200))
CPU = torch.device("cpu")


def threshold(batch: Tensor) -> SemanticLogits:
    """Bright where the stored value is above half; undoes the normalization, so it also proves that it was done."""
    unit = batch * 0.5 + 0.25
    return SemanticLogits(torch.cat([0.5 - unit, unit - 0.5], dim=1))


def prepared(spec: ImageSpec = GRAY) -> PreparedNetwork:
    return PreparedNetwork(threshold, spec, LABELS, CPU)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_any_size_in_the_same_size_out(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 1), dtype=np.uint8)
    result = prepared().predict(image)
    assert result.size == (height, width)
    assert np.array_equal(result.class_ids, np.where(image[:, :, 0] > 127, 200, 3))


def test_many_equal_one_by_one_whatever_their_sizes() -> None:
    random = np.random.default_rng(0)
    sizes = [(4, 5)] * 9 + [(5, 4), (4, 5), (1, 1)]
    images = [random.integers(0, 256, (*size, 1), dtype=np.uint8) for size in sizes]
    together = list(prepared().predict_many((image, "x") for image in images))
    assert len(together) == len(images)
    for image, result in zip(images, together, strict=True):
        assert np.array_equal(result.class_ids, prepared().predict(image).class_ids)


def test_shrunken_pictures_come_back_at_their_own_size() -> None:
    spec = ImageSpec(channels=1, bit_depth=8, mean=(0.25,), std=(0.5,), long_side=16)
    seen: list[tuple[int, ...]] = []

    def watching(batch: Tensor) -> SemanticLogits:
        seen.append(tuple(batch.shape))
        return threshold(batch)

    image = np.zeros((64, 40, 1), dtype=np.uint8)
    image[:, 20:] = 255
    result = PreparedNetwork(watching, spec, LABELS, CPU).predict(image)
    assert seen == [(1, 1, 16, 10)]
    assert np.array_equal(result.class_ids, np.where(image[:, :, 0] > 127, 200, 3))


def test_gray_pictures_suit_a_color_network_and_colors_do_not_suit_a_gray_one() -> None:
    with pytest.raises(DataError, match=r"b\.png: has 3 channels, but 1 is expected"):
        prepared().predict(np.random.default_rng(0).integers(0, 256, (2, 2, 3), dtype=np.uint8), where="b.png")


def test_one_channel_equals_two() -> None:
    logit = torch.randn(2, 1, 5, 7)
    one = semantic_maps(SemanticLogits(logit), (5, 7), LABELS, probabilities=True)
    two = semantic_maps(
        SemanticLogits(torch.cat([torch.zeros_like(logit), logit], 1)), (5, 7), LABELS, probabilities=True
    )
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.class_ids, b.class_ids)
        assert a.probabilities is not None
        assert b.probabilities is not None
        assert np.allclose(a.probabilities, b.probabilities, atol=1e-6)
        assert np.allclose(a.probabilities.sum(axis=0), 1, atol=1e-6)


def test_normalization_is_undone_by_hand() -> None:
    assert normalize(torch.tensor([[[0.75]]]), GRAY).item() == 1.0


@pytest.mark.parametrize(
    ("side", "long_side", "batches"), [(128, None, [8, 1]), (256, None, [4, 4, 1]), (256, 64, [8, 1])]
)
def test_only_small_pictures_share_a_batch(side: int, long_side: int | None, batches: list[int]) -> None:
    seen: list[int] = []

    def watching(batch: Tensor) -> SemanticLogits:
        seen.append(len(batch))
        return threshold(batch)

    spec = ImageSpec(channels=1, bit_depth=8, mean=(0.25,), std=(0.5,), long_side=long_side)
    images = [np.zeros((side, side, 1), dtype=np.uint8)] * 9
    assert len(list(PreparedNetwork(watching, spec, LABELS, CPU).predict_many((image, "x") for image in images))) == 9
    assert seen == batches


def test_too_little_memory_on_a_gpu_is_one_line_that_holds_none_of_it() -> None:
    shown: list[weakref.ref[Tensor]] = []

    def full(batch: Tensor) -> SemanticLogits:
        shown.append(weakref.ref(batch))
        raise torch.OutOfMemoryError("CUDA out of memory")

    network = PreparedNetwork(full, GRAY, LABELS, CPU)
    with pytest.raises(
        RecipeError, match=r"too small for pictures or tiles of 5×4 pixels, 2 at once\. Show it less"
    ) as e:
        network.output([torch.zeros(1, 4, 5)] * 2)
    gc.collect()
    assert e.value is not None
    assert shown[0]() is None
