"""Foreign checkpoints: tensors by name, and nothing else."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from intarsia.errors import ModelFileError


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a ``.safetensors``, ``.pth`` or ``.pt`` file, on the CPU and in their stored dtype.

    Pickled files are read with ``weights_only=True``, so a checkpoint can never run code; a training checkpoint's
    ``state_dict`` entry is unwrapped.

    Raises:
        ModelFileError: the file is missing, cut short, of another kind, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelFileError("there is no such file", where=path, remedy="Check the path of the weights")
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a damaged pickle raises is up to its bytes
        raise ModelFileError(
            "cannot be read as tensors: it is cut short, damaged, or holds more than weights",
            where=path,
            remedy="Fetch the file again, or save only its state dict (as .safetensors, ideally)",
        ) from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelFileError(
            "holds no state dict (tensors by name)", where=path, remedy="Save the network's state dict on its own"
        )
    return content
