"""The registry names exactly the architectures there are, and every one is documented and under contract."""

from __future__ import annotations

from pathlib import Path

import pytest

import intarsia.architectures
from intarsia.architectures import ARCHITECTURES, build
from intarsia.errors import RecipeError

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
    with pytest.raises(RecipeError, match=r"unet's argument.*found 'base_with'. Did you mean 'base_width'\?"):
        build("unet", in_channels=3, num_classes=2, base_with=8)
