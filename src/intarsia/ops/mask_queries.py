"""From masks with classes to one score a class and pixel: what every use of mask queries starts from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from intarsia.types import MaskQueries


def masks_at_input_size(queries: MaskQueries) -> Float[Tensor, "batch queries height width"]:
    """The mask logits at the input's own size: enlarged bilinearly, what was padded cut off."""
    rows, columns = queries.mask_logits.shape[-2:]
    size = (rows * queries.stride, columns * queries.stride)
    enlarged = functional.interpolate(queries.mask_logits, size, mode="bilinear", align_corners=False)
    return enlarged[..., : queries.size[0], : queries.size[1]]


def semantic_scores(queries: MaskQueries) -> Float[Tensor, "batch classes height width"]:
    """How much of each class is at each pixel: Σ over queries of P(class)·P(pixel in mask).

    Cheng et al. 2021 (arXiv:2107.06278, §3.4, semantic inference). Queries that show nothing count for no class.

    Returns:
        Scores ≥ 0 at the input's size. They do not sum to 1; the class of a pixel is that of the largest.
    """
    classes = queries.class_logits.softmax(dim=-1)[..., :-1]
    return torch.einsum("bqk,bqhw->bkhw", classes, masks_at_input_size(queries).sigmoid())
