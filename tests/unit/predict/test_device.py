import pytest
import torch

from intarsia.errors import RecipeError
from intarsia.predict.device import autocast, resolve_device, resolve_precision


def test_auto_is_a_device_that_works() -> None:
    torch.zeros(1, device=resolve_device("auto"))


def test_absent_hardware_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"finds no cuda device.*--device auto"):
        resolve_device("cuda")


def test_unknown_name() -> None:
    with pytest.raises(RecipeError, match=r"no device 'gpu'\. Choose auto, cpu, cuda or mps"):
        resolve_device("gpu")


def test_explicit_precision_is_kept() -> None:
    cpu = torch.device("cpu")
    assert resolve_precision("fp32", cpu) == "fp32"
    assert resolve_precision("bf16", cpu) == "bf16"
    with autocast("bf16", cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    with autocast("fp32", cpu):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
