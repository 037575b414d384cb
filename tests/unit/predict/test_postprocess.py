from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.ops.mask_queries import semantic_scores
from intarsia.predict.postprocess import class_shares, semantic_maps
from intarsia.types import LabelMap, MaskQueries

LABELS = LabelMap(names=("sky", "road", "tree"), ids=(0, 7, 300))
BINARY = LabelMap(names=("background", "cell"), ids=(0, 255))


def random_queries(size: tuple[int, int], classes: int = 3, dtype: torch.dtype = torch.float32) -> MaskQueries:
    generator = torch.Generator().manual_seed(0)
    cells = (-(-size[0] // 4), -(-size[1] // 4))
    return MaskQueries(
        torch.randn(2, 5, classes + 1, generator=generator).to(dtype),
        torch.randn(2, 5, *cells, generator=generator).to(dtype),
        size,
        4,
    )


def probabilities_of(
    output: MaskQueries, labels: LabelMap, size: tuple[int, int]
) -> list[tuple[np.ndarray, np.ndarray]]:
    maps = semantic_maps(output, size, labels, probabilities=True)
    assert all(each.probabilities is not None for each in maps)
    return [(each.class_ids, each.probabilities) for each in maps if each.probabilities is not None]


def test_the_class_of_a_pixel_is_that_of_the_largest_score() -> None:
    queries = random_queries((9, 14))
    scores = semantic_scores(queries).numpy()
    for score, (ids, shares) in zip(scores, probabilities_of(queries, LABELS, (9, 14)), strict=True):
        assert np.array_equal(ids, np.array(LABELS.ids)[score.argmax(axis=0)])
        assert np.allclose(shares, score / score.sum(axis=0), atol=1e-6)
        assert np.allclose(shares.sum(axis=0), 1, atol=1e-6)


def test_half_precision_is_taken() -> None:
    for ids, shares in probabilities_of(random_queries((9, 14), dtype=torch.bfloat16), LABELS, (9, 14)):
        assert ids.shape == (9, 14)
        assert shares.dtype == np.float32


def test_shrunken_pictures_come_back_at_their_own_size() -> None:
    for ids, shares in probabilities_of(random_queries((9, 14)), LABELS, (27, 43)):
        assert ids.shape == (27, 43)
        assert np.array_equal(ids, np.array(LABELS.ids)[shares.argmax(axis=0)])


def test_where_nothing_is_shown_every_class_is_as_likely_and_the_first_is_taken() -> None:
    classes = torch.tensor([-1e4, -1e4, -1e4, 1e4]).expand(1, 5, 4)
    ((ids, shares),) = probabilities_of(MaskQueries(classes, torch.zeros(1, 5, 2, 2), (8, 8), 4), LABELS, (8, 8))
    assert not ids.any()
    assert np.allclose(shares, 1 / 3)


def test_one_class_alone_is_where_its_score_is_above_a_half() -> None:
    classes = torch.tensor([50.0, -50]).expand(1, 2, 2)
    masks = torch.tensor([[0.4, 0.3, 0.9], [0.05, 0.3, 0.9]]).logit().reshape(1, 2, 1, 3)
    ((ids, shares),) = probabilities_of(MaskQueries(classes, masks, (1, 3), 1), BINARY, (1, 3))
    assert ids.tolist() == [[0, 255, 255]]
    assert np.allclose(shares, [[[0.55, 0.4, 0]], [[0.45, 0.6, 1]]])


@given(st.integers(1, 5), st.floats(0, 100), st.integers(0, 1000))
def test_shares_sum_to_one_and_keep_the_order(classes: int, spread: float, seed: int) -> None:
    scores = spread * torch.rand(1, classes, 3, 4, generator=torch.Generator().manual_seed(seed)) ** 8
    shares = class_shares(scores)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(1, 3, 4))
    assert (shares.argmax(dim=1) == scores.argmax(dim=1)).all()
