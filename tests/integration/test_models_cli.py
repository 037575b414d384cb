"""``intarsia models``: what it lists, in words and for programs, and what it answers to names it does not know."""

from __future__ import annotations

import json
import re

import pytest

from command_line import call
from intarsia.architectures import ARCHITECTURES
from intarsia.architectures.variants import VARIANTS


def test_every_architecture_is_listed() -> None:
    assert {variant.architecture for variant in VARIANTS} == set(ARCHITECTURES)
    assert len({variant.name for variant in VARIANTS}) == len(VARIANTS)


def test_a_model_is_listed_with_its_cost_and_how_to_ask_for_it() -> None:
    outcome = call("models", "fcn-8s", "resnet18")
    assert outcome.code == 0
    (row,) = [line for line in outcome.out.splitlines() if line.startswith("FCN-8s, resnet18")]
    assert row.split()[2:] == ["11.2", "M", "9.5", "G", "499", "78", "MB", "apache-2.0"]
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


@pytest.mark.parametrize(
    ("word", "message"),
    [("deeplab4", r"no model's name holds 'deeplab4'\. Did you mean 'deeplabv3'\?"), ("zzz", r"Possible are: .*unet")],
)
def test_an_unknown_name_is_answered_by_the_nearest(word: str, message: str) -> None:
    outcome = call("models", word)
    assert outcome.code == 1
    assert re.search(message, outcome.error)
