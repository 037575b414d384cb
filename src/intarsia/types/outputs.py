"""What a network returns: the joint between networks, losses and prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.export
from jaxtyping import Float
from torch import Tensor
from torch.utils import _pytree as pytree


@dataclass(frozen=True)
class SemanticLogits:
    """One score a class and pixel, at the input's own size.

    Args:
        logits: float [B, C, H, W]. C equals the number of classes (softmax over C), or is 1 for two classes
            (the sigmoid of the logit is the probability of class index 1).
    """

    logits: Float[Tensor, "batch channels height width"]


@dataclass(frozen=True)
class MaskQueries:
    """Masks, each with a distribution over the classes (Cheng et al. 2021, MaskFormer, arXiv:2107.06278, §3.3).

    Args:
        class_logits: float [B, Q, K + 1]; the last column says that the query shows nothing.
        mask_logits: float [B, Q, h, w]; the sigmoid is the probability that a pixel belongs to the query's mask. Cell
            (i, j) lies over the input's pixels from (i·stride, j·stride) on; h·stride ≥ H and w·stride ≥ W, for the
            network may have extended the input at its bottom and right.
        size: the input's H and W.
        stride: pixels a side of one cell of ``mask_logits``.
        auxiliary: the same of the decoder's earlier layers, while training; they are losses' business alone.
    """

    class_logits: Float[Tensor, "batch queries classes_and_nothing"]
    mask_logits: Float[Tensor, "batch queries rows columns"]
    size: tuple[int, int]
    stride: int
    auxiliary: tuple[MaskQueries, ...] = ()


Output = SemanticLogits | MaskQueries
"""What a network may return."""


def _flatten(queries: MaskQueries) -> tuple[list[Any], tuple[tuple[int, int], int]]:
    return [queries.class_logits, queries.mask_logits, queries.auxiliary], (queries.size, queries.stride)


def _unflatten(children: Any, context: Any) -> MaskQueries:
    class_logits, mask_logits, auxiliary = children
    size, stride = context
    return MaskQueries(class_logits, mask_logits, size, stride, auxiliary)


# So that torch.export, torch.compile and the ONNX exporter see through the dataclasses to their tensors. The size and
# stride of mask queries are no outputs but part of their form, which the public register_dataclass cannot say.
torch.export.register_dataclass(SemanticLogits, serialized_type_name="intarsia.SemanticLogits")
pytree.register_pytree_node(MaskQueries, _flatten, _unflatten, serialized_type_name="intarsia.MaskQueries")
