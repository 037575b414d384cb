"""What a training run is made of, typed: read from and written to YAML, overridable key by key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from intarsia.augment import AugmentPolicy
from intarsia.errors import RecipeError
from intarsia.files import write_text

_ARCHITECTURE = "model.architecture"


def _some_weight(weights: list[float]) -> list[float]:
    if not any(weights):
        raise RecipeError(
            "every weight is 0", where="loss.class_weights", remedy="Give at least one class a weight above 0"
        )
    return weights


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Weights = Annotated[list[Annotated[float, Field(ge=0)]], AfterValidator(_some_weight)]


class DataPart(_Part):
    """Which pictures, and how they are split when the folder does not say so itself."""

    folder: str = Field(description="the data set's folder")
    classes: str | None = Field(None, description="a class list to use instead of the folder's classes.yaml")
    val: float = Field(0.2, ge=0, lt=1, description="share of the pictures for validation")
    test: float = Field(0.2, ge=0, lt=1, description="share of the pictures held out for the final score")
    group_by: str | None = Field(
        None, description="regular expression with one group; pictures whose names give the same text stay together"
    )
    long_side: int | None = Field(None, ge=1, description="shrink pictures whose longer side exceeds this many pixels")


class ModelPart(_Part):
    """Which network."""

    architecture: str = Field("unet", description="a key of the registry of architectures")
    arguments: dict[str, Any] = Field(default_factory=dict, description="what its builder is called with")
    encoder_weights: str | None = Field(
        None, description="weights to start the encoder from: a name that `intarsia weights ls` shows, or a file"
    )
    weights_license: str = Field(
        "", description="their licence, kept in the model's card; filled in by itself for weights of the catalogue"
    )


class LossPart(_Part):
    """What is minimised."""

    name: str = Field(
        "ce_dice", description="ce, dice, bce_dice, focal or ce_dice; networks that return mask queries take ce_dice"
    )
    dice_weight: float = Field(1.0, ge=0, description="λ of cross-entropy + λ·Dice")
    gamma: float = Field(2.0, ge=0, description="the focusing exponent of the focal loss")
    class_weights: Literal["none", "balanced"] | Weights = Field(
        "none",
        description="none, balanced (inverse square root of each class's share of pixels), or one number a class",
    )


class OptimizerPart(_Part):
    """AdamW with linear warm-up and a cosine to zero (Loshchilov & Hutter 2017 and 2019)."""

    learning_rate: float = Field(1e-3, gt=0, description="the peak learning rate")
    weight_decay: float = Field(1e-2, ge=0, description="decoupled weight decay of weights; norms and biases have none")
    warmup_steps: int = Field(20, ge=0, description="steps of linear warm-up")
    freeze: Annotated[int, Field(ge=0, strict=True)] | Literal["all"] = Field(
        0, description="how many of the encoder's layers, from the image on, keep the weights they start with; or all"
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="an encoder layer's learning rate, as a share of that of the next deeper one"
    )
    gradient_clip: float = Field(1.0, ge=0, description="largest gradient norm; 0 does not clip")


class Recipe(_Part):
    """One run. Training proceeds in rounds: ``steps_per_round`` optimizer steps, then one validation and checkpoint."""

    task: Literal["semantic"] = Field("semantic", description="what is predicted")
    data: DataPart
    model: ModelPart = ModelPart()
    augment: AugmentPolicy = AugmentPolicy()
    loss: LossPart = LossPart()
    optimizer: OptimizerPart = OptimizerPart()
    rounds: int = Field(10, ge=1, description="how often to validate")
    steps_per_round: int = Field(50, ge=1, description="optimizer steps between validations")
    batch_size: int = Field(8, ge=1, description="pictures a step")
    seed: int = Field(0, ge=0, description="decides splits, weights, order and augmentation")
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="auto is bf16 where the hardware gains")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="auto is a GPU where there is one")

    @property
    def steps(self) -> int:
        """All optimizer steps of the run."""
        return self.rounds * self.steps_per_round

    def to_yaml(self) -> str:
        """The recipe as YAML text, every key spelled out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    def write(self, path: str | Path) -> None:
        """Write the recipe as YAML, as a whole or not at all."""
        write_text(path, self.to_yaml())


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: the file is missing or not YAML, or has an unknown key (the nearest is named) or a wrong value.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError("cannot be read", where=path, remedy="Check the path of the recipe") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"is not YAML ({_first_line(error)})", where=path, remedy="Correct its syntax") from error
    if not isinstance(content, Mapping):
        raise RecipeError(
            "holds no keys", where=path, remedy="Start from what `intarsia plan DATA` prints for your data"
        )
    return parse_recipe(content, where=path)


def parse_recipe(content: Mapping[str, Any], where: str | Path = "recipe") -> Recipe:
    """Check the plain form of a recipe; ``where`` names it in errors."""
    try:
        return Recipe.model_validate(dict(content))
    except ValidationError as error:
        raise _recipe_error(error, content, where) from error


def override(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """Replace single keys: ``["rounds=20", "optimizer.learning_rate=3e-4"]``; values are read as YAML.

    Another ``model.architecture`` starts from its own defaults: the arguments of the one before are dropped.

    Raises:
        RecipeError: a setting without "=", an unknown key (the nearest is named), or a value of the wrong kind.
    """
    content = recipe.model_dump(mode="json")
    for setting in sorted(settings, key=_after_architecture):
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise RecipeError(
                "is not key=value", where=f"--set {setting}", remedy="Write --set optimizer.learning_rate=3e-4"
            )
        *parents, last = key.split(".")
        inside = content
        for depth, parent in enumerate(parents):
            if not isinstance(inside.get(parent), dict):
                raise _unknown_key(parents[: depth + 1], inside, f"--set {setting}")
            inside = inside[parent]
        if key == _ARCHITECTURE and inside[last] != value:
            inside["arguments"] = {}  # those of the other architecture mean nothing to this one
        inside[last] = _scalar(value, f"--set {setting}")
    return parse_recipe(content, where="--set")


def _after_architecture(setting: str) -> bool:
    return setting.partition("=")[0] != _ARCHITECTURE


def json_schema() -> dict[str, Any]:
    """The JSON schema of a recipe file, for editors and other programs."""
    return Recipe.model_json_schema()


def _scalar(text: str, where: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError("the value is not YAML", where=where, remedy="Check its brackets and quotes") from error
    if isinstance(value, str):  # YAML 1.1 reads 3e-4, which has no dot, as text
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _recipe_error(error: ValidationError, content: Mapping[str, Any], where: str | Path) -> RecipeError:
    # Of the kinds a value could have been, that which it came nearest to.
    problem = max(error.errors(include_url=False), key=lambda one: (len(one["loc"]), one["type"] != "literal_error"))
    location = [part for part in problem["loc"] if isinstance(part, str | int)]
    # pydantic says "extra" for models and "unexpected keyword argument" for dataclasses.
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        inside: Any = Recipe.model_validate({"data": {"folder": ""}}).model_dump(mode="json")
        for part in location[:-1]:
            inside = inside[part]
        return _unknown_key([str(part) for part in location], inside, where)
    inner = problem.get("ctx", {}).get("error")
    if isinstance(inner, RecipeError):  # a part checked itself, and says it better
        return RecipeError(inner.found, where=[where, *inner.where], remedy=inner.remedy)
    key = ".".join(_keys(location))
    if problem["type"] == "missing":
        return RecipeError(f"the key {key!r} is missing", where=where, remedy=f"Add `{key}`")
    return RecipeError(
        f"{key} is {problem['input']!r}, but {_lower(problem['msg'])}", where=where, remedy=f"Correct `{key}`"
    )


def _keys(location: Sequence[str | int]) -> list[str]:
    """The keys of a recipe on the way to a problem, without the kinds of value pydantic tried there."""
    inside: Any = Recipe.model_validate({"data": {"folder": ""}}).model_dump(mode="json")
    keys: list[str] = []
    for part in map(str, location):
        if not isinstance(inside, dict) or part not in inside:
            return keys or [part]
        keys.append(part)
        inside = inside[part]
    return keys


def _unknown_key(location: Sequence[str], known: Mapping[str, Any], where: str | Path) -> RecipeError:
    key = ".".join(location)
    near = difflib.get_close_matches(location[-1], list(known), n=1, cutoff=0.5)
    remedy = f"Did you mean {'.'.join([*location[:-1], near[0]])!r}" if near else f"Choose from {', '.join(known)}"
    return RecipeError(f"the key {key!r} is unknown", where=where, remedy=remedy)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
