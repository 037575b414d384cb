from pathlib import Path

import pytest

from intarsia.errors import RecipeError
from intarsia.train.recipe import Recipe, json_schema, override, parse_recipe, read_recipe

PLAIN = {"data": {"folder": "lungs"}}


def test_yaml_round_trip(tmp_path: Path) -> None:
    recipe = override(parse_recipe(PLAIN), ["model.arguments={depth: 3, upsampling: nearest}", "augment.crop=[64, 96]"])
    recipe.write(tmp_path / "recipe.yaml")
    assert read_recipe(tmp_path / "recipe.yaml") == recipe


def test_overrides_reach_into_parts() -> None:
    recipe = override(parse_recipe(PLAIN), ["optimizer.learning_rate=3e-4", "rounds=7", "data.group_by=IM-(\\d+)"])
    assert (recipe.optimizer.learning_rate, recipe.rounds, recipe.data.group_by) == (3e-4, 7, "IM-(\\d+)")
    assert recipe.steps == 7 * recipe.steps_per_round


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimizer.learningrate=1", r"'optimizer.learningrate' is unknown. Did you mean 'optimizer.learning_rate'"),
        ("optimiser.learning_rate=1", r"'optimiser' is unknown. Did you mean 'optimizer'"),
        ("augment.elastik=1", r"'augment.elastik' is unknown. Did you mean 'augment.elastic'"),
        ("zzzzzz=1", r"'zzzzzz' is unknown. Choose from task, data"),
        ("rounds", r"is not key=value"),
        ("rounds=many", r"rounds is 'many', but .*integer"),
        ("rounds=0", r"rounds is 0, but .*greater than or equal to 1"),
        ("precision=fp8", r"precision is 'fp8', but .*'bf16'"),
    ],
)
def test_bad_overrides_name_the_key_and_the_remedy(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        override(parse_recipe(PLAIN), [setting])


def test_unknown_keys_in_files_name_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("data: {folder: x}\nbatchsize: 4\n")
    with pytest.raises(RecipeError, match=r"r\.yaml: the key 'batchsize' is unknown. Did you mean 'batch_size'"):
        read_recipe(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [("rounds: 3", "'data' is missing"), ("[1, 2", "is not YAML"), ("- 1", "holds no keys"), ("", "holds no keys")],
)
def test_unusable_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_recipe(tmp_path / "r.yaml")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "r.yaml")


def test_schema_describes_every_key() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == set(Recipe.model_fields)
    assert all("description" in part for name, part in schema["properties"].items() if "$ref" not in part)


def test_another_architecture_starts_from_its_own_arguments() -> None:
    recipe = parse_recipe({**PLAIN, "model": {"architecture": "unet", "arguments": {"depth": 2}}})
    assert override(recipe, ["model.architecture=fpn"]).model.arguments == {}
    assert override(recipe, ["model.architecture=unet"]).model.arguments == {"depth": 2}
    both = override(recipe, ["model.arguments.encoder=resnet18", "model.architecture=fpn"])
    assert both.model.arguments == {"encoder": "resnet18"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("optimizer.freeze=-1", r"optimizer\.freeze is -1, but input should be greater than or equal to 0"),
        ("optimizer.freeze=half", r"optimizer\.freeze is 'half', but"),
        ("optimizer.freeze=true", r"optimizer\.freeze is True, but"),
        ("optimizer.layer_decay=0", "greater than 0"),
        ("loss.class_weights=[-1, 2, 1]", r"loss\.class_weights is -1, but input should be greater than or equal to 0"),
        ("loss.class_weights=[0, 0]", r"--set, loss\.class_weights: every weight is 0\. Give at least one"),
        ("model.arguments.rates=[6, 12", r"--set model\.arguments\.rates=\[6, 12: the value is not YAML"),
    ],
)
def test_wrong_values_are_one_line(setting: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        override(parse_recipe(PLAIN), [setting])
    assert "\n" not in str(caught.value)
