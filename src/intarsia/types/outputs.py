"""What a network returns: the joint between networks, losses and prediction."""

from __future__ import annotations

from dataclasses import dataclass

import torch.export
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class SemanticLogits:
    """One score a class and pixel, at the input's own size.

    Args:
        logits: float [B, C, H, W]. C equals the number of classes (softmax over C), or is 1 for two classes
            (the sigmoid of the logit is the probability of class index 1).
    """

    logits: Float[Tensor, "batch channels height width"]


# So that torch.export, torch.compile and the ONNX exporter see through the dataclass to its tensor.
torch.export.register_dataclass(SemanticLogits, serialized_type_name="intarsia.SemanticLogits")
