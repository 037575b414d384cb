"""Which prediction stands for which object: each object gets the one that suits it, none twice."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from scipy.optimize import linear_sum_assignment
from torch import Tensor

# Of what is not finite; lower than any cost, see below.
_BROKEN = -1e30


def match(
    costs: Float[Tensor, "batch queries targets"], present: Bool[Tensor, "batch targets"]
) -> tuple[Int64[Tensor, " matched"], Int64[Tensor, " matched"], Int64[Tensor, " matched"]]:
    """Pair queries and targets of each picture at the least sum of costs (Carion et al. 2020, arXiv:2005.12872, §3.1).

    Args:
        costs: of standing for a target, lower is better. What is not finite counts as the least of all: a network that
            returns NaN then meets it in its loss, instead of hiding it in a query that is never matched.
        present: which of the targets a picture has; the others get no query.

    Returns:
        The pictures, queries and targets of the pairs. Every target that is present is in one pair, unless a picture
        has more targets than queries: then every query is in one.
    """
    finite = torch.nan_to_num(costs.detach().float(), nan=_BROKEN, posinf=_BROKEN, neginf=_BROKEN).cpu()
    pairs = []
    for picture, (table, there) in enumerate(zip(finite, present.cpu(), strict=True)):
        columns = there.nonzero()[:, 0]
        queries, places = map(torch.as_tensor, linear_sum_assignment(table[:, columns].numpy()))
        pairs.append(torch.stack([torch.full_like(queries, picture), queries, columns[places]]))
    pictures, queries, targets = torch.cat(pairs, dim=1).to(costs.device)
    return pictures, queries, targets
