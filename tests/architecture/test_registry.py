"""The registry names exactly the architectures there are, and every one is documented and under contract."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import intarsia.architectures
from intarsia.architectures import ARCHITECTURES, build
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_kinds

_FOLDER = Path(intarsia.architectures.__file__).parent
_CONTRACTS = Path(__file__).parents[1] / "contract"


def test_folders_equal_keys() -> None:
    folders = {path.parent.name for path in _FOLDER.glob("*/__init__.py")}
    assert folders == set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_documented_and_under_contract(name: str) -> None:
    assert (_FOLDER / name / "README.md").is_file()
    assert (_CONTRACTS / f"test_{name}.py").is_file()


def test_an_unknown_architecture_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"found 'unett'. Did you mean 'unet'\? Possible are: .*unet"):
        build("unett", in_channels=3, num_classes=2)


def test_an_unknown_argument_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"`base_with` of unet: there is none.*Did you mean 'base_width'\?"):
        build("unet", in_channels=3, num_classes=2, base_with=8)


def test_a_network_without_arguments_says_so() -> None:
    with pytest.raises(
        RecipeError, match=r"argument `width` of fast_scnn: .*\. Leave it out, this network takes none\."
    ):
        build("fast_scnn", in_channels=3, num_classes=2, width=8)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("unet", {"encoder": None}, r"`encoder`: found None\. Give a name\."),
        ("unet", {"attention": "no"}, r"`attention`: found 'no'\. Give true or false"),
        ("unet", {"upsampling": False}, r"`upsampling`: found False\. Give a name, or leave it out"),
        ("fcn", {"encoder": 5}, r"`encoder`: found 5\."),
        ("deeplabv3", {"dropout": "0.1"}, r"`dropout`: found '0\.1'\. Give a number\."),
        ("deeplabv3", {"output_stride": 16.0}, r"`output_stride`: found 16\.0\. Give a whole number"),
        ("deeplabv3plus", {"rates": 6}, r"`rates`: found 6\. Give a list of whole numbers"),
        ("lraspp", {"output_stride": None}, r"`output_stride`: found None\. Give a whole number"),
        ("mask2former", {"width": "256"}, r"`width`: found '256'\. Give a whole number"),
        ("vit", {"encoder": ["a"]}, r"`encoder`: found \['a'\]\. Give a name"),
    ],
)
def test_an_argument_of_another_kind_is_refused(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(name, in_channels=3, num_classes=2, **arguments)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_default_is_of_its_arguments_kind(name: str) -> None:
    parameters = inspect.signature(ARCHITECTURES[name]).parameters.values()
    check_kinds(ARCHITECTURES[name], {each.name: each.default for each in parameters if each.default is not each.empty})
