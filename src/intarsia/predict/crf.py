"""The fully connected CRF of Krähenbühl & Koltun 2011 (*Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials*, arXiv:1210.5644): the probabilities of a network, moved to where the picture's colors change.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch
import yaml
from jaxtyping import Float32, Shaped

from intarsia.errors import DataError, RecipeError, ShapeError
from intarsia.files import write_text
from intarsia.ops.permutohedral import Filter, Gaussian, Strip, Workers, build_lattice
from intarsia.predict.crf_kernels import LEAST_PROBABILITY, mean_field_step

_LEVELS_OF_16_BITS = 257  # 65535 / 255
_LARGEST = 1_000_000  # of a parameter, so that float32 does not overflow
_ABOVE_ONE = 1e-3  # by which rounding, of float16 for instance, may take a probability beyond its range


@dataclass(frozen=True)
class CrfParameters:
    """How strongly pixels pull each other towards one class; ``intarsia tune-crf`` finds values for a data set.

    Two kernels are added: one of position alone, which removes specks, and one of position and color, which moves
    borders. The defaults are those that the reference program and most papers' code are run with.

    Args:
        gaussian_sxy: pixels, the standard deviation of the kernel of position; > 0.
        gaussian_compat: its weight, ≥ 0: what two neighbours of different classes cost (Potts).
        bilateral_sxy: pixels, the standard deviation in position of the kernel of position and color; > 0.
        bilateral_srgb: gray levels of 0–255, its standard deviation in each channel; > 0.
        bilateral_compat: its weight, ≥ 0.
        iterations: updates of the mean field; 0 leaves the probabilities as they are.

    Raises:
        RecipeError: a value out of its range.
    """

    gaussian_sxy: float | int = 3.0
    gaussian_compat: float | int = 3.0
    bilateral_sxy: float | int = 80.0
    bilateral_srgb: float | int = 13.0
    bilateral_compat: float | int = 10.0
    iterations: int = 5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            positive = name in ("gaussian_sxy", "bilateral_sxy", "bilateral_srgb")
            if not 0 <= value <= _LARGEST or (positive and value == 0):
                bounds = f"{'above' if positive else 'from'} 0 to {_LARGEST:,}"
                raise RecipeError(f"{name} is {value}", where="CRF", remedy=f"Make `{name}` a number {bounds}")

    def write(self, path: str | Path) -> None:
        """Write the parameters as YAML, every key spelled out."""
        write_text(path, yaml.safe_dump(asdict(self), sort_keys=False))


def read_parameters(path: str | Path) -> CrfParameters:
    """Read the YAML file that ``intarsia tune-crf`` writes; keys that are not there have their defaults.

    Raises:
        RecipeError: the file is missing or not YAML, or has an unknown key (the nearest is named) or a wrong value.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError("cannot be read", where=path, remedy="Check the path of the CRF's parameters") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"is not YAML ({reason})", where=path, remedy="Correct its syntax") from error
    known = [field.name for field in fields(CrfParameters)]
    if not isinstance(content, Mapping):
        raise RecipeError("holds no keys", where=path, remedy=f"Give some of {', '.join(known)}")
    for key, value in content.items():
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            remedy = f"Did you mean {near[0]!r}" if near else f"Choose from {', '.join(known)}"
            raise RecipeError(f"the key {key!r} is unknown", where=path, remedy=remedy)
        kind, words = (int, "a whole number") if key == "iterations" else (int | float, "a number")
        if isinstance(value, bool) or not isinstance(value, kind):
            raise RecipeError(f"{key} is {value!r}, which is not {words}", where=path, remedy=f"Correct `{key}`")
    try:
        return CrfParameters(**content)
    except RecipeError as error:
        raise RecipeError(error.found, where=path, remedy=error.remedy) from error


def refine(
    image: Shaped[np.ndarray, "..."],
    probabilities: Shaped[np.ndarray, "..."],
    parameters: CrfParameters | None = None,
    where: str | Path = "image",
) -> Float32[np.ndarray, "classes height width"]:
    """Refine the probabilities of a picture's classes by its colors.

    Results equal those of the authors' program (its defaults: Potts compatibility, symmetrically normalized kernels
    with a diagonal scale, filtered on the permutohedral lattice) to about 1e-5, and do not depend on the number of
    threads, which is PyTorch's. Memory beside the arguments: for a photograph about 90 + 8 K bytes a pixel, the result
    included; several times as much for noise, where every pixel has vertices of its own.

    Args:
        image: uint8 or uint16 [H, W, C], C = 1 or 3; 16 bits are scaled to the gray levels 0–255.
        probabilities: float [K, H, W] in [0, 1], K ≥ 2. Those below 1e-5 are raised to it.
        parameters: of the kernels; default :class:`CrfParameters`.
        where: names the picture in errors.

    Returns:
        float32 [K, H, W], the probabilities after the last update of the mean field; they sum to 1 over K.

    Raises:
        ShapeError: arrays of another shape or kind, or of sizes that differ.
        DataError: probabilities that are not in [0, 1], NaN for instance.
        RecipeError: kernels too narrow for such a large picture.
    """
    parameters = parameters or CrfParameters()
    levels = _gray_levels(image, where)
    _check_probabilities(probabilities, levels.shape[:2], where)
    planes = np.ascontiguousarray(probabilities, dtype=np.float32)
    if parameters.iterations == 0:
        bounded = planes.clip(LEAST_PROBABILITY, 1)
        refined: Float32[np.ndarray, "classes height width"] = bounded / bounded.sum(axis=0)
        return refined
    with Workers(torch.get_num_threads()) as workers:
        try:
            return _mean_field(levels, planes, parameters, workers)
        except RecipeError as error:
            raise RecipeError(error.found, where=where, remedy=error.remedy) from error


def _mean_field(
    levels: Float32[np.ndarray, "height width channels"],
    planes: Float32[np.ndarray, "classes height width"],
    parameters: CrfParameters,
    workers: Workers,
) -> Float32[np.ndarray, "classes height width"]:
    """Krähenbühl & Koltun 2011, algorithm 1: each update reads what the other pixels' distributions sent."""
    position = Gaussian(parameters.gaussian_sxy, None, parameters.gaussian_compat)
    color = Gaussian(parameters.bilateral_sxy, parameters.bilateral_srgb, parameters.bilateral_compat)
    lattice = build_lattice(levels, (position, color), workers)
    messages = Filter(lattice, len(planes), workers)
    given = planes.reshape(len(planes), -1).view()
    given.flags.writeable = False  # so that arrays of either kind find the same machine code
    refined = np.empty_like(planes)

    def update(strip: Strip, is_first: bool, is_last: bool) -> None:
        mean_field_step(
            given,
            strip.pixels,
            strip.vertices.reshape(-1),
            strip.weights.reshape(-1),
            strip.part(messages.values, messages.width),
            strip.part(messages.sums, messages.width),
            refined.reshape(len(planes), -1),
            lattice.corners,
            is_first,
            is_last,
        )

    for iteration in range(parameters.iterations + 1):
        is_first, is_last = iteration == 0, iteration == parameters.iterations
        workers.each(partial(update, is_first=is_first, is_last=is_last), lattice.strips)
        if not is_last:
            messages.blur()
    return refined


def _gray_levels(image: np.ndarray, where: str | Path) -> Float32[np.ndarray, "height width channels"]:
    if image.ndim != 3 or image.shape[2] not in (1, 3) or image.size == 0:
        raise ShapeError(
            f"has the shape {list(image.shape)}", where=where, remedy="Give one picture as [H, W, C] with C = 1 or 3"
        )
    if image.dtype not in (np.uint8, np.uint16):
        raise ShapeError(
            f"has the dtype {image.dtype}", where=where, remedy="Give the stored values as uint8 or uint16"
        )
    levels = image.astype(np.float32, order="C")
    return levels if image.dtype == np.uint8 else levels / np.float32(_LEVELS_OF_16_BITS)


def _check_probabilities(probabilities: np.ndarray, size: tuple[int, ...], where: str | Path) -> None:
    shape = list(probabilities.shape)
    if len(shape) != 3 or shape[0] < 2 or not np.issubdtype(probabilities.dtype, np.floating):
        raise ShapeError(
            f"the probabilities are {probabilities.dtype} {shape}",
            where=where,
            remedy="Give floats [K, H, W] of at least 2 classes",
        )
    if tuple(shape[1:]) != size:
        raise ShapeError(
            f"the picture is {size[1]}×{size[0]} pixels and its probabilities are {shape[2]}×{shape[1]}",
            where=where,
            remedy="Give the probabilities at the picture's own size",
        )
    low, high = float(probabilities.min()), float(probabilities.max())  # NaN if any is
    if not (low >= -_ABOVE_ONE and high <= 1 + _ABOVE_ONE):
        found = "some of its probabilities are NaN" if math.isnan(low) else f"its probabilities are {low:g} to {high:g}"
        raise DataError(
            found,
            where=where,
            remedy="Give probabilities in [0, 1], a softmax of the logits for instance",
        )
