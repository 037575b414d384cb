from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save, save_file

from intarsia.errors import FetchError
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.hub_cache import from_hub_cache


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the hub keeps what it has fetched for ``test_resnet``."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "models--timm--test_resnet.r160_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots" / commit).mkdir(parents=True)
    return repository / "snapshots" / commit


def test_weights_fetched_before_need_no_network(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    torch.manual_seed(1)
    published: dict[str, torch.Tensor] = timm.create_model("test_resnet").state_dict()
    save_file(published, hub / "model.safetensors")
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for name in ("test_resnet", "test_resnet.r160_in1k"):
        encoder = TimmEncoder(name, in_channels=1, pretrained=True)
        expected = TimmEncoder(name, in_channels=1)
        expected.load_weights(published)
        for ours, theirs in zip(encoder.state_dict().values(), expected.state_dict().values(), strict=True):
            assert torch.equal(ours, theirs)


def test_pickled_weights_are_left_to_the_hub(hub: Path) -> None:
    torch.save({}, hub / "pytorch_model.bin")
    assert from_hub_cache("test_resnet") == {}


@pytest.mark.parametrize("content", [b"", bytes(100), b"hello", save({"conv1.0.weight": torch.zeros(1)})])
def test_damaged_weights_are_named_where_they_really_are(hub: Path, content: bytes) -> None:
    (hub / "blob").write_bytes(content)
    (hub / "model.safetensors").symlink_to("blob")
    expected = rf"{hub}/blob: the weights of 'test_resnet' that were kept here are damaged \(.*\)\. Delete this file"
    with pytest.raises(FetchError, match=expected) as caught:
        TimmEncoder("test_resnet", in_channels=3, pretrained=True)
    assert "\n" not in str(caught.value)
    (hub / "blob").unlink()
    assert from_hub_cache("test_resnet") == {}


def test_nothing_is_changed_where_nothing_is_cached(hub: Path) -> None:
    assert from_hub_cache("test_resnet") == {}
    assert from_hub_cache("resnet18") == {}
    assert from_hub_cache("resnet18.tv_in1k") == {}
