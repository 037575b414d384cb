"""A real Ray cluster of two nodes on this machine: the bytes of one process, and nothing lost when parts of it die."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

from command_line import call
from intarsia.data.rasters.raster import Raster
from intarsia.errors import DataError, IntarsiaError, OutputError, RecipeError
from intarsia.predict.deliver import Delivered, Picture
from intarsia.predict.engines.engine import Engine
from intarsia.predict.engines.local import LocalEngine
from intarsia.predict.engines.ray_engine import RayEngine
from intarsia.predict.engines.room import join
from intarsia.predict.pictures import predict_pictures
from intarsia.predict.plan import TileOptions
from intarsia.predict.predictor import Predictor
from intarsia.predict.saving import Format
from intarsia.predict.settings import Settings
from tiny_model import write_tiny_model

WHOLE = Settings(layers=("labels", "confidence"))
CUT = Settings(TileOptions("exact", 96, block=100), layers=("labels", "confidence"))
COUNT = 60
NODE: dict[str, Any] = {"num_cpus": 4, "object_store_memory": 80 * 2**20}


class Deadly(Picture):
    """Ends whichever process opens it."""

    def open(self) -> Raster:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("not reached")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, and pictures."""
    folder = tmp_path_factory.mktemp("cluster")
    write_tiny_model(folder / "model.safetensors")
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        values = rng.integers(0, 256, (200, 150 + number, 3), np.uint8)
        Image.fromarray(values).save(folder / f"{number:02}.png")
    for name in ("large", "larger"):
        Image.fromarray(rng.integers(0, 256, (600, 500, 3), np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    # Not below pytest's folder, because the path of a socket may have 107 characters at most.
    with (
        tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        # Beside its own folder Ray writes the address into the usual one, which would lead other programs astray.
        patch.setenv("RAY_TMPDIR", folder)
        Path(folder, "ray").mkdir()
        made: Any = Cluster(
            initialize_head=True, head_node_args={**NODE, "include_dashboard": False, "temp_dir": folder}
        )
        try:
            made.add_node(**NODE)
            yield made
        finally:
            left = workers()  # which otherwise take some seconds to notice that their machine is no more
            made.shutdown()
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=10)


@pytest.fixture(scope="module")
def whole(folder: Path, cluster: Any) -> Iterator[RayEngine]:
    engine = RayEngine(folder / "model.safetensors", WHOLE, "cpu", address=cluster.address, workers=2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cut(folder: Path, whole: RayEngine) -> Iterator[RayEngine]:
    # Ray is joined once a process, so that this one stays in the cluster that the other one joined.
    engine = RayEngine(folder / "model.safetensors", CUT, "cpu", workers=2)
    yield engine
    engine.close()


def pictures(folder: Path, out: Path, names: list[str] | None = None, chosen: Format = "png") -> list[Picture]:
    suffix = {"png": ".png", "tiff": ".tif"}[chosen]
    names = names or [f"{number:02}" for number in range(COUNT)]
    return [Picture(str(folder / f"{name}.png"), out / f"{name}{suffix}", chosen) for name in names]


def run(
    predictor: Predictor, engine: Engine, given: list[Picture], disturb: Callable[[], None] | None = None
) -> dict[str, Delivered | IntarsiaError]:
    """Predict, with something happening once the first answers, or blocks, are there."""
    told = 0

    def progress(done: int, total: int) -> None:
        nonlocal told
        told += 1
        if told == 4 and disturb is not None:
            disturb()

    answers = list(predict_pictures(predictor, engine, given, progress))
    assert Counter(picture.address for picture, _ in answers) == Counter(picture.address for picture in given)
    return {Path(picture.address).stem: answer for picture, answer in answers}


def run_here(folder: Path, settings: Settings, given: list[Picture]) -> None:
    predictor = Predictor(folder / "model.safetensors", settings, device="cpu")
    run(predictor, LocalEngine(predictor), given)


def content(folder: Path) -> dict[str, bytes]:
    """The files of a folder; what a killed process had begun has a hidden name."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def results_of(names: Collection[str], made: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of some pictures."""
    return {file: content for file, content in made.items() if Path(file).stem in names}


def workers() -> list[psutil.Process]:
    """The processes that hold the model."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            if process.cmdline()[0].startswith("ray::Worker"):
                found.append(process)
    return found


def kill_a_worker() -> None:
    busy = [process for process in workers() if "." in process.cmdline()[0]]  # ray::Worker.pictures
    (busy or workers())[0].kill()


@pytest.fixture(scope="module")
def expected(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("expected")
    run_here(folder, WHOLE, pictures(folder, out))
    return content(out)


@pytest.fixture(scope="module")
def expected_cut(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("expected")
    run_here(folder, CUT, pictures(folder, out, ["large", "larger"], "tiff"))
    return content(out)


def test_many_pictures_are_those_of_one_process(
    folder: Path, whole: RayEngine, expected: dict[str, bytes], tmp_path: Path
) -> None:
    answers = run(whole.predictor, whole, pictures(folder, tmp_path / "out"))
    assert all(isinstance(answer, Delivered) for answer in answers.values())
    assert content(tmp_path / "out") == expected
    assert len(expected) == 2 * COUNT


def test_a_worker_that_is_killed_loses_nothing(
    folder: Path, whole: RayEngine, expected: dict[str, bytes], tmp_path: Path
) -> None:
    before = {process.pid for process in workers()}
    answers = run(whole.predictor, whole, pictures(folder, tmp_path), kill_a_worker)
    assert all(isinstance(answer, Delivered) for answer in answers.values())
    assert content(tmp_path) == expected
    assert len(before & {process.pid for process in workers()}) < len(before)


def test_a_machine_that_is_lost_loses_nothing(
    folder: Path, whole: RayEngine, cluster: Any, expected: dict[str, bytes], tmp_path: Path
) -> None:
    (node,) = cluster.worker_nodes
    answers = run(whole.predictor, whole, pictures(folder, tmp_path), lambda: cluster.remove_node(node, False))
    cluster.add_node(**NODE)
    assert all(isinstance(answer, Delivered) for answer in answers.values())
    assert content(tmp_path) == expected


def test_blocks_of_a_giant_picture(
    folder: Path, cut: RayEngine, expected_cut: dict[str, bytes], tmp_path: Path
) -> None:
    run(cut.predictor, cut, pictures(folder, tmp_path, ["large"], "tiff"), kill_a_worker)
    assert content(tmp_path) == results_of(["large"], expected_cut)
    assert not (tmp_path / "large.tif.blocks").exists()


def test_as_many_giants_as_workers_are_predicted_by_one_each(
    folder: Path, cut: RayEngine, expected_cut: dict[str, bytes], tmp_path: Path
) -> None:
    run(cut.predictor, cut, pictures(folder, tmp_path, ["large", "larger"], "tiff"))
    assert content(tmp_path) == expected_cut


@pytest.mark.slow
def test_a_picture_that_ends_its_workers_is_named_and_does_not_end_the_run(
    folder: Path, whole: RayEngine, expected: dict[str, bytes], tmp_path: Path
) -> None:
    ray: Any = pytest.importorskip("ray")
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    given: list[Picture] = pictures(folder, tmp_path, ["00", "01", "02"])
    answers = run(whole.predictor, whole, [*given, Deadly("deadly.png", tmp_path / "deadly.png", "png")])
    refused = answers.pop("deadly")
    assert isinstance(refused, DataError)
    assert "deadly.png: ended three workers that were to predict it, one after another. Predict it by" in str(refused)
    assert content(tmp_path) == results_of(answers.keys(), expected)


def test_errors_of_workers_arrive_as_themselves(folder: Path, whole: RayEngine, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes((folder / "00.png").read_bytes()[:500])
    here = Predictor(folder / "model.safetensors", WHOLE, device="cpu")
    picture = Picture(str(damaged), tmp_path / "out" / "damaged.png", "png")
    answers = [
        run(predictor, engine, [picture])["damaged"]
        for predictor, engine in ((whole.predictor, whole), (here, LocalEngine(here)))
    ]
    assert type(answers[0]) is type(answers[1]) is DataError
    assert str(answers[0]) == str(answers[1])
    nowhere = Picture(str(folder / "00.png"), folder / "00.png" / "masks" / "00.png", "png")
    with pytest.raises(OutputError, match="could not be written, because it would lie inside a file"):
        run(whole.predictor, whole, [nowhere])


def test_results_go_to_a_store(folder: Path, whole: RayEngine, expected: dict[str, bytes], tmp_path: Path) -> None:
    store = f"file://{tmp_path}/masks"
    given = [Picture(f"file://{folder}/{name}.png", f"{store}/{name}.png", "png") for name in ("00", "01", "02")]
    answers = run(whole.predictor, whole, given)
    made = answers["00"]
    assert isinstance(made, Delivered)
    assert made.files == {"labels": f"{store}/00.png", "confidence": f"{store}/confidence/00.png"}
    assert content(tmp_path / "masks") == results_of(answers.keys(), expected)


def test_the_command(folder: Path, whole: RayEngine, expected: dict[str, bytes], tmp_path: Path) -> None:
    outcome = call(
        "predict", folder / "model.safetensors", folder / "00.png", folder / "01.png", "--out", tmp_path,
        "--confidence", "--device", "cpu", "--engine", "ray", "--workers", "1", "--json",
    )  # fmt: skip
    assert outcome.code == 0, outcome.error
    assert outcome.error == ""
    assert [Path(entry["mask"]).name for entry in json.loads(outcome.out)["written"]] == ["00.png", "01.png"]
    assert content(tmp_path) == results_of(["00", "01"], expected)


def test_what_no_cluster_can_do(folder: Path, whole: RayEngine) -> None:
    with pytest.raises(RecipeError, match=r"the cluster has no machine with a GPU\. Choose another --device"):
        RayEngine(folder / "model.safetensors", WHOLE, "cuda")
    with pytest.raises(RecipeError, match="compute on CPUs or CUDA, not on 'mps'"):
        RayEngine(folder / "model.safetensors", WHOLE, "mps")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "ray://127.0.0.1:1"])
def test_a_cluster_that_is_not_there(address: str) -> None:
    with pytest.raises(RecipeError, match=rf"{address}: no Ray cluster answers there \(.*\)\. Start one"):
        join(pytest.importorskip("ray"), address, 1)
