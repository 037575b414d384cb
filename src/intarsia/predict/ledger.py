"""Which blocks of a run are finished: a folder that a killed run leaves behind and the next one goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from intarsia.data.rasters.blocks import block_file, write_block
from intarsia.errors import OutputError
from intarsia.files import write_text
from intarsia.predict.layers import Rasters
from intarsia.predict.plan import Cut
from intarsia.predict.tiling import Block

_RUN = "run.json"


def begun(folder: Path) -> Cut | None:
    """How the picture of a run is cut that a folder holds blocks of; None where there is no such run.

    It is kept, for planned anew it might come out otherwise: other programs may take more of the memory by now.

    Raises:
        OutputError: the folder's account of the run is damaged.
    """
    content = _read(folder)
    return None if content is None else content[0]


def open_ledger(folder: Path, cut: Cut, facts: Mapping[str, str]) -> None:
    """Begin a run in a folder, or go on with it.

    Args:
        folder: made where it is not there yet.
        cut: how the picture is cut.
        facts: what else the blocks depend on, by name: model, picture, options. Plain text values.

    Raises:
        OutputError: the folder holds blocks of a run with other facts, or cannot be written.
    """
    content = _read(folder)
    if content is None:
        account = {"facts": dict(facts), "cut": asdict(cut)}
        write_text(folder / _RUN, json.dumps(account, indent=1, ensure_ascii=False) + "\n")
        return
    known = content[1]
    changed = sorted(name for name in known.keys() | facts.keys() if known.get(name) != facts.get(name))
    if changed:
        raise OutputError(
            f"holds blocks of a run with another {', another '.join(changed)}",
            where=folder,
            remedy="Go on with what that run began with, or say --overwrite to begin anew",
        )


def unfinished(folder: Path, blocks: Iterable[Block], layers: Sequence[str]) -> list[Block]:
    """Those of ``blocks`` that are still to be predicted.

    A block is finished once the files of all its layers are there. Files appear whole or not at all, and what is in
    them depends on the block alone, so a block that two machines made was made the same.
    """

    def is_finished(block: Block) -> bool:
        return all(block_file(folder, block.name, layer).is_file() for layer in layers)

    return [block for block in blocks if not is_finished(block)]


def record(folder: Path, block: Block, rasters: Rasters) -> None:
    """Store a finished block.

    Raises:
        OutputError: it cannot be written.
    """
    for layer, values in rasters.items():
        write_block(folder, block.name, layer, values)


def _read(folder: Path) -> tuple[Cut, dict[str, str]] | None:
    path = folder / _RUN
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Cut(**content["cut"]), dict(content["facts"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(
            "is damaged", where=path, remedy="Say --overwrite, or delete its folder, to begin anew"
        ) from error
