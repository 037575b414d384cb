"""The same tensors under another program's names: reading its checkpoints and writing them, nothing lost on the way.

Each architecture's ``convert.py`` says how other programs lay it out; the two functions here apply that both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.encoders import Encoder
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.tensor_names import is_batch_count, listing

_WHOLE = (0, 1)


@dataclass(frozen=True)
class Packed:
    """One tensor of another program, made of ours.

    Args:
        keys: our tensors, which it holds one after another along ``dim``.
        trailing: how many dimensions of size 1 it has at its end that ours have not (a 1×1 convolution in place of a
            linear layer has two); negative where ours have them.
        part: where it holds a part of ours only, which one of how many equal parts along the first dimension: (0, 3)
            is the query's share of a projection that we keep in one piece for query, key and value.
        dim: 0, or 1 where it lines up the inputs of a layer instead of its outputs.
    """

    keys: tuple[str, ...]
    trailing: int = 0
    dim: int = 0
    part: tuple[int, int] = _WHOLE


@dataclass(frozen=True)
class Layout:
    """How another program names and packs a network's tensors.

    Args:
        program: its name, for errors ("torchvision").
        table: from its key to our key, or to what it packs.
        ignored: the beginnings of its keys that have no counterpart here (an auxiliary head, say); never written.
    """

    program: str
    table: Mapping[str, str | Packed]
    ignored: Sequence[str] = field(default=())

    def packed(self) -> dict[str, Packed]:
        """The table with every entry as :class:`Packed`."""
        return {theirs: Packed((ours,)) if isinstance(ours, str) else ours for theirs, ours in self.table.items()}


def from_layout(given: Mapping[str, Tensor], ours: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Read another program's state dict as one of ours.

    Args:
        given: theirs, of any floating precision.
        ours: the network's own state dict, for its names, shapes and dtypes.
        layout: how the two correspond.

    Returns:
        A state dict with exactly the names, shapes and dtypes of ``ours``.

    Raises:
        ModelFileError: tensors are missing, unknown or of another shape; all of them are counted and some are named.
    """
    table = layout.packed()
    _check_complete(table, ours)
    known = {key: tensor for key, tensor in given.items() if not key.startswith(tuple(layout.ignored))}
    missing = [key for key in table if key not in known and not is_batch_count(key)]
    unexpected = [key for key in known if key not in table and not is_batch_count(key)]
    if missing or unexpected:
        raise _unfit(layout, {"missing": missing, "not part of it": unexpected})
    read = dict(ours)
    misshapen = []
    for theirs, packed in table.items():
        if theirs not in known:
            continue
        shapes = [_part(ours[key], packed).shape for key in packed.keys]
        if known[theirs].shape != _their_shape(shapes, packed):
            misshapen.append(theirs)
            continue
        lengths = [shape[packed.dim] for shape in shapes] if len(shapes) > 1 else []
        parts = torch.split(known[theirs], lengths, packed.dim) if lengths else [known[theirs]]
        for key, shape, part in zip(packed.keys, shapes, parts, strict=True):
            read[key] = _with_part(read[key], part.reshape(shape).to(ours[key].dtype), packed)
    if misshapen:
        raise _unfit(layout, {"of another shape": misshapen})
    return read


def to_layout(ours: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """Write a state dict of ours as another program's, the inverse of :func:`from_layout`."""
    table, written = layout.packed(), {}
    _check_complete(table, ours)
    for theirs, packed in table.items():
        parts = [_part(ours[key], packed) for key in packed.keys]
        whole = torch.cat(parts, packed.dim) if len(parts) > 1 else parts[0]
        written[theirs] = whole.reshape(_their_shape([part.shape for part in parts], packed))
    return written


def renamed(keys: Iterable[str], beginnings: Mapping[str, str]) -> dict[str, str]:
    """A table of tensors whose names differ in their beginnings only.

    Args:
        keys: ours; those with another beginning are left out.
        beginnings: from ours to theirs.

    Returns:
        From their key to ours.
    """
    table = {}
    for key in keys:
        ours = next((beginning for beginning in beginnings if key.startswith(beginning)), None)
        if ours is not None:
            table[beginnings[ours] + key.removeprefix(ours)] = key
    return table


def check_form(program: str, form: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuse a network whose tensors may fit another program's, but which computes something else with them.

    Args:
        program: its name, for the error.
        form: by argument of the network's builder: what the network was built with, and what it has to be built with.

    Raises:
        ModelFileError: some differ; these are named.
    """
    wrong = {name: pair for name, pair in form.items() if pair[0] != pair[1]}
    if wrong:
        found, wanted = (", ".join(f"{name}={pair[side]}" for name, pair in wrong.items()) for side in (0, 1))
        raise ModelFileError(
            f"{program} computes something else than this network, which has {found}",
            where="checkpoint",
            remedy=f"Build the network with {wanted}",
        )


def encoder_name(encoder: Encoder) -> str:
    """timm's name of a model, without the tag of its weights; "scratch" where it is none of timm's."""
    return str(getattr(encoder, "name", "scratch")).partition(".")[0]


def of_architecture(
    name: str, programs: Mapping[str, Callable[[Any], Layout]]
) -> dict[str, Callable[[SegmentationNetwork], Layout]]:
    """The layouts of one architecture, made to refuse networks of another.

    Args:
        name: of the architecture, which is that of its folder.
        programs: by program, from a network of this architecture to its layout there.

    Returns:
        The same for any network. They raise a ModelFileError where it is another architecture's.
    """
    return {program: partial(_checked, architecture=name, layout=layout) for program, layout in programs.items()}


def _checked(network: SegmentationNetwork, architecture: str, layout: Callable[[Any], Layout]) -> Layout:
    found = type(network.decoder).__module__.split(".")[-2:][0]
    if found != architecture:
        raise ModelFileError(
            f"this network is a {found!r}, and the layout is of {architecture!r}",
            where="checkpoint",
            remedy=f"Build the network as {architecture!r}, or take a layout of {found!r}, if there is one",
        )
    return layout(network)


def _part(tensor: Tensor, packed: Packed) -> Tensor:
    index, count = packed.part
    return tensor if count == 1 else tensor.chunk(count)[index]


def _with_part(tensor: Tensor, value: Tensor, packed: Packed) -> Tensor:
    index, count = packed.part
    if count == 1:
        return value
    parts = list(tensor.chunk(count))
    parts[index] = value
    return torch.cat(parts)


def _their_shape(shapes: Sequence[torch.Size], packed: Packed) -> torch.Size:
    shape = list(shapes[0])
    if len(shapes) > 1:
        shape[packed.dim] = sum(other[packed.dim] for other in shapes)
    return torch.Size([*shape, *[1] * packed.trailing] if packed.trailing >= 0 else shape[: packed.trailing])


def _check_complete(table: Mapping[str, Packed], ours: Mapping[str, Tensor]) -> None:
    assert {key for packed in table.values() for key in packed.keys} >= {key for key in ours if not is_batch_count(key)}


def _unfit(layout: Layout, problems: Mapping[str, Sequence[str]]) -> ModelFileError:
    return ModelFileError(
        f"it does not fit this network in {layout.program}'s layout: {listing(problems)}",
        where="checkpoint",
        remedy="Build the network with the checkpoint's own encoder, channels and classes, or choose the layout it has",
    )
