"""Which pictures a model is scored on."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia import architectures
from intarsia.data.formats.folder import Item, open_folder
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


def names(items: Iterable[Item]) -> set[str]:
    return {item.name for item in items}


def test_the_held_out_part_of_training(card: ModelCard, prepared: PreparedData, data: Path) -> None:
    chosen = select(card, open_folder(data))
    assert (chosen.split, names(chosen.items), chosen.warnings) == ("test", names(prepared.splits["test"]), ())
    assert {item.group for item in chosen.items} == {item.group for item in prepared.splits["test"]}


def test_what_training_saw_is_said(card: ModelCard, prepared: PreparedData, data: Path) -> None:
    trained, chose = (len(prepared.splits[part]) for part in ("train", "val"))
    (warning,) = select(card, open_folder(data), "train").warnings
    assert warning.startswith(f"the model was trained on {trained} of these {trained} pictures")
    (warning,) = select(card, open_folder(data), "val").warnings
    assert warning.startswith(f"the model's best round was chosen by {chose} of these {chose} pictures")
    everything = select(card, open_folder(data), "all")
    assert len(everything.items) == 16
    assert everything.warnings[0].startswith(f"the model was trained on {trained} of these 16 pictures")


def test_training_pictures_are_known_with_other_masks_names_and_neighbors(
    card: ModelCard, prepared: PreparedData, data: Path
) -> None:
    trained = sorted(prepared.splits["train"], key=lambda item: item.name)
    corrected, renamed, removed = trained[:3]
    with Image.open(corrected.mask) as mask:
        pixels = np.asarray(mask).copy()
    pixels[0, 0] = 1
    Image.fromarray(pixels).save(corrected.mask)
    for path in (renamed.image, renamed.mask):
        path.rename(path.with_name(f"renamed-{path.name}"))
    removed.image.unlink()
    removed.mask.unlink()
    for kind in ("images", "masks"):
        Image.fromarray(np.full((48, 48), 1, np.uint8)).convert("L").save(data / kind / "new-1.png")
    chosen = select(card, open_folder(data))
    assert chosen.split == "test"
    assert names(chosen.items) == names(prepared.splits["test"]) | {"new-1"}
    assert chosen.warnings == ()
    assert len(select(card, open_folder(data), "train").items) == len(trained) - 1


def test_other_pictures_are_scored_whole(card: ModelCard, data: Path) -> None:
    for path in (data / "images").iterdir():
        with Image.open(path) as image:
            image.rotate(90).save(path)
    chosen = select(card, open_folder(data))
    assert (chosen.split, len(chosen.items), chosen.warnings) == ("all", 16, ())
    with pytest.raises(RecipeError, match=r"there is no split 'test'\. Choose from all"):
        select(card, open_folder(data), "test")


def test_names_without_the_group_of_training(card: ModelCard, data: Path) -> None:
    for kind in ("images", "masks"):
        for path in sorted((data / kind).iterdir()):
            path.rename(path.with_name(f"new-{path.stem}-x.png"))
    chosen = select(card, open_folder(data), "all")
    assert len({item.group for item in chosen.items}) == 16
    assert chosen.warnings[-1].startswith(r"the names do not match the grouping of training, '(\d)$': every picture")


def test_a_folder_with_splits_of_its_own(card: ModelCard, data: Path) -> None:
    (data / "splits").mkdir()
    (data / "splits" / "test.txt").write_text("03\n11\n")
    chosen = select(card, open_folder(data))
    assert (chosen.split, [item.name for item in chosen.items]) == ("test", ["03", "11"])
    assert [item.group for item in chosen.items] == ["3", "1"]


def test_a_split_that_holds_training_pictures_is_warned_of(card: ModelCard, prepared: PreparedData, data: Path) -> None:
    (data / "splits").mkdir()
    (data / "splits" / "test.txt").write_text("".join(f"{item.name}\n" for item in prepared.splits["train"][:2]))
    (warning,) = select(card, open_folder(data)).warnings
    assert warning.startswith("the model was trained on 2 of these 2 pictures")


def test_a_class_list_that_disagrees_with_the_model(card: ModelCard, data: Path) -> None:
    (data / "classes.yaml").write_text("classes: [background, square, circle]\n")
    with pytest.raises(DataError, match=r"classes\.yaml: its classes are 0 background, 1 square.*but the model knows"):
        select(card, open_folder(data))
