from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from contract.unchecked import unchecked
from intarsia.ops import mask_queries
from intarsia.ops.mask_queries import masks_at_input_size, semantic_scores
from intarsia.types import MaskQueries


def case(size: tuple[int, int], stride: int, padding: int = 1, batch: int = 2, queries: int = 4) -> MaskQueries:
    generator = torch.Generator().manual_seed(size[0])
    cells = (-(-size[0] // stride) + padding, -(-size[1] // stride) + padding)
    return MaskQueries(
        torch.randn(batch, queries, 4, generator=generator),
        3 * torch.randn(batch, queries, *cells, generator=generator),
        size,
        stride,
    )


@pytest.fixture
def narrow_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mask_queries, "_AT_ONCE", 1)


def test_masks_are_enlarged_as_pytorch_does_and_cut() -> None:
    queries = case((9, 14), 4)
    expected = nn.functional.interpolate(queries.mask_logits, scale_factor=4, mode="bilinear")[..., :9, :14]
    torch.testing.assert_close(masks_at_input_size(queries), expected)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5), st.integers(0, 2), st.integers(1, 10_000))
def test_bands_give_what_the_whole_gives(height: int, width: int, stride: int, padding: int, at_once: int) -> None:
    queries = case((height, width), stride, padding)
    masks = masks_at_input_size(queries).sigmoid()
    expected = torch.einsum("bqk,bqhw->bkhw", queries.class_logits.softmax(dim=2)[..., :-1], masks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_queries, "_AT_ONCE", at_once)
        torch.testing.assert_close(semantic_scores(queries), expected, rtol=1e-5, atol=1e-6)


def test_by_hand() -> None:
    classes = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.7, 0.2]]).log().unsqueeze(0)
    masks = torch.tensor([[0.8], [0.4]]).logit().reshape(1, 2, 1, 1)
    scores = semantic_scores(MaskQueries(classes, masks, (3, 2), 4))
    assert scores.shape == (1, 2, 3, 2)
    torch.testing.assert_close(scores[0, :, 2, 1], torch.tensor([0.5 * 0.8 + 0.1 * 0.4, 0.25 * 0.8 + 0.7 * 0.4]))


@pytest.mark.parametrize(
    ("dtype", "expected"), [(torch.bfloat16, torch.float32), (torch.float64, torch.float64)], ids=str
)
def test_scores_are_never_of_less_than_single_precision(dtype: torch.dtype, expected: torch.dtype) -> None:
    queries = case((8, 8), 4)
    other = MaskQueries(queries.class_logits.to(dtype), queries.mask_logits.to(dtype), (8, 8), 4)
    assert semantic_scores(other).dtype == expected


class Scores(nn.Module):
    """Something to compile and export."""

    def forward(self, class_logits: Tensor, mask_logits: Tensor) -> Tensor:
        return semantic_scores(MaskQueries(class_logits, mask_logits, (9, 14), 4))


@pytest.mark.usefixtures("narrow_bands")
def test_compiles_and_exports_in_bands() -> None:
    import onnxruntime

    queries = case((9, 14), 4)
    inputs, expected = (queries.class_logits, queries.mask_logits), semantic_scores(queries)
    torch.compiler.reset()
    with unchecked():
        compiled = torch.compile(Scores(), backend="aot_eager", fullgraph=True, dynamic=False)
        torch.testing.assert_close(compiled(*inputs), expected)
        program = torch.onnx.export(Scores().eval(), inputs, dynamo=True, verbose=False)
    assert program is not None
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    (found,) = session.run(None, {name: each.numpy() for name, each in zip(names, inputs, strict=True)})
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-5, atol=1e-6)
