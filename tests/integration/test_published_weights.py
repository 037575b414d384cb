"""The weights of the catalogue, fetched as a user would: their publishers' functions, and they know a cat."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import timm
import torch
import torchvision.models

from intarsia.errors import FetchError
from intarsia.fetching import PackageFile, RemoteFile, fetch_file
from intarsia.nn.encoder_checkpoints import names_in_checkpoint
from intarsia.weights import read_state_dict
from intarsia.weights.cache import pull
from intarsia.weights.catalogue import CATALOGUE

_BENCH = Path(__file__).parents[2] / "bench" / "imagenet_labels.py"
_LITE = tuple(f"efficientnet-lite{number}-imagenet" for number in range(3))
_SHARED = "resnet18-imagenet-fp16"

# The module their publisher runs the three EfficientNet-Lites with; read from the wheel, not installed.
_THEIR_MODULE = RemoteFile(
    name="efficientnet_lite_pytorch-0.1.0-py3-none-any.whl",
    sha256="ce0fe869b0e829aceafc32f84275a40c0e3418d19216401b03f695f5f20cbc41",
    size=22_649,
    sources=(PackageFile("efficientnet_lite_pytorch", "0.1.0", "efficientnet_lite_pytorch-0.1.0-py3-none-any.whl"),),
)

pytestmark = [pytest.mark.slow, pytest.mark.needs_network]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("INTARSIA_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("imagenet_labels", _BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["imagenet_labels"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _unless_unreachable() -> Iterator[None]:
    try:
        yield
    except FetchError as error:
        if "other content" in error.found:  # which is no question of a network
            raise
        pytest.skip(str(error))


def _converted(name: str) -> tuple[Any, dict[str, torch.Tensor]]:
    """timm's network with these weights, and the weights as published."""
    with _unless_unreachable():
        given = read_state_dict(pull(name))
    encoder = CATALOGUE[name].encoder
    network: Any = timm.create_model(encoder)
    called = names_in_checkpoint(given, network.state_dict(), encoder)
    assert sorted(called.values()) == sorted(given)
    network.load_state_dict({key: given[theirs] for key, theirs in called.items()})
    return network.eval(), given


def test_mobilenet_v2_gives_torchvision_s_logits() -> None:
    network, given = _converted("mobilenetv2-imagenet")
    theirs: Any = torchvision.models.mobilenet_v2().eval()
    theirs.load_state_dict(given)
    torch.manual_seed(0)
    image = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(network(image), theirs(image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_efficientnet_lite_gives_its_publisher_s_logits(
    number: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, given = _converted(_LITE[number])
    with _unless_unreachable():
        monkeypatch.syspath_prepend(str(fetch_file(_THEIR_MODULE, cache, "Connect to the network")))
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        theirs = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name(
            f"efficientnet-lite{number}"
        )
    theirs.load_state_dict(given)
    torch.manual_seed(0)
    side = network.pretrained_cfg["input_size"][-1]  # theirs pads for this size only
    image = torch.randn(2, 3, side, side)
    with torch.no_grad():
        torch.testing.assert_close(network(image), theirs.eval()(image), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["mobilenetv2-imagenet", *_LITE])
def test_a_cat_is_a_cat_and_an_espresso_an_espresso(name: str, bench: ModuleType) -> None:
    with _unless_unreachable():
        _check_guesses(bench, name)


@pytest.mark.needs_shared_data
def test_the_shared_resnet_knows_them_too(bench: ModuleType, shared_data: Path) -> None:
    assert bench.add(shared_data.parent / "weights" / CATALOGUE[_SHARED].file.name) == [_SHARED]
    _check_guesses(bench, _SHARED)


def _check_guesses(bench: ModuleType, name: str) -> None:
    pictures = [load() for load, _ in bench.PICTURES.values()]
    for (_, what), best in zip(bench.PICTURES.values(), bench.guesses(name, pictures), strict=True):
        assert best[0].means(what), best
        assert len(best) == 5
