from __future__ import annotations

import pytest
import torch

from intarsia.losses.probabilities import mean_over_valid, pixel_terms, two_class_logits


def test_one_channel_becomes_the_pair_whose_softmax_is_the_sigmoid() -> None:
    logits = torch.linspace(-30, 30, 61, dtype=torch.float64).reshape(1, 1, 1, 61)
    torch.testing.assert_close(two_class_logits(logits).softmax(dim=1)[:, 1:], logits.sigmoid())


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64, torch.float64)],
)
def test_terms_are_never_of_less_than_single_precision(dtype: torch.dtype, expected: torch.dtype) -> None:
    terms = pixel_terms(torch.zeros(1, 3, 2, 2, dtype=dtype), torch.zeros(1, 2, 2, dtype=torch.int16))
    assert terms.log_probabilities.dtype == terms.log_of_truth.dtype == expected


def test_the_true_class_is_looked_up_and_zero_where_ignored() -> None:
    logits = torch.tensor([0.5, 0.2, 0.3]).log().reshape(1, 3, 1, 1).expand(1, 3, 1, 3)
    terms = pixel_terms(logits, torch.tensor([[[0, -1, 2]]]))
    torch.testing.assert_close(terms.log_of_truth.exp(), torch.tensor([[[0.5, 1.0, 0.3]]]))


def test_a_class_the_network_does_not_have_fails_loudly() -> None:
    with pytest.raises(RuntimeError, match="out of bounds"):
        pixel_terms(torch.zeros(1, 3, 1, 1), torch.tensor([[[3]]]))


def test_mean_where_only_classes_of_weight_zero_are_present_is_zero() -> None:
    terms = pixel_terms(torch.randn(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64))
    assert mean_over_valid(-terms.log_of_truth, terms, torch.tensor([0.0, 1.0])).item() == 0
