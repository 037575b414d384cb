"""Confusion counts against a literal count, over dtypes, layouts and void."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import confusion, confusion_matrix
from intarsia.types import LabelMap

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "contiguous": lambda mask: mask,
    "read-only": lambda mask: np.frombuffer(mask.tobytes(), mask.dtype).reshape(mask.shape),
    "odd address": lambda mask: (
        np.frombuffer(b"\0" + mask.tobytes(), mask.dtype, offset=1).reshape(mask.shape)
        if mask.itemsize == 1
        else mask.copy()
    ),
    "fortran": np.asfortranarray,
    "mirrored": lambda mask: mask[:, ::-1].copy()[:, ::-1],
    "every other": lambda mask: np.repeat(mask, 2, axis=1)[:, ::2],
    "transposed view": lambda mask: mask.T.copy().T,
}


def literal(truth: np.ndarray, predicted: np.ndarray, label_map: LabelMap) -> np.ndarray:
    order = [*label_map.ids, label_map.ignore]
    counts = np.zeros((len(order), len(order)), np.int64)
    for true_id, predicted_id in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
        counts[order.index(true_id), order.index(predicted_id)] += 1
    return counts


def random_mask(rng: np.random.Generator, size: tuple[int, int], ids: list[int], flatness: int) -> np.ndarray:
    coarse = rng.choice(ids, size=(size[0], -(-size[1] // flatness)))
    return np.repeat(coarse, flatness, axis=1)[:, : size[1]]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, LabelMap]:
    wide = draw(st.booleans())
    ids = draw(st.lists(st.integers(0, 65535 if wide else 255), min_size=1, max_size=6, unique=True))
    ignore = ids.pop() if len(ids) > 1 and draw(st.booleans()) else None
    label_map = LabelMap(names=tuple(f"class {i}" for i in ids), ids=tuple(ids), ignore=ignore)
    known = ids + ([] if ignore is None else [ignore])
    size = (draw(st.integers(0, 9)), draw(st.integers(0, 150)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    masks = []
    for _ in range(2):
        mask = random_mask(rng, size, known, draw(st.sampled_from([1, 7, 200])))
        dtype = np.uint8 if max(known) <= 255 and draw(st.booleans()) else np.uint16
        masks.append(LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](mask.astype(dtype)))
    return masks[0], masks[1], label_map


@given(pairs())
@settings(max_examples=150)
def test_equals_a_literal_count(case: tuple[np.ndarray, np.ndarray, LabelMap]) -> None:
    truth, predicted, label_map = case
    counts = confusion_matrix(truth, predicted, label_map)
    np.testing.assert_array_equal(counts, literal(truth, predicted, label_map))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_large_noisy_pair_equals_numpys_histogram(dtype: type[np.unsignedinteger]) -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.integers(0, 20, (301, 997)).astype(dtype) for _ in range(2))
    label_map = LabelMap(tuple(f"class {i}" for i in range(19)), ignore=19)
    expected = np.bincount(truth.ravel().astype(int) * 20 + predicted.ravel(), minlength=400).reshape(20, 20)
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, label_map), expected)


def test_pieces_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth, predicted = (rng.integers(0, 3, (50, 41), dtype=np.uint8) for _ in range(2))
    label_map = LabelMap(("a", "b", "c"))
    expected = confusion_matrix(truth, predicted, label_map)
    monkeypatch.setattr(confusion, "_PIECE", 100)
    monkeypatch.setattr(confusion, "_COPIED", 1)
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, label_map), expected)
    np.testing.assert_array_equal(confusion_matrix(truth[:, ::-1], predicted[:, ::-1], label_map), expected)


def test_threads_count_at_the_same_time() -> None:
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 5, (100, 100), dtype=np.uint8) for _ in range(16)]
    label_map = LabelMap(tuple("abcde"))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda mask: confusion_matrix(mask, masks[0], label_map), masks))
    for mask, result in zip(masks, results, strict=True):
        np.testing.assert_array_equal(result, literal(mask, masks[0], label_map))


def test_different_sizes_are_both_named() -> None:
    truth, predicted = np.zeros((4, 6), np.uint8), np.zeros((3, 6), np.uint8)
    with pytest.raises(
        ShapeError, match=r"street\.png: the truth is 6×4 pixels and the prediction 6×3\. Give two masks"
    ):
        confusion_matrix(truth, predicted, LabelMap(("a",)), where="street.png")


@pytest.mark.parametrize("mask", [np.zeros((4, 6, 3), np.uint8), np.zeros((4, 6), np.int64), np.zeros((4, 6), bool)])
def test_what_is_no_mask_of_ids_is_refused(mask: np.ndarray) -> None:
    with pytest.raises(ShapeError, match=r"the prediction is \w+ of shape .* Give class ids as uint8 or uint16"):
        confusion_matrix(np.zeros((4, 6), np.uint8), mask, LabelMap(("a",)))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_unknown_ids_are_listed_with_the_classes(dtype: type[np.unsignedinteger]) -> None:
    truth = np.array([[0, 3, 255]], dtype)
    predicted = np.array([[0, 7, 9]], dtype)
    label_map = LabelMap(("sky", "road"), ids=(0, 3), ignore=255)
    expected = (
        "street.png: the prediction holds the id 7, 9, but the classes are 0 sky, 3 road, ignore 255. "
        "Correct the mask, or list the id in classes.yaml as a class or as `ignore`."
    )
    with pytest.raises(DataError) as caught:
        confusion_matrix(truth, predicted, label_map, where="street.png")
    assert str(caught.value) == expected
    with pytest.raises(DataError, match="the truth holds the id 7, 9, but"):
        confusion_matrix(predicted, truth, label_map)


def test_an_unknown_id_under_void_is_an_error_too() -> None:
    with pytest.raises(DataError, match="the prediction holds the id 9"):
        confusion_matrix(np.array([[5]], np.uint8), np.array([[9]], np.uint8), LabelMap(("a",), ignore=5))
