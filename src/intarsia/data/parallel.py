"""Reading many files with a small pool of threads: decoders release the interpreter lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` after each file."""

_THREADS = 2
_AHEAD = 8  # results that may wait for their turn

Given = TypeVar("Given")
Result = TypeVar("Result")


def map_files(
    work: Callable[[Given], Result], given: Sequence[Given], progress: Progress | None = None
) -> list[Result]:
    """Do ``work`` on each of ``given`` in two threads, and return the results; see :func:`iterate_files`."""
    return list(iterate_files(work, given, progress))


def iterate_files(
    work: Callable[[Given], Result], given: Sequence[Given], progress: Progress | None = None
) -> Iterator[Result]:
    """Do ``work`` on each of ``given`` as :func:`iterate` does, and tell ``progress`` after each."""
    for done, result in enumerate(iterate(work, given), start=1):
        if progress is not None:
            progress(done, len(given))
        yield result


def iterate(work: Callable[[Given], Result], given: Iterable[Given]) -> Iterator[Result]:
    """Do ``work`` on each of ``given`` in two threads, and yield the results in the order of ``given``.

    Only a few results wait at any time, so memory does not grow with their number, and ``given`` may be endless. An
    error of ``work``, or Ctrl-C, drops what has not started yet and is raised.
    """
    pool = ThreadPoolExecutor(_THREADS)
    waiting: deque[Future[Result]] = deque()
    rest = iter(given)
    try:
        while True:
            waiting.extend(pool.submit(work, each) for each in islice(rest, _AHEAD - len(waiting)))
            if not waiting:
                return
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
