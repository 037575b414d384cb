"""Causes: they add up to what the confusion lost, equal a literal reading of the rules, and void changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from intarsia.errors import DataError, ShapeError
from intarsia.metrics import confusion_matrix
from intarsia.metrics.causes import RELATIVE_BAND, CauseCounts, cause_counts, lost_pixels
from intarsia.metrics.causes_pieces import SIZES
from intarsia.metrics.counts import array_fields
from intarsia.types import LabelMap

WITH_BACKGROUND = LabelMap(("background", "cat", "dog"), ids=(0, 3, 7), ignore=9)
WITHOUT = LabelMap(("field", "cat", "dog"), ids=(0, 3, 7), ignore=9, colors=((9, 9, 9), (200, 0, 0), (0, 200, 0)))
GROUND, CAT, DOG = 0, 1, 2


def blobs(rng: np.random.Generator, size: tuple[int, int], ids: tuple[int, ...]) -> np.ndarray:
    """Regions of many sizes, specks included."""
    field = sum(
        weight * ndimage.gaussian_filter(rng.standard_normal((len(ids), *size)), (0, sigma, sigma)) * sigma
        for sigma, weight in ((4.0, 1.0), (1.0, 0.8 * rng.random()), (0.3, 0.8 * rng.random()))
    )
    labels: np.ndarray = np.array(ids, np.uint8)[np.asarray(field).argmax(axis=0)]
    return labels


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, LabelMap]:
    label_map = draw(st.sampled_from([WITH_BACKGROUND, WITHOUT]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    truth = blobs(rng, size, (0, 3, 7))
    predicted = np.where(blobs(rng, size, (0, 0, 1)) == 1, blobs(rng, size, (0, 3, 7, 9)), truth)
    truth[blobs(rng, size, (0, 0, 0, 1)) == 1] = 9
    return truth, predicted, label_map


def fields(counts: CauseCounts) -> dict[str, list[int]]:
    return {name: getattr(counts, name).tolist() for name in array_fields(counts)}


@given(pairs(), st.sampled_from([None, 1, 2, 5]))
def test_the_parts_are_the_whole(case: tuple[np.ndarray, np.ndarray, LabelMap], band: int | None) -> None:
    truth, predicted, label_map = case
    confusion = confusion_matrix(truth, predicted, label_map)
    hits = np.diagonal(confusion)[:-1]
    counts = cause_counts(truth, predicted, label_map, band=band)
    lost = lost_pixels(counts)
    np.testing.assert_array_equal(lost[:, 0], confusion[:-1].sum(axis=1) - hits)
    np.testing.assert_array_equal(lost[:, 1], confusion[:-1, :-1].sum(axis=0) - hits)
    np.testing.assert_array_equal(counts.object_pixels.sum(axis=1), confusion[:-1].sum(axis=1))
    assert all((getattr(counts, name) >= 0).all() for name in array_fields(counts))
    assert (counts.found_objects <= counts.true_objects).all()


@given(pairs())
def test_what_is_predicted_on_void_changes_nothing(case: tuple[np.ndarray, np.ndarray, LabelMap]) -> None:
    truth, predicted, label_map = case
    other = np.where(truth == 9, np.random.default_rng(0).choice([0, 3, 7, 9], truth.shape), predicted)
    assert fields(cause_counts(truth, predicted, label_map)) == fields(
        cause_counts(truth, other.astype(np.uint8), label_map)
    )


@given(pairs())
def test_mirrored_pictures_have_the_same_causes(case: tuple[np.ndarray, np.ndarray, LabelMap]) -> None:
    truth, predicted, label_map = case
    expected = fields(cause_counts(truth, predicted, label_map))
    for turn in (np.fliplr, np.flipud, np.transpose):
        assert fields(cause_counts(turn(truth), turn(predicted), label_map)) == expected


@given(pairs())
def test_equals_a_literal_reading_of_the_rules(case: tuple[np.ndarray, np.ndarray, LabelMap]) -> None:
    truth, predicted, label_map = case
    counts = cause_counts(truth, predicted, label_map, band=2)
    assert fields(counts) == literal(truth, predicted, label_map, band=2)


def literal(truth: np.ndarray, predicted: np.ndarray, label_map: LabelMap, band: int) -> dict[str, list[int]]:
    """The rules of the module's docstring, pixel by pixel."""
    true, found = label_map.ids_to_indices(truth), label_map.ids_to_indices(predicted).copy()
    found[true < 0] = -1
    background = 0 if label_map.colors[0] == (0, 0, 0) else -2
    k = label_map.num_classes
    edge = np.zeros(true.shape, bool)
    for y, x in np.ndindex(true.shape):
        around = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        inside = [p for p in around if 0 <= p[0] < true.shape[0] and 0 <= p[1] < true.shape[1]]
        edge[y, x] = any(true[p] != true[y, x] for p in inside)
    far_away = 1e9
    distance = ndimage.distance_transform_edt(~edge) if edge.any() else np.full(true.shape, far_away)
    near = distance <= band - 1
    true_pieces, found_pieces = pieces_of(true, k), pieces_of(found, k)
    right = true == found

    def without_core(piece: np.ndarray) -> bool:
        hits, far = (piece & right).sum(), (piece & ~right & ~near).sum()
        return bool(hits < 0.1 * piece.sum() or far > hits)

    baseless = {n: without_core(piece) for n, piece in found_pieces.items()}
    result = {
        "boundary": np.zeros((k, 2), int),
        "noise": np.zeros((k, 2), int),
        "partial": np.zeros((k, 2), int),
        "objects": np.zeros((k, 2, 5), int),
        "confusion": np.zeros((k, 2, k), int),
        "suspects": np.zeros((k, k), int),
        "true_objects": np.zeros((k, 5), int),
        "found_objects": np.zeros((k, 5), int),
        "object_pixels": np.zeros((k, 5), int),
    }
    found_number = number_map(found_pieces, true.shape)
    for piece in true_pieces.values():
        i = int(true[piece][0])
        lost, size = without_core(piece), stratum(piece.sum())
        result["true_objects"][i, size] += 1
        result["found_objects"][i, size] += not lost
        result["object_pixels"][i, size] += piece.sum()
        covers = set(found_number[piece].tolist())
        cover = next(iter(covers))
        suspect = (
            lost
            and piece.sum() < 10
            and not (piece & right).any()
            and len(covers) == 1
            and cover > 0
            and not baseless[cover]
        )
        lost = lost and i != background
        missed = (
            lost
            and 2 * dissolved(piece, i, true, found, found_number, baseless, background)
            >= (piece & ~right).sum() - 1e-9
        )
        for y, x in zip(*np.nonzero(piece & ~right), strict=True):
            j, number = int(found[y, x]), int(found_number[y, x])
            empty = number == 0
            no_base = not empty and baseless[number]
            speck = no_base and found_pieces[number].sum() < 10
            no_base = no_base and j != background
            nothing = empty or j == background
            if suspect:
                result["suspects"][i, j] += 1
                continue
            if speck:
                result["noise"][i, 0] += 1
                result["noise"][j, 1] += 1
                continue
            if lost and (missed or nothing):
                result["objects"][i, 0, size] += 1
            elif lost or no_base:
                result["confusion"][i, 0, j] += 1
            elif near[y, x]:
                result["boundary"][i, 0] += 1
            elif nothing:
                result["partial"][i, 0] += 1
            else:
                result["confusion"][i, 0, j] += 1
            if empty:
                continue
            if no_base and not (lost and not missed):
                result["objects"][j, 1, stratum(found_pieces[number].sum())] += 1
            elif lost:
                result["confusion"][j, 1, i] += 1
            elif near[y, x]:
                result["boundary"][j, 1] += 1
            elif i == background:
                result["partial"][j, 1] += 1
            else:
                result["confusion"][j, 1, i] += 1
    return {name: array.tolist() for name, array in result.items()}


def dissolved(
    piece: np.ndarray,
    i: int,
    true: np.ndarray,
    found: np.ndarray,
    found_number: np.ndarray,
    baseless: dict[int, bool],
    background: int,
) -> float:
    vanished = 0
    fills: dict[int, int] = {}
    for y, x in zip(*np.nonzero(piece & (true != found)), strict=True):
        j, number = int(found[y, x]), int(found_number[y, x])
        grounded = number > 0 and not baseless[number]
        if number == 0 or j == background or (grounded and piece.sum() < 10):
            vanished += 1
        elif grounded:
            fills[j] = fills.get(j, 0) + 1
    contacts: dict[int, int] = {}
    for y, x in zip(*np.nonzero(piece), strict=True):
        for p in ((y, x + 1), (y + 1, x), (y, x - 1), (y - 1, x)):
            if 0 <= p[0] < true.shape[0] and 0 <= p[1] < true.shape[1] and true[p] not in (-1, i):
                contacts[int(true[p])] = contacts.get(int(true[p]), 0) + 1
    outline = max(sum(contacts.values()), 1)
    filled = sum(fills.values())
    shares = {j: touching / outline for j, touching in contacts.items()}
    shares = {j: 1.0 if share == max(shares.values()) and share >= 1 / 3 else share for j, share in shares.items()}
    return vanished + sum(min(float(fills[j]), shares.get(j, 0.0) * filled) for j in fills)


def pieces_of(indices: np.ndarray, count: int) -> dict[int, np.ndarray]:
    pieces: dict[int, np.ndarray] = {}
    for k in range(count):
        numbers, found = ndimage.label(indices == k, np.ones((3, 3)))
        for number in range(1, found + 1):
            pieces[len(pieces) + 1] = numbers == number
    return pieces


def number_map(pieces: dict[int, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.zeros(shape, int)
    for number, piece in pieces.items():
        numbers[piece] = number
    return numbers


def stratum(area: int) -> int:
    return sum(area >= edge for edge in SIZES)


# --- by hand ---------------------------------------------------------------------------------------------------------


def canvas(*boxes: tuple[int, slice, slice], base: int = 0) -> np.ndarray:
    mask = np.full((60, 80), base, np.uint8)
    for value, rows, columns in boxes:
        mask[rows, columns] = value
    return mask


def span(start: int, length: int) -> slice:
    return slice(start, start + length)


def test_a_perfect_prediction_has_no_causes() -> None:
    truth = canvas((3, span(10, 20), span(10, 20)), (9, span(0, 2), span(0, 80)))
    counts = cause_counts(truth, truth, WITH_BACKGROUND)
    assert lost_pixels(counts).sum() == 0
    assert counts.true_objects[CAT].tolist() == [0, 0, 1, 0, 0]
    assert counts.found_objects[CAT].tolist() == [0, 0, 1, 0, 0]
    assert counts.band == RELATIVE_BAND


def test_a_shrunken_object_is_boundary() -> None:
    truth, predicted = canvas((3, span(10, 20), span(10, 20))), canvas((3, span(12, 16), span(12, 16)))
    counts = cause_counts(truth, predicted, WITH_BACKGROUND)
    assert counts.boundary.tolist() == [[0, 144], [144, 0], [0, 0]]
    assert counts.found_objects[CAT].sum() == 1


def test_a_band_of_one_pixel_holds_a_border_moved_by_one() -> None:
    truth = canvas((3, span(10, 20), span(10, 20)))
    for moved, expected in ((1, [76, 0]), (2, [76, 68])):
        predicted = canvas((3, span(10 + moved, 20 - 2 * moved), span(10 + moved, 20 - 2 * moved)))
        counts = cause_counts(truth, predicted, WITH_BACKGROUND, band=1)
        assert [counts.boundary[CAT, 0], counts.partial[CAT, 0]] == expected
    assert counts.band == "1 px"


def test_a_deleted_object_is_missed_though_all_of_it_is_near_its_border() -> None:
    truth = canvas((3, span(10, 4), span(10, 5)), (3, span(30, 20), span(10, 20)))
    counts = cause_counts(truth, canvas((3, span(30, 20), span(10, 20))), WITH_BACKGROUND)
    assert counts.objects[CAT, 0].tolist() == [0, 20, 0, 0, 0]
    assert counts.confusion[GROUND, 1].tolist() == [0, 20, 0]
    assert counts.true_objects[CAT].tolist() == [0, 1, 1, 0, 0]
    assert counts.found_objects[CAT].tolist() == [0, 0, 1, 0, 0]


def test_an_invented_object_is_spurious() -> None:
    counts = cause_counts(canvas(), canvas((3, span(10, 20), span(10, 20))), WITH_BACKGROUND)
    assert counts.objects[CAT, 1].tolist() == [0, 0, 400, 0, 0]
    assert counts.confusion[GROUND, 0].tolist() == [0, 400, 0]


def test_an_object_of_another_class_is_confusion_on_both_sides() -> None:
    box = span(10, 20), span(10, 20)
    counts = cause_counts(canvas((3, *box)), canvas((7, *box)), WITH_BACKGROUND)
    assert counts.confusion[CAT].tolist() == [[0, 0, 400], [0, 0, 0]]
    assert counts.confusion[DOG].tolist() == [[0, 0, 0], [0, 400, 0]]


def test_without_a_background_an_object_dissolves_into_what_it_stands_in() -> None:
    box = span(10, 20), span(10, 20)
    counts = cause_counts(canvas((3, *box), base=7), canvas(base=7), WITHOUT)
    assert counts.objects[CAT, 0].tolist() == [0, 0, 400, 0, 0]
    assert counts.confusion[DOG, 1].tolist() == [0, 400, 0]


def test_an_object_taken_for_its_neighbor_on_one_side_is_confusion() -> None:
    truth = canvas((3, span(10, 20), span(10, 20)), (7, span(10, 20), span(30, 20)))
    predicted = canvas((7, span(10, 20), span(10, 40)))
    counts = cause_counts(truth, predicted, WITHOUT)
    assert counts.confusion[CAT, 0].tolist() == [0, 0, 400]


def test_void_predicted_over_an_object_is_a_miss_of_it_and_nobodys_false_positive() -> None:
    box = span(10, 20), span(10, 20)
    counts = cause_counts(canvas((3, *box)), canvas((9, *box)), WITH_BACKGROUND)
    assert counts.objects[CAT, 0].tolist() == [0, 0, 400, 0, 0]
    assert lost_pixels(counts)[:, 1].tolist() == [0, 0, 0]


def test_predicted_specks_are_noise_for_both() -> None:
    predicted = canvas((3, span(10, 3), span(10, 3)), (7, span(40, 1), span(40, 1)))
    counts = cause_counts(canvas(), predicted, WITH_BACKGROUND)
    assert counts.noise.tolist() == [[10, 0], [0, 9], [0, 1]]


def test_a_hole_is_noise_when_tiny_and_a_gap_when_not() -> None:
    truth = canvas((3, span(5, 50), span(5, 60)))
    predicted = canvas((3, span(5, 50), span(5, 60)), (0, span(20, 2), span(20, 2)), (0, span(30, 9), span(30, 9)))
    counts = cause_counts(truth, predicted, WITH_BACKGROUND)
    assert counts.noise[CAT].tolist() == [4, 0]
    assert counts.partial[CAT].tolist() == [81, 0]
    assert counts.confusion[GROUND, 1].tolist() == [0, 81, 0]


def test_true_specks_against_a_clean_prediction_are_suspects() -> None:
    truth = canvas((3, span(10, 2), span(10, 2)), (7, span(30, 1), span(30, 3)))
    counts = cause_counts(truth, canvas(), WITH_BACKGROUND)
    assert counts.suspects.tolist() == [[0, 0, 0], [4, 0, 0], [3, 0, 0]]


def test_spill_is_partial_over_the_background_and_confusion_over_another_class() -> None:
    truth = canvas((3, span(10, 20), span(10, 20)))
    predicted = canvas((3, span(10, 20), span(10, 30)))
    counts = cause_counts(truth, predicted, WITH_BACKGROUND, band=2)
    assert counts.partial[CAT].tolist() == [0, 160]
    assert counts.boundary[CAT].tolist() == [0, 40]
    counts = cause_counts(truth, predicted, WITHOUT, band=2)
    assert counts.confusion[CAT, 1].tolist() == [160, 0, 0]


def test_the_edge_of_void_is_a_border() -> None:
    truth = canvas((9, span(8, 24), span(8, 24)), (3, span(10, 20), span(10, 20)))
    predicted = canvas((3, span(12, 16), span(12, 16)))
    assert cause_counts(truth, predicted, WITH_BACKGROUND).boundary[CAT].tolist() == [144, 0]


def test_a_sure_object_that_the_truth_lacks_is_a_suspect() -> None:
    truth = canvas((3, span(10, 20), span(10, 20)))
    predicted = canvas((3, span(10, 20), span(10, 20)), (3, span(35, 20), span(50, 20)))
    confidence = np.full(truth.shape, 0.95, np.float32)
    counts = cause_counts(truth, predicted, WITH_BACKGROUND, confidence=confidence)
    assert counts.suspects.tolist() == [[0, 400, 0], [0, 0, 0], [0, 0, 0]]
    assert counts.confident
    confidence[35:55] = 0.94  # less sure than about the cat that is there
    counts = cause_counts(truth, predicted, WITH_BACKGROUND, confidence=confidence)
    assert counts.objects[CAT, 1].tolist() == [0, 0, 400, 0, 0]
    nothing_right = canvas((3, span(35, 20), span(50, 20)))
    counts = cause_counts(canvas(), nothing_right, WITH_BACKGROUND, confidence=np.ones(truth.shape, np.float32))
    assert counts.suspects.sum() == 0


def test_threads_count_at_the_same_time() -> None:
    rng = np.random.default_rng(0)
    masks = [blobs(rng, (80, 90), (0, 3, 7)) for _ in range(12)]
    expected = [fields(cause_counts(masks[0], mask, WITH_BACKGROUND)) for mask in masks]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda mask: fields(cause_counts(masks[0], mask, WITH_BACKGROUND)), masks))
    assert found == expected


def test_many_classes_and_wide_ids() -> None:
    rng = np.random.default_rng(0)
    label_map = LabelMap(tuple(f"class {k}" for k in range(300)), ids=tuple(range(1000, 1300)))
    truth = np.kron(rng.integers(1000, 1300, (8, 8)), np.ones((9, 9), np.int64)).astype(np.uint16)
    predicted = np.where(rng.random(truth.shape) < 0.1, 1007, truth).astype(np.uint16)
    counts = cause_counts(truth, predicted, label_map)
    assert lost_pixels(counts)[:, 0].sum() == (truth != predicted).sum()


@pytest.mark.parametrize("shape", [(0, 7), (1, 1), (1, 9)])
def test_tiny_pictures(shape: tuple[int, int]) -> None:
    counts = cause_counts(np.zeros(shape, np.uint8), np.full(shape, 3, np.uint8), WITH_BACKGROUND)
    assert lost_pixels(counts)[GROUND, 0] == np.prod(shape)


def test_what_cannot_be_counted_is_refused() -> None:
    mask = np.zeros((4, 6), np.uint8)
    with pytest.raises(ShapeError, match=r"street\.png: the truth is 6×4 pixels and the prediction 5×4"):
        cause_counts(mask, mask[:, :5], WITH_BACKGROUND, where="street.png")
    with pytest.raises(DataError, match="the prediction holds the id 5"):
        cause_counts(mask, mask + np.uint8(5), WITH_BACKGROUND)
    with pytest.raises(ShapeError, match=r"the confidence is of shape \(3, 6\).* Give one confidence a pixel\."):
        cause_counts(mask, mask, WITH_BACKGROUND, confidence=np.ones((3, 6), np.float32))
