"""What is gained by leaving the doubtful ones to a person: risk against coverage.

Units (pictures, or pixels) are ordered from the most to the least confident; units of equal confidence form one block.
At a *coverage* c the model keeps the share c of the units it is most confident of, and the *risk* is their mean loss.
The area under risk over coverage (AURC) is the mean of the risks of keeping the 1, 2, … n most confident units:
Geifman & El-Yaniv, Selective Classification for Deep Neural Networks, NeurIPS 2017; Geifman, Uziel & El-Yaniv,
Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers, ICLR 2019. What is above the AURC of the ideal order
(by the loss itself) is the excess, E-AURC. A random order has the mean loss as its risk at every coverage.

Of a block kept in part, the expected loss of random members is counted, so the order within a block does not matter.
Every function takes ``sizes`` and ``losses`` [..., blocks]: the units of each block and the sum of their losses,
most confident first. Both are additive, of one data set or of many resampled ones; a block may be empty.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64
from scipy.special import digamma

Blocks = Int64[np.ndarray, "*batch blocks"] | Float64[np.ndarray, "*batch blocks"]


def selective_risk(sizes: Blocks, losses: Blocks, coverage: float) -> Float64[np.ndarray, "*batch"]:
    """The mean loss of the share ``coverage`` in (0, 1] of the units, the most confident; NaN without units."""
    kept = coverage * sizes.sum(axis=-1, keepdims=True)
    before = sizes.cumsum(axis=-1) - sizes
    of_block = np.clip(kept - before, 0, sizes)
    loss = (_ratio(losses, sizes) * of_block).sum(axis=-1)
    return np.asarray(np.where(kept[..., 0] > 0, loss / np.maximum(kept[..., 0], np.finfo(float).tiny), np.nan))


def area_under_risk_coverage(sizes: Blocks, losses: Blocks) -> Float64[np.ndarray, "*batch"]:
    """AURC: the mean risk over all coverages, in units of the loss, lower is better; NaN without units."""
    until = sizes.cumsum(axis=-1)
    before = until - sizes
    loss_before = losses.cumsum(axis=-1) - losses
    mean = _ratio(losses, sizes)
    # Of a block of m units with mean loss l, after N units with loss C, the sum over j = 1 … m of (C + j·l) / (N + j)
    # is m·l + (C − N·l)·(H(N + m) − H(N)), with the harmonic numbers H(n) = digamma(n + 1) + constant.
    harmonic = digamma(until + 1.0)
    steps = np.diff(harmonic, axis=-1, prepend=digamma(1.0))
    summed = (losses + (loss_before - before * mean) * steps).sum(axis=-1)
    total = until[..., -1]
    return np.asarray(np.where(total > 0, summed / np.maximum(total, 1), np.nan))


def _ratio(losses: Blocks, sizes: Blocks) -> Float64[np.ndarray, "*batch blocks"]:
    return np.divide(losses, sizes, out=np.zeros(np.shape(sizes)), where=np.asarray(sizes) > 0)
