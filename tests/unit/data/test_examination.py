from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from intarsia.data.doctor import examine
from intarsia.data.examination import Finding
from intarsia.data.formats.folder import open_folder

MakePair = Callable[..., tuple[Path, Path]]


@pytest.mark.parametrize(("depth", "color"), [(8, True), (8, False), (16, False)])  # 16-bit color is read as 8 bits
def test_figures_agree_with_numpy(depth: int, color: bool, tmp_path: Path, make_pair: MakePair) -> None:
    random = np.random.default_rng(0)
    top, dtype = (255, np.uint8) if depth == 8 else (65535, np.uint16)
    sizes = [(5, 9), (7, 3), (2, 2)]
    images = [random.integers(0, top + 1, (*size, 3) if color else size, dtype=dtype) for size in sizes]
    for name, image in zip("abc", images, strict=True):
        make_pair(tmp_path, name, image, random.integers(0, 2, image.shape[:2], dtype=np.uint8))
    folder = open_folder(tmp_path)
    examination = examine(folder)
    summary = examination.summary()
    values = np.concatenate([image.reshape(-1, 3 if color else 1) for image in images]) / top
    assert summary.mean == pytest.approx(values.mean(axis=0).tolist(), abs=1e-12)
    assert summary.std == pytest.approx(values.std(axis=0).tolist(), abs=1e-9)
    assert (summary.bit_depth, summary.channels) == (depth, 3 if color else 1)
    assert (summary.heights, summary.widths) == ((2, 5.0, 7), (2, 3.0, 9))
    of_one = examination.summary([item for item in folder.items if item.name == "b"])
    assert of_one.mean == pytest.approx((images[1].reshape(-1, 3 if color else 1) / top).mean(axis=0).tolist())
    assert of_one.images == 1


def test_gray_pictures_count_in_every_channel_beside_color_ones(tmp_path: Path, make_pair: MakePair) -> None:
    make_pair(tmp_path, "gray", np.full((2, 2), 51, np.uint8), np.eye(2, dtype=np.uint8))
    make_pair(tmp_path, "rgb", np.full((2, 2, 3), [0, 102, 204], np.uint8), np.eye(2, dtype=np.uint8))
    make_pair(tmp_path, "rgb-gray", np.full((2, 2, 3), 51, np.uint8), np.eye(2, dtype=np.uint8))
    folder = open_folder(tmp_path)
    examination = examine(folder)
    assert examination.summary().channels == 3
    assert examination.summary().mean == pytest.approx((0.4 / 3, 0.8 / 3, 1.2 / 3))
    assert examination.summary([i for i in folder.items if i.name != "rgb"]).channels == 1


def test_a_finding_reads_like_an_error() -> None:
    finding = Finding("warning", "is odd", tuple(Path(f"{n}.png") for n in range(7)), "Look at it")
    assert finding.message == "0.png, 1.png, 2.png, 3.png, 4.png and 2 more: is odd. Look at it."
