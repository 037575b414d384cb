"""Reading evaluations back, and every reason not to compare them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intarsia.errors import DataError
from intarsia.evaluate.saved import SavedEvaluation, align, check_distinct, find_evaluations, read_evaluation
from intarsia.metrics import VOID_CONVENTIONS, ScoreTable, Void, class_counts
from intarsia.types import LabelMap

LABELS = LabelMap(("sky", "car"), ignore=9)
Change = Callable[[dict[str, Any]], Any]


def confusion(images: int = 3, seed: int = 0) -> np.ndarray:
    """Counts whose truth is the same whatever the seed: 100 pixels a class and 10 of void."""
    hits = np.random.default_rng(seed).integers(0, 101, (images, 2))
    counts = np.zeros((images, 3, 3), np.int64)
    counts[:, 0, 0], counts[:, 0, 1] = hits[:, 0], 100 - hits[:, 0]
    counts[:, 1, 1], counts[:, 1, 0] = hits[:, 1], 100 - hits[:, 1]
    counts[:, 2, 0] = 10
    return counts


def write(
    folder: Path,
    counts: np.ndarray,
    names: str = "xyz",
    groups: Sequence[str] | None = None,
    *,
    labels: LabelMap = LABELS,
    void: Void = "exclude",
) -> Path:
    table = ScoreTable(labels, tuple(names), tuple(groups or names), counts)
    content = {"conventions": {"void": f"{void}: {VOID_CONVENTIONS[void]}"}, "table": table.to_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder / "metrics.json"


def pair(tmp_path: Path, **second: Any) -> list[SavedEvaluation]:
    counts = second.pop("counts", confusion(seed=1))
    return [
        read_evaluation(write(tmp_path / "a", confusion())),
        read_evaluation(write(tmp_path / "b", counts, **second)),
    ]


@pytest.mark.parametrize("void", VOID_CONVENTIONS)
def test_counts_come_back_under_the_convention_of_the_file(tmp_path: Path, void: Void) -> None:
    found = read_evaluation(write(tmp_path, confusion(), groups="ppq", void=void))
    expected = class_counts(confusion(), void)
    assert (found.names, found.groups, found.void) == (("x", "y", "z"), ("p", "p", "q"), void)
    np.testing.assert_array_equal(found.counts.predicted, expected.predicted)
    np.testing.assert_array_equal(found.truth, [[100, 100, 10]] * 3)


def test_a_file_its_folder_and_a_folder_of_runs_are_found(tmp_path: Path) -> None:
    runs = [write(tmp_path / "runs" / name, confusion()) for name in ("seed0", "seed1")]
    assert find_evaluations(runs[0]) == find_evaluations(runs[0].parent) == runs[:1]
    assert find_evaluations(tmp_path / "runs") == runs
    with pytest.raises(DataError, match=r"nowhere: does not exist\. Name a metrics\.json"):
        find_evaluations(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no metrics\.json, and none of its folders does\. Name a folder that"):
        find_evaluations(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(task="panoptic"), "holds figures of the task panoptic, of which no comparison"),
        (lambda content: content.pop("table"), r"holds no counts of the pictures \(the key `table`\)"),
        (lambda content: content["table"].pop("names"), r"its counts \(the key `table`\) are damaged"),
        (lambda content: content["table"]["confusion"]["cells"].pop(), "are damaged"),
        (lambda content: content["table"]["confusion"].update(cells=[[99]] * 3), "are damaged"),
        (lambda content: content["table"].update(label_map=[]), "are damaged"),
        (lambda content: content["table"].update(confusion=[]), "or were written by another version"),
        (lambda content: content["table"]["names"].pop(), "are damaged"),
        (lambda content: content["conventions"].update(void="mine: …"), "the void convention 'mine' is unknown"),
        (lambda content: content.pop("conventions"), "the void convention 'None' is unknown"),
    ],
)
def test_what_is_no_metrics_file_is_refused(tmp_path: Path, change: Change, message: str) -> None:
    file = write(tmp_path, confusion())
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_evaluation(file)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"class,iou\n", b"[1, 2]", b"3"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match=r"x: (is not a JSON file|holds no counts).*\. Name a metrics\.json as"):
        read_evaluation(tmp_path / "x")


def test_the_order_of_the_pictures_does_not_matter(tmp_path: Path) -> None:
    counts = confusion(seed=1)
    first, second = align(pair(tmp_path, counts=counts[::-1], names="zyx"))[0]
    assert first.names == second.names == ("x", "y", "z")
    np.testing.assert_array_equal(second.counts.hits, class_counts(counts).hits)


def test_other_pictures_are_listed_on_both_sides(tmp_path: Path) -> None:
    message = r"not the same pictures: 2 \(y, z\) only in the first, 2 \(v, w\) only in the second\. Evaluate both on"
    with pytest.raises(DataError, match=message):
        align(pair(tmp_path, names="xvw"))
    with pytest.raises(DataError, match=r"1 \(z\) only in the first, none only in the second"):
        align(pair(tmp_path, counts=confusion(2, seed=1), names="xy"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LabelMap(("sky", "cat"), ignore=9), "the classes differ: 1 car against 1 cat"),
        (LabelMap(("sky", "car"), ids=(0, 7), ignore=9), "the classes differ: 1 car against 7 car"),
        (LabelMap(("sky", "car")), "the classes differ: ignore 9 against nothing"),
        (LabelMap(("car", "sky"), ids=(1, 0), ignore=9), "they are listed in another order"),
    ],
)
def test_other_classes_are_refused(tmp_path: Path, labels: LabelMap, message: str) -> None:
    with pytest.raises(DataError, match=message + r"\. Score both with the same class list"):
        align(pair(tmp_path, labels=labels))


def test_colors_may_differ(tmp_path: Path) -> None:
    align(pair(tmp_path, labels=LabelMap(("sky", "car"), colors=((1, 2, 3), (4, 5, 6)), ignore=9)))


def test_another_truth_is_refused(tmp_path: Path) -> None:
    counts = confusion(seed=1)
    counts[1, 0, 0] += 1
    with pytest.raises(DataError, match=r"the true pixels of a class differ in 1 \(y\): they were not scored against"):
        align(pair(tmp_path, counts=counts))


def test_another_void_convention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="void is counted differently: exclude against count"):
        align(pair(tmp_path, void="count"))


def test_the_coarser_grouping_is_used(tmp_path: Path) -> None:
    for evaluations in (pair(tmp_path, groups="ppq"), pair(tmp_path, groups="ppq")[::-1]):
        aligned, note = align(evaluations)
        assert {each.groups for each in aligned} == {("p", "p", "q")}
        assert note == "the evaluations group the pictures differently; the coarser grouping is used (groups: 2)"
    assert align(pair(tmp_path, groups="uvw"))[1] is None  # other names for the same groups


def test_groupings_that_cross_are_refused(tmp_path: Path) -> None:
    evaluations = [
        read_evaluation(write(tmp_path / name, confusion(), groups=groups))
        for name, groups in (("a", "ppq"), ("b", "pqq"))
    ]
    with pytest.raises(DataError, match="neither is the finer"):
        align(evaluations)


def test_a_run_counts_once(tmp_path: Path) -> None:
    check_distinct(pair(tmp_path))
    with pytest.raises(DataError, match=r"are equal in every count, so they are not two runs\. Keep one of them"):
        check_distinct(pair(tmp_path, counts=confusion()))
