"""The compiled loops that sort probabilities into bins.

Bins are given by their edges (the first is 0, the last infinity); each holds the values from its lower edge up to the
next one. Under ``NUMBA_DISABLE_JIT=1`` the loops run, slowly, as the Python they are written in.
"""

from __future__ import annotations

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Float32

from intarsia.ops.jit import jit

TOLERANCE = 1e-3
"""How far the probabilities of a pixel may sum from 1: what rounding them all to float16 can cost, twice over."""

FLOOR = float(np.finfo(np.float32).eps)
"""Smaller probabilities enter the log loss as this one (1.2e-7, so 15.9 at most), as in scikit-learn's ``log_loss``."""


def bin_edges(bins: int) -> Float32[np.ndarray, "edges"]:
    """The lower edges of ``bins`` bins of equal width over [0, 1], and infinity.

    They are rounded to float32 as probabilities are: 0.7 in a picture then belongs to the bin that starts at 0.7.
    """
    return np.append(np.arange(bins) / bins, np.inf).astype(np.float32)


@jit
@no_type_check
def _bin(value, edges):
    """The bin that holds ``value``: by multiplication, then corrected by the edges themselves."""
    bins = edges.size - 1
    place = min(int(value * np.float32(bins)), bins - 1)
    place -= value < edges[place]  # numbers rather than branches: several times faster
    place += value >= edges[place + 1]
    return place


@jit
@no_type_check
def count_top(
    truth, shares, edges, right, wrong, confidence, predicted_pixels, predicted_probability, squared_error, log_loss
):
    """Count what concerns whole pixels; the position of the first one whose shares are no probabilities, or −1."""
    classes, pixels = shares.shape
    per_bin = right.size // confidence.size
    top, first = np.zeros(pixels, np.float32), np.zeros(pixels, np.int32)
    total, squares = np.zeros(pixels, np.float32), np.zeros(pixels, np.float32)
    for k in range(classes):  # class by class, as they lie in memory: these loops become vector instructions
        for at in range(pixels):
            share = shares[k, at]
            total[at] += share if share >= 0 else np.float32(np.nan)
            squares[at] += share * share
            better = share > top[at]
            top[at] = share if better else top[at]
            first[at] = np.int32(k) if better else first[at]
    for at in range(pixels):
        if not abs(total[at] - 1) <= TOLERANCE:  # so written that NaN is caught
            return at
        true, predicted = truth[at], first[at]
        predicted_pixels[predicted] += 1
        predicted_probability[predicted] += top[at]
        if true < 0:
            continue
        place = _bin(top[at], edges)
        if predicted == true:
            right[place] += 1
        else:
            wrong[place] += 1
        confidence[place // per_bin] += top[at]
        share = np.float64(shares[true, at])
        squared_error[true] += squares[at] - 2 * share + 1
        log_loss[true] -= math.log(max(share, FLOOR))
    return -1


@jit
@no_type_check
def count_classes(truth, shares, edges, class_probability, class_true):
    """Count what concerns each class by itself."""
    classes, pixels = shares.shape
    for k in range(classes):
        low = 0.0
        for at in range(pixels):
            share = shares[k, at]
            true = truth[at]
            if true < 0:
                continue
            if share < edges[1] and true != k:  # most are: a register is added to faster than an array
                low += share
            else:
                place = _bin(share, edges)
                class_probability[k, place] += share
                class_true[k, place] += true == k
        class_probability[k, 0] += low


@jit
@no_type_check
def count_scores(truth, valid, scores, edges, positive, negative):
    """Count the scores of one label over true and other pixels; the position of the first invalid score, or −1."""
    for at in range(scores.size):
        if not 0 <= scores[at] <= 1:  # so written that NaN is caught
            return at
        if valid[at]:
            if truth[at]:
                positive[_bin(scores[at], edges)] += 1
            else:
                negative[_bin(scores[at], edges)] += 1
    return -1
