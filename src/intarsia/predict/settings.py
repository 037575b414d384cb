"""What a person chooses about a prediction, beside the model and the pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

from intarsia.predict.layers import Layer
from intarsia.predict.plan import TileOptions
from intarsia.predict.prepared import Picture
from intarsia.predict.tta import Merging, Views


@dataclass(frozen=True)
class Settings:
    """How pictures are predicted.

    Args:
        tiles: how pictures are cut that are too large to be seen at once.
        views: of test-time augmentation, see :func:`~intarsia.predict.tta.augmented`; None: the picture as it is.
        merging: what of the views is averaged.
        layers: the rasters to make.
        skip_flat: leave out tiles whose values differ by no more than this in any channel, such as the empty glass of
            a slide; None: predict all.
    """

    tiles: TileOptions = field(default_factory=TileOptions)
    views: Views | None = None
    merging: Merging = "probabilities"
    layers: tuple[Layer, ...] = ("labels",)
    skip_flat: int | None = None

    def skips(self, tile: Picture) -> bool:
        """Whether a tile [h, w, C] is left out."""
        if self.skip_flat is None:
            return False
        # Every fourth pixel tells an empty tile from another at a sixteenth of the cost.
        seen = tile[::4, ::4].reshape(-1, tile.shape[2])
        return bool((seen.max(axis=0).astype(int) - seen.min(axis=0) <= self.skip_flat).all())
