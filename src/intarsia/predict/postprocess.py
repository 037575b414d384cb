"""From a network's output to what a person receives."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from intarsia.types import LabelMap, SemanticLogits, SemanticMap


def semantic_maps(
    output: SemanticLogits, size: tuple[int, int], label_map: LabelMap, probabilities: bool = False
) -> list[SemanticMap]:
    """One map a picture of the batch, at ``size``.

    Logits, not probabilities or labels, are enlarged when the network saw shrunken pictures: the class boundary then
    falls between pixels where the network put it.

    Args:
        output: logits [B, C, h, w], with C = K, or C = 1 for two classes.
        size: height and width of the original pictures.
        label_map: the K classes.
        probabilities: also give each class's probability a pixel (K × 4 bytes a pixel).
    """
    logits = output.logits.float()
    if tuple(logits.shape[2:]) != size:
        logits = functional.interpolate(logits, size, mode="bilinear", align_corners=False)
    indices = (logits[:, 0] > 0) if logits.shape[1] == 1 else logits.argmax(dim=1)
    ids = label_map.indices_to_ids(indices.to("cpu", torch.int16).numpy())
    shares = class_probabilities(logits).cpu().numpy() if probabilities else [None] * len(ids)
    return [SemanticMap(mask, label_map, share) for mask, share in zip(ids, shares, strict=True)]


def class_probabilities(
    logits: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch classes height width"]:
    """Softmax over the classes; one channel stands for two classes, whose second has the sigmoid of the logit."""
    if logits.shape[1] == 1:
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)
    return logits.softmax(dim=1)
