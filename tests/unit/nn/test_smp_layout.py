from __future__ import annotations

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from contract.tiny_swin import swin_test
from intarsia.errors import ModelFileError
from intarsia.nn.double_conv_encoder import DoubleConvEncoder
from intarsia.nn.encoder_decoder import EncoderDecoder
from intarsia.nn.encoders import TimmEncoder
from intarsia.nn.layouts import from_layout
from intarsia.nn.smp_layout import encoder_table, smp_layout, unused_stages


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("resnet18", "resnet18"),
        ("resnet18.a1_in1k", "resnet18"),
        ("resnext50_32x4d", "resnext50_32x4d"),
        ("resnet18", "tu-resnet18"),
        ("mobilenetv3_small_050", "tu-mobilenetv3_small_050"),
        ("test_convnext", "tu-test_convnext"),
        ("mambaout_femto", "tu-mambaout_femto"),
        ("densenet121", "tu-densenet121"),
    ],
)
def test_every_tensor_of_smps_encoder_has_one_of_ours(name: str, theirs: str) -> None:
    ours, reference = TimmEncoder(name, in_channels=3), smp.encoders.get_encoder(theirs, weights=None)
    shapes = {f"encoder.{key}": tensor.shape for key, tensor in ours.state_dict().items()}
    expected = {f"encoder.{key}": tensor.shape for key, tensor in reference.state_dict().items()}
    table = encoder_table(ours, [*shapes, "head.weight"], universal=theirs.startswith("tu-"))
    assert {key: shapes[table[key]] for key in table} == expected


@pytest.mark.parametrize("name", ["resnet18", "resnext50_32x4d"])
def test_smps_own_encoders_compute_the_features_of_timms(name: str) -> None:
    torch.manual_seed(0)
    ours, reference = TimmEncoder(name, in_channels=3), smp.encoders.get_encoder(name, weights=None)
    keys = [f"encoder.{key}" for key in ours.state_dict()]
    state = {f"encoder.{key}": tensor for key, tensor in reference.state_dict().items()}
    table = encoder_table(ours, keys, universal=False)
    ours.load_state_dict({key.removeprefix("encoder."): state[theirs] for theirs, key in table.items()})
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        # The first of smp's features is the image itself.
        torch.testing.assert_close(ours.eval()(image), reference.eval()(image)[1:])


@pytest.mark.parametrize("name", ["densenet121", "mobilenetv3_small_050"])
def test_an_encoder_smp_has_not_of_its_own_is_refused(name: str) -> None:
    encoder = TimmEncoder(name, in_channels=3)
    with pytest.raises(ModelFileError, match=rf"no encoder of its own.*'{name}'.*universal encoders \(tu-…\)"):
        encoder_table(encoder, [f"encoder.{key}" for key in encoder.state_dict()], universal=False)


def _network(levels: int) -> EncoderDecoder:
    return EncoderDecoder(TimmEncoder("resnet18", 3, levels), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 2, 1))


def test_stages_beyond_the_depth_are_unused() -> None:
    assert unused_stages(_network(5).state_dict()) == ()
    assert unused_stages(_network(2).state_dict()) == ("encoder.layer2.", "encoder.layer3.", "encoder.layer4.")


def test_a_networks_layout_is_its_encoders_its_decoders_and_its_heads() -> None:
    network = _network(2)
    decoder = {"decoder.conv.weight": "decoder.weight", "decoder.conv.bias": "decoder.bias"}
    layout = smp_layout(network, decoder, {}, universal=False)
    reference = smp.encoders.get_encoder("resnet18", weights=None)
    given = {f"encoder.{key}": tensor for key, tensor in reference.state_dict().items()}
    for theirs, ours in (("decoder.conv", network.decoder), ("segmentation_head.0", network.head)):
        given |= {f"{theirs}.{name}": torch.rand_like(tensor) for name, tensor in ours.state_dict().items()}
    network.load_state_dict(from_layout(given, network.state_dict(), layout))
    assert torch.equal(network.head.get_parameter("weight"), given["segmentation_head.0.weight"])
    assert torch.equal(network.decoder.get_parameter("bias"), given["decoder.conv.bias"])


def test_networks_smp_has_not_are_refused() -> None:
    with pytest.raises(
        ModelFileError, match=r"left at its defaults, .* which has steps=2\. Build the network with steps=1"
    ):
        smp_layout(_network(2), {}, {"steps": (2, 1), "width": (8, 8)}, universal=True)
    scratch = EncoderDecoder(DoubleConvEncoder(3, 1, 4, "batch"), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 2, 1))
    with pytest.raises(ModelFileError, match=r"nothing like an encoder from scratch\. Build the network on an encoder"):
        smp_layout(scratch, {}, {}, universal=True)
    swin = EncoderDecoder(TimmEncoder(swin_test.__name__, 3), nn.Conv2d(64, 4, 1), nn.Conv2d(4, 2, 1))
    with pytest.raises(ModelFileError, match=r"lays the windows of timm's 'swin_test' otherwise"):
        smp_layout(swin, {}, {}, universal=True)
