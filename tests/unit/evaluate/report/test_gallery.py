import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from intarsia.evaluate.figures import Example
from intarsia.evaluate.report.gallery import Gallery
from intarsia.ops import overlay
from intarsia.types import LabelMap
from unit.evaluate.report.report_content import Page, classes, example, full_content, render

BINARY = LabelMap(names=("background", "leaf"), ids=(0, 255), ignore=9)
STREET = LabelMap(names=("sky", "road", "car"), colors=((128, 128, 128), (128, 64, 128), (64, 0, 128)), ignore=11)


def embedded(gallery: Gallery) -> dict[str, Image.Image]:
    """The pictures of a gallery by the name of their element."""
    found = re.findall(r'<image id="([\w-]+)"[^>]*base64,([^"]+)"', gallery.definitions())
    return {name: Image.open(io.BytesIO(base64.b64decode(content))) for name, content in found}


def laid_over(gallery: Gallery, panels: str, column: int, ground: np.ndarray) -> np.ndarray:
    """What a reader sees in a panel whose photograph is replaced by ``ground``."""
    names = re.findall(r'<use href="#([\w-]+)"', panels.split("<svg")[1 + column])
    seen = Image.fromarray(ground).convert("RGBA")
    for name in names[1:]:
        seen = Image.alpha_composite(seen, embedded(gallery)[name].convert("RGBA"))
    return np.asarray(seen.convert("RGB")).astype(int)


def scene(label_map: LabelMap, seed: int = 0) -> Example:
    random = np.random.default_rng(seed)
    ids = np.asarray([*label_map.ids, label_map.ignore], dtype=np.uint8)
    truth, predicted = (np.kron(ids[random.integers(0, len(ids), (6, 8))], np.ones((8, 8), np.uint8)) for _ in "ab")
    picture = np.full((*truth.shape, 3), 128, dtype=np.uint8)
    return Example("scene.png", picture, truth, predicted, 0.5)


@pytest.mark.parametrize("label_map", [BINARY, STREET, classes(200)], ids=["binary", "street", "200"])
def test_covers_show_what_the_overlays_draw(label_map: LabelMap) -> None:
    label_map = replace(label_map, ignore=label_map.ignore or 250)
    shown, gallery = scene(label_map), Gallery(label_map, 480)
    panels = gallery.panels(shown)
    ground = np.random.default_rng(1).integers(0, 256, shown.image.shape, dtype=np.uint8)
    ground[..., 1:] = ground[..., :1]  # the errors panel is gray
    for column, mask in ((1, shown.truth), (2, shown.predicted)):
        wanted = overlay.blend(ground, mask, label_map).astype(int)
        assert np.abs(laid_over(gallery, panels, column, ground) - wanted).max() <= 3
    wanted = overlay.errors(ground, shown.truth, shown.predicted, label_map).astype(int)
    assert np.abs(laid_over(gallery, panels, 3, ground) - wanted).max() <= 3


def test_errors_of_one_class_leave_out_the_others() -> None:
    truth = np.array([[0, 1, 2, 11]], dtype=np.uint8).repeat(4, axis=0)
    predicted = np.array([[1, 1, 0, 1]], dtype=np.uint8).repeat(4, axis=0)
    gallery, black = Gallery(STREET, 480), np.zeros((4, 4, 3), dtype=np.uint8)
    shown = Example("a", black, truth, predicted, 0.0)
    road, car = (laid_over(gallery, gallery.panels(shown, class_id), 3, black)[0] for class_id in (1, 2))
    assert road[:3].tolist() == [list(overlay.SPURIOUS), [0, 0, 0], [0, 0, 0]]
    assert car[:3].tolist() == [[0, 0, 0], [0, 0, 0], list(overlay.MISSED)]
    assert tuple(road[3]) in overlay.IGNORED


def test_what_is_shown_twice_is_embedded_once() -> None:
    gallery = Gallery(BINARY, 480)
    first, again = scene(BINARY), scene(BINARY)
    gallery.panels(first)
    size = gallery.size
    gallery.panels(again)
    assert gallery.size == size
    assert len(embedded(gallery)) == 4
    gallery.panels(first, 255)
    assert gallery.size == size  # the errors of the only class that is drawn are all errors


def test_two_pictures_of_one_name_are_not_mistaken_for_each_other() -> None:
    gallery = Gallery(BINARY, 480)
    assert gallery.panels(scene(BINARY)) != gallery.panels(scene(BINARY, seed=1))


def test_large_pictures_are_embedded_smaller_and_small_ones_as_they_are() -> None:
    gallery = Gallery(BINARY, 100)
    gallery.panels(example("large", size=192, top_id=255))
    assert {image.size for image in embedded(gallery).values()} == {(100, 96)}
    gallery = Gallery(BINARY, 100)
    gallery.panels(example("small", size=16, top_id=255))
    assert {image.size for image in embedded(gallery).values()} == {(24, 16)}


def test_nothing_shown_needs_no_definitions() -> None:
    assert Gallery(BINARY, 480).definitions() == ""


def test_each_example_has_four_panels_with_words_for_them() -> None:
    _, page = render(classes(2), worst=[example("a.png"), example("b.png", seed=1)], best=[example("c.png", seed=2)])
    assert page.count("figure") == 3
    assert page.count("svg", role="img", viewbox="0 0 72 64") == 12
    assert page.count("svg", role="img", aria_label="Prediction of b.png") == 1
    assert page.text.count("missed (only in truth)") == 1


def test_the_worst_of_each_class_are_behind_radio_buttons_the_lowest_first() -> None:
    label_map = classes(3)
    content = full_content(label_map)
    for entry, value in zip(content["classes"], (0.5, None, 0.2), strict=True):
        entry["iou"] = {"value": value, "low": None, "high": None}
    shown = [example("a.png", top_id=2, score=0.9)]
    _, page = render(label_map, content, examples_by_class={0: shown, 1: shown, 2: shown, 5: []})
    radios = [attributes for tag, attributes in page.tags if tag == "input"]
    assert [radio["id"] for radio in radios] == ["pick-2", "pick-0", "pick-1"]
    assert ["checked" in radio for radio in radios] == [True, False, False]
    assert {radio["name"] for radio in radios} == {"class"}
    labels = [attributes["for"] for tag, attributes in page.tags if tag == "label"]
    assert {"pick-0", "pick-1", "pick-2"} < set(labels)
    true, found = shown[0].truth == 2, shown[0].predicted == 2
    assert f"IoU of class 2 {(true & found).sum() / (true | found).sum():.3f}" in page.text
    assert "IoU of class 1 –" in page.text


def test_the_void_convention_decides_the_score_of_a_class() -> None:
    label_map = LabelMap(names=("soil", "leaf"), colors=((0, 0, 0), (0, 160, 220)), ignore=9)
    truth, predicted = np.array([[1, 1, 9, 9]], dtype=np.uint8), np.array([[1, 0, 1, 1]], dtype=np.uint8)
    shown = {1: [Example("a", np.zeros((1, 4, 3), np.uint8), truth, predicted, 0.5)]}
    content = full_content(label_map)
    for void, score in (("exclude", "0.500"), ("count", "0.250")):
        _, page = render(label_map, content | {"conventions": {"void": f"{void}: words"}}, examples_by_class=shown)
        assert f"IoU of leaf {score}" in page.text


def test_many_noisy_pictures_stay_within_six_megabytes() -> None:
    label_map = classes(19)
    by_class = {k: [example(f"{k}-{j}.png", size=360, top_id=k, seed=k + 99 * j) for j in range(3)] for k in range(19)}
    pictures = [picture for few in by_class.values() for picture in few]
    html, page = render(
        label_map, full_content(label_map), worst=pictures[:4], best=pictures[-4:], examples_by_class=by_class
    )
    assert len(html) < 6_000_000
    assert page.count("input", type="radio") == 19
    assert Page(html).count("figure") >= 8 + 19
