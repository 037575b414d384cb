"""Instance-id masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.formats.instances import read_instance_ids, read_instances
from intarsia.errors import DataError
from intarsia.ops.rle import rle_to_mask

IDS = np.array([[0, 300, 300, 0], [7, 0, 0, 300]], np.uint16)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_ids_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    Image.fromarray(IDS).save(tmp_path / name)
    np.testing.assert_array_equal(read_instance_ids(tmp_path / name), IDS)


def test_each_id_becomes_an_object(tmp_path: Path) -> None:
    Image.fromarray(IDS).save(tmp_path / "a.png")
    objects = read_instances(tmp_path / "a.png", class_id=4)
    assert objects.class_ids.tolist() == [4, 4]
    assert objects.size == (2, 4)
    for runs, number in zip(objects.masks, (7, 300), strict=True):
        np.testing.assert_array_equal(rle_to_mask(runs, objects.size), number == IDS)


def test_colors_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 2)).save(tmp_path / "a.png")
    with pytest.raises(
        DataError, match=r"a\.png: is a color picture \(RGB\), but an instance mask.*Number the objects"
    ):
        read_instance_ids(tmp_path / "a.png")
