"""How a picture of a given size is cut, so that predicting it stays below a ceiling of memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from intarsia.errors import RecipeError
from intarsia.nn.complexity import peak_memory
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.receptive_field import Margin
from intarsia.ops.window import WindowKind
from intarsia.predict.layers import Layer, layer_dtype
from intarsia.predict.tiling import Tiling, blended_tiling, exact_tiling
from intarsia.types import ImageSpec, LabelMap

Cutting = Literal["auto", "whole", "exact", "blended"]
CUTTINGS: tuple[Cutting, ...] = get_args(Cutting)

TILE = 512  # pixels a side where nobody says otherwise
_PROBE = 256  # pixels a side of the picture on which a network's memory is counted; it grows with the area
_SLACK = 1.25  # what libraries below PyTorch take for themselves, of what PyTorch takes
_RESERVE = 192 * 2**20  # bytes for decoders, encoders and what the allocator cannot give back
_BLOCKS = tuple(range(16384, 0, -512))  # sides of blocks; larger ones make a killed run lose more than it saves
_LEAST_CORE = 0.5  # share of a tile's side that must count before exact tiles are chosen unasked


@dataclass(frozen=True)
class NetworkFacts:
    """What planning must know of a network.

    Args:
        margin: see :attr:`~intarsia.nn.network.SegmentationNetwork.margin`.
        stride: pixels after which its grid repeats.
        pixel_bytes: of memory it takes at most while it works, a pixel of the image.
    """

    margin: Margin | None
    stride: int
    pixel_bytes: int


def network_facts(network: SegmentationNetwork, channels: int) -> NetworkFacts:
    """Look at a network, without running it."""
    side = max(_PROBE, 2 * network.stride)
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    taken = peak_memory(network, channels, side, side) - weights
    return NetworkFacts(network.margin, network.stride, max(1, round(_SLACK * taken / side**2)))


@dataclass(frozen=True)
class TileOptions:
    """What a person may say about the cutting.

    Args:
        cutting: "whole" shows the network the whole picture; "exact" cuts it such that nothing changes; "blended" lets
            overlapping tiles fade into each other; "auto" takes the first of these that the memory and the network
            allow at a reasonable cost.
        tile: side in pixels of what the network sees; None: as fits.
        overlap: of blended tiles, a share of their side in [0, 1).
        window: the weights of blended tiles.
        batch: tiles the network is shown at once; None: as many as gain.
        block: side in pixels of what is finished, and stored, at once; None: as fits.
        memory: the ceiling of the whole process in bytes; None for half of what the machine has free.
    """

    cutting: Cutting = "auto"
    tile: int | None = None
    overlap: float = 0.25
    window: WindowKind = "gaussian"
    batch: int | None = None
    block: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Cut:
    """How one picture is cut; with its size and the network this says where every tile lies.

    Args:
        cutting: how.
        tile: side of the tiles in pixels; of a whole picture its longer side.
        overlap: of blended tiles, a share of their side.
        window: the weights of blended tiles.
        batch: tiles the network is shown at once.
        block: side in pixels of what is finished at once.
    """

    cutting: Literal["whole", "exact", "blended"]
    tile: int
    overlap: float
    window: WindowKind
    batch: int
    block: int

    def describe(self) -> str:
        """In a few words."""
        return "whole" if self.cutting == "whole" else f"in {self.cutting} tiles of {self.tile} pixels"


def lay(size: tuple[int, int], cut: Cut, facts: NetworkFacts) -> Tiling:
    """Where the tiles of a picture lie.

    Args:
        size: its height and width.
        cut: how it is cut.
        facts: of the network.

    Raises:
        RecipeError: exact tiles in which no pixel sees all it looks at.
    """
    if cut.cutting == "blended":
        return blended_tiling(size, cut.tile, cut.overlap, cut.window)
    margin = facts.margin if cut.cutting == "exact" else Margin(0, 0)
    assert margin is not None, "nothing is cut exactly for a network that looks at everything"
    return exact_tiling(size, cut.tile, margin, facts.stride)


@dataclass(frozen=True)
class Budget:
    """The bytes that may be taken, and what takes them.

    Args:
        available: in all, beside what the process holds already.
        facts: of the network.
        pixel: bytes of a pixel of the picture.
        scores: classes, or 1 where one channel stands for two.
        results: bytes of a pixel of all layers.
        device: the bytes a GPU has, where the network and unfinished scores are then; None: they share ``available``.
    """

    available: int
    facts: NetworkFacts
    pixel: int
    scores: int
    results: int
    device: int | None = None

    def fits(self, tile: int, block: int, batch: int = 1) -> bool:
        """Whether tiles in blocks of these sides stay below the ceilings."""
        return self.lacking(tile, block, batch) <= 0

    def fits_whole(self, height: int, width: int) -> bool:
        """Whether a picture that the network is shown whole does."""
        most = max(height, width)
        return self._lacking(self.facts.pixel_bytes * height * width, self._beside(0, most)) <= 0

    def lacking(self, tile: int, block: int, batch: int = 1) -> int:
        """The bytes that are missing."""
        unfinished = 3 * 4 * self.scores * (block + 2 * tile) * tile
        return self._lacking(self.facts.pixel_bytes * tile**2 * batch + unfinished, self._beside(tile, block))

    def _beside(self, tile: int, block: int) -> int:
        """Bytes of bands read ahead and of results being written."""
        return 3 * self.pixel * (block + 2 * tile) * (tile + 512) + 2 * self.results * block**2

    def _lacking(self, computing: int, beside: int) -> int:
        if self.device is None:
            return computing + beside - self.available
        return max(computing - self.device, beside - self.available)


def budget(
    memory: int,
    held: int,
    facts: NetworkFacts,
    spec: ImageSpec,
    label_map: LabelMap,
    layers: tuple[Layer, ...],
    device: int | None = None,
) -> Budget:
    """What there is to spend.

    Args:
        memory: the ceiling of the whole process, bytes.
        held: what it holds already, bytes.
        facts: of the network.
        spec: of the pictures.
        label_map: the classes.
        layers: the rasters to make.
        device: the bytes a GPU has free; None where the network computes on the CPU.
    """
    itemsizes = {layer: np.dtype(layer_dtype(layer, label_map)).itemsize for layer in layers}
    results = sum(
        size * (label_map.num_classes if layer == "probabilities" else 1) for layer, size in itemsizes.items()
    )
    pixel = spec.channels * spec.bit_depth // 8
    return Budget(memory - held - _RESERVE, facts, pixel, label_map.num_classes, results, device)


def decide(size: tuple[int, int], options: TileOptions, spending: Budget, most_batch: int = 1) -> Cut:
    """Decide how a picture is cut.

    Args:
        size: its height and width.
        options: what was asked for.
        spending: what it may cost.
        most_batch: tiles beyond which showing more at once gains nothing.

    Raises:
        RecipeError: what was asked for is impossible, or does not fit into the memory.
    """
    cutting, tile = _cutting(size, options, spending)
    if cutting == "whole":
        return Cut("whole", tile, options.overlap, options.window, 1, tile)
    block = options.block or _largest_block(max(size), tile, spending)
    gaining = (count for count in range(most_batch, 1, -1) if spending.fits(tile, block, count))
    batch = options.batch or next(gaining, 1)
    return Cut(cutting, tile, options.overlap, options.window, batch, min(block, max(size)))


def _cutting(
    size: tuple[int, int], options: TileOptions, spending: Budget
) -> tuple[Literal["whole", "exact", "blended"], int]:
    """Which, and the side of a tile."""
    facts = spending.facts
    if options.cutting == "whole" or (
        options.cutting == "auto" and options.tile is None and spending.fits_whole(*size)
    ):
        return "whole", max(size)
    if options.cutting == "exact" and facts.margin is None:
        raise RecipeError(
            "this network looks at the whole picture for every pixel, so no cutting leaves its result as it is",
            where="exact tiles",
            remedy="Let overlapping tiles fade into each other (blended), or show it the whole picture (whole)",
        )
    if facts.margin is not None and options.cutting in ("auto", "exact"):
        around = sum(facts.margin)
        side = options.tile or _largest_tile(spending)
        if options.cutting == "exact":
            return "exact", max(side, around + 2 * facts.stride) if options.tile is None else side
        if side - around >= _LEAST_CORE * side:
            return "exact", side
    side = options.tile or TILE
    while options.tile is None and side > facts.stride and not spending.fits(side, side):
        side //= 2
    return "blended", -(-side // facts.stride) * facts.stride


def _largest_tile(spending: Budget) -> int:
    sides = (side for side in range(4096, TILE, -256) if spending.fits(side, side))
    return next(sides, TILE)


def _largest_block(most: int, tile: int, spending: Budget) -> int:
    sides = [side for side in _BLOCKS if side < most + 512 and side >= min(tile, most)]
    found = next((side for side in sides if spending.fits(tile, side)), None)
    if found is None:
        more = spending.lacking(tile, min(tile, most))
        on_gpu = spending.device is not None and not replace(spending, available=2**63).fits(tile, min(tile, most))
        raise RecipeError(
            f"tiles of {tile} pixels take {more / 2**20:.0f} MiB more than there is",
            where="memory of the GPU" if on_gpu else "memory",
            remedy="Take smaller tiles (--tile), or end what else computes there"
            if on_gpu
            else "Raise --memory, take smaller tiles (--tile), or ask for fewer layers",
        )
    return found
