from __future__ import annotations

import torch
from torch import Tensor, nn

from intarsia.nn.conv import BatchNorm2d
from intarsia.predict.folding import Watch, fold_batch_norms

IMAGE = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(1))


class Twice(nn.Module):
    """A convolution whose result is normalized and taken as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, image: Tensor) -> Tensor:
        convolved = self.conv(image)
        both: Tensor = convolved + self.norm(convolved)
        return both


class Shared(nn.Module):
    """One convolution before two normalisations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.one, self.other = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, image: Tensor) -> Tensor:
        both: Tensor = self.one(self.conv(image)) + self.other(self.conv(image + 1))
        return both


class Standardized(nn.Conv2d):
    """What it convolves with is not its weight."""

    def forward(self, input: Tensor) -> Tensor:
        return nn.functional.conv2d(input, self.weight - self.weight.mean(), self.bias)


def randomized(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias):
                if tensor is not None:
                    nn.init.normal_(tensor)
            for tensor in (module.running_var, module.weight):
                if tensor is not None:
                    nn.init.uniform_(tensor, 0.5, 2)
    return network.eval()


def folded(network: nn.Module, expected: int) -> None:
    """Fold, and check that the result is the same and how many normalisations are left."""
    before = randomized(network)(IMAGE)
    fold_batch_norms(network, IMAGE)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in network.modules()) == expected
    torch.testing.assert_close(network(IMAGE), before, rtol=1e-4, atol=1e-5)


def test_convolutions_do_the_work_of_the_normalisations_after_them() -> None:
    folded(nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(inplace=True)), 0)
    folded(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), BatchNorm2d(6), nn.Conv2d(6, 2, 1), BatchNorm2d(2)), 0)


def test_without_weights_of_its_own() -> None:
    folded(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, affine=False)), 0)


def test_an_activation_inside_stays() -> None:
    from timm.layers.norm_act import BatchNormAct2d

    network = nn.Sequential(nn.Conv2d(3, 4, 3), BatchNormAct2d(4))
    folded(network, 0)
    assert (network(IMAGE) >= 0).all()


def test_what_is_used_elsewhere_stays() -> None:
    folded(Twice(), 1)
    folded(Shared(), 2)
    conv = nn.Conv2d(3, 3, 1)
    folded(nn.Sequential(conv, nn.BatchNorm2d(3), conv), 1)


def test_what_is_looked_at_stays() -> None:
    seen: list[Tensor] = []
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    network[0].register_forward_hook(lambda module, given, returned: seen.append(returned))
    network[3].register_forward_hook(lambda module, given, returned: seen.append(returned))
    folded(network, 2)
    assert len(seen) == 6


def test_what_is_not_known_stays() -> None:
    folded(nn.Sequential(Standardized(3, 4, 1), nn.BatchNorm2d(4)), 1)
    folded(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)), 1)
    folded(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)), 1)
    folded(nn.Sequential(nn.ConvTranspose2d(3, 4, 1), nn.BatchNorm2d(4)), 1)


def test_a_watch_tells_what_a_tensor_is_used_for() -> None:
    with Watch() as watch:
        (IMAGE + 1).relu().to(torch.bfloat16)
    assert [str(operation) for operation, _ in watch.uses(IMAGE)] == ["aten.add.Tensor"]
    assert watch.uses(torch.zeros(1)) == []
