from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor
from torch.nn import functional

from intarsia.data.formats.image import read_image
from intarsia.errors import ModelFileError
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.foreign_weights import fit_state_dict
from intarsia.weights import read_state_dict


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


def _stem(in_channels: int) -> Tensor:
    given = _published()
    return fit_state_dict(given, _features(in_channels), given, "net")["stem_0.weight"]


def test_a_fourth_channel_is_taken_for_a_second_red_and_all_are_scaled_by_three_quarters() -> None:
    torch.manual_seed(1)
    color, fourth = torch.randn(2, 3, 9, 9), torch.randn(2, 1, 9, 9)
    red_filter = _stem(3)[:, :1]
    found = functional.conv2d(torch.cat([color, fourth], dim=1), _stem(4))
    wanted = 0.75 * (functional.conv2d(color, _stem(3)) + functional.conv2d(fourth, red_filter))
    torch.testing.assert_close(found, wanted)


def test_a_copy_of_red_moves_the_response_by_at_most_half_of_red_s_and_a_quarter_of_the_others() -> None:
    torch.manual_seed(1)
    color = torch.randn(2, 3, 9, 9)
    found = functional.conv2d(torch.cat([color, color[:, :1]], dim=1), _stem(4))
    change = found - functional.conv2d(color, _stem(3))
    of_red = functional.conv2d(color[:, :1], _stem(3)[:, :1])
    of_others = functional.conv2d(color[:, 1:], _stem(3)[:, 1:])
    assert (change.abs() <= 0.5 * of_red.abs() + 0.25 * of_others.abs() + 1e-6).all()


def _encoder(name: str, in_channels: int, weights: dict[str, Tensor]) -> TimmEncoder:
    encoder = TimmEncoder(name, in_channels)
    encoder.load_weights(weights)
    return encoder.eval()


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet"])
def test_gray_and_repeated_colors_give_the_features_of_three_channels(name: str) -> None:
    torch.manual_seed(0)
    weights = timm.create_model(name).state_dict()
    color = torch.randn(1, 3, 64, 64)
    gray = color.mean(dim=1, keepdim=True)
    with torch.no_grad():
        of_three = _encoder(name, 3, weights)
        pairs = [
            (_encoder(name, 12, weights)(color.repeat(1, 4, 1, 1)), of_three(color)),
            (_encoder(name, 1, weights)(gray), of_three(gray.repeat(1, 3, 1, 1))),
        ]
    for found, wanted in pairs:
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_with_an_empty_fourth_channel_training_sees_the_features_of_three() -> None:
    """The batch normalisation after the first convolution undoes its factor of three quarters."""
    torch.manual_seed(0)
    weights = timm.create_model("test_resnet").state_dict()
    color = torch.randn(2, 3, 64, 64)
    of_four = _encoder("test_resnet", 4, weights).train()(torch.cat([color, torch.zeros(2, 1, 64, 64)], dim=1))
    of_three = _encoder("test_resnet", 3, weights).train()(color)
    torch.testing.assert_close(of_four, of_three, rtol=1e-2, atol=1e-2)


@pytest.mark.needs_shared_data
@pytest.mark.parametrize(("fourth", "bound"), [("nothing", 0.95), ("red", 0.7), ("the mirrored red", 0.5)])
def test_imagenet_features_of_four_channels_resemble_those_of_three(
    fourth: str, bound: float, shared_data: Path
) -> None:
    weights = read_state_dict(shared_data.parent / "weights/resnet18_imagenet1k_fp16.safetensors")
    street = sorted((shared_data / "camvid/val/images").iterdir())[0]
    color = torch.tensor(read_image(street)[None, :256, :256]).permute(0, 3, 1, 2) / 255
    color = (color - color.mean((2, 3), keepdim=True)) / color.std((2, 3), keepdim=True)
    red = color[:, :1]
    channel = {"nothing": torch.zeros_like(red), "red": red, "the mirrored red": red.flip(3)}[fourth]
    with torch.no_grad():
        found = _encoder("resnet18", 4, weights)(torch.cat([color, channel], dim=1))
        wanted = _encoder("resnet18", 3, weights)(color)
    for of_four, of_three in zip(found, wanted, strict=True):
        correlation = torch.corrcoef(torch.stack([of_four.flatten(), of_three.flatten()]))[0, 1]
        assert correlation > bound


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
