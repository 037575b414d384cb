"""What a cluster of many machines would take, from what one picture, one task and one slide take here.

``python bench/cluster.py`` from the repository's root, and with ``--markdown`` for the section of the page.
Processor time is counted where it can be, for it does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile
import torch
from PIL import Image

from intarsia.data.rasters.opening import open_raster
from intarsia.data.shapes import draw_shapes
from intarsia.files import write_text
from intarsia.predict.deliver import Picture, deliver_blocks
from intarsia.predict.engines.engine import Engine
from intarsia.predict.engines.local import LocalEngine
from intarsia.predict.engines.ray_engine import RayEngine
from intarsia.predict.model import load
from intarsia.predict.pictures import predict_pictures
from intarsia.predict.plan import TileOptions
from intarsia.predict.predictor import Predictor
from intarsia.predict.settings import Settings
from large_pictures.cluster_page import section
from large_pictures.models import write_random_model
from large_pictures.virtual import VirtualRaster
from side_by_side.machine import describe_machine

SIDE, SLIDE, TISSUE = 512, 16384, 0.15
MEMORY = 2 * 10**9  # bytes a process
SMALL = 64  # pixels a side of pictures that take hardly any time, so that what is left is Ray's


def main() -> None:
    arguments = _arguments()
    if arguments.markdown:
        sys.stdout.write(section(json.loads(arguments.out.read_text())))
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="intarsia-bench-") as folder:
        results = measure(Path(folder), arguments.pictures, arguments.rounds)
    write_text(arguments.out, json.dumps(results, indent=1) + "\n")
    print(section(results))


def measure(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    real = write_random_model("unet-resnet18", folder / "real.safetensors")
    tiny = write_random_model("tiny", folder / "tiny.safetensors")
    given = list(_pictures(folder / "given", SIDE, count))
    small = list(_pictures(folder / "small", SMALL, 400))
    results: dict[str, Any] = {"machine": describe_machine(), "pictures": count, "rounds": rounds}
    results["local"] = {
        precision: _local(real, given, rounds, precision)
        for precision in ("fp32", results["machine"]["auto_precision"])
    }
    torch.set_num_threads(2)
    results["two threads"] = _local(real, given, rounds, results["machine"]["auto_precision"])["processor"]
    torch.set_num_threads(1)
    results["list"] = _list()
    results["slide"] = _slide(real, folder)
    results["ray"] = _ray(real, given, rounds)
    results["task"] = _task(tiny, small, rounds)
    return results


def _pictures(folder: Path, side: int, count: int) -> Iterator[Picture]:
    folder.mkdir()
    for number in range(count):
        values, _ = draw_shapes(number, side, side)
        file = folder / f"{number}.jpg"
        Image.fromarray(values).save(file, quality=90)
        yield Picture(str(file), folder / "masks" / f"{number}.png", "png")


def _local(model: Path, pictures: list[Picture], rounds: int, precision: Any) -> dict[str, float]:
    """Processor seconds a picture in one process, from a JPEG file to a PNG file."""
    predictor = Predictor(load(model, device="cpu", precision=precision))
    engine = LocalEngine(predictor)
    taken = []
    for _ in range(rounds + 1):
        before = time.process_time()
        _run(predictor, engine, pictures)
        taken.append((time.process_time() - before) / len(pictures))
    return {"processor": statistics.median(taken[1:]), "network": _network(predictor, pictures[0])}


def _list(count: int = 100_000) -> float:
    """Bytes a picture that the list of what is to be done takes."""
    from intarsia.apps.cli.inputs import expand
    from intarsia.apps.cli.outputs import targets
    from intarsia.predict.deliver import Extras

    tracemalloc.start()
    addresses = expand([f"s3://bucket/pictures/2024/{number:08}.jpg" for number in range(count)])
    planned = targets(addresses, "s3://bucket/masks", "", overlay=False, extras=Extras(), magnification=None)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / len(planned.pictures)


def _network(predictor: Predictor, picture: Picture) -> float:
    values = picture.open().read(0, 0, SIDE, SIDE)
    before = time.process_time()
    for _ in range(5):
        predictor.prepared.output([predictor.prepared.prepare(values)])
    return (time.process_time() - before) / 5


def _run(predictor: Predictor, engine: Engine, pictures: list[Picture]) -> None:
    failed = [answer for _, answer in predict_pictures(predictor, engine, pictures) if isinstance(answer, Exception)]
    assert not failed, failed[0]


def _ray(model: Path, pictures: list[Picture], rounds: int) -> dict[str, Any]:
    """The same by one worker and by two, in turns."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
    ray.init("local", num_cpus=3, object_store_memory=100 * 2**20, **quiet)
    engines = {workers: RayEngine(model, Settings(), "cpu", workers=workers) for workers in (1, 2)}
    rows: dict[int, list[dict[str, float]]] = {workers: [] for workers in engines}
    for _ in range(rounds + 1):
        for workers, engine in engines.items():
            before, start = _spent(), time.perf_counter()
            _run(engine.predictor, engine, pictures)
            after = _spent() | {"wall": time.perf_counter() - start}
            row = {name: (value - before.get(name, 0.0)) / len(pictures) for name, value in after.items()}
            rows[workers].append(row)
    held = max(process.memory_info().rss for process in _workers())
    for engine in engines.values():
        engine.close()
    ray.shutdown()
    medians = {
        str(workers): {name: statistics.median(row[name] for row in each[1:]) for name in each[0]}
        for workers, each in rows.items()
    }
    return {"workers": medians, "memory": held}


def _task(model: Path, pictures: list[Picture], rounds: int) -> dict[str, float]:
    """What is left where the network takes no time: processor seconds a picture, eight of which are a task."""
    engine = RayEngine(model, Settings(), "cpu", workers=1)
    here = Predictor(load(model, device="cpu"))
    local: Engine = LocalEngine(here)
    rates: dict[str, list[float]] = {"driver": [], "wall": [], "local wall": []}
    for round_ in range(rounds + 1):
        wall, spent = _timed(lambda: _run(engine.predictor, engine, pictures))
        local_wall, _ = _timed(lambda: _run(here, local, pictures))
        if round_:
            for name, value in zip(rates, (spent, wall, local_wall), strict=True):
                rates[name].append(value / len(pictures))
    engine.close()
    return {name: statistics.median(values) for name, values in rates.items()}


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    start, before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - before


def _spent() -> dict[str, float]:
    """Processor seconds of this process, of the workers and of Ray's daemons so far."""
    workers = {process.pid for process in _workers()}
    spent = {"driver": time.process_time(), "worker": 0.0, "daemons": 0.0}
    for process in psutil.Process().children(recursive=True):
        times = process.cpu_times()
        spent["worker" if process.pid in workers else "daemons"] += times.user + times.system
    return spent


def _workers() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [process for process in children if "".join(process.cmdline()[:1]).startswith("ray::Worker")]


def _slide(model: Path, folder: Path) -> dict[str, float]:
    """Processor seconds a gigapixel of a slide of which a part is tissue, from its JPEG tiles to a COG."""
    virtual = VirtualRaster(SLIDE, TISSUE)
    file = folder / "slide.tif"
    tiles = (virtual.read(top, left, SIDE, SIDE) for top in range(0, SLIDE, SIDE) for left in range(0, SLIDE, SIDE))
    tifffile.imwrite(
        file, tiles, shape=(SLIDE, SLIDE, 3), dtype=np.uint8, tile=(SIDE, SIDE), compression="jpeg", photometric="rgb"
    )
    predictor = Predictor(load(model, device="cpu"), Settings(TileOptions(memory=MEMORY), skip_flat=12))
    picture = Picture(str(file), folder / "slide-mask.tif", "tiff")
    raster = open_raster(file)
    predictor.prepared.output([predictor.prepared.prepare(virtual.read(0, 0, SIDE, SIDE))])  # first time is slower
    start, wall = time.process_time(), time.perf_counter()
    failed = predictor.stream(raster, picture.blocks)
    middle = time.process_time()
    deliver_blocks(predictor, raster, picture, failed)
    end = time.process_time()
    gigapixels = SLIDE**2 / 1e9
    cut = predictor.cut((SLIDE, SLIDE))
    return {
        "gigapixels": gigapixels,
        "tissue": TISSUE,
        "tile": cut.tile,
        "predict": (middle - start) / gigapixels,
        "deliver": (end - middle) / gigapixels,
        "wall": (time.perf_counter() - wall) / gigapixels,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=32, help="512² pictures a round")
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/cluster.json"), help="the figures")
    parser.add_argument("--markdown", action="store_true", help="run nothing: print the section of what --out holds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
