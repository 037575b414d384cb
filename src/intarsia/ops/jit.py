"""Compiling loops that numpy cannot express."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def jit(loop: Callable[..., Any], signature: Any = None) -> Callable[..., Any]:
    """Compile a plain loop on its first call, or at once for a signature; it may run in several threads at once.

    The machine code is kept on disk for later processes where a folder for it can be written. Write the loop without
    annotations and mark it ``@no_type_check`` below ``@jit``: numba must see the plain function, not one that checks
    its arguments. Under ``NUMBA_DISABLE_JIT=1`` it runs, slowly, as the Python it is written in.

    Args:
        loop: a function of numpy arrays and numbers, in the subset of Python that numba compiles.
        signature: numba types, to have one machine code for arguments that numba would tell apart.
    """
    try:
        compiled: Callable[..., Any] = numba.njit(signature, nogil=True, cache=True)(loop)
    except (RuntimeError, OSError):  # no folder can be written: compile for this process alone
        compiled = numba.njit(signature, nogil=True)(loop)
    return compiled
