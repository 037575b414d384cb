from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader

from intarsia.data.dataset import Draw, DrawSampler, SegmentationDataset, nearest
from intarsia.data.formats.folder import Item, open_folder
from intarsia.data.formats.image import ImageArray, read_image
from intarsia.errors import DataError
from intarsia.types import ImageSpec, LabelMap, Sample

MakePair = Callable[..., tuple[Path, Path]]
GRAY = ImageSpec(1, 8, (0.5,), (0.2,))
COLOR = ImageSpec(3, 8, (0.5,) * 3, (0.2,) * 3)
LABELS = LabelMap(names=("a", "b"), ignore=9)


@pytest.fixture
def items(tmp_path: Path, make_pair: MakePair) -> tuple[Item, ...]:
    for name in "abc":
        make_pair(tmp_path, name)
    return open_folder(tmp_path).items


def _jitter(sample: Sample) -> Sample:
    return Sample(sample.image + torch.rand(()), sample.mask, sample.name)


def _same(samples: list[Sample]) -> list[Sample]:
    return samples


def test_a_sample_is_what_is_on_disk(items: tuple[Item, ...]) -> None:
    sample = SegmentationDataset(items, LABELS, GRAY)[1]
    with Image.open(items[1].image) as image:
        assert np.array_equal(sample.image[0].numpy(), np.asarray(image, dtype=np.float32) / np.float32(255))
    assert sample.mask.tolist() == [[0] * 8] * 2 + [[1] * 8] * 2 + [[0] * 8] * 2
    assert sample.mask.dtype == torch.int16
    assert sample.name == "b"


def test_sixteen_bits_and_void(tmp_path: Path, make_pair: MakePair) -> None:
    image = np.array([[0, 65535], [13107, 1]], dtype=np.uint16)
    make_pair(tmp_path, "a", image, np.array([[9, 1], [0, 1]], dtype=np.uint8))
    sample = SegmentationDataset(open_folder(tmp_path).items, LABELS, ImageSpec(1, 16, (0.5,), (0.2,)))[0]
    assert sample.image.flatten().tolist() == pytest.approx([0, 1, 0.2, 1 / 65535])
    assert sample.mask.tolist() == [[-1, 1], [0, 1]]


def test_channels_are_fitted_or_refused(tmp_path: Path, make_pair: MakePair) -> None:
    make_pair(tmp_path, "gray")
    colored = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    make_pair(tmp_path, "rgb", colored)
    items = open_folder(tmp_path).items
    gray = SegmentationDataset(items, LABELS, COLOR)[0].image
    assert gray.shape == (3, 6, 8)
    assert torch.equal(gray[0], gray[2])
    with pytest.raises(DataError, match=r"images/rgb\.png: has 3 channels, but 1 is expected"):
        SegmentationDataset(items, LABELS, GRAY)[1]
    make_pair(tmp_path, "rgb", np.repeat(colored[:, :, :1], 3, axis=2))
    assert SegmentationDataset(items, LABELS, GRAY)[1].image.shape == (1, 6, 8)
    with pytest.raises(DataError, match=r"gray\.png: has 8 bits a channel, but 16 are expected"):
        SegmentationDataset(items, LABELS, ImageSpec(1, 16, (0.5,), (0.2,)))[0]


def test_what_does_not_fit_names_both_files(tmp_path: Path, make_pair: MakePair) -> None:
    make_pair(tmp_path, "a", mask=np.zeros((6, 7), np.uint8))
    make_pair(tmp_path, "b", mask=np.full((6, 8), 5, np.uint8))
    dataset = SegmentationDataset(open_folder(tmp_path).items, LABELS, GRAY)
    with pytest.raises(
        DataError,
        match=r"images/a\.png, .*masks/a\.png: the image is 8 × 6 pixels \(width × height\), but its mask 7 × 6\. Exp",
    ):
        dataset[0]
    with pytest.raises(DataError, match=r"masks/b\.png: holds the id 5, but the classes are 0 a, 1 b, ignore 9"):
        dataset[1]


def test_large_pictures_are_shrunk_with_their_masks(tmp_path: Path, make_pair: MakePair) -> None:
    mask = np.kron(np.array([[0, 1, 0], [9, 0, 1]], dtype=np.uint8), np.ones((4, 4), dtype=np.uint8))
    make_pair(tmp_path, "a", (mask * 20).astype(np.uint8), mask)
    items = open_folder(tmp_path).items
    sample = SegmentationDataset(items, LABELS, ImageSpec(1, 8, (0.5,), (0.2,), long_side=3))[0]
    assert sample.mask.tolist() == [[0, 1, 0], [-1, 0, 1]]
    assert sample.image.shape == (1, 2, 3)
    assert sample.image.argmax() == 3  # the void block is the brightest
    same = SegmentationDataset(items, LABELS, ImageSpec(1, 8, (0.5,), (0.2,), long_side=12))[0]
    assert same.mask.shape == (8, 12)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 50))
def test_nearest_takes_the_pixel_under_each_center(height: int, width: int, side: int) -> None:
    mask = np.arange(height * width, dtype=np.int16).reshape(height, width)
    size = min(side, height), min(side, width)
    expected = torch.nn.functional.interpolate(torch.from_numpy(mask)[None, None].double(), size, mode="nearest-exact")
    assert np.array_equal(nearest(mask, size), expected[0, 0].numpy())


def test_each_file_is_decoded_once(items: tuple[Item, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(path: Path) -> ImageArray:
        read.append(path)
        return read_image(path)

    monkeypatch.setattr("intarsia.data.dataset.read_image", counted)
    dataset = SegmentationDataset(items, LABELS, GRAY)
    first = [dataset[i] for i in range(3)]
    for sample in first:  # what callers do to a sample must not reach the cache
        sample.image.zero_()
        sample.mask.zero_()
    assert [float(dataset[i].image.sum()) > 0 and int(dataset[i].mask.sum()) == 16 for i in range(3)] == [True] * 3
    assert len(read) == 3
    small = SegmentationDataset(items, LABELS, GRAY, cache_bytes=150)  # one item is 48 bytes and a mask of 96
    for _ in range(2):
        assert [small[i].name for i in range(3)] == ["a", "b", "c"]
    assert len(read) == 3 + 1 + 2 * 2


def test_preload_decodes_everything_and_reports_errors(items: tuple[Item, ...]) -> None:
    dataset = SegmentationDataset(items, LABELS, GRAY)
    seen: list[tuple[int, int]] = []
    dataset.preload(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    for item in items:
        item.image.unlink()
    assert dataset[2].name == "c"
    with pytest.raises(DataError, match="cannot be opened"):
        SegmentationDataset(items, LABELS, GRAY).preload()


def test_a_draw_depends_on_seed_and_position_alone(items: tuple[Item, ...]) -> None:
    dataset = SegmentationDataset(items, LABELS, GRAY, transform=_jitter, seed=5)
    before = torch.random.get_rng_state()
    images = [dataset[Draw(position, 0)].image for position in (0, 1, 0)]
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(images[0], images[2])
    assert not torch.equal(images[0], images[1])
    other = SegmentationDataset(items, LABELS, GRAY, transform=_jitter, seed=6)
    assert not torch.equal(other[Draw(0, 0)].image, images[0])
    assert torch.equal(dataset[0].image, SegmentationDataset(items, LABELS, GRAY)[Draw(7, 0)].image)


def test_the_number_of_workers_changes_nothing(items: tuple[Item, ...]) -> None:
    rounds = []
    for workers in (0, 2):
        dataset = SegmentationDataset(items, LABELS, GRAY, transform=_jitter)
        sampler = DrawSampler(len(dataset), 8)
        sampler.set_epoch(1)
        loader = DataLoader(dataset, batch_size=3, sampler=sampler, num_workers=workers, collate_fn=_same)
        rounds.append([sample for batch in loader for sample in batch])
    assert [s.name for s in rounds[0]] == [s.name for s in rounds[1]]
    assert all(torch.equal(a.image, b.image) for a, b in zip(*rounds, strict=True))


@given(st.integers(1, 20), st.integers(1, 30), st.integers(0, 3), st.integers(1, 4))
def test_the_stream_of_draws(length: int, draws: int, seed: int, rounds: int) -> None:
    sampler = DrawSampler(length, draws, seed)
    stream = []
    for epoch in range(rounds):
        sampler.set_epoch(epoch)
        assert len(sampler) == draws
        stream += list(sampler)
    assert [draw.position for draw in stream] == list(range(draws * rounds))
    for start in range(0, len(stream) - length + 1, length):
        assert sorted(draw.index for draw in stream[start : start + length]) == list(range(length))
    again = DrawSampler(length, draws, seed)  # a resumed run begins in the middle
    again.set_epoch(rounds - 1)
    assert list(again) == stream[-draws:]


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(draw.index for draw in DrawSampler(30, 30, seed)) for seed in range(4)}
    sampler = DrawSampler(30, 30)
    sampler.set_epoch(1)
    orders.add(tuple(draw.index for draw in sampler))
    assert len(orders) == 5
