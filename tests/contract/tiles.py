"""What a network says of a picture that it is shown tile by tile."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from intarsia.predict.tiling import Tiling
from intarsia.types import SemanticLogits


@torch.no_grad()
def stitched_logits(network: nn.Module, image: Tensor, tiling: Tiling) -> Tensor:
    """The logits [1, C, H, W] that a tiling makes of those of its tiles, none of which reaches beyond the image."""
    total: Tensor | None = None
    for row in tiling.rows:
        for column in tiling.columns:
            rows, columns = (slice(span.start, span.start + span.length) for span in (row, column))
            output = network(image[:, :, rows, columns])
            assert isinstance(output, SemanticLogits)
            if total is None:
                total = torch.zeros(1, output.logits.shape[1], *image.shape[2:])
            used = output.logits[
                :,
                :,
                row.first - row.start : row.last - row.start,
                column.first - column.start : column.last - column.start,
            ]
            weights = torch.outer(torch.from_numpy(row.weights), torch.from_numpy(column.weights))
            total[:, :, row.first : row.last, column.first : column.last] += used * weights
    assert total is not None
    return total


def with_statistics(network: nn.Module) -> None:
    """Let the normalisations of a network do something."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
