"""Which blocks of a run are finished: a folder that a killed run leaves behind and the next one goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from intarsia.data.rasters.blocks import block_file, write_block
from intarsia.errors import OutputError
from intarsia.files import write_text
from intarsia.predict.layers import Rasters
from intarsia.predict.tiling import Block

_FACTS = "run.json"


class Ledger:
    """The finished blocks of one run.

    A block is finished once the files of all its layers are there. Files appear whole or not at all, and what is in
    them depends on the block alone, so a block written twice is written the same.

    Args:
        folder: made where it is not there yet.
        facts: what the blocks depend on, by name: model, picture, options. Plain text values.

    Raises:
        OutputError: the folder holds blocks of a run with other facts, or cannot be written.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str]) -> None:
        self.folder = folder
        known = _read(folder / _FACTS)
        if known is None:
            write_text(folder / _FACTS, json.dumps(dict(facts), indent=1, ensure_ascii=False) + "\n")
        elif known != dict(facts):
            changed = sorted(name for name in known.keys() | facts.keys() if known.get(name) != facts.get(name))
            raise OutputError(
                f"holds blocks of a run with another {', another '.join(changed)}",
                where=folder,
                remedy="Go on with what that run began with, or say --overwrite to begin anew",
            )

    def unfinished(self, blocks: Iterable[Block], layers: Sequence[str]) -> list[Block]:
        """Those of ``blocks`` that are still to be predicted."""
        return [
            block for block in blocks if not all(block_file(self.folder, block.name, each).is_file() for each in layers)
        ]

    def record(self, block: Block, rasters: Rasters) -> None:
        """Store a finished block.

        Raises:
            OutputError: it cannot be written.
        """
        for layer, values in rasters.items():
            write_block(self.folder, block.name, layer, values)


def _read(path: Path) -> dict[str, str] | None:
    try:
        content: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return content
