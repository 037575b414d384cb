"""Finding the model a person means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intarsia.predict.model import Model


def model_file(path: Path) -> Path:
    """A model file, or the one in a run folder.

    Raises:
        ModelFileError: there is none.
    """
    from intarsia.weights.model_file import MODEL_FILE, check_there

    file = path / MODEL_FILE if path.is_dir() else path
    check_there(file)
    return file


def load_model(path: Path, device: str) -> Model:
    """Load a model file, or the one in a run folder."""
    from intarsia.predict.model import load

    return load(model_file(path), device=device)
