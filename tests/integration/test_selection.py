"""Which pictures a model is scored on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intarsia import architectures
from intarsia.data.formats.folder import open_folder
from intarsia.errors import DataError, RecipeError
from intarsia.train.prepare import PreparedData, prepare
from intarsia.train.recipe import Recipe
from intarsia.train.run import run
from intarsia.train.selection import select
from intarsia.weights import ModelCard

Make = Callable[..., Recipe]
ONE_STEP: dict[str, Any] = {"rounds": 1, "steps_per_round": 1}


@pytest.fixture
def data(tiny_data: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


@pytest.fixture
def prepared(tiny_recipe: Make, data: Path) -> PreparedData:
    return prepare(tiny_recipe(data={"folder": str(data), "group_by": r"(\d)$"}).data, seed=0)


@pytest.fixture
def card(prepared: PreparedData, tiny_recipe: Make, data: Path, tmp_path: Path) -> ModelCard:
    recipe = tiny_recipe(**ONE_STEP, data={"folder": str(data), "group_by": r"(\d)$"})
    return run(recipe, prepared, architectures.build, tmp_path / "run").model.card


def test_the_held_out_part_of_training(card: ModelCard, prepared: PreparedData, data: Path) -> None:
    chosen = select(card, open_folder(data))
    assert (chosen.split, chosen.items, chosen.note) == ("test", prepared.splits["test"], "")


def test_what_was_trained_on_is_said(card: ModelCard, data: Path) -> None:
    assert select(card, open_folder(data), "train").note == "the model was trained on these"
    everything = select(card, open_folder(data), "all")
    assert len(everything.items) == 16
    assert everything.note == "these include the pictures the model was trained on"


def test_other_pictures_are_scored_whole(card: ModelCard, data: Path) -> None:
    for kind in ("images", "masks"):
        for name in ("00", "01"):
            (data / kind / f"{name}.png").unlink()
    chosen = select(card, open_folder(data))
    assert (chosen.split, len(chosen.items), chosen.note) == ("all", 14, "")
    with pytest.raises(RecipeError, match=r"there is no split 'test'\. Choose from all"):
        select(card, open_folder(data), "test")


def test_names_without_the_group_of_training(card: ModelCard, data: Path) -> None:
    for kind in ("images", "masks"):
        for path in sorted((data / kind).iterdir()):
            path.rename(path.with_name(f"new-{path.stem}-x.png"))
    chosen = select(card, open_folder(data))
    assert chosen.split == "all"
    assert len({item.group for item in chosen.items}) == 16


def test_a_folder_with_splits_of_its_own(card: ModelCard, data: Path) -> None:
    (data / "splits").mkdir()
    (data / "splits" / "test.txt").write_text("03\n11\n")
    chosen = select(card, open_folder(data))
    assert (chosen.split, [item.name for item in chosen.items]) == ("test", ["03", "11"])
    assert [item.group for item in chosen.items] == ["3", "1"]


def test_a_class_list_that_disagrees_with_the_model(card: ModelCard, data: Path) -> None:
    (data / "classes.yaml").write_text("classes: [background, square, circle]\n")
    with pytest.raises(DataError, match=r"classes\.yaml: its classes are 0 background, 1 square.*but the model knows"):
        select(card, open_folder(data))
