import threading

import pytest

from intarsia.data.parallel import iterate_files, map_files


def test_order_and_progress() -> None:
    seen: list[tuple[int, int]] = []
    assert map_files(lambda n: n * n, [3, 1, 2], lambda done, total: seen.append((done, total))) == [9, 1, 4]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert map_files(str, []) == []


def test_an_error_drops_what_has_not_started() -> None:
    started = 0
    lock = threading.Lock()

    def work(number: int) -> int:
        nonlocal started
        with lock:
            started += 1
        if number == 0:
            raise KeyError(number)
        threading.Event().wait(0.01)
        return number

    with pytest.raises(KeyError):
        map_files(work, range(1000))
    assert started < 1000


def test_only_a_few_results_wait() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        return number

    results = iterate_files(work, range(100))
    assert next(results) == 0
    threading.Event().wait(0.2)
    assert len(started) < 20
    assert list(results) == list(range(1, 100))
