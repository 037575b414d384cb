"""The diagnosis: shares that add up, sentences a person can act on, and nothing said where there is nothing to say."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intarsia
from corruptions import SCENE, diagnose_pair, jittered, scene
from intarsia.evaluate.checks import Finding
from intarsia.evaluate.diagnosis import _ALL_VOID, ClassDiagnosis, Part, _phrase, diagnose, summed_up
from intarsia.evaluate.remedies import ADVICE, MISSED_SMALL, NEVER_PREDICTED, Cause, percent, size_words
from intarsia.metrics import confusion_matrix, counts, iou
from intarsia.metrics.causes import cause_counts
from intarsia.types import LabelMap

LABELS = LabelMap(("background", "cat", "dog"), ignore=9)
DOCS = Path(intarsia.__file__).parents[2] / "docs"


def canvas(*boxes: tuple[int, int, int, int, int]) -> np.ndarray:
    """Boxes of (class, top, left, height, width) on class 0."""
    mask = np.zeros((120, 160), np.uint8)
    for value, top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = value
    return mask


def sentence(truth: np.ndarray, predicted: np.ndarray, name: str = "cat") -> str:
    return next(entry.sentence for entry in diagnose_pair(truth, predicted, LABELS).classes if entry.name == name)


@given(st.integers(0, 10_000))
def test_shares_and_points_add_up_to_the_lost_iou(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, label_map = scene(rng)
    predicted = jittered(truth, label_map, rng)
    predicted = np.where(rng.random(truth.shape) < 0.02, rng.integers(0, 5, truth.shape), predicted).astype(np.uint8)
    predicted[40:80, 50:90] = 3
    confusion = confusion_matrix(truth, predicted, label_map)
    for entry, value in zip(diagnose_pair(truth, predicted, label_map).classes, iou(confusion), strict=True):
        assert entry.iou == pytest.approx(value)
        assert entry.lost == pytest.approx(1 - value)
        assert math.fsum(part.share for part in entry.parts) == pytest.approx(1)
        assert math.fsum(part.iou_points for part in entry.parts) == pytest.approx(100 * (1 - value))
        pixels = [part.pixels for part in entry.parts]
        assert pixels == sorted(pixels, reverse=True)
        assert min(pixels) > 0


def test_the_counts_of_pictures_add_up() -> None:
    pairs = [(scene(np.random.default_rng(seed))[0], scene(np.random.default_rng(seed + 9))[0]) for seed in range(3)]
    confusion = sum(confusion_matrix(*pair, SCENE) for pair in pairs)
    causes = counts.total(counts.stack([cause_counts(*pair, SCENE) for pair in pairs]))
    diagnosis = diagnose(np.asarray(confusion), causes, SCENE)
    side_by_side = [np.concatenate(masks, axis=1) for masks in zip(*pairs, strict=True)]
    assert diagnosis.classes[1].iou == diagnose_pair(side_by_side[0], side_by_side[1], SCENE).classes[1].iou
    with pytest.raises(AssertionError, match="other pictures"):
        diagnose(confusion_matrix(*pairs[0], SCENE), causes, SCENE)


def test_the_plain_form_is_json_and_read_back_equal() -> None:
    truth = canvas((1, 10, 10, 12, 12), (1, 50, 50, 40, 40))
    extra = Finding("a check", "a fact", "Do something", "note")
    causes = cause_counts(truth, canvas((1, 50, 50, 40, 39)), LABELS, band=3)
    content = diagnose(confusion_matrix(truth, canvas((1, 50, 50, 40, 39)), LABELS), causes, LABELS, [extra]).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["band"] == "3 px"
    cat = content["classes"][1]
    assert cat["parts"][0] == {
        "cause": "missed",
        "detail": "under 200 px",
        "pixels": 144,
        "share": 144 / 184,
        "iou_points": 100 * 144 / 1744,
    }
    assert content["size_recall"]["strata"] == [
        "under 10 px",
        "10–199 px",
        "200–1,023 px",
        "1,024–9,215 px",
        "9,216 px and more",
    ]
    assert content["size_recall"]["classes"][1] == {
        "id": 1,
        "name": "cat",
        "objects": [0, 1, 0, 1, 0],
        "recall": [None, 0.0, None, 1.0, None],
    }
    assert content["checks"] == [{"name": "a check", "finding": "a fact", "remedy": "Do something", "severity": "note"}]


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        (
            canvas((1, 10, 10, 12, 12), (1, 50, 50, 40, 40)),
            canvas((1, 50, 50, 40, 39)),
            "cat: 78% of the loss is missed objects under 200 px: raise resolution or sample them more",
        ),
        (
            canvas((1, 10, 10, 50, 50)),
            canvas(),
            "cat is never predicted: 100% of the loss is missed objects of 1,024 to 9,215 px: "
            "weigh the class more and train longer",
        ),
        (
            canvas((1, 10, 10, 40, 40)),
            canvas((1, 11, 11, 38, 38)),
            "cat: 100% of the loss is at the border, a few pixels off: "
            "train on larger pictures and look how exact the true borders are",
        ),
        (
            canvas((1, 10, 10, 40, 40)),
            canvas((2, 10, 10, 40, 40), (1, 100, 100, 1, 1)),
            "cat: 99% of the loss is confusion with dog: "
            "compare the true masks of these classes and add pictures that tell them apart",
        ),
        (
            canvas(),
            canvas((1, 10, 10, 20, 20)),
            "cat is predicted but absent from the truth: 100% of the loss is spurious objects of 200 to 1,023 px: "
            "add pictures of what is mistaken for such objects, without them",
        ),
        (
            canvas((1, 10, 10, 60, 60)),
            canvas((1, 10, 10, 60, 60), (0, 30, 30, 20, 20)),
            "cat: 100% of the loss is gaps inside objects: show the network more around each object: larger crops",
        ),
        (
            canvas((1, 10, 10, 60, 60), (1, 90, 90, 2, 2)),
            canvas((1, 10, 10, 60, 60)),
            "cat: 100% of the loss is truth that may be wrong: look at these true masks before changing the model",
        ),
        (canvas((1, 10, 10, 40, 40)), canvas((1, 10, 10, 40, 40)), "cat: no loss to explain"),
        (canvas(), canvas(), "cat: absent from truth and prediction"),
        (
            canvas((9, 10, 10, 40, 40)),
            canvas((1, 10, 10, 40, 40)),
            "cat: predicted only where the truth is void",
        ),
        (
            canvas((9, 10, 10, 40, 40), (1, 60, 60, 40, 40)),
            canvas((1, 10, 10, 40, 40)),
            "cat is predicted only where the truth is void: 100% of the loss is missed objects of 1,024 to 9,215 px: "
            "weigh the class more and train longer",
        ),
        (np.full((50, 50), 9, np.uint8), np.zeros((50, 50), np.uint8), _ALL_VOID),
    ],
)
def test_sentences(truth: np.ndarray, predicted: np.ndarray, expected: str) -> None:
    assert sentence(truth, predicted) == expected


def test_a_second_cause_is_named_when_it_matters_and_many_confusions_are_gathered() -> None:
    truth = canvas((1, 10, 10, 30, 30), (1, 60, 10, 30, 30))
    assert sentence(truth, canvas((2, 10, 10, 30, 30))).startswith(
        "cat is never predicted: 50% of the loss is confusion with dog, 50% missed objects of 200 to 1,023 px: weigh"
    )
    names = ("background", "a", "b", "c", "d", "e")
    truth = canvas(*((1, 20 * k, 10, 15, 15) for k in range(5)))
    predicted = canvas(*((1 + k, 20 * k, 10, 15, 15) for k in range(5)))
    entry = diagnose_pair(truth, predicted, LabelMap(names)).classes[1]
    assert "100% of the loss is confusion with b, c and others:" in entry.sentence


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    truth = canvas((1, 10, 10, 90, 90), (2, 110, 150, 4, 4))
    entry = diagnose_pair(truth, canvas((2, 112, 150, 2, 4)), LABELS).classes[1]
    assert "100%" in entry.sentence
    truth = canvas((1, 10, 10, 90, 90), (1, 110, 110, 1, 1))
    assert "99% of the loss is missed" in sentence(truth, canvas())
    shown = [percent(share) for share in (1.0, 0.999, 0.5, 0.006, 0.001, 0.0)]
    assert shown == ["100%", "99%", "50%", "1%", "<1%", "0%"]


def test_a_class_made_of_specks_has_objects_and_not_mistakes() -> None:
    stars = canvas(*((1, 5 * y, 5 * x, 2, 2) for y in range(10) for x in range(10)))
    diagnosis = diagnose_pair(stars, canvas(), LABELS)
    assert sentence(stars, canvas()) == (
        "cat is never predicted: 100% of the loss is missed objects under 10 px: weigh the class more and train longer"
    )
    assert [(part.cause, part.detail) for part in diagnosis.classes[0].parts] == [("missed", "of cat")]


def test_every_page_that_is_pointed_to_exists() -> None:
    for advice in (*ADVICE.values(), MISSED_SMALL, NEVER_PREDICTED):
        assert (DOCS / f"{advice.how_to}.md").is_file(), advice.how_to


def test_every_class_says_the_same_twice() -> None:
    truth, label_map = scene(np.random.default_rng(3))
    predicted = scene(np.random.default_rng(4))[0]
    first, second = (diagnose_pair(truth, predicted, label_map).to_dict() for _ in range(2))
    assert first == second


def test_sizes_in_words() -> None:
    assert size_words(0, 0) == "under 10 px"
    assert size_words(0, 1) == size_words(1, 1) == "under 200 px"
    assert size_words(2, 3) == "of 200 to 9,215 px"
    assert size_words(3, 4) == "of 1,024 px and more"
    assert size_words(0, 4) == "of all sizes"


def test_parts_of_a_void_prediction_are_the_true_class_s_alone() -> None:
    entry: ClassDiagnosis = diagnose_pair(canvas((1, 10, 10, 30, 30)), canvas((9, 10, 10, 30, 30)), LABELS).classes[1]
    assert [(part.cause, part.pixels) for part in entry.parts] == [("missed", 900)]


def loss(*parts: tuple[Cause, str, int]) -> list[Part]:
    whole = sum(pixels for _, _, pixels in parts)
    return [Part(cause, detail, pixels, pixels / whole, 0.0) for cause, detail, pixels in parts]


@pytest.mark.parametrize(
    ("parts", "cause", "expected"),
    [
        (
            [
                ("missed", "of 200 to 1,023 px", 578),
                ("missed", "under 200 px", 196),
                ("boundary", "", 155),
                ("missed", "of 1,024 to 9,215 px", 71),
            ],
            "missed",
            "missed objects, mostly of 200 to 1,023 px",
        ),
        ([("missed", "under 200 px", 61), ("boundary", "", 39)], "missed", "missed objects under 200 px"),
        (
            [("missed", "of 10 to 199 px", 80), ("missed", "under 10 px", 20)],
            "missed",
            "missed objects under 200 px",
        ),
        (
            [("confusion", "Pole", 207), ("confusion", "Tree", 75), ("confusion", "Car", 58), ("boundary", "", 660)],
            "confusion",
            "confusion, mostly with Pole",
        ),
        ([("confusion", "Pole", 207), ("confusion", "Tree", 75)], "confusion", "confusion with Pole and Tree"),
        (
            [("partial", "spill beyond the border", 17), ("partial", "gaps inside objects", 13)],
            "partial",
            "gaps and spill",
        ),
        ([("partial", "spill beyond the border", 17)], "partial", "spill beyond the border"),
    ],
)
def test_a_number_is_true_of_the_words_beside_it(
    parts: list[tuple[Cause, str, int]], cause: Cause, expected: str
) -> None:
    assert _phrase(cause, loss(*parts)) == expected


def test_the_background_calls_things_what_the_objects_call_them() -> None:
    truth = canvas((1, 10, 10, 50, 50), (1, 100, 10, 15, 15))
    predicted = canvas((1, 10, 10, 50, 70), (0, 30, 20, 20, 20), (1, 90, 120, 20, 20))
    background, cat, _ = diagnose_pair(truth, predicted, LABELS).classes
    pixels = [
        {cause: sum(part.pixels for part in entry.parts if part.cause == cause) for cause in ADVICE}
        for entry in (background, cat)
    ]
    assert pixels[0] == pixels[1]
    assert min(pixels[0][cause] for cause in ("partial", "missed", "spurious")) > 0
    assert {part.detail for part in background.parts if part.cause != "boundary"} == {
        "gaps inside cat",
        "spill of cat beyond its border",
        "of cat",
    }
    assert "gaps and spill" in background.sentence
    assert "gaps and spill" in cat.sentence
    voided = np.where((truth == 1) & (predicted == 0) & (np.indices(truth.shape)[1] < 30), 9, predicted)
    undecided = diagnose_pair(truth, voided.astype(np.uint8), LABELS).classes[0]
    assert sum(part.pixels for part in undecided.parts) == np.count_nonzero(
        (truth != voided) & ((truth == 0) | (voided == 0))
    )


def test_classes_without_loss_take_one_line() -> None:
    truth = canvas((1, 10, 10, 40, 40))
    content = diagnose_pair(truth, truth, LABELS).to_dict()["classes"]
    assert summed_up(content) == "no loss to explain: background, cat; absent from truth and prediction: dog"
    void = np.full((50, 50), 9, np.uint8)
    assert summed_up(diagnose_pair(void, void, LABELS).to_dict()["classes"]) == _ALL_VOID
    assert summed_up(diagnose_pair(truth, canvas(), LABELS).to_dict()["classes"]).startswith("absent")
