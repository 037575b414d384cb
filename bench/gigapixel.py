"""Giant pictures: what everything beside the network costs, and how memory and time grow.

``python bench/gigapixel.py overhead`` and ``python bench/gigapixel.py memory [GIGAPIXELS …]``, from the root.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from intarsia.data.rasters.opening import open_raster
from intarsia.data.rasters.raster import Raster
from intarsia.files import write_text
from intarsia.predict.deliver import Picture, deliver_blocks
from intarsia.predict.plan import TileOptions
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from large_pictures.models import write_random_model
from large_pictures.report import page
from large_pictures.virtual import GLASS, VirtualRaster
from side_by_side.machine import describe_machine

_TILE, _OVERLAP = 512, 0.25
_SIDE = 8192  # pixels, of the picture on which the overhead is measured
_CEILING = 2 * 10**9  # bytes


def main() -> None:
    arguments = _arguments()
    out: Path = arguments.out
    results: dict[str, Any] = json.loads(out.read_text()) if out.is_file() else {}
    if arguments.what == "page":
        sys.stdout.write(page(results))
        return
    if arguments.what == "one":  # the process that `memory` starts
        print(json.dumps(_run(arguments.gigapixels[0], arguments.tissue)))
        return
    if arguments.what == "overhead":
        results["overhead"] = _overhead(arguments.rounds) | {"machine": describe_machine()}
        print(json.dumps({key: value for key, value in results["overhead"].items() if key != "machine"}, indent=1))
    else:
        rows = results.setdefault("memory", {})
        for gigapixels in arguments.gigapixels:
            command = [sys.executable, __file__, "one", str(gigapixels), "--tissue", str(arguments.tissue)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            results["machine"] = describe_machine()
            facts = {"tissue": arguments.tissue, "load": results["machine"]["load_before"]}
            rows[f"{gigapixels:g}"] = json.loads(done.stdout.splitlines()[-1]) | facts
            write_text(out, json.dumps(results, indent=1) + "\n")
            print(gigapixels, rows[f"{gigapixels:g}"], flush=True)
    write_text(out, json.dumps(results, indent=1) + "\n")


def _overhead(rounds: int) -> dict[str, Any]:
    """The whole way from a tiled TIFF to a COG, beside the same tiles shown to the network and nothing else."""
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as work:
        folder = Path(work)
        model = write_random_model("unet-resnet18", folder / "model.safetensors")
        _write_tiff(folder / "picture.tif", VirtualRaster(_SIDE))
        settings = Settings(tiles=TileOptions("blended", _TILE, _OVERLAP, memory=4 * 10**9))
        predictor = Predictor(model, settings, device="cpu")
        raster = open_raster(folder / "picture.tif")
        whole, alone, busy, busy_alone = [], [], [], []
        tiles = 0
        for index in range(rounds):
            target = Picture(str(folder / "picture.tif"), folder / f"{index}.tif", "tiff")
            started, worked = time.perf_counter(), time.process_time()
            failed = predictor.stream(raster, target.blocks)
            tiles = _tiles(predictor, raster, target.blocks)
            deliver_blocks(predictor, raster, target, failed)
            whole.append(time.perf_counter() - started)
            busy.append(time.process_time() - worked)
            started, worked = time.perf_counter(), time.process_time()
            _network_alone(predictor, tiles)
            alone.append(time.perf_counter() - started)
            busy_alone.append(time.process_time() - worked)
    return {
        "side": _SIDE,
        "tiles": tiles,
        "seconds": statistics.median(whole),
        "network_seconds": statistics.median(alone),
        "overhead": statistics.median(a / b - 1 for a, b in zip(whole, alone, strict=True)),
        "overhead_by_processor": statistics.median(a / b - 1 for a, b in zip(busy, busy_alone, strict=True)),
        "rounds": rounds,
    }


def _tiles(predictor: Predictor, raster: Raster, folder: Path) -> int:
    """How often the network was asked, those at the borders of blocks counted as often."""
    from intarsia.predict.ledger import begun
    from intarsia.predict.tiling import within

    cut = begun(folder)
    assert cut is not None
    job = predictor.job(raster, cut)
    tiling = job.worker.tiling
    return sum(
        len(within(tiling.rows, block.top, block.top + block.height))
        * len(within(tiling.columns, block.left, block.left + block.width))
        for block in job.blocks()
    )


@torch.inference_mode()
def _network_alone(predictor: Predictor, tiles: int) -> None:
    prepared = predictor.prepared
    random = np.random.default_rng(0).random((1, 3, _TILE, _TILE), dtype=np.float32)
    image = torch.from_numpy(random).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=prepared.precision == "bf16"):
        for _ in range(tiles):
            prepared.network(image)


def _write_tiff(path: Path, raster: VirtualRaster) -> None:
    import tifffile

    def tiles() -> Any:
        for top in range(0, raster.size[0], 512):
            band = raster.read(top, 0, min(512, raster.size[0] - top), raster.size[1])
            yield from (band[:, left : left + 512] for left in range(0, raster.size[1], 512))

    shape = (*raster.size, 3)
    tifffile.imwrite(path, tiles(), shape=shape, dtype=np.uint8, tile=(512, 512), compression="jpeg", photometric="rgb")


def _run(gigapixels: float, tissue: float) -> dict[str, Any]:
    """One giant picture by a tiny network, from a virtual picture to a COG on the disk."""
    raster = VirtualRaster(round((gigapixels * 1e9) ** 0.5), tissue)
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as work:
        model = write_random_model("tiny", Path(work, "model.safetensors"))
        tiles = TileOptions("blended", 1024, 0.125, memory=_CEILING)
        predictor = Predictor(model, Settings(tiles=tiles, skip_flat=0), device="cpu")
        target = Picture(raster.name, Path(work, "out.tif"), "tiff")
        started, worked = time.perf_counter(), time.process_time()
        failed = predictor.stream(raster, target.blocks)
        predicted = time.perf_counter() - started
        deliver_blocks(predictor, raster, target, failed)
        return {
            "side": raster.size[0],
            "seconds": time.perf_counter() - started,
            "predict_seconds": predicted,
            "processor_seconds": time.process_time() - worked,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "ceiling_bytes": _CEILING,
            "result_bytes": Path(target.labels).stat().st_size,
            "glass": GLASS,
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("overhead", "memory", "one", "page"))
    parser.add_argument("gigapixels", nargs="*", type=float, default=[1.0, 4.0, 16.0, 64.0])
    parser.add_argument("--tissue", type=float, default=0.15, help="the share that is not empty glass")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/gigapixel.json"), help="the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
