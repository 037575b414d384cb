"""The compiled loops that match boundary pixels and count pixels near boundaries.

Boundary pixels are listed row by row, within a row class by class, and within a class from left to right: those of
class ``c`` in row ``y`` are ``columns[starts[y * K + c] : starts[y * K + c + 1]]``. The nearest pixel of the same class
is then found by walking two sorted lists side by side, the own row first and the farther rows only while they could
still hold a nearer one. That gives exact distances, hence every tolerance at once, and costs no map per class.
"""

from __future__ import annotations

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int16, Int32, Int64

from intarsia.ops.jit import jit


class Listed(NamedTuple):
    """Boundary pixels by row and class, as the module says."""

    starts: Int64[np.ndarray, "_"]
    columns: Int32[np.ndarray, "_"]

    def of_classes(self, classes: int) -> Int64[np.ndarray, "{classes}"]:
        """How many there are of each class."""
        counts: Int64[np.ndarray, "{classes}"] = np.diff(self.starts).reshape(-1, classes).sum(axis=0)
        return counts


def list_pixels(
    labels: Int16[np.ndarray, "height width"], marked: Bool[np.ndarray, "height width"], classes: int
) -> Listed:
    """List the marked pixels whose label is a class, 0 … ``classes`` − 1."""
    counts = np.zeros(labels.shape[0] * classes + 1, np.int64)
    _count_by_row(labels, marked, classes, counts)
    starts = np.cumsum(counts)
    columns = np.empty(starts[-1], np.int32)
    _fill_by_row(labels, marked, classes, starts[:-1].copy(), columns)
    return Listed(starts, columns)


def count_matched(
    these: Listed, those: Listed, classes: int, limits: Int64[np.ndarray, "tolerances"]
) -> Int64[np.ndarray, "{classes} tolerances"]:
    """Count the pixels of ``these`` with one of ``those`` of their class at a squared distance of at most a limit."""
    matched = np.zeros((classes, limits.size), np.int64)
    if limits.size and these.columns.size and those.columns.size:
        _match(these, those, classes, limits, int(limits.max()), matched)
    return matched


def count_bands(
    truth: Int16[np.ndarray, "height width"],
    predicted: Int16[np.ndarray, "height width"],
    true_band: Bool[np.ndarray, "height width"],
    predicted_band: Bool[np.ndarray, "height width"],
    classes: int,
) -> Int64[np.ndarray, "3 {classes}"]:
    """Count, of each class, the pixels of the truth in the true band, of the prediction in its band, and of both."""
    counts = np.zeros((3, classes + 2), np.int64)  # also label `classes`, no class, and −1, void, the last
    _count_in_bands(truth, predicted, true_band, predicted_band, counts)
    return counts[:, :classes]


def count_rings(
    truth: Int16[np.ndarray, "height width"],
    predicted: Int16[np.ndarray, "height width"],
    squared: Float32[np.ndarray, "height width"],
    limits: Int64[np.ndarray, "rings"],
    classes: int,
) -> Int64[np.ndarray, "3 {classes} rings"]:
    """Count, of each class, the pixels true, predicted and both, by the first of the ascending limits that holds."""
    counts = np.zeros((3, classes + 2, limits.size), np.int64)  # labels as in count_bands
    if limits.size:
        _count_in_rings(truth, predicted, squared, limits, counts)
    return counts[:, :classes]


@jit
@no_type_check
def _count_by_row(labels, marked, classes, counts):
    """Count the pixels of each row and class, one entry behind its own."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if marked[y, x] and 0 <= labels[y, x] < classes:
                counts[y * classes + labels[y, x] + 1] += 1


@jit
@no_type_check
def _fill_by_row(labels, marked, classes, at, columns):
    """Write the columns where ``at`` says, and move it on."""
    for y in range(labels.shape[0]):
        for x in range(labels.shape[1]):
            if marked[y, x] and 0 <= labels[y, x] < classes:
                entry = y * classes + labels[y, x]
                columns[at[entry]] = x
                at[entry] += 1


@jit
@no_type_check
def _match(these, those, classes, limits, most, matched):
    """Add up the pixels of ``these`` within each limit of one of ``those``; ``most`` is the largest limit."""
    height = (these.starts.size - 1) // classes
    nearest = np.empty((these.starts[1:] - these.starts[:-1]).max(), np.int64)
    for y in range(height):
        for c in range(classes):
            first, stop = these.starts[y * classes + c], these.starts[y * classes + c + 1]
            if first == stop:
                continue
            pixels, squared = these.columns[first:stop], nearest[: stop - first]
            squared[:] = most + 1
            step = 0
            while step < height and step * step <= most and step * step < squared.max():
                if y - step >= 0:
                    _walk(pixels, those, (y - step) * classes + c, step * step, squared)
                if step > 0 and y + step < height:
                    _walk(pixels, those, (y + step) * classes + c, step * step, squared)
                step += 1
            for found in squared:
                for t in range(limits.size):
                    matched[c, t] += found <= limits[t]


@jit
@no_type_check
def _walk(pixels, those, entry, away, squared):
    """Lower the squared distances of a row's ``pixels`` to those of another row, whose own squared distance is away."""
    start, stop = those.starts[entry], those.starts[entry + 1]
    if start == stop:
        return
    at = start
    for i in range(pixels.size):
        if squared[i] > away:
            while at < stop and those.columns[at] < pixels[i]:
                at += 1
            if at < stop:
                squared[i] = min(squared[i], away + (those.columns[at] - pixels[i]) ** 2)
            if at > start:
                squared[i] = min(squared[i], away + (pixels[i] - those.columns[at - 1]) ** 2)


@jit
@no_type_check
def _count_in_bands(truth, predicted, true_band, predicted_band, counts):
    """Count truth in row 0, prediction in row 1, both in row 2."""
    for y in range(truth.shape[0]):
        for x in range(truth.shape[1]):
            if true_band[y, x]:
                counts[0, truth[y, x]] += 1
                if predicted_band[y, x] and predicted[y, x] == truth[y, x]:
                    counts[2, truth[y, x]] += 1
            if predicted_band[y, x]:
                counts[1, predicted[y, x]] += 1


@jit
@no_type_check
def _count_in_rings(truth, predicted, squared, limits, counts):
    """Count truth in row 0, prediction in row 1, both in row 2."""
    for y in range(truth.shape[0]):
        for x in range(truth.shape[1]):
            if squared[y, x] <= limits[-1]:
                ring = 0
                while squared[y, x] > limits[ring]:
                    ring += 1
                counts[0, truth[y, x], ring] += 1
                counts[1, predicted[y, x], ring] += 1
                if truth[y, x] == predicted[y, x]:
                    counts[2, truth[y, x], ring] += 1
