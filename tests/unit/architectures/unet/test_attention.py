from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.unet import build
from intarsia.architectures.unet.attention import AttentionGate
from intarsia.errors import RecipeError


def test_a_gate_starts_open() -> None:
    skip = torch.rand(2, 3, 6, 8)
    passed = AttentionGate(3, 5)(skip, torch.rand(2, 5, 3, 4))
    torch.testing.assert_close(passed, skip * torch.sigmoid(torch.tensor(3.0)))


def test_every_channel_of_a_pixel_is_weighed_alike_by_something_between_nothing_and_one() -> None:
    gate = AttentionGate(3, 5)
    torch.nn.init.normal_(gate.score.weight, std=3)
    skip = torch.rand(2, 3, 6, 8) + 0.1
    weight = gate(skip, torch.randn(2, 5, 3, 4)) / skip
    torch.testing.assert_close(weight, weight[:, :1].expand_as(weight))
    assert 0 < weight.min() < weight.max() < 1


def test_a_gate_computes_equation_one_at_the_size_of_the_coarser_features() -> None:
    gate: Any = AttentionGate(2, 3)
    skip, gating = torch.rand(1, 2, 4, 4), torch.rand(1, 3, 2, 2)
    torch.nn.init.normal_(gate.score.weight)
    weights_x, weights_g, psi = (conv.weight[:, :, 0, 0] for conv in (gate.of_skip, gate.of_gating, gate.score))
    x = skip.unfold(2, 2, 2).unfold(3, 2, 2).mean(dim=(4, 5))  # halving bilinearly averages 2×2 pixels
    mixed = torch.einsum("ic,bchw->bihw", weights_x, x) + torch.einsum("ic,bchw->bihw", weights_g, gating)
    mixed = (mixed + gate.of_gating.bias[:, None, None]).relu()
    score = torch.einsum("ic,bchw->bihw", psi, mixed) + gate.score.bias
    alpha = torch.nn.functional.interpolate(score.sigmoid(), (4, 4), mode="bilinear")
    torch.testing.assert_close(gate(skip, gating), skip * alpha)


@pytest.mark.parametrize(
    ("encoder", "gated"),
    [("scratch", ["0", "1", "2"]), ("resnet18", ["0", "1", "2"]), ("test_convnext", ["0", "1"])],
)
def test_every_skip_but_the_finest_is_gated(encoder: str, gated: list[str]) -> None:
    network: Any = build(in_channels=3, num_classes=2, encoder=encoder, base_width=4, attention=True)
    assert sorted(network.decoder.gates) == gated


def test_a_network_whose_gates_are_wide_open_is_a_plain_one() -> None:
    plain = build(in_channels=3, num_classes=2, depth=3, base_width=4).eval()
    gated: Any = build(in_channels=3, num_classes=2, depth=3, base_width=4, attention=True).eval()
    assert gated.load_state_dict(plain.state_dict(), strict=False).unexpected_keys == []
    for gate in gated.decoder.gates.values():
        torch.nn.init.constant_(gate.score.bias, 100.0)
    image = torch.rand(1, 3, 20, 33)
    with torch.no_grad():
        torch.testing.assert_close(gated(image).logits, plain(image).logits)


@pytest.mark.parametrize("arguments", [{"depth": 1}, {"encoder": "resnet18", "depth": 2}], ids=str)
def test_a_single_skip_leaves_nothing_to_gate(arguments: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"argument `attention`: found True.*Give a larger `depth`"):
        build(in_channels=3, num_classes=2, attention=True, **arguments)


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest", "transposed"])
@pytest.mark.parametrize("depth", [2, 3])
def test_the_declared_receptive_field_counts_what_only_the_gates_see(depth: int, upsampling: str) -> None:
    # A lit line on black does not show how far a gate looks where what it multiplies is black; on gray it does.
    torch.manual_seed(0)
    network = build(
        in_channels=1, num_classes=1, depth=depth, base_width=4, upsampling=upsampling, attention=True
    ).eval()
    for parameter in network.double().parameters():
        parameter.data.uniform_(0.1, 1).div_(parameter[0].numel())
    stride, declared = network.stride, network.receptive_field
    assert declared is not None
    length = (declared // stride + 4) * stride
    gray, middle = torch.ones(stride, 1, stride, length, dtype=torch.float64), length // 2 // stride * stride
    lit = gray.clone()
    for phase in range(stride):
        lit[phase, ..., middle + phase] += 1e8  # so that its faintest trace is more than rounding
    with torch.no_grad():
        seen = (network(lit).logits - network(gray).logits).abs().sum(dim=(1, 2)) > 0
    offsets: dict[int, list[int]] = {}
    for phase, column in seen.nonzero().tolist():
        offsets.setdefault(column % stride, []).append(middle + phase - column)
    assert max(max(found) - min(found) + 1 for found in offsets.values()) == declared
