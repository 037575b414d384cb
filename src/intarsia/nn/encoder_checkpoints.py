"""Published classifiers whose tensors are not called as timm calls them: which they are, and what they call each.

The networks are the same functions as timm's; only names differ. torchvision's ResNets are called as timm's are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from intarsia.errors import ModelFileError

_GATES = ("se.conv_reduce", "se.conv_expand")  # last, for not every network squeezes and excites
_EXPANDED = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3", *_GATES)
_SEPARABLE = ("conv_dw", "bn1", "conv_pw", "bn2", *_GATES)  # the first block has nothing to expand
_ENDS = ("conv_stem", "bn1", "conv_head", "bn2", "classifier")

_SQUEEZE = ("_se_reduce", "_se_expand")


@dataclass(frozen=True)
class _Program:
    """How a program calls the parts of a network of inverted residual blocks (Sandler et al. 2018, arXiv:1801.04381).

    Args:
        contents: what a file of it holds, for people.
        sign: a name that no other program gives.
        encoders: what the names of timm's models for it begin with.
        ends: stem, its norm, head, its norm, classifier; ``{last}`` is one more than there are blocks.
        block: the block ``{number}``, counted from ``first``.
        first: the number of the first block.
        expanded: the parts of a block, as timm's ``_EXPANDED`` as far as there are.
        separable: the parts of a block that does not expand, as timm's ``_SEPARABLE`` as far as there are.
    """

    contents: str
    sign: str
    encoders: str
    ends: tuple[str, ...]
    block: str
    first: int
    expanded: tuple[str, ...]
    separable: tuple[str, ...]


_PROGRAMS = (
    _Program(
        contents="a MobileNetV2 in torchvision's layout",
        sign="features.1.conv.0.0.weight",
        encoders="mobilenetv2_",
        ends=("features.0.0", "features.0.1", "features.{last}.0", "features.{last}.1", "classifier.1"),
        block="features.{number}.conv",
        first=1,
        expanded=("0.0", "0.1", "1.0", "1.1", "2", "3"),
        separable=("0.0", "0.1", "1", "2"),
    ),
    _Program(
        contents="an EfficientNet with TensorFlow's padding, in efficientnet_pytorch's layout",
        sign="_conv_stem.weight",
        encoders="tf_efficientnet_",
        ends=("_conv_stem", "_bn0", "_conv_head", "_bn1", "_fc"),
        block="_blocks.{number}",
        first=0,
        expanded=("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2", *_SQUEEZE),
        separable=("_depthwise_conv", "_bn1", "_project_conv", "_bn2", *_SQUEEZE),
    ),
)


def names_in_checkpoint(given: Iterable[str], classifier: Iterable[str], encoder: str) -> dict[str, str]:
    """What a checkpoint calls the tensors of a timm model: timm's own names, unless another program's are recognized.

    Args:
        given: the names in the checkpoint.
        classifier: every name in the state dict of the whole timm model.
        encoder: timm's name of that model.

    Returns:
        For each name in ``classifier``, the checkpoint's; whether the checkpoint has it is not looked at.

    Raises:
        ModelFileError: the checkpoint is of a program whose networks ``encoder`` does not compute.
    """
    given, classifier = set(given), list(classifier)
    program = next((program for program in _PROGRAMS if program.sign in given), None)
    if program is None:
        return {key: key for key in classifier}
    if not encoder.startswith(program.encoders):
        raise ModelFileError(
            f"they are of {program.contents}, which is not what {encoder} computes",
            where="encoder weights",
            remedy=f"Choose the encoder they belong to, whose name begins with {program.encoders}",
        )
    modules = _modules(program, classifier)
    return {key: _renamed(key, modules) for key in classifier}


def _modules(program: _Program, classifier: list[str]) -> dict[str, str]:
    """For each module of timm's that has parameters, the program's."""
    blocks = list(dict.fromkeys(found[0] for key in classifier if (found := re.match(r"blocks\.\d+\.\d+", key))))
    last = program.first + len(blocks)
    modules = {ours: theirs.format(last=last) for ours, theirs in zip(_ENDS, program.ends, strict=True)}
    for number, block in enumerate(blocks, start=program.first):
        expands = f"{block}.conv_pwl.weight" in classifier
        ours, theirs = (_EXPANDED, program.expanded) if expands else (_SEPARABLE, program.separable)
        name = program.block.format(number=number)
        modules |= {f"{block}.{our}": f"{name}.{their}" for our, their in zip(ours, theirs, strict=False)}
    return modules


def _renamed(key: str, modules: dict[str, str]) -> str:
    module, _, tensor = key.rpartition(".")
    return f"{modules.get(module, module)}.{tensor}"
