from __future__ import annotations

from typing import Any

import pytest
import torch

from intarsia.architectures.oneformer import build
from intarsia.errors import RecipeError

_TINY: dict[str, Any] = {
    **{"in_channels": 3, "num_classes": 2, "encoder": "test_resnet", "queries": 4, "width": 32},
    **{"pixel_layers": 1, "decoder_layers": 2},
}


def test_one_query_is_the_tasks() -> None:
    with pytest.raises(RecipeError, match=r"argument `queries`: found 1, but one query is the task's own. Give 2 or"):
        build(**{**_TINY, "queries": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 8}, r"argument `queries`: found 4, too few masks to show 8 classes. Give 8 or more"),
        ({"width": 100}, r"argument `width`: found 100. Give a multiple of 32, for example 96"),
        ({"pixel_layers": 0}, r"argument `pixel_layers`: found 0"),
    ],
)
def test_what_cannot_be_built_is_named_with_a_remedy(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(**{**_TINY, **arguments})


def test_the_task_is_part_of_the_network_and_not_of_its_file() -> None:
    network: Any = build(**_TINY)
    assert network.decoder.task.shape == (1, 77)
    assert network.decoder.task.count_nonzero() == 7
    assert "decoder.task" not in network.state_dict()


def test_a_query_without_a_mask_looks_everywhere() -> None:
    network: Any = build(**_TINY).eval()
    last = network.decoder.transformer.decoder.mask_embed.layers[-1].layers[0]
    with torch.no_grad():  # every mask logit negative, so that each mask is empty
        last.weight.zero_()
        last.bias.fill_(-1)
        network.decoder.pixel_decoder.decoder.mask_projection.weight.zero_()
        network.decoder.pixel_decoder.decoder.mask_projection.bias.fill_(1)
        queries = network(torch.rand(1, 3, 64, 64))
    assert (queries.mask_logits < 0).all()
    assert queries.class_logits.isfinite().all()
