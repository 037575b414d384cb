"""How workers are kept at work, with a stand-in for Ray; tests/integration/test_ray_engine.py has the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import intarsia
from intarsia.errors import IntarsiaError, OutputError, RecipeError
from intarsia.predict.engines.crew import Crew, GivenUp
from intarsia.predict.engines.room import room
from intarsia.predict.engines.worker import Opened


class RayError(Exception):
    pass


class RayTaskError(RayError):
    def __init__(self, cause: Exception) -> None:
        self.cause = cause


class Reference:
    """Of an answer that is worked out when it is asked for."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer


class Ray:
    """All answers are there at once."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def __init__(self) -> None:
        self.most = 0
        self.killed: list[Actor] = []

    def wait(self, references: list[Reference], num_returns: int, timeout: float) -> tuple[list[Reference], list[Any]]:
        self.most = max(self.most, len(references))
        return references, []

    def get(self, reference: Reference) -> object:
        return reference.answer()

    def cancel(self, reference: Reference) -> None:
        pass

    def kill(self, actor: Actor) -> None:
        self.killed.append(actor)


class Actor:
    """Doubles numbers; some it does not survive."""

    def __init__(self, opened: Callable[[str], object], deadly: Counter[int] | None = None) -> None:
        self._opened, self._deadly = opened, deadly if deadly is not None else Counter()
        self._alive = True
        self.open = SimpleNamespace(remote=lambda precision: Reference(lambda: self._opened(precision)))
        self.__ray_terminate__ = SimpleNamespace(remote=lambda: Reference(lambda: None))
        self.double = SimpleNamespace(remote=lambda numbers: Reference(lambda: self._double(numbers)))

    def _double(self, numbers: list[int]) -> list[int]:
        for number in numbers:
            if self._deadly[number] > 0:
                self._deadly[number] -= 1
                self._alive = False
        if not self._alive:
            raise RayError("The actor died")
        return [2 * number for number in numbers]


def opened(precision: str) -> Opened:
    return Opened("here", intarsia.__version__, "fp32" if precision == "auto" else precision)  # type: ignore[arg-type] # one of both


def answers(crew: Crew, count: int, together: int = 3) -> dict[int, int | GivenUp]:
    pairs = list(crew.work("double", range(count), together=together, ahead=2))
    assert len(pairs) == count
    return dict(pairs)


def test_each_item_is_answered_once_by_few_tasks_at_a_time() -> None:
    ray = Ray()
    crew = Crew(ray, lambda: Actor(opened), 3)
    assert crew.opened().precision == "fp32"
    assert answers(crew, 1000) == {number: 2 * number for number in range(1000)}
    assert ray.most == 2 * 3
    crew.dismiss()
    assert len(ray.killed) == 3


def test_what_ends_its_worker_once_is_done_by_another() -> None:
    deadly = Counter({4: 1, 17: 2})
    crew = Crew(Ray(), lambda: Actor(opened, deadly), 2)
    assert answers(crew, 30) == {number: 2 * number for number in range(30)}


def test_only_what_ends_its_worker_again_and_again_is_given_up() -> None:
    deadly = Counter({4: 100, 5: 100})
    got = answers(Crew(Ray(), lambda: Actor(opened, deadly), 2), 30)
    assert {number for number, answer in got.items() if isinstance(answer, GivenUp)} == {4, 5}
    assert deadly[4] == deadly[5] == 100 - 1 - 3  # once in company, then three times alone


def test_all_compute_in_the_precision_of_the_first() -> None:
    asked = []

    def differs(precision: str) -> Opened:
        asked.append(precision)
        own = "bf16" if len(asked) == 1 else "fp32"
        return Opened("here", intarsia.__version__, own if precision == "auto" else precision)  # type: ignore[arg-type] # one of both

    crew = Crew(Ray(), lambda: Actor(differs), 2)
    assert crew.opened().precision == "bf16"
    answers(crew, 10)
    assert asked == ["auto", "auto", "bf16"]


def test_workers_that_do_not_start_end_the_run() -> None:
    def broken(precision: str) -> Opened:
        raise RayError("The actor died.\nModuleNotFoundError: No module named 'intarsia'")

    with pytest.raises(
        RecipeError, match=r"no worker can be started \(ModuleNotFoundError: No module named 'intarsia'"
    ):
        Crew(Ray(), lambda: Actor(broken), 2).opened()


def test_those_that_started_go_on_without_those_that_do_not() -> None:
    started: list[bool] = []

    def often_broken(precision: str) -> Opened:
        started.append(not started)
        if len(started) > 1:
            raise RayError("no such file")
        return opened(precision)

    assert len(answers(Crew(Ray(), lambda: Actor(often_broken), 4), 100)) == 100
    assert len(started) < 12


def test_another_version_is_refused() -> None:
    crew = Crew(Ray(), lambda: Actor(lambda precision: Opened("there", "0.0.1", "fp32")), 1)
    with pytest.raises(
        RecipeError, match=r"there: has version 0\.0\.1 of intarsia, and this machine has .* Install one"
    ):
        crew.opened()


@pytest.mark.parametrize("raised", [False, True])
def test_what_ends_the_run_arrives_as_itself(raised: bool) -> None:
    full = OutputError("could not be written", where="a.png", remedy="Free some space")

    def work(numbers: list[int]) -> IntarsiaError:
        if raised:
            raise RayTaskError(full)
        return full

    actor = Actor(opened)
    actor.double = SimpleNamespace(remote=lambda numbers: Reference(lambda: work(numbers)))
    with pytest.raises(OutputError) as caught:
        answers(Crew(Ray(), lambda: actor, 1), 10)
    assert caught.value is full


def test_no_room_for_long() -> None:
    ray = Ray()
    ray.wait = lambda references, num_returns, timeout: ([], references)  # type: ignore[method-assign] # nothing happens
    with pytest.raises(RecipeError, match=r"the cluster had no room for any in 10 minutes\)\. Install"):
        Crew(ray, lambda: Actor(opened), 1).opened()


def test_workers_take_the_processors_or_gpus_there_are() -> None:
    small, large, gpus = (
        {"CPU": 4.0, "memory": 8e9},
        {"CPU": 16.0, "memory": 64e9},
        {"CPU": 8.0, "GPU": 2.0, "memory": 1e11},
    )
    assert room([small, large], "auto", 1).workers == 20
    assert room([small, large], "auto", 8).workers == 2  # none where there are fewer processors than threads
    assert room([small], "auto", 8).resources == {"num_cpus": 4, "num_gpus": 0}
    assert room([small, gpus], "auto", 8).resources == {"num_cpus": 1, "num_gpus": 1}
    assert room([small, gpus], "auto", 8).workers == 2
    assert room([small, gpus], "cpu", 1).workers == 12
    assert room([small], "cuda", 1).workers == 0
    assert room([{"memory": 1e9}], "auto", 1).workers == 0


def test_workers_share_the_memory_of_the_least_machine() -> None:
    there = room([{"CPU": 4.0, "memory": 8e9}, {"CPU": 16.0, "memory": 64e9}], "cpu", 1)
    held = 10**9
    assert there.ceiling(20, held) == held + (2 * 10**9 - held) // 2
    assert there.ceiling(1, held) == held + (8 * 10**9 - held) // 2
    assert room([{"CPU": 4.0, "memory": 1e9}], "cpu", 1).ceiling(4, held) == held


def test_other_devices_are_not_handed_out() -> None:
    with pytest.raises(RecipeError, match="compute on CPUs or CUDA, not on 'mps'"):
        room([{"CPU": 4.0, "memory": 8e9}], "mps", 1)
