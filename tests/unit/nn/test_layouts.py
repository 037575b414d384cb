"""Tables of names, applied both ways."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from intarsia.errors import ModelFileError
from intarsia.nn.double_conv_encoder import DoubleConvEncoder
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.layouts import (
    Layout,
    Packed,
    check_form,
    encoder_name,
    from_layout,
    of_architecture,
    renamed,
    to_layout,
)


def _layout(table: dict[str, str | Packed], ignored: tuple[str, ...] = ()) -> Layout:
    return Layout("elsewhere", table, ignored)


def _numbered(*shape: int) -> Tensor:
    return torch.arange(float(torch.Size(shape).numel())).reshape(shape)


def test_tensors_are_lined_up_along_the_dimension_asked_for() -> None:
    ours = {"a": _numbered(2, 3), "b": _numbered(2, 1) + 10}
    written = to_layout(ours, _layout({"both": Packed(("a", "b"), dim=1)}))
    assert written["both"].tolist() == [[0, 1, 2, 10], [3, 4, 5, 11]]
    ours = {"a": _numbered(2, 3), "b": _numbered(1, 3) + 10}
    written = to_layout(ours, _layout({"both": Packed(("a", "b"))}))
    assert written["both"].tolist() == [[0, 1, 2], [3, 4, 5], [10, 11, 12]]


def test_trailing_dimensions_of_one_come_and_go() -> None:
    ours = {"linear": _numbered(2, 3), "conv": _numbered(2, 3, 1, 1)}
    layout = _layout({"conv": Packed(("linear",), trailing=2), "linear": Packed(("conv",), trailing=-2)})
    written = to_layout(ours, layout)
    assert written["conv"].shape == (2, 3, 1, 1)
    assert torch.equal(written["linear"], ours["linear"])
    assert {key: tensor.shape for key, tensor in from_layout(written, ours, layout).items()} == {
        "linear": (2, 3),
        "conv": (2, 3, 1, 1),
    }


def test_a_part_is_its_share_of_the_first_dimension() -> None:
    ours = {"qkv": _numbered(6, 2)}
    layout = _layout({name: Packed(("qkv",), part=(index, 3)) for index, name in enumerate("qkv")})
    written = to_layout(ours, layout)
    assert written["k"].tolist() == [[4, 5], [6, 7]]
    assert torch.equal(from_layout(written, {"qkv": torch.zeros(6, 2)}, layout)["qkv"], ours["qkv"])


@st.composite
def _networks(draw: st.DrawFn) -> tuple[dict[str, Tensor], Layout]:
    """Tensors under random packings: each plain, in parts, or lined up with others."""
    ours: dict[str, Tensor] = {}
    table: dict[str, str | Packed] = {}
    for number in range(draw(st.integers(1, 4))):
        rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        kind = draw(st.sampled_from(["plain", "parts", "rows", "columns"]))
        trailing = draw(st.sampled_from([0, 1, 2]))
        if kind in ("plain", "parts"):
            count = 1 if kind == "plain" else draw(st.integers(2, 3))
            ours[f"{number}"] = torch.rand(rows * count, columns)
            for index in range(count):
                table[f"their.{number}.{index}"] = Packed((f"{number}",), trailing, part=(index, count))
            continue
        keys = [f"{number}.{part}" for part in range(draw(st.integers(2, 3)))]
        for key in keys:
            length = draw(st.integers(1, 4))
            ours[key] = torch.rand(length, columns) if kind == "rows" else torch.rand(rows, length)
        table[f"their.{number}"] = Packed(tuple(keys), trailing, dim=int(kind == "columns"))
    return ours, _layout(table)


@given(_networks())
def test_there_and_back_is_the_same(pair: tuple[dict[str, Tensor], Layout]) -> None:
    ours, layout = pair
    written = to_layout(ours, layout)
    assert written.keys() == layout.table.keys()
    assert sum(tensor.numel() for tensor in written.values()) == sum(tensor.numel() for tensor in ours.values())
    read = from_layout(written, {key: torch.zeros_like(tensor) for key, tensor in ours.items()}, layout)
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], tensor) for key, tensor in ours.items())


def test_what_is_read_has_our_precision_and_ours_is_left_alone() -> None:
    ours = {"a": torch.zeros(2)}
    read = from_layout({"b": torch.ones(2, dtype=torch.float16)}, ours, _layout({"b": "a"}))
    assert read["a"].dtype == torch.float32
    assert ours["a"].sum() == 0


def test_counts_of_batches_may_be_absent_and_what_is_ignored_present() -> None:
    ours = {"norm.weight": torch.zeros(1), "norm.num_batches_tracked": torch.tensor(0)}
    layout = _layout(
        {"bn.weight": "norm.weight", "bn.num_batches_tracked": "norm.num_batches_tracked"}, ignored=("aux.",)
    )
    given = {"bn.weight": torch.ones(1), "aux.weight": torch.ones(3), "aux.norm.num_batches_tracked": torch.tensor(1)}
    read = from_layout(given, ours, layout)
    assert read == {"norm.weight": 1, "norm.num_batches_tracked": 0}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": torch.zeros(2)}, r"elsewhere's layout: 1 tensors are missing \(x\)\. Build the network with the"),
        ({"x": torch.zeros(4), "y": torch.zeros(2), "z": torch.zeros(1)}, r"1 tensors are not part of it \(z\)\."),
        ({"z": torch.zeros(1)}, r"2 tensors are missing \(x, y\) and 1 tensors are not part of it \(z\)\."),
        ({"x": torch.zeros(5), "y": torch.zeros(2)}, r"1 tensors are of another shape \(x\)\."),
        ({"x": torch.zeros(4, 1), "y": torch.zeros(3)}, r"2 tensors are of another shape \(x, y\)\."),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(given: dict[str, Tensor], message: str) -> None:
    ours = {"a": torch.zeros(3), "b": torch.zeros(1), "c": torch.zeros(2)}
    with pytest.raises(ModelFileError, match=message):
        from_layout(given, ours, _layout({"x": Packed(("a", "b")), "y": "c"}))


def test_no_more_than_three_are_named() -> None:
    with pytest.raises(ModelFileError, match=r"4 tensors are missing \(0, 1, 2 …\)"):
        from_layout({}, {key: torch.zeros(1) for key in "0123"}, _layout({key: key for key in "0123"}))


@pytest.mark.parametrize("apply", [to_layout, lambda ours, layout: from_layout(ours, ours, layout)])
def test_a_table_that_leaves_out_a_tensor_is_a_mistake_of_ours(apply: Callable[..., object]) -> None:
    with pytest.raises(AssertionError):
        apply({"a": torch.zeros(1), "b": torch.zeros(1)}, _layout({"a": "a"}))


def test_renaming_takes_the_first_beginning_and_leaves_out_what_has_none() -> None:
    keys = ["encoder.stem.weight", "encoder.weight", "head.bias"]
    assert renamed(keys, {"encoder.stem.": "0.", "encoder.": "backbone."}) == {
        "0.weight": "encoder.stem.weight",
        "backbone.weight": "encoder.weight",
    }


def test_another_form_names_what_differs_only() -> None:
    check_form("elsewhere", {"stride": (8, 8)})
    with pytest.raises(ModelFileError) as caught:
        check_form("elsewhere", {"stride": (16, 8), "rates": ((1, 2), (1, 2)), "smooth": (True, False)})
    assert str(caught.value) == (
        "checkpoint: elsewhere computes something else than this network, which has stride=16, smooth=True. "
        "Build the network with stride=8, smooth=False."
    )


class _Decoder(nn.Identity):
    __module__ = "intarsia.architectures.tapestry.decoder"


def test_a_layout_is_for_its_own_architecture() -> None:
    network = EncoderDecoder(DoubleConvEncoder(3, 1, 4, "batch"), _Decoder(), nn.Conv2d(8, 2, 1))
    layout = Layout("elsewhere", {})
    assert of_architecture("tapestry", {"elsewhere": lambda _: layout})["elsewhere"](network) is layout
    with pytest.raises(ModelFileError, match=r"this network is a 'tapestry', and the layout is of 'mosaic'\. Build"):
        of_architecture("mosaic", {"elsewhere": lambda _: layout})["elsewhere"](network)
    assert encoder_name(network.encoder) == "scratch"
