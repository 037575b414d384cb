"""What every architecture promises; a subclass for each runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from contract.measured import ends_see_each_other, measured_receptive_field
from contract.tiles import stitched_logits, with_statistics
from contract.unchecked import unchecked
from intarsia.architectures import build
from intarsia.errors import ShapeError
from intarsia.ops.mask_queries import semantic_scores
from intarsia.predict.tiling import exact_tiling
from intarsia.types import MaskQueries, SemanticLogits

SIZES = [(1, 1), (1, 7), (2, 2), (17, 33), (31, 64), (64, 64)]
CLASSES = 3


class ArchitectureContract:
    """Set ``architecture`` and ``arguments`` in a subclass."""

    architecture: ClassVar[str]
    arguments: ClassVar[dict[str, Any]] = {}
    export_sizes: ClassVar[tuple[tuple[int, int], ...]] = ((17, 33),)

    def build(self, in_channels: int = 3, num_classes: int = CLASSES) -> Any:
        torch.manual_seed(0)
        return build(self.architecture, in_channels=in_channels, num_classes=num_classes, **self.arguments)

    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_the_logits_have_the_size_of_the_image(self, size: tuple[int, int]) -> None:
        assert logits_of(self.build().eval(), torch.rand(2, 3, *size)).shape == (2, CLASSES, *size)

    @pytest.mark.parametrize("size", SIZES, ids=str)
    def test_trains_on_a_single_image(self, size: tuple[int, int]) -> None:
        network = self.build().train()
        torch.autograd.backward(trainable(network(torch.rand(1, 3, *size))))
        assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in network.parameters())

    def test_the_gradient_reaches_every_parameter(self) -> None:
        network = self.build().train()
        with torch.no_grad():  # some parameters start at zero on purpose, and would keep the gradient from others
            for parameter in network.parameters():
                parameter += 0.01 * torch.rand_like(parameter)
        torch.autograd.backward(trainable(network(torch.rand(2, 3, 65, 97))))
        unreached = [
            name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()
        ]
        assert unreached == []

    @pytest.mark.parametrize("in_channels", [1, 2, 12])
    def test_any_number_of_channels_and_classes(self, in_channels: int) -> None:
        network = self.build(in_channels, num_classes=1).eval()
        assert logits_of(network, torch.rand(1, in_channels, 9, 40)).shape == (1, 1, 9, 40)

    def test_refuses_another_number_of_channels(self) -> None:
        with pytest.raises(ShapeError, match=r"has 4 channels, but the network was built for 3.*in_channels=4"):
            self.build()(torch.rand(1, 4, 32, 32))

    def test_saved_and_loaded_it_gives_the_same_logits(self, tmp_path: Path) -> None:
        network, image = self.build(), torch.rand(2, 3, 33, 64)
        network(image)  # one step of training mode, so that running statistics differ from their start
        save_file(network.state_dict(), tmp_path / "network.safetensors")
        other = self.build()
        other.load_state_dict(load_file(tmp_path / "network.safetensors"))
        torch.testing.assert_close(logits_of(other.eval(), image), logits_of(network.eval(), image), rtol=0, atol=0)

    def test_evaluation_is_deterministic_and_one_image_does_not_depend_on_the_others(self) -> None:
        network, images = self.build().eval(), torch.rand(2, 3, 40, 40)
        together = logits_of(network, images)
        torch.testing.assert_close(logits_of(network, images), together, rtol=0, atol=0)
        torch.testing.assert_close(logits_of(network, images[1:]), together[1:], rtol=1e-4, atol=1e-5)

    def test_channels_last_gives_the_same_logits(self) -> None:
        network, image = self.build().eval(), torch.rand(1, 3, 33, 64)
        expected = logits_of(network, image)
        found = logits_of(network.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    def test_bf16_autocast_stays_close(self) -> None:
        network, image = self.build().eval(), torch.rand(1, 3, 33, 64)
        expected = logits_of(network, image)
        with torch.autocast("cpu", torch.bfloat16):
            found = logits_of(network, image).float()
        assert (found - expected).abs().max() < 0.05 * expected.abs().max()

    def test_compiles_as_one_graph(self) -> None:
        network, image = self.build().eval(), torch.rand(1, 3, 33, 64)
        expected = logits_of(network, image)
        torch.compiler.reset()
        # The run-time type checks of the test suite are not part of the network, and dynamo cannot look into them.
        with unchecked():
            network.compile(backend="aot_eager", fullgraph=True, dynamic=False)
            torch.testing.assert_close(logits_of(network, image), expected, rtol=1e-4, atol=1e-5)

    def test_exports_to_onnx_at_any_fixed_size(self) -> None:
        network = self.build().eval()
        for size in self.export_sizes:
            image = torch.rand(1, 3, *size)
            torch.testing.assert_close(onnx_logits(network, image), logits_of(network, image), rtol=1e-4, atol=1e-4)

    def test_the_encoders_layers_hold_each_of_its_parameters_once(self) -> None:
        network = self.build()
        layered = [parameter for layer in network.encoder_layers() for parameter in layer]
        assert len(layered) == len({id(parameter) for parameter in layered})
        assert {id(parameter) for parameter in layered} <= {id(parameter) for parameter in network.parameters()}
        assert all(network.encoder_layers())

    def test_the_declared_receptive_field_is_the_measured_one(self) -> None:
        network = self.build()
        declared, stride = network.receptive_field, network.stride
        length = ((declared or 4 * stride) // stride + 4) * stride
        assert ends_see_each_other(self.build(), 3, stride, length) == (declared is None)
        if declared is not None:
            assert measured_receptive_field(network, 3, stride, length) == declared

    @pytest.mark.parametrize(("beyond", "other"), [(1, 1), (70, 33)])
    def test_exact_tiles_give_what_the_whole_image_gives(self, beyond: int, other: int) -> None:
        network = self.build().eval()
        if network.margin is None:
            return  # `test_the_declared_receptive_field_is_the_measured_one` holds it to that
        with_statistics(network)
        tile = sum(-(-reach // network.stride) for reach in network.margin) * network.stride + 2 * network.stride
        image = torch.rand(1, 3, tile + beyond, other)
        tiling = exact_tiling((tile + beyond, other), tile, network.margin, network.stride)
        assert len(tiling.rows) > 1
        found, expected = stitched_logits(network, image, tiling), logits_of(network, image)
        assert (found - expected).abs().max() <= 1e-4
        assert torch.equal(found.argmax(dim=1), expected.argmax(dim=1))


def logits_of(network: nn.Module, image: Tensor) -> Tensor:
    with torch.no_grad():
        return scores_of(network(image))


def scores_of(output: object) -> Tensor:
    """One score a class and pixel, whatever the network returns."""
    if isinstance(output, MaskQueries):
        return semantic_scores(output)
    assert isinstance(output, SemanticLogits)
    return output.logits


def trainable(output: object) -> Tensor:
    """A scalar that depends on everything a loss would look at."""
    auxiliary = output.auxiliary if isinstance(output, MaskQueries) else ()
    return torch.stack([scores_of(each).square().mean() for each in (output, *auxiliary)]).sum()


def onnx_logits(network: nn.Module, image: Tensor) -> Tensor:
    with unchecked():
        program = torch.onnx.export(network, (image,), dynamo=True, verbose=False)
    assert program is not None
    content = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = [torch.from_numpy(array) for array in session.run(None, {session.get_inputs()[0].name: image.numpy()})]
    with torch.no_grad():
        leaves, form = tree_flatten(network(image))
    assert len(leaves) == len(found)
    return scores_of(tree_unflatten(found, form))
