"""How much of what a pretrained encoder knows may change: frozen layers, and smaller steps nearer the image."""

from __future__ import annotations

from typing import Any, Literal

from torch.nn.modules.batchnorm import _BatchNorm

from intarsia.errors import RecipeError
from intarsia.nn.network import SegmentationNetwork


def freeze_layers(network: SegmentationNetwork, count: int | Literal["all"]) -> None:
    """Keep the encoder's first ``count`` layers, from the image on, as they are, for the training that follows.

    Their batch normalisations are put into evaluation mode, where Lightning leaves them: in training mode they would
    go on to normalise by the batch and to move their running statistics, so a frozen encoder would still change.

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
        if isinstance(module, _BatchNorm) and parameters and not any(p.requires_grad for p in parameters):
            module.eval()


def parameter_groups(
    network: SegmentationNetwork, *, learning_rate: float, weight_decay: float, layer_decay: float
) -> list[dict[str, Any]]:
    """The parameters that learn, with their learning rate and weight decay, for the optimizer.

    Weights decay; biases and normalisations (one dimension) do not. The last of L encoder layers learns at
    ``layer_decay`` times the decoder's rate, the one before at its square, and so on to the image: general features
    change less than specific ones (Clark et al. 2020, ELECTRA, arXiv:2003.10555; Bao et al. 2021, BEiT,
    arXiv:2106.08254).

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
    groups: dict[tuple[float, bool], dict[str, Any]] = {}
    for parameter in network.parameters():
        if not parameter.requires_grad:
            continue
        scale, decays = scale_of.get(id(parameter), 1.0), parameter.ndim > 1
        group = {"params": [], "lr": learning_rate * scale, "weight_decay": weight_decay if decays else 0.0}
        groups.setdefault((scale, decays), group)["params"].append(parameter)
    return [groups[key] for key in sorted(groups, reverse=True)]
