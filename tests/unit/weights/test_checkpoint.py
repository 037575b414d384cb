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


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", bytes(1000), b"hello", b"PK\x03\x04 not a checkpoint"])
def test_what_is_no_checkpoint(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match="cut short, damaged, or holds more than weights"):
        read_state_dict(tmp_path / name)


def test_a_checkpoint_of_the_old_kind_that_is_cut_short_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(3), "b": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    assert read_state_dict(path).keys() == {"a", "b"}
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match="cut short"):
            read_state_dict(path)
