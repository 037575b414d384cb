"""What both ways of reading foreign tensors, :mod:`intarsia.nn.layouts` and ``foreign_weights``, say of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_LISTED = 3


def is_batch_count(key: str) -> bool:
    """Whether it counts a normalisation's batches: files older than PyTorch 0.4.1 do not, and nothing here uses it."""
    return key.endswith(".num_batches_tracked")


def listing(problems: Mapping[str, Sequence[str]]) -> str:
    """What is wrong with the tensors of a file, for an error: ``2 tensors are missing (a.weight, a.bias) and …``.

    Args:
        problems: the names of tensors by what they are ("missing"); what none is, is not mentioned.
    """
    return " and ".join(
        f"{len(keys)} tensors are {what} ({', '.join(keys[:_LISTED])}{' …' if len(keys) > _LISTED else ''})"
        for what, keys in problems.items()
        if keys
    )
