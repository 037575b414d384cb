"""Reading many files with a small pool of threads: decoders release the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` after each file."""

_THREADS = 2

Given = TypeVar("Given")
Result = TypeVar("Result")


def map_files(
    work: Callable[[Given], Result], given: Sequence[Given], progress: Progress | None = None
) -> list[Result]:
    """Do ``work`` on each of ``given`` in two threads, and return the results in the order of ``given``.

    An error of ``work``, or Ctrl-C, drops what has not started yet and is raised.
    """
    pool = ThreadPoolExecutor(_THREADS)
    results = []
    try:
        for result in pool.map(work, given):
            results.append(result)
            if progress is not None:
                progress(len(results), len(given))
    finally:
        pool.shutdown(cancel_futures=True)
    return results
