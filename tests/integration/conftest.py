"""A tiny data set and a tiny recipe, so that whole runs take seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from intarsia.data.formats.mask import write_mask
from intarsia.data.shapes import SHAPES, draw_shapes
from intarsia.train.recipe import Recipe, parse_recipe


def write_tiny(folder: Path, count: int = 16, size: int = 48) -> Path:
    for i in range(count):
        image, mask = draw_shapes(i, size, size)
        (folder / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "images" / f"{i:02}.png")
        write_mask(folder / "masks" / f"{i:02}.png", mask, SHAPES)
    (folder / "classes.yaml").write_text("classes: [background, circle, square]\n")
    return folder


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("data") / "tiny")


@pytest.fixture
def tiny_recipe(tiny_data: Path) -> Callable[..., Recipe]:
    def make(**changes: Any) -> Recipe:
        plain = {
            "data": {"folder": str(tiny_data), "val": 0.25, "test": 0.25},
            "model": {"arguments": {"depth": 2, "base_width": 4}},
            "optimizer": {"learning_rate": 0.01, "warmup_steps": 2},
            "rounds": 3,
            "steps_per_round": 3,
            "batch_size": 4,
            "device": "cpu",
        }
        return parse_recipe({**plain, **changes})

    return make
