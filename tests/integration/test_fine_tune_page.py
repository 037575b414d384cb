"""The page on fine-tuning: its figures are the benchmark's, its code does what it says, its layers are counted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from intarsia.architectures import build

_DOCS = Path(__file__).parents[2] / "docs"
_PAGE = (_DOCS / "how-to/fine-tune.md").read_text(encoding="utf-8")
(_CODE,) = re.findall(r"^```python\n(.*?)^```", _PAGE, re.DOTALL | re.MULTILINE)
_LAYERS = [
    (encoder, int(count))
    for names, count in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d+) \|$", _PAGE, re.MULTILINE)
    for encoder in re.findall(r"`(\w+)`", names)
]


def _numbers(measured: Any) -> Iterator[float]:
    if isinstance(measured, float):
        yield measured
    elif isinstance(measured, dict | list):
        for value in measured.values() if isinstance(measured, dict) else measured:
            yield from _numbers(value)


def test_every_figure_is_the_benchmark_s() -> None:
    measured = json.loads((_DOCS / "benchmarks/pretrained.json").read_text(encoding="utf-8"))
    figures = {f"{number:.3f}" for number in _numbers(measured)}
    quoted = re.findall(r"\b0\.\d{3}\b", _PAGE)
    assert quoted
    assert [figure for figure in quoted if figure not in figures] == []


@pytest.mark.parametrize(("encoder", "count"), _LAYERS)
def test_encoders_have_as_many_layers_as_listed(encoder: str, count: int) -> None:
    with torch.device("meta"):
        network = build("unet", in_channels=3, num_classes=2, encoder=encoder)
    assert len(network.encoder_layers()) == count


def test_a_silenced_fourth_channel_leaves_the_features_of_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    weights = timm.create_model("resnet18").state_dict()
    save_file(weights, "resnet18.safetensors")
    names: dict[str, Any] = {}
    exec(_CODE, names)
    of_three = build("unet", in_channels=3, num_classes=2, encoder="resnet18").eval()
    of_three.load_encoder_weights(weights)
    image = torch.randn(1, 4, 64, 64)
    with torch.no_grad():
        found = names["network"].eval().encoder(image)
        wanted = of_three.get_submodule("encoder")(image[:, :3])
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
