"""A model and how to use it: pictures of any size in, masks of the same size out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

import intarsia
from intarsia.data.formats.image import as_image_array
from intarsia.data.parallel import Progress, iterate
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.blocks import Mosaic
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError, RecipeError
from intarsia.predict.blocks import BlockPredictor
from intarsia.predict.device import free_memory
from intarsia.predict.layers import Layer, Rasters, clear, empty, layer_dtype
from intarsia.predict.ledger import begun, open_ledger, unfinished
from intarsia.predict.model import Model, load
from intarsia.predict.plan import Cut, NetworkFacts, budget, decide, lay, network_facts
from intarsia.predict.prepared import PreparedNetwork
from intarsia.predict.settings import Settings
from intarsia.predict.stream import Job, predict_in_memory, store_blocks
from intarsia.predict.tiling import Block
from intarsia.predict.tta import augmented
from intarsia.types import SemanticMap

Source = str | Path | Image.Image | np.ndarray
"""A picture file, a PIL image, or an array [H, W] or [H, W, C] of uint8 or uint16."""

_GPU_BATCH = 8  # tiles; on a CPU more than one at once is slower


class Predictor:
    """Predicts pictures of any size with one model.

    Args:
        model: a model, or the file of one.
        settings: how.
        device: where a model file is loaded to: "auto", "cpu", "cuda" or "mps".
        gpu_memory: says how many bytes the GPU has free that the network computes on, None for none; by default the
            model's own device is asked. Other processes are planned for by one that sees no GPU.

    Raises:
        ModelFileError: the file is missing, damaged, or was not written by this package.
    """

    def __init__(
        self,
        model: Model | str | Path,
        settings: Settings | None = None,
        *,
        device: str = "auto",
        gpu_memory: Callable[[], int | None] | None = None,
    ) -> None:
        self.model = model if isinstance(model, Model) else load(model, device=device)
        self.settings = settings or Settings()
        self._gpu_memory = gpu_memory or (lambda: free_memory(self.model.prepared.device))

    def predict(self, image: Source, *, probabilities: bool = False) -> SemanticMap:
        """Label every pixel of one picture; the result has to fit into memory, see :meth:`stream` for others.

        Args:
            image: the picture. The EXIF orientation of files and PIL images is applied first.
            probabilities: also give each class's probability a pixel.

        Raises:
            DataError: the picture cannot be read, or has other channels or another bit depth than was trained on.
            RecipeError: the settings do not fit the model or the memory.
        """
        where = str(image) if isinstance(image, str | Path) else "image"
        return self._map(ArrayRaster(as_image_array(image), name=where), probabilities)

    def predict_many(self, images: Iterable[Source]) -> Iterator[SemanticMap]:
        """Label pictures one after another, in order; the next ones are decoded while the network is at work.

        No more than a few decoded pictures wait at any time.
        """
        for raster in iterate(_decoded, images):
            yield self._map(raster, probabilities=False)

    def stream(self, raster: Raster, folder: str | Path, progress: Progress | None = None) -> dict[Block, DataError]:
        """Predict a picture of any size into a folder of blocks, going on where an earlier call was ended.

        Should the process be killed at any moment, the same call goes on from the last block that was stored, and its
        result is the same byte for byte. :func:`~intarsia.data.rasters.opening.open_raster` opens a picture and
        :meth:`mosaics` reads the blocks as one raster.

        Args:
            raster: the picture.
            folder: for the blocks.
            progress: told the pixels done, those of earlier calls included.

        Returns:
            What could not be predicted, by block; it reads as void.

        Raises:
            OutputError: the folder cannot be written, or holds blocks of a run with other settings.
            DataError: the picture was changed on the way, or has other channels than the network was trained on.
        """
        job, todo = self.begin(raster, Path(folder))
        total = raster.size[0] * raster.size[1]
        done = total - sum(block.pixels for block in todo)
        failed = {}
        for block, error in store_blocks(job, raster, Path(folder), todo):
            if error is not None:
                failed[block] = error
            done += block.pixels
            if progress is not None:
                progress(done, total)
        return failed

    def begin(self, raster: Raster, folder: Path) -> tuple[Job, list[Block]]:
        """Begin a run in a folder of blocks, or go on with it; see :meth:`stream`.

        Returns:
            What is to be done, and the blocks that are still to be predicted.
        """
        cut = begun(folder) or self.cut(raster.size)
        open_ledger(folder, cut, self._facts_of_a_run(raster))
        job = self.job(raster, cut)
        return job, unfinished(folder, job.blocks(), self.settings.layers)

    def mosaics(self, raster: Raster, folder: str | Path) -> dict[Layer, Mosaic]:
        """What :meth:`stream` put into a folder, by layer, each as one raster of the picture's size."""
        cut, label_map = begun(Path(folder)), self.model.card.label_map
        assert cut is not None, "the run was begun"
        blocks = self.job(raster, cut).blocks()
        return {
            layer: Mosaic(
                Path(folder),
                blocks,
                layer,
                layer_dtype(layer, label_map),
                channels=label_map.num_classes if layer == "probabilities" else 1,
                fill=int(empty((1, 1), label_map, [layer])[layer].flat[0]),
                source=raster,
            )
            for layer in self.settings.layers
        }

    def job(self, raster: Raster, cut: Cut) -> Job:
        """What is to be done for one picture."""
        self._check_size(raster.size)
        settings = self.settings
        skip = None if settings.skip_flat is None else settings.skips
        tiling = lay(raster.size, cut, self._facts)
        worker = BlockPredictor(self.prepared, tiling, settings.layers, cut.batch, skip)
        return Job(worker, cut, raster.identity())

    def _facts_of_a_run(self, raster: Raster) -> dict[str, str]:
        """All that changes a single bit of the result, by name, but for the cut."""
        settings, flat = self.settings, self.settings.skip_flat
        return {
            "version of intarsia": intarsia.__version__,
            "model": self.model.card.weights_fingerprint,
            "choice of views": "none" if settings.views is None else f"{settings.views}, averaging {settings.merging}",
            "picture": raster.identity(),
            "device or precision": f"{self.prepared.device.type} {self.prepared.precision}",
            "way of cutting": str(replace(settings.tiles, memory=None)),
            "choice of layers": ", ".join(settings.layers),
            "choice of tiles to skip": "none" if flat is None else f"flat to {flat}",
        }

    def cut(self, size: tuple[int, int]) -> Cut:
        """How a picture of a height and width is cut, planned for the memory there is now.

        Raises:
            RecipeError: the settings do not fit the model or the memory.
        """
        card, options = self.model.card, self.settings.tiles
        memory = psutil.virtual_memory()
        held = psutil.Process().memory_info().rss
        ceiling = options.memory or held + memory.available // 2
        layers, free = self.settings.layers, self._gpu_memory()
        spending = budget(ceiling, held, self._facts, card.image_spec, card.label_map, layers, free)
        cut = decide(size, options, spending, 1 if self.prepared.device.type == "cpu" else _GPU_BATCH)
        if cut.cutting != "whole":
            self._check_size(size)
        return cut

    def _check_size(self, size: tuple[int, int]) -> None:
        long_side = self.model.card.image_spec.long_side
        if long_side is not None and max(size) > long_side:
            raise RecipeError(
                f"this model shrinks pictures to {long_side} pixels before it looks, which is not done tile by tile",
                where="tiles",
                remedy="Predict the picture whole (--tiles whole) as PNG, or a version of it that is shrunk already",
            )

    def rasters(self, raster: Raster, layers: tuple[Layer, ...]) -> Rasters:
        """The rasters of a whole picture, at its size, in memory.

        Args:
            raster: the picture.
            layers: see :func:`~intarsia.predict.layers.finished`.

        Raises:
            DataError: see :meth:`predict`.
        """
        cut = self.cut(raster.size)
        if cut.cutting != "whole":
            job = self.job(raster, cut)
            return predict_in_memory(replace(job, worker=replace(job.worker, layers=layers)), raster)
        whole = (0, 0, *raster.size)
        made = self.prepared.rasters(raster.read(*whole), layers, raster.name)
        valid = raster.valid(*whole)
        if valid is not None:
            clear(made, ~valid, self.prepared.label_map)
        return made

    @cached_property
    def prepared(self) -> PreparedNetwork:
        """The network, with the views of the settings."""
        prepared, settings = self.model.prepared, self.settings
        if settings.views is None:
            return prepared
        return replace(prepared, network=augmented(prepared.network, settings.views, settings.merging))

    @cached_property
    def _facts(self) -> NetworkFacts:
        facts = network_facts(self.model.network, self.model.card.image_spec.channels)
        # A mirrored tile has its grid at its other end, where the picture's is not.
        return facts if self.settings.views is None else replace(facts, margin=None)

    def _map(self, raster: Raster, probabilities: bool) -> SemanticMap:
        if self.cut(raster.size).cutting == "whole":
            pixels = raster.read(0, 0, *raster.size)
            return self.prepared.predict(pixels, probabilities=probabilities, where=raster.name)
        made = self.rasters(raster, ("labels", "probabilities") if probabilities else ("labels",))
        shares = made["probabilities"].astype(np.float32) if probabilities else None
        return SemanticMap(made["labels"], self.model.card.label_map, shares)


def _decoded(image: Source) -> ArrayRaster:
    return ArrayRaster(as_image_array(image), name=str(image) if isinstance(image, str | Path) else "image")
