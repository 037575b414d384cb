"""Objects and panoptic maps scored from files as ``intarsia score`` does it; on real pictures beside other programs."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from intarsia.apps.cli import score_segments
from intarsia.data.formats.coco import CocoInstances, read_coco, read_coco_results
from intarsia.data.formats.instances import read_instance_ids
from intarsia.data.formats.panoptic import ids_to_rgb, open_panoptic, read_panoptic, rgb_to_ids
from intarsia.data.formats.provenance import made_by
from intarsia.errors import DataError, RecipeError
from intarsia.evaluate.panoptic import label_map_of, score_panoptic
from intarsia.metrics import mean_of_defined
from intarsia.metrics.average_precision import average_precision, coco_figures, match_instances
from intarsia.metrics.counts import select, total
from intarsia.metrics.instances import count_instances
from intarsia.metrics.panoptic import panoptic_quality, recognition_quality, segmentation_quality
from intarsia.ops.rle import mask_to_rle, rle_to_coco, rle_to_mask
from unit.metrics.panoptic_reference import reference, reference_quality


def masks(folder: Path, ids: dict[str, np.ndarray], maker: str = "") -> Path:
    folder.mkdir()
    for name, each in ids.items():
        Image.fromarray(each).save(folder / f"{name}.png", pnginfo=made_by(maker))
    return folder


@pytest.fixture
def cells(tmp_path: Path) -> tuple[Path, Path]:
    """Predicted and true id masks of two pictures; one of five objects is lost and one is spurious."""
    truth = np.kron(np.array([[1, 0, 2], [0, 3, 0]]), np.ones((10, 10), int)).astype(np.uint16)
    found = np.where(truth == 3, 0, truth * 100)
    found[12:15, :3] = 7
    other = np.where(truth == 1, 0, truth)
    return masks(tmp_path / "p", {"a": found, "b": other}), masks(tmp_path / "t", {"a": truth, "b": other})


def test_id_masks_print_a_table_and_are_written(
    cells: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score_segments.run_instance(*cells, out=tmp_path / "out")
    out, error = capsys.readouterr()
    assert error == ""
    assert "≥ 0.50  0.667" in out
    assert "5 true and 5 predicted objects; at IoU ≥ 0.50: 4 matched, 1 missed, 1 spurious" in out
    assert "AP as the mean over images: 0.750" in out
    assert "under 64 px" in out
    assert "lowest images: a 0.500, b 1.000" in out
    assert "95% percentile bootstrap over 2 images" in out
    written = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert out.endswith(f"wrote {tmp_path / 'out' / 'metrics.json'}\n")  # and names no report, of which there is none
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["metrics.json"]
    assert "WARNING" not in out
    score_segments.run_instance(*cells, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed == {key: value for key, value in written.items() if key != "table"}
    assert written["table"]["counts"]["true_positives"]["shape"] == [2, 10]


def test_groups_and_void_are_said(cells: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    score_segments.run_instance(*cells, ignore=3, group_by="(a|b)")
    out = capsys.readouterr().out
    assert "3 true and 4 predicted objects" in out
    assert "void: pixels with the id 3 in the truth count nowhere" in out
    score_segments.run_instance(*cells, as_json=True, ignore=3, group_by="()")
    printed = json.loads(capsys.readouterr().out)
    assert printed["groups"] == 1
    assert printed["conventions"]["void"].startswith("pixels with the id 3")
    with pytest.raises(RecipeError, match="0 is background"):
        score_segments.run_instance(*cells, ignore=0)


def test_truth_that_a_model_made_is_a_loud_warning(
    cells: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {path.stem: np.asarray(Image.open(path)) for path in cells[1].iterdir()}
    truth = masks(tmp_path / "made", made, "model-a")
    score_segments.run_instance(cells[0], truth, out=tmp_path / "out")
    out = capsys.readouterr().out
    assert out.startswith("WARNING: 2 of the 2 true masks were predicted by a model and not changed since")
    (written,) = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))["warnings"]
    assert out.startswith(f"WARNING: {written}\n")
    score_segments.run_instance(truth, truth, as_json=True)
    own, copies = json.loads(capsys.readouterr().out)["warnings"]
    assert "by the very model under test" in own
    assert "are these copies" in copies


def test_masks_without_a_partner_are_listed(cells: tuple[Path, Path]) -> None:
    (cells[0] / "a.png").rename(cells[0] / "c.png")
    with pytest.raises(DataError, match=r"a\.png.*c\.png: 1 true mask has no prediction"):
        score_segments.run_instance(*cells)


def test_class_masks_are_suspected(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[1:3, 1:3] = 255
    folder = masks(tmp_path / "t", {"a": mask, "b": mask})
    score_segments.run_instance(folder, folder)
    assert "note: no true mask holds more than one object" in capsys.readouterr().err


@pytest.fixture
def coco_json(tmp_path: Path) -> tuple[Path, Path]:
    mask = np.zeros((8, 9), np.bool_)
    mask[2:6, 3:8] = True
    segmentation = rle_to_coco(mask_to_rle(mask), (8, 9))
    entry = {"image_id": 3, "category_id": 5, "segmentation": segmentation}
    truth = {
        "images": [{"id": i, "height": 8, "width": 9, "file_name": f"case1_{i}.jpg"} for i in (3, 4)],
        "annotations": [{**entry, "id": 1, "area": 20, "iscrowd": 0}],
        "categories": [{"id": 5, "name": "[red] cell"}, {"id": 6, "name": "never"}],
    }
    for name, content in (("truth", truth), ("results", [{**entry, "score": 0.5}])):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "results.json", tmp_path / "truth.json"


def test_coco_results_print_a_table(coco_json: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    score_segments.run_instance(*coco_json)
    out, error = capsys.readouterr()
    assert error == "note: 1 of 2 pictures have no predicted object\n"
    assert "AP at IoU 0.50     1.000" in out
    assert "[red] cell" in out
    assert "never" not in out
    score_segments.run_instance(*coco_json, as_json=True)
    assert json.loads(capsys.readouterr().out)["overall"]["ap"]["value"] == 1
    score_segments.run_instance(*coco_json, as_json=True, group_by=r"case(\d)")
    assert json.loads(capsys.readouterr().out)["groups"] == 1
    with pytest.raises(RecipeError, match=r"--ignore: COCO JSON has no void pixels.*`iscrowd`"):
        score_segments.run_instance(*coco_json, ignore=255)


def test_json_is_not_scored_against_masks(coco_json: tuple[Path, Path], cells: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match=r"is no JSON, but its partner is\. Score a COCO result list against"):
        score_segments.run_instance(cells[0], coco_json[1])
    with pytest.raises(DataError, match="is no JSON, but its partner is"):
        score_segments.run_instance(coco_json[0], cells[1])


def perturbed(source: Path, folder: Path, rng: np.random.Generator) -> Path:
    """A copy of a panoptic set: segments are lost, renamed, cut off and shifted."""
    opened = open_panoptic(source)
    class_ids = label_map_of(opened).ids
    (folder / "panoptic").mkdir(parents=True)
    annotations = []
    for image, picture in opened.pictures.items():
        ids = rgb_to_ids(np.asarray(Image.open(picture.png)))
        segments = [dict(segment) for segment in picture.segments]
        for segment in segments:
            if rng.random() < 0.15:
                segment["category_id"] = int(rng.choice(class_ids))
            if rng.random() < 0.15:
                ids[(ids == segment["id"]) & (rng.random() < 0.5)] = 0
        ids[: rng.integers(0, 60)] = 0
        ids = np.roll(ids, rng.integers(-6, 7, 2), (0, 1))
        kept = set(np.unique(ids).tolist())
        Image.fromarray(ids_to_rgb(ids)).save(folder / "panoptic" / picture.name)
        segments = [segment for segment in segments if segment["id"] in kept]
        annotations.append({"image_id": image, "file_name": picture.name, "segments_info": segments})
    (folder / "panoptic.json").write_text(json.dumps({"annotations": annotations}), encoding="utf-8")
    return folder


def tiny_panoptic(folder: Path, maker: str = "") -> Path:
    (folder / "masks").mkdir(parents=True)
    ids = np.kron(np.array([[1, 1, 2, 2], [3, 3, 3, 0]]), np.ones((4, 4), int)).astype(np.uint32)
    segments = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}, {"id": 3, "category_id": 2}]
    annotations = []
    for image in (1, 2):
        Image.fromarray(ids_to_rgb(ids)).save(folder / "masks" / f"{image}.png", pnginfo=made_by(maker))
        annotations.append({"image_id": image, "file_name": f"{image}.png", "segments_info": segments})
    categories = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
    (folder / "panoptic.json").write_text(json.dumps({"annotations": annotations, "categories": categories}))
    return folder


def test_panoptic_maps_print_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tiny_panoptic(tmp_path / "t")
    score_segments.run_panoptic(folder, folder / "panoptic.json", out=tmp_path / "out")
    out = capsys.readouterr().out
    assert "things             1.000 (1.000–1.000)" in out
    assert "lowest images: 1.png 1.000, 2.png 1.000" in out
    written = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert written["table"]["names"] == ["1.png", "2.png"]
    score_segments.run_panoptic(folder, folder, as_json=True)
    assert json.loads(capsys.readouterr().out)["overall"]["pq"]["value"] == 1
    made = tiny_panoptic(tmp_path / "made", "model-a")
    score_segments.run_panoptic(folder, made, group_by="()")
    out = capsys.readouterr().out
    assert out.startswith("WARNING: 2 of the 2 true masks were predicted by a model and not changed since")
    assert "none: a single group" in out


KNOWN = ("../known_answers/panoptic/panoptic_examples.json", "coco_panoptic20")


@pytest.mark.needs_shared_data
@pytest.mark.parametrize("where", KNOWN)
def test_panoptic_quality_is_the_reference_s_on_real_pictures(shared_data: Path, tmp_path: Path, where: str) -> None:
    truth = open_panoptic(shared_data / where)
    labels = label_map_of(truth)
    found = open_panoptic(perturbed(shared_data / where, tmp_path / "p", np.random.default_rng(0)))
    scored = score_panoptic(found, truth)
    figures = (panoptic_quality, segmentation_quality, recognition_quality)
    for row, image in enumerate(truth.pictures):
        true, predicted = (read_panoptic(file.pictures[image], labels) for file in (truth, found))
        tallies, counts = reference(true, predicted), select(scored.counts, row)
        for k, class_id in enumerate(labels.ids):
            tally = (tallies[class_id].tp, tallies[class_id].fp, tallies[class_id].fn)
            assert (counts.true_positives[k], counts.false_positives[k], counts.false_negatives[k]) == tally
            assert counts.iou_sum[k] == pytest.approx(tallies[class_id].iou, abs=1e-12)
        means = [float(mean_of_defined(figure(counts), axis=-1)) for figure in figures]
        np.testing.assert_allclose(means, reference_quality(tallies, list(labels.ids)), atol=1e-12)
    assert 0.2 < float(mean_of_defined(panoptic_quality(total(scored.counts)), axis=-1)) < 0.9


@pytest.mark.needs_shared_data
@pytest.mark.parametrize("where", KNOWN)
def test_the_truth_is_perfect_and_its_areas_are_those_of_the_json(shared_data: Path, where: str) -> None:
    truth = open_panoptic(shared_data / where)
    labels = label_map_of(truth)
    for picture in truth.pictures.values():
        stated = [segment["area"] for segment in picture.segments]
        assert [segment.area for segment in read_panoptic(picture, labels).segments] == stated
    scored = score_panoptic(truth, truth)
    # Crowd regions, predicted as they are, lie on themselves and are no false positives.
    assert float(mean_of_defined(panoptic_quality(total(scored.counts)), axis=-1)) == 1


@pytest.mark.needs_shared_data
def test_the_categories_of_the_known_answers_are_told_apart(shared_data: Path) -> None:
    folder = shared_data / "../known_answers/panoptic"
    categories = json.loads((folder / "panoptic_coco_categories.json").read_text(encoding="utf-8"))
    labels = label_map_of(open_panoptic(folder / "panoptic_examples.json"))
    assert labels.things == {entry["id"] for entry in categories if entry["isthing"]}
    assert set(labels.ids) == {entry["id"] for entry in categories}


def synthetic_results(truth: CocoInstances, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """True objects dropped, shifted, doubled and renamed, with random scores."""
    for image, objects in truth.objects.items():
        for runs, class_id in zip(objects.masks, objects.class_ids.tolist(), strict=True):
            for _ in range(rng.choice([0, 1, 1, 1, 2])):
                mask = np.roll(rle_to_mask(runs, objects.size), rng.integers(-6, 7, 2), (0, 1))
                yield {
                    "image_id": image,
                    "category_id": class_id if rng.random() < 0.9 else int(rng.choice(truth.label_map.ids)),
                    "segmentation": rle_to_coco(mask_to_rle(mask), objects.size),
                    "score": float(rng.random()),
                }


@pytest.mark.needs_shared_data
def test_average_precision_is_pycocotools_on_real_pictures(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "coco_tiny/annotations/instances_val2017.json"
    truth = read_coco(path)
    results = list(synthetic_results(truth, np.random.default_rng(0)))
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
        peer = COCOeval(coco, coco.loadRes(str(tmp_path / "results.json")), "segm")
        peer.evaluate()
        peer.accumulate()
        peer.summarize()
    found = read_coco_results(tmp_path / "results.json", truth)
    pairs = list(truth.objects.values()), [found[image] for image in truth.objects]
    figures = average_precision(match_instances(pairs[0], pairs[1], truth.label_map))
    np.testing.assert_allclose(list(coco_figures(figures).values()), peer.stats, atol=1e-9)
    of_classes = np.where(peer.eval["precision"] < 0, np.nan, peer.eval["precision"])[..., -1].mean(axis=1)
    np.testing.assert_allclose(figures.precision, of_classes.transpose(1, 2, 0), atol=1e-9)


@pytest.mark.needs_shared_data
def test_real_nuclei_are_paired_with_themselves(shared_data: Path) -> None:
    for path in sorted((shared_data / "nuclei/instances").iterdir())[:20]:
        ids = read_instance_ids(path)
        counts = count_instances(ids, ids)
        assert counts.true_positives.tolist() == [len(np.unique(ids)) - 1] * 10
        assert counts.false_positives.sum() == counts.false_negatives.sum() == 0
