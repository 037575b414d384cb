"""Is the truth true? What can make a score worthless without a trace in any figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from intarsia.data.formats.provenance import maker_of


def truth_warnings(truth: Sequence[Path], *, model: str = "", teachers: Sequence[str] = ()) -> list[str]:
    """Warnings about true masks that models made.

    Args:
        truth: the files of the true masks.
        model: the fingerprint of the weights under test, or "" when it is not known.
        teachers: the fingerprints of models whose masks it was trained on.

    Returns:
        At most one sentence for each kind of maker: the model under test, one of its teachers, any other model.
    """
    makers = Counter(maker for maker in map(maker_of, truth) if maker)
    own = makers.pop(model, 0) if model else 0
    taught = sum(makers.pop(teacher, 0) for teacher in set(teachers))
    of = f"of the {len(truth):,} true masks"
    warnings = []
    if own:
        warnings.append(
            f"{own:,} {of} were predicted by the very model under test: the score says how well it agrees with itself,"
            " not how good it is"
        )
    if taught:
        warnings.append(
            f"{taught:,} {of} were predicted by a model whose masks the model under test was trained on: the score says"
            " how well it imitates that model"
        )
    if makers:
        warnings.append(
            f"{sum(makers.values()):,} {of} were predicted by a model and not changed since: the score measures"
            " agreement with that model, mistakes included"
        )
    return warnings


def pair_warnings(pairs: Sequence[tuple[Path, Path]], *, identical: bool) -> list[str]:
    """Warnings about (predicted, truth) files: truth made by a model, and above all by the one that is scored.

    Args:
        pairs: the files.
        identical: whether every prediction was found to equal its truth.
    """
    makers = {maker for maker in map(maker_of, (predicted for predicted, _ in pairs)) if maker}
    warnings = truth_warnings([truth for _, truth in pairs], model=makers.pop() if len(makers) == 1 else "")
    if identical:
        warnings.append("every prediction equals its truth pixel for pixel: are these copies of the same masks?")
    return warnings


def all_right(confusion: Int64[np.ndarray, "k1 k1"]) -> bool:
    """Whether some pixel is of a class, and every pixel is predicted as what it is."""
    return bool(confusion[:-1].any() and confusion.trace() == confusion.sum())
