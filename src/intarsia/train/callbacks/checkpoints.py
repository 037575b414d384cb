"""Checkpoints that are never half-written and never run code when read."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO

from intarsia.errors import ModelFileError
from intarsia.files import write_bytes


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's door to the disk: temporary file, fsync, rename; read with ``weights_only=True``."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint as a whole or not at all.

        Raises:
            OutputError: the disk is full or the folder cannot be written.
        """
        # Through memory, because torch's own file writer answers a full disk with a riddle.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(path, content.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Read a checkpoint of tensors and plain values.

        Raises:
            ModelFileError: the file is damaged.
        """
        try:
            content: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
        except Exception as error:  # what a damaged pickle raises is up to its bytes
            raise ModelFileError(
                "the checkpoint is damaged", where=path, remedy="Remove it and resume, or start the run again"
            ) from error
        return content

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint that is no longer the best."""
        Path(path).unlink(missing_ok=True)
