"""AP and AR of ranked masks, beside pycocotools and faster-coco-eval."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO as FasterCOCO
from faster_coco_eval import COCOeval_faster
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from intarsia.metrics import average_precision as module
from intarsia.metrics.average_precision import (
    AveragePrecision,
    average_precision,
    coco_figures,
    match_instances,
    resampled_average_precision,
)
from intarsia.ops.rle import mask_to_rle, rle_to_coco
from intarsia.types import InstanceSet, LabelMap

LABELS = LabelMap(("cell", "cat", "sky", "never"), ids=(2, 3, 17, 40))
SIZE = (120, 150)
Pictures = list[InstanceSet]


def scene(rng: np.random.Generator) -> tuple[InstanceSet, InstanceSet]:
    """Rectangles of all sizes, crowd regions among them, and predictions that are shifted, doubled, renamed or lost."""
    true, classes, crowd, found, found_classes = [], [], [], [], []
    for _ in range(rng.integers(0, 9)):
        height, width = rng.integers(4, 110, 2)
        top, left = rng.integers(0, SIZE[0] - height), rng.integers(0, SIZE[1] - min(width, 100))
        mask = np.zeros(SIZE, np.bool_)
        mask[top : top + height, left : left + width] = True
        true.append(mask_to_rle(mask))
        classes.append(rng.choice(LABELS.ids[:3]))
        crowd.append(rng.random() < 0.15)
        for _ in range(rng.integers(0, 3)):
            found.append(mask_to_rle(np.roll(mask, rng.integers(-5, 6, 2), (0, 1))))
            found_classes.append(classes[-1] if rng.random() < 0.85 else rng.choice(LABELS.ids))
    areas = np.array([runs[1::2].sum() for runs in true]) * rng.uniform(0.8, 1.1, len(true))
    truth = InstanceSet(
        tuple(true), np.array(classes, np.int64), SIZE, crowd=np.array(crowd, np.bool_), annotated_areas=areas
    )
    scores = rng.integers(0, 12, len(found)) / 10  # with ties
    return truth, InstanceSet(tuple(found), np.array(found_classes, np.int64), SIZE, scores=scores)


def scenes(seed: int, count: int) -> tuple[Pictures, Pictures]:
    rng = np.random.default_rng(seed)
    truth, predicted = zip(*(scene(rng) for _ in range(count)), strict=True)
    return list(truth), list(predicted)


def as_coco(
    truth: Sequence[InstanceSet], predicted: Sequence[InstanceSet]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same as COCO's JSON would hold it."""
    annotations = [
        {
            "image_id": i,
            "category_id": int(each.class_ids[n]),
            "segmentation": rle_to_coco(each.masks[n], each.size),
            "area": float(each.areas[n]),
            "iscrowd": int(each.is_crowd[n]),
        }
        for i, each in enumerate(truth, start=1)
        for n in range(len(each))
    ]
    results = [
        {
            "image_id": i,
            "category_id": int(each.class_ids[n]),
            "segmentation": rle_to_coco(each.masks[n], each.size),
            "score": float(each.scores[n]),
        }
        for i, each in enumerate(predicted, start=1)
        if each.scores is not None
        for n in range(len(each))
    ]
    content = {
        "info": {},
        "images": [{"id": i, "height": each.size[0], "width": each.size[1]} for i, each in enumerate(truth, start=1)],
        "annotations": [{**each, "id": n} for n, each in enumerate(annotations, start=1)],
        "categories": [{"id": i, "name": name} for i, name in zip(LABELS.ids, LABELS.names, strict=True)],
    }
    return content, results


def peer(truth: Sequence[InstanceSet], predicted: Sequence[InstanceSet]) -> COCOeval:
    """The official evaluation."""
    content, results = as_coco(truth, predicted)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = content
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def assert_equals(figures: AveragePrecision, evaluation: Any) -> None:
    precision, recall = (
        np.where(evaluation.eval[key] < 0, np.nan, evaluation.eval[key]) for key in ("precision", "recall")
    )
    np.testing.assert_allclose(figures.precision, precision[..., -1].mean(axis=1).transpose(1, 2, 0), atol=1e-12)
    np.testing.assert_allclose(figures.recall, recall.transpose(1, 2, 0, 3), atol=1e-12)
    stats = np.array(evaluation.stats[:12])
    np.testing.assert_allclose(list(coco_figures(figures).values()), np.where(stats < 0, np.nan, stats), atol=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_every_figure_is_that_of_pycocotools(seed: int) -> None:
    truth, predicted = scenes(seed, 7)
    figures = average_precision(match_instances(truth, predicted, LABELS))
    assert not np.isnan(figures.precision).all()
    assert_equals(figures, peer(truth, predicted))


def test_every_figure_is_that_of_faster_coco_eval() -> None:
    truth, predicted = scenes(11, 20)
    content, results = as_coco(truth, predicted)
    coco = FasterCOCO(content)
    evaluation = COCOeval_faster(coco, coco.loadRes(results), "segm")
    evaluation.run()
    assert_equals(average_precision(match_instances(truth, predicted, LABELS)), evaluation)


def test_more_than_a_hundred_objects_a_picture_and_class_are_cut_off() -> None:
    rng = np.random.default_rng(3)
    masks = []
    for place in range(130):
        mask = np.zeros(SIZE, np.bool_)
        mask[place // 15 * 10 : place // 15 * 10 + 9, place % 15 * 10 : place % 15 * 10 + 9] = True
        masks.append(mask_to_rle(mask))
    classes = np.full(130, 2, np.int64)
    truth = [InstanceSet(tuple(masks), classes, SIZE)]
    predicted = [InstanceSet(tuple(masks), classes, SIZE, scores=rng.random(130))]
    figures = average_precision(match_instances(truth, predicted, LABELS))
    assert_equals(figures, peer(truth, predicted))
    assert coco_figures(figures)["ar_100"] == 100 / 130


def test_resampling_equals_scoring_the_pictures_again() -> None:
    truth, predicted = scenes(5, 6)
    rng = np.random.default_rng(1)
    # Without equal scores, whose order copies of a picture change.
    predicted = [replace(each, scores=rng.random(len(each))) for each in predicted]
    times = np.random.default_rng(0).multinomial(6, [1 / 6] * 6, size=3).astype(np.float64)
    resampled = resampled_average_precision(match_instances(truth, predicted, LABELS), times)
    for row, counts in enumerate(times.astype(int)):
        again = np.repeat(np.arange(6), counts).tolist()
        expected = average_precision(match_instances([truth[i] for i in again], [predicted[i] for i in again], LABELS))
        np.testing.assert_allclose(resampled.precision[row], expected.precision, atol=1e-12)
        np.testing.assert_allclose(resampled.recall[row], expected.recall, atol=1e-12)


def test_the_loops_count_alike_compiled_and_as_python(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, predicted = scenes(2, 2)
    compiled = average_precision(match_instances(truth, predicted, LABELS))
    for name in ("_match", "_curves"):
        monkeypatch.setattr(module, name, getattr(getattr(module, name), "py_func", getattr(module, name)))
    plain = average_precision(match_instances(truth, predicted, LABELS))
    np.testing.assert_array_equal(plain.precision, compiled.precision)
    np.testing.assert_array_equal(plain.recall, compiled.recall)


def test_nothing_predicted_and_nothing_true_are_defined() -> None:
    truth, predicted = scenes(0, 3)
    nothing = [InstanceSet((), np.zeros(0, np.int64), SIZE, scores=np.zeros(0))] * 3
    missed = coco_figures(average_precision(match_instances(truth, nothing, LABELS)))
    assert missed["ap"] == missed["ar_100"] == 0
    spurious = average_precision(match_instances([replace(each, scores=None) for each in nothing], predicted, LABELS))
    assert np.isnan(spurious.precision).all()
    assert np.isnan(coco_figures(spurious)["ap"])


def test_crowds_alone_make_no_class() -> None:
    truth, predicted = scenes(0, 3)
    crowds = [replace(each, crowd=np.ones(len(each), np.bool_)) for each in truth]
    assert np.isnan(average_precision(match_instances(crowds, predicted, LABELS)).precision).all()
