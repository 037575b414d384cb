"""Pictures in, masks of the same size out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, UInt8, UInt16
from torch import Tensor

from intarsia.errors import RecipeError
from intarsia.ops.prepare import fit_channels, normalize, shrink, shrunk_size, to_unit_range
from intarsia.predict.device import autocast
from intarsia.predict.layers import Layer, Rasters, finished
from intarsia.predict.postprocess import class_scores, semantic_maps
from intarsia.types import ImageSpec, LabelMap, Output, SemanticMap

Picture = UInt8[np.ndarray, "height width channels"] | UInt16[np.ndarray, "height width channels"]

_BATCH = 8
# Pixels a batch of several pictures may have. A larger one gains nothing and, on a CPU, falls out of its caches: 8
# pictures of 128² together take half as long as one by one, but 8 of 512² a tenth to two thirds longer.
_CPU_PIXELS, _GPU_PIXELS = 2**18, 2**21


@dataclass(frozen=True)
class PreparedNetwork:
    """A network with the preparation it was trained with.

    Args:
        network: normalized float32 [B, C, H, W] to an output of the same H, W; expected in evaluation mode.
        image_spec: how a picture is prepared.
        label_map: what the channels mean.
        device: where the network is.
        precision: "bf16" runs the network under autocast.
    """

    network: Callable[[Tensor], Output]
    image_spec: ImageSpec
    label_map: LabelMap
    device: torch.device
    precision: Literal["bf16", "fp32"] = "fp32"

    def predict(self, image: Picture, *, probabilities: bool = False, where: str | Path = "image") -> SemanticMap:
        """Label every pixel of one picture [H, W, C] of uint8 or uint16; ``where`` names it in errors.

        Raises:
            DataError: the picture has other channels or another bit depth than the network was trained on.
        """
        return self._predict_batch([(image, where)], probabilities)[0]

    def predict_many(self, images: Iterable[tuple[Picture, str | Path]]) -> Iterator[SemanticMap]:
        """Label pictures one after another, in order; neighbours of one shape share a batch if they are small.

        Pictures are taken from ``images`` as they are needed, those of one batch at a time and the one after it.
        """
        for shape, alike in groupby(images, key=lambda pair: pair[0].shape):
            while batch := list(islice(alike, self._batch_size(shape[0], shape[1]))):
                yield from self._predict_batch(batch, probabilities=False)

    def _batch_size(self, height: int, width: int) -> int:
        rows, columns = shrunk_size(height, width, self.image_spec.long_side)
        pixels = _CPU_PIXELS if self.device.type == "cpu" else _GPU_PIXELS
        return min(_BATCH, max(1, pixels // (rows * columns)))

    def _predict_batch(self, images: list[tuple[Picture, str | Path]], probabilities: bool) -> list[SemanticMap]:
        prepared = [self.prepare(image, where) for image, where in images]
        height, width = images[0][0].shape[:2]
        shrunken = [shrink(planes, self.image_spec.long_side) for planes in prepared]
        return semantic_maps(self.output(shrunken), (height, width), self.label_map, probabilities)

    @torch.inference_mode()
    def rasters(self, image: Picture, layers: Sequence[Layer], where: str | Path = "image") -> Rasters:
        """What :func:`~intarsia.predict.layers.finished` makes of one picture; see :meth:`predict` for the errors."""
        planes = shrink(self.prepare(image, where), self.image_spec.long_side)
        scores, probabilities_of = class_scores(self.output([planes]), image.shape[:2])
        return finished(scores[0], probabilities_of, self.label_map, layers)

    def prepare(self, image: Picture, where: str | Path = "image") -> Float32[Tensor, "planes height width"]:
        """A picture [H, W, C] with the network's channels, in [0, 1]; see :meth:`predict` for the errors."""
        return to_unit_range(fit_channels(image, self.image_spec, where), self.image_spec)

    @torch.inference_mode()
    def output(self, prepared: Sequence[Float32[Tensor, "planes height width"]]) -> Output:
        """What the network returns for pictures of one size that :meth:`prepare` made.

        Raises:
            RecipeError: a GPU has too little memory for it.
        """
        with contextlib.suppress(torch.OutOfMemoryError):
            return self._output(prepared)
        # Not from the error, whose traceback would keep all that fills the memory.
        height, width = prepared[0].shape[1:]
        at_once = f"{len(prepared)} at once" if len(prepared) > 1 else "one by one"
        raise RecipeError(
            f"its memory is too small for pictures or tiles of {width}×{height} pixels, {at_once}",
            where=f"device {self.device}",
            remedy="Show it less at once (predict: --tile, --batch 1), end what else computes there, or take the CPU",
        )

    def _output(self, prepared: Sequence[Float32[Tensor, "planes height width"]]) -> Output:
        batch = normalize(torch.stack(list(prepared)).to(self.device), self.image_spec)
        with autocast(self.precision, self.device):
            return self.network(batch.contiguous(memory_format=torch.channels_last))
