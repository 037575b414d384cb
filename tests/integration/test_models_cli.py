"""``intarsia models``: what it lists, in words and for programs, and what it answers to names it does not know."""

from __future__ import annotations

import json
import re

import pytest
from torch.nn import BatchNorm2d

from command_line import call
from intarsia.architectures import ARCHITECTURES
from intarsia.architectures.variants import VARIANTS
from intarsia.nn.network import SegmentationNetwork


def test_every_architecture_is_listed() -> None:
    assert {variant.architecture for variant in VARIANTS} == set(ARCHITECTURES)
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


def test_a_model_is_listed_with_its_cost_and_how_to_ask_for_it() -> None:
    outcome = call("models", "fcn-8s", "resnet18")
    assert outcome.code == 0
    (row,) = [line for line in outcome.out.splitlines() if line.startswith("FCN-8s, resnet18")]
    assert row.split()[2:] == ["11.2", "M", "9.5", "G", "499", "82", "MB", "apache-2.0"]
    assert "architecture: fcn\n  arguments:\n    encoder: resnet18\n    stride: 8" in outcome.out


def test_programs_get_the_numbers() -> None:
    found = json.loads(call("models", "u-net,", "scratch", "--json", "--channels", "1", "--classes", "2").out)
    (row,) = found["models"]
    assert (found["side"], found["channels"], found["classes"]) == (512, 1, 2)
    assert (row["architecture"], row["parameters"], row["receptive_field"]) == ("unet", 7_240_258, 236)
    assert "seconds" not in row


def test_the_time_is_measured_on_demand() -> None:
    (row,) = json.loads(call("models", "fcn-8s", "resnet18", "--measure", "--device", "cpu", "--json").out)["models"]
    assert 0 < row["seconds"] < 60


def test_the_network_is_timed_as_it_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    def time(network: SegmentationNetwork, *_: object) -> float:
        timed.append(network)
        return 0.5

    timed = list[SegmentationNetwork]()
    monkeypatch.setattr("intarsia.predict.measure.seconds_a_picture", time)
    assert "500 ms" in call("models", "u-net,", "scratch", "--measure", "--device", "cpu").out
    assert not any(isinstance(module, BatchNorm2d) for module in timed[0].modules())


@pytest.mark.parametrize("options", [(), ("--measure",)])
def test_an_unknown_device_is_refused(options: tuple[str, ...]) -> None:
    outcome = call("models", "fcn-8s", "resnet18", "--device", "nonsense", *options)
    assert outcome.code == 1
    assert "there is no device 'nonsense'" in outcome.error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["deeplab4"], r"no model's name holds 'deeplab4'\. Did you mean 'deeplabv3'\?"),
        (["zzz"], r"Possible are: .*unet"),
        (["unet", "resnt34"], r"no model's name holds 'resnt34'\. Did you mean 'resnet34'\?"),
        (["segformer", "resnet50"], r"no model's name holds 'segformer' and 'resnet50'\. Leave a word out\.$"),
    ],
)
def test_an_unknown_name_is_answered_by_the_nearest(words: list[str], message: str) -> None:
    outcome = call("models", *words)
    assert outcome.code == 1
    assert re.search(message, outcome.error)
