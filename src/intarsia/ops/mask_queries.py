"""From masks with classes to one score a class and pixel: what every use of mask queries starts from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from intarsia.types import MaskQueries

# Mask values held at the input's size at once: 16 MiB, which is small beside the scores and near to the processor.
_AT_ONCE = 2**22


def masks_at_input_size(queries: MaskQueries) -> Float[Tensor, "batch queries height width"]:
    """The mask logits at the input's own size: enlarged bilinearly, what was padded cut off."""
    return _enlarged(queries, 0, _rows_of_cells(queries))


def semantic_scores(queries: MaskQueries) -> Float[Tensor, "batch classes height width"]:
    """How much of each class is at each pixel: Σ over queries of P(class)·P(pixel in mask).

    Cheng et al. 2021 (arXiv:2107.06278, §3.4, semantic inference). Queries that show nothing count for no class. The
    masks are enlarged in bands of rows, so that those of all queries are never held at the input's size together.

    Returns:
        Scores ≥ 0 at the input's size, at least float32. They do not sum to 1; the class of a pixel is that of the
        largest.
    """
    dtype = torch.promote_types(queries.mask_logits.dtype, torch.float32)
    classes = queries.class_logits.to(dtype).softmax(dim=-1)[..., :-1]
    batch, masks, _, columns = queries.mask_logits.shape
    rows = _rows_of_cells(queries)
    step = max(1, _AT_ONCE // (batch * masks * columns * queries.stride**2))
    bands = (_enlarged(queries, first, min(first + step, rows)) for first in range(0, rows, step))
    return torch.cat([torch.einsum("bqk,bqhw->bkhw", classes, band.to(dtype).sigmoid()) for band in bands], dim=2)


def _rows_of_cells(queries: MaskQueries) -> int:
    """How many rows of cells lie over the input; those below are padding."""
    return -(-queries.size[0] // queries.stride)


def _enlarged(queries: MaskQueries, first: int, last: int) -> Float[Tensor, "batch queries height width"]:
    """The mask logits at the input's pixels under the rows of cells from ``first`` up to, not including, ``last``."""
    height, width = queries.size
    stride, (rows, columns) = queries.stride, queries.mask_logits.shape[-2:]
    # A pixel takes its value from the cell it lies in and the neighbors of that: one more row on each side, where
    # there is one, makes the band equal to the same rows of the whole.
    above, below = max(first - 1, 0), min(last + 1, rows)
    size = ((below - above) * stride, columns * stride)
    cells = queries.mask_logits[..., above:below, :]
    enlarged = functional.interpolate(cells, size, mode="bilinear", align_corners=False)
    return enlarged[..., (first - above) * stride : min(last * stride, height) - above * stride, :width]
