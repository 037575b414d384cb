import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from intarsia.errors import ModelFileError
from intarsia.weights import read_state_dict


def test_reads_both_kinds_and_unwraps_a_training_checkpoint(tmp_path: Path) -> None:
    weights = {"conv1.weight": torch.randn(2, 3)}
    save_file(weights, tmp_path / "a.safetensors")
    torch.save(weights, tmp_path / "a.pth")
    torch.save({"state_dict": weights, "epoch": 3}, tmp_path / "b.pth")
    for name in ("a.safetensors", "a.pth", "b.pth"):
        assert torch.equal(read_state_dict(tmp_path / name)["conv1.weight"], weights["conv1.weight"])


def test_code_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.write_text, (tmp_path / "ran", "yes"))

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"a": Evil()}, protocol=2))
    with pytest.raises(ModelFileError, match="holds more than weights"):
        read_state_dict(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_no_tensors(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "a.pth")
    with pytest.raises(ModelFileError, match="holds no state dict"):
        read_state_dict(tmp_path / "a.pth")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such file"):
        read_state_dict(tmp_path / "a.pth")
