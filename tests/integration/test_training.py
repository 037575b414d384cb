"""Whole runs on tiny data: what a run leaves, that it repeats bit for bit, and that it survives interruption."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from intarsia import architectures
from intarsia.data.formats.mask import read_mask, write_mask
from intarsia.errors import DataError, OutputError, RecipeError
from intarsia.predict.model import load
from intarsia.train.callbacks import AtomicCheckpointIO, History
from intarsia.train.callbacks.history import csv_to_rows
from intarsia.train.prepare import PreparedData, prepare
from intarsia.train.recipe import Recipe
from intarsia.train.run import RunResult, class_weights, run
from intarsia.types import LabelMap
from intarsia.weights import read_model

Make = Callable[..., Recipe]


def train(recipe: Recipe, folder: Path) -> RunResult:
    return run(recipe, prepare(recipe.data, recipe.seed), architectures.build, folder)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return read_model(folder / "model.safetensors")[0]


def assert_same_weights(one: Path, other: Path) -> None:
    ours, theirs = weights(one), weights(other)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_loss_that_is_no_number_ends_the_run(tiny_recipe: Make, tmp_path: Path) -> None:
    optimizer = {"learning_rate": 1e30, "warmup_steps": 0}
    expected = (
        r"training: the loss is (nan|inf) in step \d+\. Begin a new run in another folder, with a lower `--set op"
    )
    with pytest.raises(RecipeError, match=expected):
        train(tiny_recipe(optimizer=optimizer), tmp_path / "run")
    assert not (tmp_path / "run/model.safetensors").exists()


def test_weights_that_the_last_step_of_a_round_broke_are_not_saved(tiny_recipe: Make, tmp_path: Path) -> None:
    recipe = tiny_recipe(optimizer={"learning_rate": 1e30, "warmup_steps": 0}, rounds=1, steps_per_round=1)
    with pytest.raises(
        RecipeError, match=r"training: the network's weights give no numbers after step 1\. Begin a new"
    ):
        train(recipe, tmp_path / "run")
    assert not list((tmp_path / "run").rglob("*.ckpt"))
    assert not (tmp_path / "run/model.safetensors").exists()


def test_the_terminal_is_given_back_after_an_error(tiny_recipe: Make, tmp_path: Path) -> None:
    recipe = tiny_recipe(optimizer={"learning_rate": 1e30, "warmup_steps": 0}, rounds=1, steps_per_round=1)
    screen = io.StringIO()
    with pytest.raises(RecipeError):
        run(
            recipe,
            prepare(recipe.data, recipe.seed),
            architectures.build,
            tmp_path / "run",
            Console(file=screen, force_terminal=True),
        )
    assert screen.getvalue().endswith("\x1b[?25h")  # shows the cursor again


def test_a_broken_gradient_leaves_the_round_before_to_resume_from(
    tiny_recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(History):
        def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
            if trainer.global_step == 5:  # the last of the second round
                next(pl_module.network.decoder.parameters()).grad.fill_(float("nan"))

    with monkeypatch.context() as patch:
        patch.setattr("intarsia.train.run.History", Broken)
        with pytest.raises(RecipeError, match="give no numbers after step 6"):
            train(tiny_recipe(), tmp_path / "run")
    train(tiny_recipe(), tmp_path / "whole")
    train(tiny_recipe(), tmp_path / "run")
    assert_same_weights(tmp_path / "run", tmp_path / "whole")


def test_bf16_on_a_cpu_keeps_gradients_right(tiny_recipe: Make, tmp_path: Path) -> None:
    model = {"architecture": "deeplabv3plus", "arguments": {"encoder": "lcnet_050", "width": 8}}
    once = {"rounds": 1, "steps_per_round": 1}
    for precision, hooks in (("bf16", 1), ("fp32", 0)):
        result = train(tiny_recipe(model=model, precision=precision, **once), tmp_path / precision)
        convs = [conv for conv in result.model.network.modules() if isinstance(conv, torch.nn.Conv2d)]
        found = [len(conv._forward_pre_hooks) for conv in convs if conv.groups > 1 and max(conv.dilation) > 1]
        assert found == [hooks] * 4  # one a rate, and one in the encoder


def test_a_run_folder_holds_everything(tiny_recipe: Make, tmp_path: Path) -> None:
    recipe = tiny_recipe()
    result = train(recipe, tmp_path / "run")
    files = {str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert files == {
        "recipe.yaml",
        "metrics.csv",
        "curves.png",
        "model.safetensors",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "splits/train.txt",
        "splits/val.txt",
        "splits/test.txt",
    }
    rows = csv_to_rows((tmp_path / "run" / "metrics.csv").read_text())
    assert [row["step"] for row in rows] == [3, 6, 9]
    card = result.model.card
    assert card.metrics["val_mean_iou_dataset"] == max(row["val_mean_iou"] for row in result.history)
    assert card.recipe["data"]["folder"] == "tiny"
    assert card.receptive_field is not None
    assert len(card.data_fingerprint) == 64


def test_two_runs_are_bit_identical(tiny_recipe: Make, tmp_path: Path) -> None:
    train(tiny_recipe(), tmp_path / "a")
    train(tiny_recipe(), tmp_path / "b")
    assert_same_weights(tmp_path / "a", tmp_path / "b")


def test_another_seed_is_another_run(tiny_recipe: Make, tmp_path: Path) -> None:
    train(tiny_recipe(rounds=1), tmp_path / "a")
    train(tiny_recipe(rounds=1, seed=1), tmp_path / "b")
    assert any(not torch.equal(t, weights(tmp_path / "b")[n]) for n, t in weights(tmp_path / "a").items())


class Interruption(History):
    """Press Ctrl-C in the second round."""

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        if trainer.global_step == 4:
            raise KeyboardInterrupt


def test_interrupted_and_resumed_equals_uninterrupted(
    tiny_recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny_recipe(), tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("intarsia.train.run.History", Interruption)
        with pytest.raises(KeyboardInterrupt, match=r"interrupted\. Continue it with `intarsia train --resume"):
            train(tiny_recipe(), tmp_path / "parts")
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    resumed = train(tiny_recipe(), tmp_path / "parts")
    assert [row["step"] for row in resumed.history] == [3, 6, 9]
    assert_same_weights(tmp_path / "whole", tmp_path / "parts")


def test_resuming_a_finished_run_changes_nothing(tiny_recipe: Make, tmp_path: Path) -> None:
    train(tiny_recipe(rounds=1), tmp_path / "run")
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    train(tiny_recipe(rounds=1), tmp_path / "run")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before


def test_a_full_disk_is_one_line_and_resumable(
    tiny_recipe: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        if path.suffix == ".ckpt":
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("intarsia.files._flush", full)
        with pytest.raises(
            OutputError, match=r"\.ckpt: could not be written \(no space left on device\).*Free some space"
        ):
            train(tiny_recipe(), tmp_path / "run")
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
    train(tiny_recipe(), tmp_path / "run")
    assert (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize("content", [b"PK\x03\x04 not a checkpoint", b"", bytes(1000), b"hello"])
def test_damaged_checkpoint_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ValueError, match="the checkpoint is damaged"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "last.ckpt")


def test_one_channel_and_the_model_file_predict_the_same(tiny_data: Path, tiny_recipe: Make, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    labels = LabelMap(names=("background", "shape"), ids=(0, 255))
    (binary / "images").mkdir(parents=True)
    for image in sorted((tiny_data / "images").iterdir()):
        (binary / "images" / image.name).write_bytes(image.read_bytes())
        mask = np.where(read_mask(tiny_data / "masks" / image.name) > 0, 255, 0).astype(np.uint8)
        write_mask(binary / "masks" / image.name, mask, labels)
    recipe = tiny_recipe(data={"folder": str(binary)}, loss={"name": "bce_dice"}, rounds=2)
    result = train(recipe, tmp_path / "run")
    assert result.model.card.arguments["num_classes"] == 1
    picture = binary / "images" / "03.png"
    fresh = load(tmp_path / "run" / "model.safetensors", device="cpu").predict(picture, probabilities=True)
    assert np.array_equal(fresh.class_ids, result.model.predict(picture).class_ids)
    assert set(np.unique(fresh.class_ids)) <= {0, 255}
    assert fresh.probabilities is not None
    assert np.allclose(fresh.probabilities.sum(axis=0), 1)
    assert np.array_equal(fresh.class_ids == 255, fresh.probabilities[1] > 0.5)


def test_bce_dice_is_refused_for_three_classes(tiny_recipe: Make, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"for two classes, and the data has 3.*Choose ce_dice"):
        train(tiny_recipe(loss={"name": "bce_dice"}), tmp_path / "run")


def test_missing_mask_is_named_before_anything_is_written(tiny_recipe: Make, tmp_path: Path) -> None:
    recipe = tiny_recipe(data={"folder": str(tmp_path / "nothing")})
    with pytest.raises(DataError, match="does not exist"):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def tiny_prepared(tiny_recipe: Make) -> PreparedData:
    return prepare(tiny_recipe().data, seed=0)


def test_balanced_weights_average_to_one_over_pixels(tiny_prepared: PreparedData, tiny_recipe: Make) -> None:
    weights = class_weights(tiny_recipe(loss={"class_weights": "balanced"}).loss, tiny_prepared)
    assert weights is not None
    pixels = torch.tensor(tiny_prepared.examination.summary(tiny_prepared.splits["train"]).class_pixels)
    assert float((weights * pixels).sum() / pixels.sum()) == pytest.approx(1)
    assert weights[0] < weights[1]


def test_wrong_number_of_weights(tiny_prepared: PreparedData, tiny_recipe: Make) -> None:
    with pytest.raises(RecipeError, match="there are 2 weights and 3 classes"):
        class_weights(tiny_recipe(loss={"class_weights": [1.0, 2.0]}).loss, tiny_prepared)
