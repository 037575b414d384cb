"""Why each key of a planned recipe has its value.

Every number comes from the data, from the recipe, or from the constants of :mod:`intarsia.train.planner`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from intarsia.data.examination import Summary
from intarsia.train import planner
from intarsia.train.prepare import PreparedData
from intarsia.train.recipe import Recipe


@dataclass(frozen=True)
class Reason:
    """Why one key has its value.

    Args:
        key: with dots, as ``--set`` takes it.
        value: as it stands in the recipe file.
        why: in words.
    """

    key: str
    value: Any
    why: str


def explain_recipe(recipe: Recipe, data: PreparedData) -> tuple[Reason, ...]:
    """Say why each key of a recipe is what :func:`~intarsia.train.planner.plan_for` made it, in the recipe's order.

    Args:
        recipe: the plan, unchanged.
        data: what it was made for.
    """
    seen = data.examination.summary(data.splits["train"])
    reasons = {
        **_FIXED,
        **_data(data),
        **_network(recipe, seen),
        **_loss(recipe, seen, data.label_map.names),
        **_time(recipe, seen),
    }
    return tuple(Reason(key, value, reasons[key]) for key, value in _flat(recipe.model_dump(mode="json")))


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


_FIXED = {
    "task": "semantic is the task this version trains",
    "data.folder": "the folder you named",
    "data.classes": "a class list you may name instead of the folder's own",
    "data.group_by": "tells which pictures belong together (a patient, a video), so that no split divides them",
    "model.architecture": "learns from few pictures and keeps outlines sharp, because its last layers see every pixel",
    "model.encoder_weights": "pretrained weights, if you name some (`intarsia weights ls`) or their file",
    "model.weights_license": "the licence of such weights",
    "augment.flip_horizontal": "half of the pictures are mirrored: left and right seldom matter. Set 0 where they do",
    "augment.flip_vertical": "0 keeps the top on top, as suits most pictures; seen from above, 0.5 is better",
    "augment.right_angles": "off, because most pictures have an up and a down; turn it on for those seen from above",
    "augment.warp": "this share of the pictures is turned, scaled and bent; the rest keep their pixels uninterpolated",
    "augment.rotate_degrees": "cameras and slides are seldom quite level",
    "augment.scale": "things come nearer and go farther; kept small, so that they stay recognizable",
    "augment.shear_degrees": "a little, for views that are slightly oblique",
    "augment.elastic": "bends outlines by about so many pixels; raise it for soft tissue and cells",
    "augment.brightness": "light differs from picture to picture",
    "augment.contrast": "so does contrast",
    "augment.noise": "and so does noise",
    "loss.name": "cross-entropy gives every pixel a clear gradient, Dice keeps small classes from being outvoted",
    "loss.dice_weight": "both weigh the same",
    "loss.gamma": "only the focal loss uses it",
    "optimizer.learning_rate": "AdamW's usual",
    "optimizer.weight_decay": "AdamW's usual",
    "optimizer.freeze": "nothing: the network starts from nothing, so every layer has to learn",
    "optimizer.layer_decay": "one rate for all: only layers that know something already should learn slower",
    "optimizer.gradient_clip": "one odd batch cannot throw the weights far",
    "seed": "any number does; the same one gives the same splits and the same run",
    "precision": "bf16 where the hardware gains by it",
    "device": "a GPU where there is one",
}


def _data(data: PreparedData) -> dict[str, str]:
    sizes = ", ".join(f"{len(items)} {name}" for name, items in data.splits.items())
    why = f"the share of pictures (or groups) set apart where the folder has no splits of its own; here it is {sizes}"
    everything = data.examination.summary()
    return {
        "data.val": why,
        "data.test": why,
        "data.long_side": f"pictures keep their size (the largest are {everything.widths[2]}×{everything.heights[2]})",
    }


def _network(recipe: Recipe, seen: Summary) -> dict[str, str]:
    (low, height, high), (narrow, width, wide) = seen.heights, seen.widths
    window = recipe.augment.crop
    side = min(window or (low, narrow))
    most = planner._DEEPEST
    depth = recipe.model.arguments.get("depth", most)
    if window is None:
        crop = f"all pictures are {wide}×{high}, no larger than {planner._WINDOW} a side: nothing is cut off"
    else:
        crop = (
            f"pictures are {_range(narrow, wide)} wide (median {width:g}) and {_range(low, high)} high (median "
            f"{height:g}): the median, at most {planner._WINDOW} a side, so that windows of one size share a batch"
        )
    levels = (
        f"each level halves the {side} pixels of the window's shorter side, to {side // 2**depth} at the coarsest: "
        f"as many as leave {planner._COARSEST} or more, at most {most}"
    )
    return {
        "augment.crop": crop,
        "model.arguments": f"the network's own: {levels}",
        "model.arguments.depth": levels,
    }


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}–{high}"


def _loss(recipe: Recipe, seen: Summary, names: tuple[str, ...]) -> dict[str, str]:
    present = sorted((pixels, name) for pixels, name in zip(seen.class_pixels, names, strict=True) if pixels)
    (fewest, rare), (most, common) = present[0], present[-1]
    found = f"{common} has {most / fewest:.1f} times the pixels of {rare}"
    rule = f"the limit is {planner._IMBALANCE} times"
    if recipe.loss.class_weights == "balanced":
        return {"loss.class_weights": f"{found}, and {rule}: unweighted, short runs never learn the rare classes"}
    return {"loss.class_weights": f"{found}, and {rule}: no class is rare enough to need a weight"}


def _time(recipe: Recipe, seen: Summary) -> dict[str, str]:
    wanted = planner._PASSES * seen.images // planner._BATCH
    steps = (
        f"{seen.images} training pictures, each shown {planner._PASSES} times, {planner._BATCH} a step: {wanted} steps"
    )
    if wanted < planner._FEWEST_STEPS:
        steps += f", raised to {planner._FEWEST_STEPS}, which a network from nothing needs to learn anything"
    elif wanted > planner._MOST_STEPS:
        steps += f", cut to {planner._MOST_STEPS} to bound the time"
    return {
        "steps_per_round": f"{steps}; divided into {recipe.rounds} rounds",
        "rounds": f"the best of {recipe.rounds} validations is kept, and an interruption costs at most one round",
        "batch_size": f"{recipe.batch_size} pictures a step give a steady gradient and fit most machines",
        "optimizer.warmup_steps": f"of {recipe.steps} steps in all: the first gradients of random weights are large",
    }
