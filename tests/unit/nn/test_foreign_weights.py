from __future__ import annotations

import pytest
import torch
from torch import Tensor

from intarsia.errors import ModelFileError
from intarsia.nn.foreign_weights import fit_state_dict


def _published() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        "stem.0.weight": torch.rand(4, 3, 2, 2).half(),
        "stem.1.num_batches_tracked": torch.tensor(7),
        "blocks.0.conv_dw.weight": torch.rand(4, 1, 3, 3).half(),
        "head.fc.weight": torch.rand(10, 4).half(),
    }


def _features(in_channels: int = 3, prefix: str = "") -> dict[str, Tensor]:
    return {
        f"{prefix}stem_0.weight": torch.zeros(4, in_channels, 2, 2),
        f"{prefix}stem_1.num_batches_tracked": torch.tensor(0),
        f"{prefix}blocks.0.conv_dw.weight": torch.zeros(4, 1, 3, 3),
    }


@pytest.mark.parametrize("prefix", ["", "model."])
def test_tensors_are_renamed_widened_to_fp32_and_the_classifier_left_out(prefix: str) -> None:
    given = _published()
    fitted = fit_state_dict(given, _features(prefix=prefix), given, "net")
    assert fitted.keys() == _features(prefix=prefix).keys()
    assert fitted[f"{prefix}stem_0.weight"].dtype == torch.float32
    assert torch.equal(fitted[f"{prefix}stem_0.weight"], given["stem.0.weight"].float())
    assert fitted[f"{prefix}stem_1.num_batches_tracked"] == 7


@pytest.mark.parametrize("in_channels", [1, 3, 6, 9])
def test_the_stem_responds_to_gray_as_before(in_channels: int) -> None:
    given = _published()
    stem = fit_state_dict(given, _features(in_channels), given, "net")["stem_0.weight"]
    assert stem.shape[1] == in_channels
    torch.testing.assert_close(stem.sum(dim=1), given["stem.0.weight"].float().sum(dim=1))


def test_a_missing_batch_count_is_forgiven() -> None:
    given = _published()
    layout = list(given)
    del given["stem.1.num_batches_tracked"]
    assert fit_state_dict(given, _features(), layout, "net")["stem_1.num_batches_tracked"] == 0


def test_missing_and_unknown_tensors_are_named() -> None:
    given = _published()
    layout = list(given)
    del given["stem.0.weight"]
    given["blocks.1.weight"] = torch.rand(1)
    expected = (
        r"they do not fit net: 1 tensors are missing \(stem.0.weight\) and 1 tensors are not part of it "
        r"\(blocks.1.weight\). Give the ImageNet weights of net"
    )
    with pytest.raises(ModelFileError, match=expected):
        fit_state_dict(given, _features(), layout, "net")


def test_tensors_of_another_shape_are_named() -> None:
    given = _published()
    given["blocks.0.conv_dw.weight"] = torch.rand(8, 1, 3, 3)
    with pytest.raises(ModelFileError, match=r"1 tensors are of another shape \(blocks.0.conv_dw.weight\)"):
        fit_state_dict(given, _features(), given, "net")
