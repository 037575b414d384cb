"""The workers of a cluster: started, handed a few tasks each, and replaced when they die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

import intarsia
from intarsia.errors import IntarsiaError, RecipeError
from intarsia.predict.engines.worker import Opened

_DEATHS = 3  # of workers over one and the same item, until it is given up
_STARTS = 3  # workers that may fail to start before none has
_PATIENCE = 600  # seconds without any worker at work
_FAREWELL = 5  # seconds to finish a task whose answer nobody waits for

Item = TypeVar("Item")


class GivenUp:
    """Stands for the answer to an item that ended one worker after another."""


@dataclass(eq=False)
class _Hand:
    """A worker.

    Args:
        actor: Ray's handle of it.
        opening: the reference of its answer to ``open``; None once it holds the model.
        tasks: what it was handed, oldest first: numbers of items by the reference of the answer.
    """

    actor: Any
    opening: Any | None
    tasks: dict[Any, tuple[int, ...]] = field(default_factory=dict)


class Crew:
    """Keeps a number of workers at work.

    Args:
        ray: the module.
        hire: starts a :class:`~intarsia.predict.engines.worker.Worker` and gives Ray's handle of it.
        count: how many there are to be. They begin when the cluster has room for them, also later on.
    """

    def __init__(self, ray: Any, hire: Callable[[], Any], count: int) -> None:
        self._ray, self._hire, self._count = ray, hire, count
        self._hands: set[_Hand] = set()
        self._opened: Opened | None = None
        self._failed = 0  # starts since a worker last held the model

    @property
    def count(self) -> int:
        """How many workers there are to be."""
        return self._count

    def opened(self) -> Opened:
        """What the first worker that holds the model says of itself, which is waited for; all compute in its precision.

        Raises:
            IntarsiaError: no worker can be started.
        """
        while self._opened is None:
            self._recruit()
            for hand, reference in self._events():
                if hand in self._hands:
                    self._answers(hand, reference)
        return self._opened

    def work(
        self, method: str, items: Sequence[Item], *arguments: object, together: int = 1, ahead: int = 1
    ) -> Iterator[tuple[Item, Any | GivenUp]]:
        """Have items worked on.

        Args:
            method: of the worker: given a list of items and ``arguments``, it returns a list of answers, or the error
                that ends the run.
            items: are drawn as workers become free.
            arguments: the same for all.
            together: how many are one task.
            ahead: tasks a worker holds at once: 2 for short ones, so that it need not wait for the next.

        Yields:
            Each item once, with its answer, in whatever order they become ready. A worker that dies is replaced and
            its items are worked on again.

        Raises:
            IntarsiaError: what ends the run; no worker can be started any more.
        """
        todo = _Todo(len(items), together)
        try:
            while todo.left:
                self._recruit()
                for held, hand in product(range(ahead), self._hands):  # each is given one before any is given two
                    if hand.opening is None and len(hand.tasks) == held and (part := todo.take()):
                        ask = getattr(hand.actor, method)
                        hand.tasks[ask.remote([items[number] for number in part], *arguments)] = part
                for hand, reference in self._events():
                    answers = self._answers(hand, reference) if hand in self._hands else None
                    if answers is not None:
                        part = hand.tasks.pop(reference)
                        todo.left -= len(part)
                        yield from zip((items[number] for number in part), answers, strict=True)
                    elif hand not in self._hands:
                        for number in todo.lost(hand.tasks.values()):
                            yield items[number], GivenUp()
                        hand.tasks.clear()
        finally:  # whoever stops listening wants no more of it
            for hand in self._hands:
                for reference in hand.tasks:
                    self._ray.cancel(reference)
                hand.tasks.clear()

    def dismiss(self) -> None:
        """End all workers; those at work are given some seconds to finish, so that no temporary files stay behind."""
        leaving = [hand.actor.__ray_terminate__.remote() for hand in self._hands if hand.opening is None]
        if leaving:
            self._ray.wait(leaving, num_returns=len(leaving), timeout=_FAREWELL)
        for hand in self._hands:
            self._ray.kill(hand.actor)
        self._hands.clear()

    def _recruit(self) -> None:
        while len(self._hands) < self._count:
            actor = self._hire()
            precision = "auto" if self._opened is None else self._opened.precision
            self._hands.add(_Hand(actor, actor.open.remote(precision)))

    def _events(self) -> list[tuple[_Hand, Any]]:
        """Answers that are there, after at least one is; oldest first of each worker."""
        waiting = {reference: hand for hand in self._hands for reference in hand.tasks}
        waiting |= {hand.opening: hand for hand in self._hands if hand.opening is not None}
        some, _ = self._ray.wait(list(waiting), num_returns=1, timeout=_PATIENCE)
        if not some and not any(hand.tasks for hand in self._hands):
            raise _none_starts(f"the cluster had no room for any in {_PATIENCE // 60} minutes")
        ready, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
        return [(waiting[reference], reference) for reference in ready]

    def _answers(self, hand: _Hand, reference: Any) -> list[Any] | None:
        """What a task came to; None where the worker has only begun, or died and is no more among the hands."""
        errors = self._ray.exceptions
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError as error:  # a defect of ours, or the memory of a GPU: the same as in this process
            raise error.cause or error from error
        except errors.RayError as error:
            self._hands.remove(hand)
            if hand.opening is not None:
                self._failed_to_start(error)
            return None
        if isinstance(answer, IntarsiaError):
            raise answer
        if hand.opening is None:
            return list(answer)
        self._welcome(hand, answer)
        return None

    def _welcome(self, hand: _Hand, answer: Opened) -> None:
        if answer.version != intarsia.__version__:
            raise RecipeError(
                f"has version {answer.version} of intarsia, and this machine has {intarsia.__version__}",
                where=answer.machine,
                remedy="Install one version on all machines of the cluster",
            )
        self._opened = self._opened or answer
        self._failed = 0
        same = answer.precision == self._opened.precision
        hand.opening = None if same else hand.actor.open.remote(self._opened.precision)

    def _failed_to_start(self, error: Exception) -> None:
        self._failed += 1
        if self._failed < (_STARTS if self._opened is None else max(_STARTS, 2 * self._count)):
            return
        self._count = len(self._hands)  # those there are go on without it
        if not self._hands or self._opened is None:
            raise _none_starts(str(error).strip().splitlines()[-1].rstrip(".")) from error


class _Todo:
    """Which items are still to be handed out.

    Args:
        count: of the items, which are known by their numbers.
        together: how many are one task.
    """

    def __init__(self, count: int, together: int) -> None:
        self.left = count
        self._fresh = (tuple(range(at, min(at + together, count))) for at in range(0, count, together))
        self._again: deque[tuple[int, ...]] = deque()
        self._deaths: Counter[int] = Counter()

    def take(self) -> tuple[int, ...] | None:
        """The next task."""
        return self._again.popleft() if self._again else next(self._fresh, None)

    def lost(self, tasks: Collection[tuple[int, ...]]) -> list[int]:
        """A worker died over its oldest task; the others it had not begun.

        The items of that task are tried again one by one, for only of an item that was alone it is known that it was
        the one.

        Returns:
            The items that are given up.
        """
        oldest, *others = tasks or ((),)
        self._again.extend([*((number,) for number in oldest), *others])
        if len(oldest) != 1:
            return []
        self._deaths.update(oldest)
        if self._deaths[oldest[0]] < _DEATHS:
            return []
        self._again.remove(oldest)
        self.left -= 1
        return list(oldest)


def _none_starts(reason: str) -> RecipeError:
    return RecipeError(
        f"no worker can be started ({reason})",
        where="--engine ray",
        remedy="Install this package on every machine of the cluster, and look at `ray status` and `ray logs`",
    )
