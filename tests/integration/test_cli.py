"""The command line from end to end: what it writes, what it prints, and how it refuses."""

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import intarsia
from command_line import call
from intarsia.apps.cli.app import app
from intarsia.data.formats.mask import read_mask

TINY = ["--set", "rounds=2", "--set", "steps_per_round=2", "--set", "batch_size=4", "--set", "device=cpu"]
SMALL = ["--set", "model.arguments={depth: 2, base_width: 4}"]


@pytest.fixture(scope="module")
def trained(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "run"
    outcome = call("train", tiny_data, "--out", folder, *TINY, *SMALL)
    assert outcome.code == 0, outcome.error
    assert f"wrote {folder / 'model.safetensors'}" in outcome.out
    assert "divided into 10 train, 3 val, 3 test" in outcome.out
    return folder


def test_evaluate_equals_score_of_what_predict_writes(trained: Path, tiny_data: Path, tmp_path: Path) -> None:
    evaluated = call("evaluate", trained, tiny_data, "--split", "all", "--out", tmp_path / "e", "--json")
    assert evaluated.code == 0, evaluated.error
    assert call("predict", trained, tiny_data / "images", "--out", tmp_path / "masks").code == 0
    scored = call("score", tmp_path / "masks", tiny_data / "masks", "--json")
    assert scored.code == 0, scored.error
    ours, theirs = json.loads(evaluated.out), json.loads(scored.out)
    assert ours["overall"] == theirs["overall"]
    assert ours["classes"][1]["iou"] == theirs["classes"][1]["iou"]
    written = {path.name for path in (tmp_path / "e").iterdir()}
    assert written == {"metrics.json", "report.html", "contact-sheet.png"}


def test_evaluate_measures_surfaces_and_borders_as_asked(trained: Path, tiny_data: Path, tmp_path: Path) -> None:
    arguments = ["--spacing", "0.5", "--surface-tolerance", "2", "--tolerance", "4 px"]
    outcome = call("evaluate", trained, tiny_data, "--out", tmp_path, *arguments)
    assert outcome.code == 0, outcome.error
    assert "NSD ≤ 2" in outcome.out
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert (content["surface"]["spacing"], content["surface"]["tolerances"]) == ([0.5, 0.5], [2])
    assert content["boundary"]["tolerances"] == ["4 px"]
    refused = call("evaluate", trained, tiny_data, "--out", tmp_path / "none", "--spacing", "0")
    assert refused.code == 1
    assert "spacing: (0.0, 0.0) is not the size of a pixel. Give its height and width" in refused.error
    assert refused.error.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_evaluate_scores_the_pictures_training_held_out(trained: Path, tiny_data: Path, tmp_path: Path) -> None:
    outcome = call("evaluate", trained / "model.safetensors", tiny_data, "--out", tmp_path)
    assert outcome.code == 0, outcome.error
    assert "scoring 3 pictures (test)" in outcome.out
    assert "95% percentile bootstrap over 3 images" in outcome.out
    held_out = (trained / "splits" / "test.txt").read_text().split()
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert {row["name"] for row in content["per_image"]} == set(held_out)


def test_predict_writes_indexed_masks_and_overlays_at_the_pictures_size(trained: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, size in (("odd", (37, 61)), ("one", (1, 1))):
        Image.fromarray(random.integers(0, 255, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    outcome = call("predict", trained, tmp_path / "*.png", "--out", tmp_path / "out", "--overlay", "--json")
    assert outcome.code == 0, outcome.error
    assert len(json.loads(outcome.out)["written"]) == 2
    with Image.open(tmp_path / "out" / "odd.png") as mask, Image.open(tmp_path / "out/overlays/odd.png") as overlay:
        assert (mask.mode, mask.size) == ("P", (61, 37))
        assert set(np.unique(np.asarray(mask))) <= {0, 1, 2}
        assert overlay.size == (61, 37)


def test_predict_turns_phone_pictures_upright(trained: Path, tmp_path: Path) -> None:
    stored = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(tmp_path / "phone.png", exif=exif)
    assert call("predict", trained, tmp_path / "phone.png", "--out", tmp_path / "out").code == 0
    assert read_mask(tmp_path / "out" / "phone.png").shape == (30, 20)


def test_python_use_takes_paths_images_and_arrays(trained: Path, tiny_data: Path) -> None:
    model = intarsia.load(trained / "model.safetensors", device="cpu")
    path = tiny_data / "images" / "00.png"
    with Image.open(path) as image:
        results = [model.predict(source) for source in (path, str(path), image, np.asarray(image))]
    assert all(np.array_equal(results[0].class_ids, other.class_ids) for other in results)
    assert results[0].size == (48, 48)
    assert sum(results[0].fractions().values()) == pytest.approx(1)


def test_one_bad_picture_does_not_hold_up_the_others(trained: Path, tiny_data: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_data / "images" / "00.png", tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:200])
    outcome = call("predict", trained, tmp_path, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "bad.png: is cut short or not a picture" in outcome.error
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["good.png"]


def test_doctor_and_plan(tiny_data: Path, tmp_path: Path) -> None:
    outcome = call("doctor", tiny_data, "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["all"]["images"] == 16
    assert call("plan", tiny_data, "--out", tmp_path / "recipe.yaml").code == 0
    assert "folder: " in (tmp_path / "recipe.yaml").read_text()
    assert json.loads(call("plan", "--schema").out)["title"] == "Recipe"
    assert "lungs" in call("data", "list").out


# --- refusals: exit code 1, one line, the file, the remedy -----------------------------------------------------------


def drop_mask(data: Path) -> None:
    (data / "masks" / "03.png").unlink()


def shrink_mask(data: Path) -> None:
    Image.fromarray(np.zeros((12, 10), dtype=np.uint8)).save(data / "masks" / "03.png")


def foreign_id(data: Path) -> None:
    Image.fromarray(np.full((48, 48), 9, dtype=np.uint8)).save(data / "masks" / "03.png")


def color_mask(data: Path) -> None:
    Image.fromarray(np.zeros((48, 48, 3), dtype=np.uint8)).save(data / "masks" / "03.png")


def palette_mask(data: Path) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 48, 3), dtype=np.uint8))
    picture.quantize(64).save(data / "masks" / "03.png")


def cut_image(data: Path) -> None:
    path = data / "images" / "03.png"
    path.write_bytes(path.read_bytes()[:300])


def text_as_image(data: Path) -> None:
    (data / "images" / "03.png").write_text("not a picture")


def no_pictures(data: Path) -> None:
    shutil.rmtree(data)
    data.mkdir()


def short_class_list(data: Path) -> None:
    (data / "classes.yaml").write_text("classes: [background, circle]\n")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (drop_mask, ["images/03.png", "no mask", "Add what is missing"]),
        (shrink_mask, ["03.png", "48 × 48", "10 × 12", "Export the mask again"]),
        (foreign_id, ["masks/03.png", "the id 9", "0 background, 1 circle, 2 square"]),
        (color_mask, ["masks/03.png", "RGB"]),
        (palette_mask, ["masks/03.png", "palette"]),
        (cut_image, ["images/03.png", "cut short or not a picture"]),
        (text_as_image, ["images/03.png", "cut short or not a picture"]),
        (no_pictures, ["is empty", "images/"]),
        (short_class_list, ["masks/", "the id 2", "classes.yaml"]),
    ],
)
@pytest.mark.parametrize("verb", ["train", "plan"])
def test_bad_data_is_one_line_and_leaves_nothing(
    damage: Callable[[Path], None], said: Sequence[str], verb: str, tiny_data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    damage(data)
    outcome = call(verb, data, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert outcome.error.count("\n") == 1, outcome.error
    assert all(part in outcome.error for part in ("Error: ", *said)), outcome.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["train"], "no data set or recipe is named"),
        (["train", "{data}", "--set", "optimizer.lr=1"], "the key 'optimizer.lr' is unknown"),
        (["train", "{data}", "--set", "model.architecture=unett"], "Did you mean 'unet'"),
        (["train", "{data}", "--set", "model.arguments={{dpth: 3}}"], "Did you mean 'depth'"),
        (["train", "--resume", "{tmp}"], "holds no recipe.yaml"),
        (["predict", "{tmp}/none.safetensors", "{data}/images"], "there is no such file"),
        (["predict", "{run}", "{tmp}/nothing-*.png"], "no file matches it as a pattern"),
        (["evaluate", "{run}", "{data}", "--split", "tset"], "there is no split 'tset'"),
        (["score", "{data}/masks", "{tmp}/nowhere"], "does not exist"),
        (["doctor", "{tmp}/nowhere"], "does not exist"),
        (["data", "fetch", "lung"], "Choose one of lungs, shapes"),
    ],
)
def test_mistakes_are_one_line(
    arguments: Sequence[str],
    said: str,
    tiny_data: Path,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    outcome = call(*(a.format(data=tiny_data, run=trained, tmp=tmp_path) for a in arguments))
    assert outcome.code == 1
    assert outcome.error.count("\n") == 1, outcome.error
    assert said in outcome.error
    assert not list((tmp_path / "cwd").iterdir())


def test_a_run_is_not_overwritten(trained: Path, tiny_data: Path) -> None:
    outcome = call("train", tiny_data, "--out", trained)
    assert outcome.code == 1
    assert f"already holds a run. Continue it with `intarsia train --resume {trained}`" in outcome.error


def test_score_names_unmatched_files_and_different_sizes(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_data / "masks", tmp_path / "p")
    (tmp_path / "p" / "03.png").unlink()
    outcome = call("score", tmp_path / "p", tiny_data / "masks")
    assert outcome.code == 1
    assert "masks/03.png: 1 true mask has no prediction" in outcome.error
    shutil.copy(tiny_data / "masks" / "03.png", tmp_path / "p" / "03.png")
    Image.fromarray(np.zeros((5, 6), dtype=np.uint8)).save(tmp_path / "p" / "03.png")
    outcome = call("score", tmp_path / "p", tiny_data / "masks")
    assert outcome.code == 1
    assert "48" in outcome.error
    assert "03.png" in outcome.error


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--debug", "doctor", str(tmp_path / "nowhere")])
    assert isinstance(result.exception, intarsia.IntarsiaError)


def test_ctrl_c_in_training_is_one_line_and_resumable(tiny_data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "intarsia", "train", str(tiny_data), "--out", str(tmp_path / "run"), *SMALL]
    command += ["--set", "rounds=50", "--set", "steps_per_round=5", "--set", "batch_size=4", "--set", "device=cpu"]
    # A shell's background jobs ignore Ctrl-C, and so would whatever this test started in one.
    heeding = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        preexec_fn=heeding,
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "checkpoints" / "last.ckpt").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.count("\n") == 1, error
    assert f"Continue it with `intarsia train --resume {tmp_path / 'run'}`" in error
    assert not list(tmp_path.rglob(".*-*"))  # no temporary file was left behind
    recipe = tmp_path / "run" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("rounds: 50", "rounds: 3"))  # so that the rest takes seconds
    assert call("train", "--resume", tmp_path / "run").code == 0
    assert (tmp_path / "run" / "model.safetensors").is_file()


@pytest.fixture
def tiny_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from intarsia.apps.cli import demo
    from intarsia.train.recipe import override

    full = demo.recipe_for
    tiny = ["rounds=1", "steps_per_round=2", "batch_size=2", "device=cpu", "model.arguments={depth: 2, base_width: 4}"]
    monkeypatch.setattr(demo, "recipe_for", lambda name, folder: override(full(name, folder), tiny))
    monkeypatch.setenv("INTARSIA_CACHE", str(tmp_path / "cache"))
    for name, value in _no_network().items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("tiny_demo")
def test_demo_without_a_network_says_so_and_runs_on_shapes(tmp_path: Path) -> None:
    outcome = call("demo", "--out", tmp_path / "demo")
    assert outcome.code == 0, outcome.error
    said = [line for line in outcome.out.splitlines() if "could not be fetched" in line]
    assert len(said) == 1
    assert "going on with the synthetic shapes" in said[0]
    names = {path.name for path in (tmp_path / "demo").iterdir()}
    assert names >= {"model.safetensors", "recipe.yaml", "metrics.json", "report.html", "contact-sheet.png"}


@pytest.mark.usefixtures("tiny_demo")
def test_a_second_demo_in_the_same_folder_starts_anew(tmp_path: Path) -> None:
    first = call("demo", "--data", "shapes", "--out", tmp_path / "demo")
    model = tmp_path / "demo" / "model.safetensors"
    written = model.stat().st_mtime_ns
    (tmp_path / "demo" / "checkpoints" / "last.ckpt").write_bytes(b"of another recipe")
    second = call("demo", "--data", "shapes", "--out", tmp_path / "demo")
    assert (first.code, second.code) == (0, 0), second.error
    assert model.stat().st_mtime_ns > written


def test_a_reader_that_has_read_enough_is_no_error(tiny_data: Path) -> None:
    command = [sys.executable, "-m", "intarsia", "plan", "--schema"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    _, error = process.communicate(timeout=120)
    assert error == ""


def _no_network() -> dict[str, str]:
    """Send pip to a port of this machine where nobody listens."""
    nowhere = "http://127.0.0.1:9"
    return {"PIP_INDEX_URL": nowhere, "PIP_EXTRA_INDEX_URL": nowhere, "PIP_CONFIG_FILE": os.devnull}


def _environment() -> dict[str, Any]:
    return {**os.environ, "PYTHONWARNINGS": "default"}


def test_names_in_brackets_are_printed_as_they_are(tiny_data: Path, tmp_path: Path) -> None:
    outcome = call("plan", tiny_data, "--out", tmp_path / "[red]" / "recipe.yaml")
    assert outcome.code == 0, outcome.error
    assert f"wrote {tmp_path}/[red]/recipe.yaml" in outcome.out
