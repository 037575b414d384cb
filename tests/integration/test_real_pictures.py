"""Real pictures through the real path, for a few steps."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from intarsia import architectures
from intarsia.data.formats.folder import open_folder
from intarsia.errors import DataError
from intarsia.evaluate.runner import evaluate_items
from intarsia.train.prepare import prepare
from intarsia.train.recipe import parse_recipe
from intarsia.train.run import run

pytestmark = pytest.mark.needs_shared_data

FEW = {"rounds": 1, "steps_per_round": 2, "batch_size": 2, "device": "cpu"}


def test_camvid_ignores_void_and_starts_from_imagenet(shared_data: Path, tmp_path: Path) -> None:
    classes = tmp_path / "classes.yaml"
    names = "Sky, Building, Pole, Road, Pavement, Tree, SignSymbol, Fence, Car, Pedestrian, Bicyclist"
    classes.write_text(f"classes: [{names}]\nignore: 11\n")
    for split, count in (("train", 4), ("val", 2)):
        for kind in ("images", "masks"):
            (tmp_path / "camvid" / split / kind).mkdir(parents=True)
            for file in sorted((shared_data / "camvid" / split / kind).iterdir())[:count]:
                shutil.copy(file, tmp_path / "camvid" / split / kind)
    recipe = parse_recipe(
        {
            **FEW,
            "data": {"folder": str(tmp_path / "camvid"), "classes": str(classes)},
            "augment": {"crop": [64, 96]},
            "model": {
                "arguments": {"encoder": "resnet18"},
                "encoder_weights": str(shared_data.parent / "weights/resnet18_imagenet1k_fp16.safetensors"),
            },
        }
    )
    data = prepare(recipe.data, recipe.seed)
    model = run(recipe, data, architectures.build, tmp_path / "run").model
    table = evaluate_items(model.prepared, data.splits["val"])
    assert table.dataset.sum() == 2 * 360 * 480
    assert table.dataset[11].sum() > 0  # void is there …
    assert table.dataset[:, 11].sum() == 0  # … and never predicted


def test_membranes_without_a_class_list(shared_data: Path) -> None:
    folder = open_folder(shared_data / "em_membranes")
    assert folder.label_map.ids == (0, 255)
    assert len(folder.splits["all"]) == 20


def test_instance_masks_are_not_taken_for_classes(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(shared_data / "nuclei/images")
    (tmp_path / "masks").symlink_to(shared_data / "nuclei/instances")
    with pytest.raises(DataError, match="instance"):
        open_folder(tmp_path)


def test_whole_pictures_of_odd_sizes_come_back_at_their_size(shared_data: Path) -> None:
    network = architectures.build("unet", in_channels=3, num_classes=2, depth=3, base_width=4).eval()
    from intarsia.data.formats.image import read_image
    from intarsia.predict.device import resolve_device
    from intarsia.predict.prepared import PreparedNetwork
    from intarsia.types import ImageSpec, LabelMap

    spec = ImageSpec(channels=3, bit_depth=8, mean=(0.5,) * 3, std=(0.25,) * 3)
    prepared = PreparedNetwork(network, spec, LabelMap(names=("a", "b")), resolve_device("cpu"))
    for file in sorted((shared_data / "nuclei/images").iterdir())[:5]:
        image = read_image(file)[:-3, :-1]
        result = prepared.predict(np.ascontiguousarray(image), where=file)
        assert result.size == image.shape[:2]
