"""Should tiles end with the picture, or be continued by reflection? ``python bench/borders.py``, from the root.

Trains the networks of ``bench/predict_speed.py`` first, unless ``--work`` names a folder where it left them.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from intarsia import load
from intarsia.data.rasters.array import ArrayRaster
from intarsia.data.shapes import draw_shapes
from intarsia.predict.blocks import BlockPredictor
from intarsia.predict.model import Model
from intarsia.predict.tiling import Block, blended_tiling
from prediction.contestants import CONTESTANTS, SIDE, draw_training_set, train

_PICTURES, _FIRST = 6, 5000
_TILES, _OVERLAP = (192, 256), 0.25
_BORDER = 16  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="a folder that keeps data and trained models")
    arguments = parser.parse_args()
    border = np.ones((SIDE, SIDE), np.bool_)
    border[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    print(f"{'network':16}{'tiles':16}{'right at border':>16}{'right elsewhere':>16}{'differs':>10}")
    kept = nullcontext(str(arguments.work)) if arguments.work else tempfile.TemporaryDirectory(prefix="intarsia-bench-")
    with kept as work:
        data = Path(work, "data")
        if not data.is_dir():
            draw_training_set(data)
        for name, contestant in CONTESTANTS.items():
            model = load(train(contestant, data, Path(work, name), 100), device="cpu")
            rows: dict[str, list[tuple[float, float, float]]] = {}
            for seed in range(_FIRST, _FIRST + _PICTURES):
                picture, truth = draw_shapes(seed, SIDE, SIDE)
                found = _predictions(model, picture)
                for way, mask in found.items():
                    right = mask == truth
                    differs = float(np.mean(mask != found["whole"]))
                    rows.setdefault(way, []).append((right[border].mean(), right[~border].mean(), differs))
            for way, figures in rows.items():
                at_border, elsewhere, differs = np.mean(figures, axis=0)
                print(f"{name:16}{way:16}{at_border:16.3f}{elsewhere:16.3f}{differs:10.2%}", flush=True)


def _predictions(model: Model, picture: np.ndarray) -> dict[str, np.ndarray]:
    found = {"whole": model.prepared.predict(picture).class_ids}
    for tile in _TILES:
        around = round(tile * _OVERLAP) // 2
        continued = np.pad(picture, ((around, around), (around, around), (0, 0)), mode="reflect")
        inner = slice(around, -around)
        found[f"{tile}, ended"] = _blended(model, picture, tile)
        found[f"{tile}, reflected"] = _blended(model, continued, tile)[inner, inner]
    return found


def _blended(model: Model, picture: np.ndarray, tile: int) -> np.ndarray:
    size = (picture.shape[0], picture.shape[1])
    worker = BlockPredictor(model.prepared, blended_tiling(size, tile, _OVERLAP))
    return worker.predict(ArrayRaster(picture), Block(0, 0, *size))["labels"]


if __name__ == "__main__":
    main()
