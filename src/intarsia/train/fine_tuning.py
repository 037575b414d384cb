"""How much of what a pretrained encoder knows may change: frozen layers, and smaller steps nearer the image."""

from __future__ import annotations

from typing import Any, Literal

from torch import nn

from intarsia.errors import RecipeError
from intarsia.nn.network import SegmentationNetwork

# What vision transformers call the parameters that stand for places, and for no picture's content.
_PLACES = {"cls_token", "dist_token", "reg_token", "pos_embed", "relative_position_bias_table", "level_embed"}


def freeze_layers(network: SegmentationNetwork, count: int | Literal["all"]) -> None:
    """Keep the encoder's first ``count`` layers, from the image on, as they are, for the training that follows.

    Everything that consists of frozen parameters is put into evaluation mode, where Lightning leaves it: in training
    mode, batch normalisations would go on to move their running statistics, and dropout and stochastic depth would give
    other features in every step.

    Raises:
        RecipeError: the encoder has fewer layers.
    """
    layers = network.encoder_layers()
    count = len(layers) if count == "all" else count
    if count > len(layers):
        raise RecipeError(
            f"{count} layers are to be frozen, and this encoder has {len(layers)}",
            where="optimizer.freeze",
            remedy=f"Give a number up to {len(layers)}, or `all`",
        )
    for layer in layers[:count]:
        for parameter in layer:
            parameter.requires_grad_(False)
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def parameter_groups(
    network: SegmentationNetwork, *, learning_rate: float, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """The parameters that learn, with their learning rate and weight decay, for the optimizer.

    Weights decay; biases and normalisations (one dimension) do not, nor do embeddings of places and queries, for which
    zero means nothing (Liu et al. 2021, Swin, arXiv:2103.14030; Cheng et al. 2022, Mask2Former, arXiv:2112.01527). The
    last of L encoder layers learns at ``layer_decay`` times the decoder's rate, the one before at its square, and so on
    to the image: general features change less than specific ones (Clark et al. 2020, ELECTRA, arXiv:2003.10555; Bao et
    al. 2021, BEiT, arXiv:2106.08254).

    Args:
        network: frozen parameters (see :func:`freeze_layers`) are left out.
        learning_rate: of everything that is not the encoder.
        weight_decay: decoupled, of weights.
        layer_decay: in (0, 1]; 1 gives all the same rate.
    """
    layers = network.encoder_layers()
    scale_of = {
        id(parameter): layer_decay ** (len(layers) - number)
        for number, layer in enumerate(layers)
        for parameter in layer
    }
    embeddings = _embeddings(network)
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for parameter in network.parameters():
        if not parameter.requires_grad:
            continue
        scale, decays = scale_of.get(id(parameter), 1.0), parameter.ndim > 1 and id(parameter) not in embeddings
        group = {"params": [], "lr": learning_rate * scale, "weight_decay": weight_decay if decays else 0.0}
        groups.setdefault((scale, decays), group)["params"].append(parameter)
    return [groups[key] for key in sorted(groups, reverse=True)]


def _embeddings(network: nn.Module) -> set[int]:
    tables = {id(module.weight) for module in network.modules() if isinstance(module, nn.Embedding)}
    return tables | {id(p) for name, p in network.named_parameters() if name.rpartition(".")[2] in _PLACES}
