from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.examination import Summary
from intarsia.train.planner import plan, plan_loss
from intarsia.train.recipe import DataPart


def write(folder: Path, sizes: list[tuple[int, int]]) -> DataPart:
    random = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for i, (height, width) in enumerate(sizes):
        Image.fromarray(random.integers(0, 256, (height, width), dtype=np.uint8)).save(folder / f"images/{i}.png")
        Image.fromarray(random.integers(0, 2, (height, width), dtype=np.uint8)).save(folder / f"masks/{i}.png")
    return DataPart(folder=str(folder))


@pytest.mark.parametrize(
    ("sizes", "crop", "depth"),
    [
        ([(224, 224)] * 6, None, 4),
        ([(60, 100)] * 6, None, 2),
        ([(20, 300)] * 6, (20, 256), 1),
        ([(400, 600)] * 6, (256, 256), 4),
        ([(100, 120)] * 5 + [(90, 80)], (100, 120), 3),
    ],
)
def test_windows_and_depths(
    tmp_path: Path, sizes: list[tuple[int, int]], crop: tuple[int, int] | None, depth: int
) -> None:
    recipe = plan(write(tmp_path, sizes))
    assert recipe.augment.crop == crop
    assert recipe.model.arguments == ({} if depth == 4 else {"depth": depth})


def test_few_pictures_still_get_enough_steps(tmp_path: Path) -> None:
    assert plan(write(tmp_path, [(32, 32)] * 6)).steps == 300


@pytest.mark.parametrize(("pixels", "weights"), [((4000, 200), "none"), ((4000, 199), "balanced"), ((10, 0), "none")])
def test_rare_classes_are_weighed(pixels: tuple[int, int], weights: str) -> None:
    seen = Summary(
        images=1,
        channels=1,
        bit_depth=8,
        heights=(60, 60.0, 60),
        widths=(70, 70.0, 70),
        class_pixels=pixels,
        class_images=(1, 1),
        ignored=0.0,
        one_class_masks=0,
        mean=(0.5,),
        std=(0.2,),
    )
    assert plan_loss(seen).class_weights == weights
