"""What an engine is asked to do, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from intarsia.errors import IntarsiaError
from intarsia.predict.deliver import Delivered, Picture
from intarsia.predict.plan import Cut
from intarsia.predict.tiling import Block


@runtime_checkable
class Engine(Protocol):
    """Does pieces of work that depend on nothing but what they are given, so that any may be done twice."""

    def pictures(self, pictures: Sequence[Picture]) -> Iterator[tuple[Picture, Delivered | IntarsiaError | None]]:
        """Predict pictures and write their results, see :func:`~intarsia.predict.deliver.deliver_whole`.

        Yields:
            Each picture and what became of it, in whatever order they become ready: the result, None where it is to be
            predicted in blocks, or what went wrong.
        """

    def blocks(self, picture: Picture, cut: Cut, todo: Sequence[Block]) -> Iterator[tuple[Block, IntarsiaError | None]]:
        """Predict blocks of a picture and keep them in its folder of blocks.

        Yields:
            Each block and what went wrong with it, in whatever order they become ready.

        Raises:
            IntarsiaError: what ends the run: the folder cannot be written, or the picture was changed.
        """

    def close(self) -> None:
        """Let go of what it holds."""
