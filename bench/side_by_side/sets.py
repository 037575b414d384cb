"""The four sets: where the pictures are, how they are divided, and how both programs train on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml
from PIL import Image

from intarsia.augment import AugmentPolicy
from intarsia.data.catalogue import fetch
from intarsia.data.formats.folder import open_folder
from intarsia.data.formats.mask import read_mask
from intarsia.data.lungs import PATIENT
from intarsia.data.splits import k_fold
from intarsia.train.recipe import DataPart
from intarsia.types import LabelMap

FOLDS = 4

CAMVID = LabelMap(
    names=(
        *("Sky", "Building", "Pole", "Road", "Pavement", "Tree"),
        *("SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist"),
    ),
    colors=(
        *((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0)),
        *((192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192)),
    ),
    ignore=11,
)
MEMBRANES = LabelMap(names=("membrane", "cell"), ids=(0, 255), colors=((0, 0, 0), (230, 159, 0)))
NUCLEI = LabelMap(names=("background", "nucleus"), colors=((0, 0, 0), (86, 180, 233)))


@dataclass(frozen=True)
class BenchmarkSet:
    """One set of pictures, and the training both programs share.

    Args:
        name: the name on the command line.
        title: what it is, in a few words.
        parts: the data; one part, or one a fold.
        scored: the split that is scored. Neither program chooses anything by it, or by any other split.
        steps: optimizer steps a part.
        augment: what both programs' samples go through.
        foreground: the class whose Dice coefficient is reported beside the mean IoU, if one is meant more than others.
        note: what a reader of the score must know.
    """

    name: str
    title: str
    parts: tuple[DataPart, ...]
    scored: Literal["val", "test"]
    steps: int
    augment: AugmentPolicy
    foreground: str | None
    note: str


def lungs(shared: Path, work: Path) -> BenchmarkSet:
    """The set of ``intarsia demo``, from the catalogue; mirrored films would show a heart on the wrong side."""
    return BenchmarkSet(
        name="lungs",
        title="299 chest X-rays 224×224, gray, lung against background",
        parts=(DataPart(folder=str(fetch("lungs", report=print)), group_by=PATIENT),),
        scored="test",
        steps=240,
        augment=AugmentPolicy(flip_horizontal=0.0),
        foreground="lung",
        note="Split 60/20/20 by patient, and the intervals draw patients.",
    )


def camvid(shared: Path, work: Path) -> BenchmarkSet:
    """Street scenes, 11 classes, void 11; its test part is not there, so the validation part is scored."""
    return BenchmarkSet(
        name="camvid",
        title="468 street scenes 480×360, RGB, 11 classes, void ignored",
        parts=(DataPart(folder=str(shared / "data/camvid"), classes=_write_classes(CAMVID, work)),),
        scored="val",
        steps=400,
        augment=AugmentPolicy(crop=(256, 256), warp=0.0),
        foreground=None,
        note="The set's own 367 training and 101 validation pictures; the latter are scored after the last step."
        " Pictures of one drive resemble each other, so intervals that draw single pictures are too narrow. The rule by"
        " which `intarsia plan` weighs rare classes was made after a run without it had scored 0.439 here (smp 0.507);"
        " how far it carries to other sets, these pictures can no longer tell.",
    )


def em_membranes(shared: Path, work: Path) -> BenchmarkSet:
    """Almost no data: every picture is scored once, by the model of the fold that held it out."""
    data = shared / "data/em_membranes"
    classes = _write_classes(MEMBRANES, work)
    parts = []
    for number, fold in enumerate(k_fold(open_folder(data, classes).items, FOLDS, seed=0)):
        folder = work / f"fold{number}"
        (folder / "splits").mkdir(parents=True)
        for kind in ("images", "masks"):
            (folder / kind).symlink_to((data / kind).resolve(), target_is_directory=True)
        for split, items in fold.items():
            (folder / "splits" / f"{split}.txt").write_text("".join(f"{item.name}\n" for item in items))
        parts.append(DataPart(folder=str(folder), classes=classes))
    return BenchmarkSet(
        name="em_membranes",
        title="20 electron micrographs 512×512, gray, membrane against cell",
        parts=tuple(parts),
        scored="val",
        steps=100,
        augment=AugmentPolicy(
            crop=(256, 256),
            flip_vertical=0.5,
            right_angles=True,
            rotate_degrees=0.0,
            scale=(1.0, 1.0),
            shear_degrees=0.0,
            elastic=6.0,
        ),
        foreground="membrane",
        note=f"{FOLDS} folds of 15 training and 5 held-out pictures; the score is that of all 20 together, each"
        " predicted by the model that never saw it. They are slices of one stack, so score and intervals are for that"
        " tissue.",
    )


def nuclei(shared: Path, work: Path) -> BenchmarkSet:
    """Instance masks made foreground masks; fluorescent and stained pictures of many sizes."""
    data, folder = shared / "data/nuclei", work / "nuclei"
    (folder / "masks").mkdir(parents=True)
    (folder / "images").symlink_to((data / "images").resolve(), target_is_directory=True)
    for instances in sorted((data / "instances").glob("*.png")):
        Image.fromarray((read_mask(instances) > 0).astype(np.uint8)).save(folder / "masks" / instances.name)
    return BenchmarkSet(
        name="nuclei",
        title="200 microscopy pictures 256×256 to 696×520, RGB, nucleus against background",
        parts=(DataPart(folder=str(folder), classes=_write_classes(NUCLEI, work)),),
        scored="test",
        steps=240,
        augment=AugmentPolicy(crop=(256, 256), flip_vertical=0.5, right_angles=True),
        foreground="nucleus",
        note="Split 60/20/20 by picture, seed 0. Which pictures come from one experiment is not recorded.",
    )


SETS: Mapping[str, Callable[[Path, Path], BenchmarkSet]] = {
    "lungs": lungs,
    "camvid": camvid,
    "em_membranes": em_membranes,
    "nuclei": nuclei,
}
"""Each called with the folder of shared data and an empty folder of its own."""


def _write_classes(label_map: LabelMap, work: Path) -> str:
    path = work / "classes.yaml"
    path.write_text(yaml.safe_dump(label_map.to_dict(), sort_keys=False))
    return str(path)
