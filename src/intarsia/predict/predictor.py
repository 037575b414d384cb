"""A model and how to use it: pictures of any size in, masks of the same size out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from intarsia.data.formats.image import as_image_array
from intarsia.data.parallel import iterate
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.rasters.raster import Raster
from intarsia.errors import RecipeError
from intarsia.predict.layers import Layer, Rasters, clear
from intarsia.predict.model import Model, load
from intarsia.predict.plan import NetworkFacts, Plan, budget, make_plan, network_facts
from intarsia.predict.prepared import PreparedNetwork
from intarsia.predict.settings import Settings
from intarsia.predict.stream import Job, Outcome, Progress, predict_blocks, predict_in_memory
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

    Raises:
        ModelFileError: the file is missing, damaged, or was not written by this package.
    """

    def __init__(self, model: Model | str | Path, settings: Settings | None = None, *, device: str = "auto") -> None:
        self.model = model if isinstance(model, Model) else load(model, device=device)
        self.settings = settings or Settings()

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

    def job(self, raster: Raster) -> Job:
        """What is to be done for one picture, planned for the memory there is now."""
        settings = self.settings
        named = f"{self.model.card.weights_fingerprint} views {settings.views} of {settings.merging}"
        skip = None if settings.skip_flat is None else (settings.skips, f"flat to {settings.skip_flat}")
        return Job(self.prepared, named, self.plan(raster.size), settings.layers, skip)

    def stream(self, raster: Raster, folder: str | Path, progress: Progress | None = None) -> Outcome:
        """Predict a picture of any size into a folder of blocks, going on where an earlier call was ended.

        See :func:`~intarsia.predict.stream.predict_blocks`; :func:`~intarsia.data.rasters.opening.open_raster` opens
        a picture and :class:`~intarsia.data.rasters.blocks.Mosaic` reads the blocks as one raster.

        Args:
            raster: the picture.
            folder: for the blocks.
            progress: told the pixels done.
        """
        return predict_blocks(self.job(raster), raster, Path(folder), progress)

    def plan(self, size: tuple[int, int]) -> Plan:
        """How a picture of a height and width is cut.

        Raises:
            RecipeError: the settings do not fit the model or the memory.
        """
        card, options = self.model.card, self.settings.tiles
        memory = psutil.virtual_memory()
        held = psutil.Process().memory_info().rss
        ceiling = options.memory or held + memory.available // 2
        spending = budget(ceiling, held, self._facts, card.image_spec, card.label_map, self.settings.layers)
        plan = make_plan(size, options, spending, 1 if self.prepared.device.type == "cpu" else _GPU_BATCH)
        shrinks = card.image_spec.long_side is not None and max(size) > card.image_spec.long_side
        if shrinks and plan.cutting != "whole":
            raise RecipeError(
                f"this model shrinks pictures to {card.image_spec.long_side} pixels before it looks, which cannot be "
                f"done tile by tile",
                where="tiles",
                remedy="Predict the picture whole (--tiles whole), or a version of it that is shrunk already",
            )
        return plan

    def rasters(self, raster: Raster, layers: tuple[Layer, ...]) -> Rasters:
        """The rasters of a whole picture, at its size, in memory.

        Args:
            raster: the picture.
            layers: see :func:`~intarsia.predict.layers.finished`.

        Raises:
            DataError: see :meth:`predict`.
        """
        job = self.job(raster)
        if job.plan.cutting != "whole":
            return predict_in_memory(replace(job, layers=layers), raster)
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
        if self.plan(raster.size).cutting == "whole":
            pixels = raster.read(0, 0, *raster.size)
            return self.prepared.predict(pixels, probabilities=probabilities, where=raster.name)
        made = self.rasters(raster, ("labels", "probabilities") if probabilities else ("labels",))
        shares = made["probabilities"].astype(np.float32) if probabilities else None
        return SemanticMap(made["labels"], self.model.card.label_map, shares)


def _decoded(image: Source) -> ArrayRaster:
    return ArrayRaster(as_image_array(image), name=str(image) if isinstance(image, str | Path) else "image")
