"""What a network expects of a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from intarsia.errors import ModelFileError


@dataclass(frozen=True)
class ImageSpec:
    """How a picture becomes a network's input; stored in the model file, so prediction prepares as training did.

    A pixel value is first divided by ``2**bit_depth − 1`` (to [0, 1]), then ``mean`` is subtracted and the result
    divided by ``std``.

    Args:
        channels: 1 for gray, 3 for RGB, or any other number of channels.
        bit_depth: 8 or 16, the bits of one channel of the stored picture.
        mean: one value a channel, in units of the [0, 1] range.
        std: one positive value a channel, in the same units.
        long_side: pictures whose longer side exceeds this many pixels are shrunk to it before the network and the
            logits enlarged after it; None keeps every picture at its own size.
    """

    channels: int
    bit_depth: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    long_side: int | None = None

    def __post_init__(self) -> None:
        fits = (
            self.channels >= 1
            and self.bit_depth in (8, 16)
            and len(self.mean) == len(self.std) == self.channels
            and all(value > 0 for value in self.std)
            and (self.long_side is None or self.long_side >= 1)
        )
        if not fits:
            raise ModelFileError(
                f"the image specification {asdict(self)} contradicts itself",
                where="image specification",
                remedy="Give one mean and one positive std a channel, and a bit depth of 8 or 16",
            )

    @property
    def max_value(self) -> int:
        """The largest pixel value a stored picture can hold: 255 or 65535."""
        return int(2**self.bit_depth - 1)

    def to_dict(self) -> dict[str, Any]:
        """The plain form the model card holds; :meth:`from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> ImageSpec:
        """Read the plain form."""
        return cls(**{**content, "mean": tuple(content["mean"]), "std": tuple(content["std"])})
