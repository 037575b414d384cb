"""SegFormers of other programs, whole or only their encoder, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from torch import Tensor

from intarsia.architectures.segformer.names import PROGRAMS
from intarsia.errors import FetchError, ModelFileError
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import Layout, Packed, check_form, from_layout, of_architecture, renamed
from intarsia.nn.network import SegmentationNetwork

_STAGES = 4
_RGB = 3
_STEM = "stages.0.embedding.conv.weight"
_KEY = re.compile(r"stages\.(?P<stage>\d+)\.(?:blocks\.(?P<block>\d+)\.)?(?P<part>.+)\.(?P<kind>weight|bias)")
# The authors' files as segmentation_models_pytorch keeps them: safe to read, and always the same.
_REVISIONS = {
    "b0": "9ce53d104d92d75aabb00aae70677aaab67e7c84",
    "b1": "a04bf4f13a549bce677cf79b04852e7510782817",
    "b2": "868ab6f13871dcf8c3d9f90ee4519403475b65ef",
    "b3": "32558d12a65f1daa0ebcf4f4053c4285e2c1cbda",
    "b4": "3a3454e900a4b4f11dd60eeb59101a9a1a36b017",
    "b5": "ced04d96c586b6297fd59a7a1e244fc78fdb6531",
}


def _layout(network: EncoderDecoder, program: str) -> Layout:
    keys, names = list(network.state_dict()), PROGRAMS[program]
    form = {
        "projection_norm": ("decoder.projections.0.1.weight" in keys, names.projection_norm is not None),
        "align_corners": (network.align_corners, names.align_corners),
    }
    check_form(program, form)
    table = _encoder_table(keys, program, "encoder.", names.prefix)
    for stage in range(_STAGES):
        place = {"stage": stage, "number": stage + 1, "coarse": _STAGES - 1 - stage}
        theirs = names.projection.format_map(place)
        if names.projection_norm is None:  # a linear layer there, a 1×1 convolution here
            table[f"{theirs}.weight"] = Packed((f"decoder.projections.{stage}.weight",), trailing=-2)
            table[f"{theirs}.bias"] = f"decoder.projections.{stage}.bias"
        else:
            table[f"{theirs}.weight"] = f"decoder.projections.{stage}.0.weight"
            table |= renamed(keys, {f"decoder.projections.{stage}.1.": f"{names.projection_norm.format_map(place)}."})
    order = range(_STAGES) if names.fine_first else reversed(range(_STAGES))
    table[names.merge] = Packed(tuple(f"decoder.merges.{stage}.weight" for stage in order), dim=1)
    table |= renamed(keys, {"decoder.norm.": f"{names.norm}.", "head.": f"{names.head}."})
    return Layout(program, table, names.ignored)


LAYOUTS: Mapping[str, Callable[[SegmentationNetwork], Layout]] = of_architecture(
    "segformer", {program: partial(_layout, program=program) for program in PROGRAMS}
)
"""By program (see :data:`~intarsia.architectures.segformer.names.PROGRAMS`): from one of our networks to its layout
there. It refuses, with a ModelFileError, a network whose decoder has another form than the program's."""


def read_encoder_weights(
    given: Mapping[str, Tensor], ours: Mapping[str, Tensor], in_channels: int
) -> dict[str, Tensor]:
    """Read the encoder out of another program's classifier or segmentation network.

    Args:
        given: theirs: the authors' ``mit_b*.pth``, a file of transformers' ``SegformerForImageClassification`` or
            mmsegmentation's conversion of the first; or one of their segmentation networks, but smp's.
        ours: the encoder's own state dict.
        in_channels: to adapt a first convolution for RGB to, as timm does (:func:`timm.models.adapt_input_conv`).

    Raises:
        ModelFileError: tensors are missing, unknown or of another shape.
    """
    from timm.models import adapt_input_conv

    layouts = [
        Layout(program, _encoder_table(ours, program, "", prefix), ("classifier.", "head.", "decode_head."))
        for program in ("transformers", "nvlabs", "mmsegmentation")
        for prefix in dict.fromkeys((PROGRAMS[program].alone, PROGRAMS[program].prefix))
    ]
    layout = max(layouts, key=lambda candidate: len(candidate.table.keys() & given.keys()))
    if not layout.table.keys() & given.keys():
        raise ModelFileError(
            f"of its {len(given)} tensors none is called as in a mix transformer, be it of transformers, of its "
            "authors (nvlabs) or of mmsegmentation",
            where="encoder weights",
            remedy="Give ImageNet weights of a mix transformer (mit_b0 …), or choose an encoder the file belongs to",
        )
    stem = next(theirs for theirs, packed in layout.packed().items() if packed.keys == (_STEM,))
    weight = given.get(stem)
    if weight is not None and weight.ndim == 4 and weight.shape[1] == _RGB:
        given = {**given, stem: adapt_input_conv(in_channels, weight.float())}
    return from_layout(given, ours, layout)


def fetch_encoder_weights(size: str) -> dict[str, Tensor]:
    """The authors' ImageNet weights from the Hugging Face hub, or from its cache.

    Their licence allows research and evaluation only.

    Args:
        size: "b0" to "b5".

    Raises:
        FetchError: there is no network and nothing in the cache.
    """
    from huggingface_hub import hf_hub_download
    from safetensors.torch import load_file

    repository = f"smp-hub/mit_{size}.imagenet"
    try:
        path = hf_hub_download(repository, "model.safetensors", revision=_REVISIONS[size])
    except OSError as error:
        raise FetchError(
            f"the weights {repository!r} could not be fetched from the Hugging Face hub",
            where="argument `pretrained`",
            remedy="Connect to a network and try again, or let `encoder_weights` name a local file instead",
        ) from error
    return load_file(path)


def _encoder_table(keys: Iterable[str], program: str, our_prefix: str, their_prefix: str) -> dict[str, str | Packed]:
    names, packed = PROGRAMS[program], dict[str, Packed]()
    for key in keys:
        if not key.startswith(our_prefix + "stages."):
            continue
        match = _KEY.fullmatch(key.removeprefix(our_prefix))
        assert match is not None
        place = {**match.groupdict(), "number": int(match["stage"]) + 1}
        theirs = their_prefix + names.encoder[match["part"]].format_map(place) + match["kind"]
        trailing = 2 if match["part"] in names.convolved and match["kind"] == "weight" else 0
        before = packed[theirs].keys if theirs in packed else ()
        packed[theirs] = Packed((*before, key), trailing)
    return dict(packed)
