"""The form of our transforms: drawn once, applied to picture and mask alike."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float32, Int16
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2


class JointTransform(v2.Transform):  # type: ignore[misc] # torchvision ships no types, so its classes are Any here
    """A ``torchvision.transforms.v2`` transform of an image and its mask, given as tv_tensors.

    A subclass overrides :meth:`draw`, and of the other two what it changes. All randomness is in ``draw`` or comes from
    torch's global generator, so a seed set before the call decides the result.
    """

    def draw(self, height: int, width: int) -> Any:
        """Draw what is random, once for image and mask, given the picture's size in pixels."""
        return None

    def image(self, image: Float32[Tensor, "channels height width"], drawn: Any) -> Tensor:
        """Change the image: float32 [C, H, W] in [0, 1], which is not written to."""
        return image

    def mask(self, mask: Int16[Tensor, "height width"], drawn: Any) -> Tensor:
        """Change the mask: int16 [H, W] class indices, which is not written to."""
        return mask

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw for all inputs (called by torchvision)."""
        height, width = flat_inputs[0].shape[-2:]
        return {"drawn": self.draw(height, width)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Send each input to the method of its kind (called by torchvision)."""
        change = self.mask if isinstance(inpt, tv_tensors.Mask) else self.image
        return tv_tensors.wrap(change(inpt.as_subclass(Tensor), params["drawn"]), like=inpt)


def uniform(low: float, high: float) -> float:
    """Draw one number evenly between ``low`` and ``high`` from torch's global generator."""
    return float(torch.empty((), dtype=torch.float64).uniform_(low, high))
