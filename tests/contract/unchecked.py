"""Code without the run-time type checks of the test suite, as users run it."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator
from unittest import mock

import jaxtyping

from intarsia.types import MaskQueries, SemanticLogits


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Switch shape checks off, for compilers that must look into every function and cannot look into the checks.

    Switching them off leaves jaxtyping's wrappers in place. Those of functions are looked through; that of a
    dataclass's ``__init__`` is not, so it is taken away.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        with contextlib.ExitStack() as stack:
            for output in (SemanticLogits, MaskQueries):
                stack.enter_context(mock.patch.object(output, "__init__", inspect.unwrap(output.__init__)))
            yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)
