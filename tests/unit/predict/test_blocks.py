from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from intarsia.architectures import build
from intarsia.data.rasters.array import ArrayRaster
from intarsia.nn.network import SegmentationNetwork
from intarsia.predict import blocks as module
from intarsia.predict.blocks import BlockPredictor
from intarsia.predict.layers import LAYERS, Layer, Rasters, empty, finished
from intarsia.predict.prepared import Picture, PreparedNetwork
from intarsia.predict.tiling import Block, Span, Tiling, blended_tiling, exact_tiling
from intarsia.types import ImageSpec, LabelMap, SemanticLogits

LABELS = LabelMap(names=("sky", "road", "tree"), ids=(0, 7, 300), ignore=65535)
SPEC = ImageSpec(3, 8, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
CPU = torch.device("cpu")


def picture(height: int, width: int, channels: int = 3) -> Picture:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


def small_unet() -> SegmentationNetwork:
    torch.manual_seed(0)
    return build("unet", in_channels=3, num_classes=3, base_width=4, depth=2).eval()


def squares(size: tuple[int, int], side: int) -> Iterator[Block]:
    """Blocks that end anywhere."""
    for top, left in product(range(0, size[0], side), range(0, size[1], side)):
        yield Block(top, left, min(side, size[0] - top), min(side, size[1] - left))


def assembled(worker: BlockPredictor, raster: ArrayRaster, side: int) -> Rasters:
    made = empty(raster.size, LABELS, worker.layers)
    for block in squares(raster.size, side):
        for layer, values in worker.predict(raster, block).items():
            rows, columns = slice(block.top, block.top + block.height), slice(block.left, block.left + block.width)
            made[layer][..., rows, columns] = values
    return made


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (150, 1), (97, 161), (64, 64), (129, 65)])
@pytest.mark.parametrize("side", [33, 1000])
def test_exact_tiles_equal_the_whole_picture(size: tuple[int, int], side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, image = small_unet(), picture(*size)
    assert network.margin is not None
    prepared = PreparedNetwork(network, SPEC, LABELS, CPU)
    seen: list[Tensor] = []

    def remember(scores: Tensor, *rest: Any) -> Rasters:
        seen.append(scores.clone())  # its memory is used again
        return finished(scores, *rest)

    monkeypatch.setattr(module, "finished", remember)
    tile = sum(network.margin) + 3 * network.stride
    tiling = exact_tiling(size, tile, network.margin, network.stride)
    found = assembled(BlockPredictor(prepared, tiling, ("labels", "probabilities"), batch=3), ArrayRaster(image), side)
    whole = prepared.predict(image, probabilities=True)
    assert whole.probabilities is not None
    assert np.array_equal(found["labels"], whole.class_ids)
    assert np.abs(found["probabilities"] - whole.probabilities).max() < 6e-4  # half precision
    if side > max(size):  # the scores of one block, band by band, are those of the picture
        logits = prepared.output([prepared.prepare(image)])
        assert isinstance(logits, SemanticLogits)
        assert (torch.cat(seen, dim=1) - logits.logits[0]).abs().max() <= 1e-4


@pytest.mark.parametrize("batch", [1, 4])
def test_however_the_picture_is_cut_into_blocks_the_rasters_are_the_same(batch: int) -> None:
    image = picture(150, 210)
    tiling = blended_tiling((150, 210), 48, 0.3)
    worker = BlockPredictor(PreparedNetwork(small_unet(), SPEC, LABELS, CPU), tiling, ("labels", "confidence"), batch)
    whole, cut = (assembled(worker, ArrayRaster(image), side) for side in (1000, 64))
    assert np.array_equal(whole["labels"], cut["labels"])
    assert np.abs(whole["confidence"].astype(int) - cut["confidence"]).max() <= 1


def test_a_network_that_looks_at_single_pixels_is_not_changed_by_blending() -> None:
    torch.manual_seed(0)
    pointwise = nn.Conv2d(3, 3, 1)
    prepared = PreparedNetwork(lambda image: SemanticLogits(pointwise(image)), SPEC, LABELS, CPU)
    image = picture(77, 130)
    with torch.inference_mode():
        expected = prepared.predict(image, probabilities=True)
    for kind in ("gaussian", "linear", "uniform"):
        tiling = blended_tiling((77, 130), 32, 0.25, kind)
        found = assembled(BlockPredictor(prepared, tiling, LAYERS), ArrayRaster(image), 1000)
        assert expected.probabilities is not None
        assert np.mean(found["labels"] == expected.class_ids) > 0.999
        assert np.abs(found["probabilities"] - expected.probabilities).max() < 1e-3
        confidence = np.round(255 * expected.probabilities.max(axis=0))
        assert np.abs(found["confidence"] - confidence).max() <= 1
        entropy = -(expected.probabilities * np.log(expected.probabilities)).sum(axis=0) / np.log(3)
        assert np.abs(found["entropy"] - np.round(255 * entropy)).max() <= 1


def stitched(tiling: Tiling, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The scores [C, H, W] of a network that says of each tile something else, and the same of all its pixels."""

    def moody(batch: Tensor) -> SemanticLogits:
        mood = batch.double().sum(dim=(1, 2, 3)).mul(1e3).frac().abs().float()  # of the pixels, and far from smooth
        scores = torch.stack([mood, 1 - mood, torch.zeros_like(mood)], dim=1)
        return SemanticLogits(scores[:, :, None, None].expand(-1, -1, *batch.shape[2:]))

    seen: list[Tensor] = []

    def remember(scores: Tensor, *rest: Any) -> Rasters:
        seen.append(scores.clone())
        return finished(scores, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(module, "finished", remember)
        worker = BlockPredictor(PreparedNetwork(moody, SPEC, LABELS, CPU), tiling)
        assembled(worker, ArrayRaster(picture(*tiling.size)), max(tiling.size))
    return torch.cat(seen, dim=1).numpy()


def steps(scores: np.ndarray, spans: tuple[Span, ...], axis: int) -> tuple[float, float]:
    """The largest change from a pixel to the next where a tile begins or ends, and elsewhere."""
    change = np.abs(np.diff(scores, axis=axis)).max(axis=tuple({0, 1, 2} - {axis}))
    borders = sorted({place for span in spans for place in (span.first, span.last)} - {0, spans[-1].last})
    at_borders = np.zeros(len(change), np.bool_)
    at_borders[np.array(borders) - 1] = True
    return float(change[at_borders].max()), float(change[~at_borders].max())


@pytest.mark.parametrize("kind", ["gaussian", "linear"])
@pytest.mark.parametrize(("tile", "overlap"), [(64, 0.25), (64, 0.5), (96, 0.3), (48, 0.75)])
def test_blended_tiles_leave_no_seams_however_they_disagree(
    kind: Any, tile: int, overlap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiling = blended_tiling((250, 310), tile, overlap, kind)
    scores = stitched(tiling, monkeypatch)
    for axis, spans in ((1, tiling.rows), (2, tiling.columns)):
        at_borders, elsewhere = steps(scores, spans, axis)
        assert at_borders <= elsewhere


def test_tiles_side_by_side_have_the_seams_that_blending_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    tiling = blended_tiling((250, 310), 64, 0.0, "uniform")
    at_borders, elsewhere = steps(stitched(tiling, monkeypatch), tiling.columns, 2)
    assert at_borders > 0.1
    assert elsewhere < 1e-6


def test_what_holds_no_data_is_void_and_its_tiles_are_not_predicted() -> None:
    image, valid = picture(96, 96), np.zeros((96, 96), np.bool_)
    valid[:40, :40] = True
    shown: list[tuple[int, ...]] = []

    def network(batch: Tensor) -> SemanticLogits:
        shown.append(tuple(batch.shape))
        return SemanticLogits(batch)

    worker = BlockPredictor(PreparedNetwork(network, SPEC, LABELS, CPU), blended_tiling((96, 96), 32, 0.25), LAYERS)
    found = worker.predict(ArrayRaster(image, valid=valid), Block(0, 0, 96, 96))
    assert (found["labels"][~valid] == 65535).all()
    assert (found["labels"][valid] != 65535).all()
    assert not found["confidence"][~valid].any()
    assert (found["entropy"][~valid] == 255).all()
    assert not found["probabilities"][:, ~valid].any()
    assert 0 < len(shown) < 9


def test_skipped_tiles_leave_the_others_as_sure_as_they_are() -> None:
    image = picture(32, 96)
    image[:, 60:] = 0

    def skip(tile: Picture) -> bool:
        return not tile.any()

    def network(batch: Tensor) -> SemanticLogits:
        return SemanticLogits(torch.zeros_like(batch) + torch.tensor([1.0, 3.0, 0.0])[:, None, None])

    prepared = PreparedNetwork(network, SPEC, LABELS, CPU)
    worker = BlockPredictor(prepared, blended_tiling((32, 96), 32, 0.5), ("labels", "confidence"), skip=skip)
    found = worker.predict(ArrayRaster(image), Block(0, 0, 32, 96))
    seen = found["labels"] != 65535
    assert set(np.unique(found["labels"])) == {7, 65535}
    assert seen[:, :60].all()
    assert not seen[:, -8:].any()
    sure = float(torch.tensor([1.0, 3.0, 0.0]).softmax(dim=0)[1])
    assert np.abs(found["confidence"][seen] - round(255 * sure)).max() <= 1


def test_a_picture_without_data_is_void_and_the_network_is_not_asked() -> None:
    def network(batch: Tensor) -> SemanticLogits:
        raise AssertionError("nothing is to be seen")

    worker = BlockPredictor(PreparedNetwork(network, SPEC, LABELS, CPU), blended_tiling((20, 20), 8, 0.0), LAYERS)
    found = worker.predict(ArrayRaster(picture(20, 20), valid=np.zeros((20, 20), np.bool_)), Block(0, 0, 20, 20))
    assert (found["labels"] == 65535).all()


def test_each_row_of_the_picture_is_read_once_and_whole_chunks_at_a_time() -> None:
    rows: list[tuple[int, int]] = []

    class Noted(ArrayRaster):
        def read(self, top: int, left: int, height: int, width: int) -> Picture:
            rows.append((top, top + height))
            return super().read(top, left, height, width)

    raster = Noted(picture(300, 40))
    raster.chunk = (64, 64)
    tiling: Tiling = blended_tiling((300, 40), 48, 0.25)
    BlockPredictor(PreparedNetwork(small_unet(), SPEC, LABELS, CPU), tiling).predict(raster, Block(0, 0, 300, 40))
    assert [first for first, _ in rows] == [0, *(last for _, last in rows[:-1])]
    assert all(last % 64 == 0 or last == 300 for _, last in rows)


def test_layers_have_the_dtypes_they_say() -> None:
    layers: tuple[Layer, ...] = LAYERS
    worker = BlockPredictor(PreparedNetwork(small_unet(), SPEC, LABELS, CPU), blended_tiling((9, 9), 16, 0.0), layers)
    found = worker.predict(ArrayRaster(picture(9, 9)), Block(0, 0, 9, 9))
    assert {layer: values.dtype.name for layer, values in found.items()} == {
        "labels": "uint16",
        "confidence": "uint8",
        "entropy": "uint8",
        "probabilities": "float16",
    }
