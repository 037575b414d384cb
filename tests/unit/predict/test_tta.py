from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from intarsia.ops.mask_queries import semantic_scores
from intarsia.predict.postprocess import class_shares
from intarsia.predict.tta import VIEWS, Merging, Views, augmented
from intarsia.types import MaskQueries, SemanticLogits


class Pointwise(nn.Module):
    """What it says of a pixel depends on that pixel alone, so no flip or turn changes it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, channels, 1)
        self.shown: list[tuple[int, int]] = []

    def forward(self, image: Tensor) -> SemanticLogits:
        self.shown.append((image.shape[2], image.shape[3]))
        return SemanticLogits(self.conv(image))


@pytest.mark.parametrize("merging", ["probabilities", "logits"])
@pytest.mark.parametrize(("views", "count"), [("flips", 4), ("d4", 8)])
@pytest.mark.parametrize("channels", [1, 4])
def test_an_equivariant_network_says_the_same(views: Views, count: int, merging: Merging, channels: int) -> None:
    network, image = Pointwise(channels), torch.randn(2, 3, 5, 7)
    with torch.no_grad():
        plain = network(image).logits
        several = augmented(network, views, merging)(image).logits
    if channels == 1 and merging == "probabilities":
        torch.testing.assert_close(several[:, 1:] - several[:, :1], plain, rtol=1e-4, atol=1e-5)
    else:
        torch.testing.assert_close(several.softmax(dim=1), plain.softmax(dim=1))
    assert len(network.shown) == 1 + count
    assert {(5, 7), (7, 5)} >= set(network.shown)


def test_each_view_is_another_and_is_turned_back() -> None:
    corner = torch.zeros(1, 1, 3, 3)
    corner[0, 0, 0, 1] = 1
    seen: list[tuple[float, ...]] = []

    def network(image: Tensor) -> SemanticLogits:
        seen.append(tuple(image.flatten().tolist()))
        return SemanticLogits(torch.cat([image, torch.zeros_like(image)], dim=1))

    corner[0, 0, 0, 0] = 2  # now no two of the square's symmetries show the same
    result = augmented(network, "d4", "logits")(corner).logits
    assert len(set(seen)) == 8
    torch.testing.assert_close(result[:, :1], corner)


def test_views_that_disagree_are_averaged() -> None:
    def network(image: Tensor) -> SemanticLogits:  # sure of the left half only
        logits = torch.zeros(1, 2, *image.shape[2:])
        logits[:, 0, :, : image.shape[3] // 2] = 4.0
        return SemanticLogits(logits)

    probabilities = augmented(network, "flips")(torch.zeros(1, 3, 2, 4)).logits.softmax(dim=1)
    sure = float(torch.tensor([4.0, 0.0]).softmax(dim=0)[0])
    torch.testing.assert_close(probabilities[0, 0], torch.full((2, 4), (sure + 0.5) / 2))


def test_several_scales_of_an_even_picture_say_the_same() -> None:
    network, image = Pointwise(3), torch.ones(1, 3, 8, 12)
    with torch.no_grad():
        plain = network(image).logits
        several = augmented(network, "multiscale")(image).logits
    torch.testing.assert_close(several.softmax(dim=1), plain.softmax(dim=1))
    assert set(network.shown) == {(6, 9), (8, 12), (10, 15)}


@pytest.mark.parametrize("views", VIEWS)
def test_a_single_pixel_is_taken(views: Views) -> None:
    assert augmented(Pointwise(2), views)(torch.zeros(1, 3, 1, 1)).logits.shape == (1, 2, 1, 1)


@pytest.mark.parametrize("merging", ["probabilities", "logits"])
def test_mask_queries_are_averaged_by_their_shares(merging: Merging) -> None:
    generator = torch.Generator().manual_seed(0)
    classes = torch.randn(1, 5, 4, generator=generator)

    def network(image: Tensor) -> MaskQueries:
        return MaskQueries(
            classes, functional.avg_pool2d(image, 2).repeat(1, 5, 1, 1), (image.shape[2], image.shape[3]), 2
        )

    image = torch.randn(1, 1, 8, 6, generator=generator)
    shares = class_shares(semantic_scores(network(image)))
    torch.testing.assert_close(augmented(network, "flips", merging)(image).logits.softmax(dim=1), shares)
