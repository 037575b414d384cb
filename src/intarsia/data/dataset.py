"""Samples for training: decoded once, augmented by position, independent of how many workers there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int16, UInt8, UInt16
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from intarsia.data.formats.folder import Item
from intarsia.data.formats.image import ImageArray, read_image
from intarsia.data.formats.mask import MaskArray, mask_to_indices, read_mask
from intarsia.data.parallel import Progress, map_files
from intarsia.errors import DataError
from intarsia.ops.prepare import fit_channels, shrink, shrunk_size, to_unit_range
from intarsia.types import ImageSpec, LabelMap, Sample

_TRANSFORMS, _ORDERS = 0, 1  # two independent families of random numbers under one seed


@dataclass(frozen=True)
class Draw:
    """The ``position``-th sample of a training run, which shows the item ``index``."""

    position: int
    index: int


@dataclass(frozen=True)
class Stored:
    """What is kept of one item: its picture as small as possible, and its mask as class indices."""

    image: (
        UInt8[np.ndarray, "height width channels"]
        | UInt16[np.ndarray, "height width channels"]
        | Float32[Tensor, "c h w"]
    )
    mask: Int16[np.ndarray, "height width"]

    @property
    def nbytes(self) -> int:
        """Bytes of memory held."""
        return self.image.nbytes + self.mask.nbytes


class SegmentationDataset(Dataset[Sample]):
    """Items as samples.

    ``dataset[i]`` is item ``i`` as it is. ``dataset[Draw(position, i)]`` is item ``i`` after ``transform``, whose
    random numbers (torch's) follow from ``seed`` and ``position`` alone: neither the number of workers nor resuming a
    run changes a sample. Decoded items are kept in memory, so only the first reading of each costs decoding.

    Args:
        items: pictures and masks on disk.
        label_map: what the mask ids mean.
        spec: the channels and bit depth to bring pictures to, and ``long_side``: larger pictures are shrunk
            (antialiased), and masks with them (by nearest neighbor, so that ids stay ids).
        transform: augmentation for draws, or None.
        seed: at least 0; decides the random numbers of ``transform``.
        cache_bytes: how much memory decoded items may take, in each process.
    """

    def __init__(
        self,
        items: Sequence[Item],
        label_map: LabelMap,
        spec: ImageSpec,
        *,
        transform: Callable[[Sample], Sample] | None = None,
        seed: int = 0,
        cache_bytes: int = 2 * 2**30,
    ) -> None:
        self.items = tuple(items)
        self.label_map = label_map
        self.spec = spec
        self.transform = transform
        self.seed = seed
        self._room = cache_bytes
        self._cache: dict[int, Stored] = {}

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, key: int | Draw) -> Sample:
        """Give one sample; its tensors are the caller's own.

        Raises:
            DataError: the image or mask cannot be read, or they do not fit each other, the classes or the spec.
        """
        if not isinstance(key, Draw):
            return self._sample(key)
        sample = self._sample(key.index)
        if self.transform is None:
            return sample
        with torch.random.fork_rng(devices=()):
            # Not torch.manual_seed, which would also reset the generators of every GPU for good.
            torch.default_generator.manual_seed(_seed(self.seed, _TRANSFORMS, key.position))
            return self.transform(sample)

    def preload(self, progress: Progress | None = None) -> None:
        """Decode every item that the cache has room for; worker processes forked afterwards share that memory."""
        map_files(self._stored, range(len(self)), progress)

    def _sample(self, index: int) -> Sample:
        stored = self._stored(index)
        image = stored.image.clone() if isinstance(stored.image, Tensor) else to_unit_range(stored.image, self.spec)
        return Sample(image, torch.from_numpy(stored.mask.copy()), self.items[index].name)

    def _stored(self, index: int) -> Stored:
        if index not in self._cache:
            stored = load_item(self.items[index], self.label_map, self.spec)
            if stored.nbytes > self._room:
                return stored
            self._room -= stored.nbytes  # two threads at once can at worst count one item too few
            self._cache[index] = stored
        return self._cache[index]


def load_item(item: Item, label_map: LabelMap, spec: ImageSpec) -> Stored:
    """Read an item's image and mask, check that they fit, and shrink them where ``spec`` asks for it.

    Raises:
        DataError: either cannot be read, differ in size, or do not fit the classes or ``spec``.
    """
    image, mask = read_pair(item)
    indices = mask_to_indices(mask, label_map, item.mask)
    image = fit_channels(image, spec, item.image)
    height, width = mask.shape
    size = shrunk_size(height, width, spec.long_side)
    if size == mask.shape:
        return Stored(image, indices)
    return Stored(shrink(to_unit_range(image, spec), spec.long_side), nearest(indices, size))


def read_pair(item: Item) -> tuple[ImageArray, MaskArray]:
    """Read a picture [H, W, C] and its mask of ids [H, W] as they are stored.

    Raises:
        DataError: either cannot be read, or their sizes differ.
    """
    image, mask = read_image(item.image), read_mask(item.mask)
    if image.shape[:2] != mask.shape:
        raise size_mismatch(item, image.shape[:2], mask.shape)
    return image, mask


def size_mismatch(item: Item, image_size: tuple[int, ...], mask_size: tuple[int, ...]) -> DataError:
    """The error for an image and a mask of different sizes, each (height, width)."""
    (height, width), (mask_height, mask_width) = image_size, mask_size
    return DataError(
        f"the image is {width} × {height} pixels (width × height), but its mask {mask_width} × {mask_height}",
        where=(item.image, item.mask),
        remedy="Export the mask again at the image's size, or pair the image with its own mask",
    )


def nearest(
    mask: Int16[np.ndarray, "height width"], size: tuple[int, int]
) -> Int16[np.ndarray, "new_height new_width"]:
    """Shrink a mask of class indices by taking the pixel under each new pixel's center."""
    rows, columns = (
        ((np.arange(new) + 0.5) * (old / new)).astype(np.int64) for new, old in zip(size, mask.shape, strict=True)
    )
    sampled: Int16[np.ndarray, "new_height new_width"] = mask[rows[:, None], columns]
    return sampled


class DrawSampler(Sampler[Draw]):
    """The draws of one round out of an endless stream of shuffled passes over the items.

    Position ``p`` of the stream lies in pass ``p // length``, which shows each item once in an order of its own. Round
    ``e`` draws the positions ``e·n … (e+1)·n − 1``: rounds need not end where passes do.

    Args:
        length: number of items, at least 1.
        draws_per_round: n, samples a round.
        seed: at least 0; decides the orders.
    """

    def __init__(self, length: int, draws_per_round: int, seed: int = 0) -> None:
        assert length >= 1, "there is nothing to draw from"
        self.length = length
        self.draws_per_round = draws_per_round
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the round the next iteration draws, counted from 0; the name is the one data loaders call."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.draws_per_round

    def __iter__(self) -> Iterator[Draw]:
        first = self.epoch * self.draws_per_round
        current, order = -1, np.empty(0, dtype=np.int64)
        for position in range(first, first + self.draws_per_round):
            current_pass, place = divmod(position, self.length)
            if current_pass != current:
                generator = np.random.default_rng(_seed(self.seed, _ORDERS, current_pass))
                current, order = current_pass, generator.permutation(self.length)
            yield Draw(position, int(order[place]))


def _seed(seed: int, family: int, position: int) -> int:
    """A 64-bit seed that differs for each family and position (numpy's SeedSequence, which is stable by contract)."""
    return int(np.random.SeedSequence(seed, spawn_key=(family, position)).generate_state(1, np.uint64)[0])
