"""timm's plain vision transformers, at any size of image."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.encoders import Encoder
from intarsia.nn.foreign_weights import fit_state_dict
from intarsia.nn.timm_models import create_timm_model, published_license

_MODULES = ("vision_transformer", "eva")  # of timm: those that take any size; Eva holds DINOv3 and EVA-02
_UNUSED = ("mask_token",)  # the authors' DINOv2 files hold it, for pretraining only


class ViTEncoder(Encoder):
    """A plain vision transformer: one token a patch at one resolution, taken after several of its blocks.

    Its position embeddings are resampled to the image's grid of patches by timm: bicubically with antialiasing where
    they are learned, computed anew where they are rotations. Features are normalised by the transformer's last
    normalisation, as in DINOv2's evaluation, unless it normalises the pooled features only.

    Args:
        name: of a timm model, with or without the tag of its weights.
        in_channels: of the image; weights for RGB are adapted to it.
        levels: after how many blocks to take the features, evenly spaced to the last.
        pretrained: whether timm is to fetch its weights.

    Raises:
        RecipeError: timm has no such transformer, or it has fewer blocks than levels.
        FetchError: the weights could not be fetched.
    """

    def __init__(self, name: str, in_channels: int, levels: int, pretrained: bool) -> None:
        super().__init__()
        _check_name(name)
        self.name = name
        self.in_channels = in_channels
        self.features = create_timm_model(
            name, in_chans=in_channels, pretrained=pretrained, num_classes=0, dynamic_img_size=True
        )
        self.license = published_license(name)
        depth = len(self.features.blocks)
        if levels > depth:
            raise RecipeError(
                f"found {levels}, but {name!r} has {depth} blocks only",
                where="argument `levels`",
                remedy=f"Give at most {depth}",
            )
        self.blocks = [depth * (level + 1) // levels - 1 for level in range(levels)]
        self.features.prune_intermediate_layers(self.blocks, prune_norm=False, prune_head=True)
        side, other_side = self.features.patch_embed.patch_size
        assert side == other_side, "timm has square patches only"
        self.out_channels = (self.features.embed_dim,) * levels
        self.strides = (side,) * levels

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`; all at one stride, from the first block to the last."""
        features: list[Tensor] = self.features.forward_intermediates(
            image, indices=self.blocks, norm=True, intermediates_only=True
        )
        return features

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one for the embeddings and one a block."""
        from timm.models import group_parameters

        matcher = self.features.group_matcher(coarse=False)
        layer_of: dict[str, int] = group_parameters(self.features, matcher, reverse=True)
        layers: dict[int, list[nn.Parameter]] = {}
        for name, parameter in self.features.named_parameters():
            layers.setdefault(layer_of[name], []).append(parameter)
        return [layers[number] for number in sorted(layers)]

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over weights in timm's layout, or the authors' of DINOv2 (without registers), which is the same.

        Whatever classifies is left out; the patch embedding is adapted to ``in_channels``. Position embeddings must be
        for the grid of patches the timm model has by default.

        Raises:
            ModelFileError: tensors are missing, unknown or of another shape; nothing is changed then.
        """
        with torch.device("meta"):  # for its names only
            classifier = create_timm_model(self.name).state_dict()
        used = {key: tensor for key, tensor in state_dict.items() if key not in _UNUSED}
        self.features.load_state_dict(fit_state_dict(used, self.features.state_dict(), classifier, self.name))


def _check_name(name: str) -> None:
    import timm

    known = [model for module in _MODULES for model in timm.list_models(module=module)]
    if name.partition(".")[0] not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise RecipeError(
            f"timm has no plain vision transformer {name!r}",
            where="argument `encoder`",
            remedy=(f"Did you mean {close[0]!r}? " if close else "")
            + f"Write a name that timm.list_models(module={_MODULES[0]!r}) or (module={_MODULES[1]!r}) gives",
        )
