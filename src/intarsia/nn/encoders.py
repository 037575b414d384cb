"""Encoders behind one small interface, and timm's behind it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.encoder_checkpoints import names_in_checkpoint
from intarsia.nn.foreign_weights import fit_state_dict, source_names
from intarsia.nn.swin import ANY_SIZE, is_swin, pad_before_shifting
from intarsia.nn.timm_models import create_timm_model, published_license, unusable, without_dilation

_OUTPUT_STRIDES = (8, 16)


class Encoder(nn.Module, ABC):
    """One image in, features from fine to coarse out.

    Attributes:
        in_channels: of the image.
        out_channels: of each feature map, from fine to coarse.
        strides: image pixels a side for one cell of each feature map; powers of two that rise, or stay where an encoder
            dilates its convolutions instead of halving.
        license: of the published weights it can start from; "" where there are none, or nothing is stated.
    """

    in_channels: int
    out_channels: tuple[int, ...]
    strides: tuple[int, ...]
    license: str = ""

    @abstractmethod
    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """Feature maps [B, out_channels[i], H / strides[i], W / strides[i]]; both divide evenly."""

    @abstractmethod
    def layers(self) -> list[list[nn.Parameter]]:
        """Its parameters, layer by layer from the image on; each is in exactly one layer."""

    @abstractmethod
    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over published weights.

        Raises:
            ModelFileError: they do not fit this encoder; nothing is changed then.
        """


class TimmEncoder(Encoder):
    """Any timm model that makes a pyramid of features of images of any size: convolutional ones, Swin, MetaFormers.

    Args:
        name: of a timm model, with or without the tag of its weights ("resnet34", "resnet34.a1_in1k").
        in_channels: of the image; weights for RGB are adapted to it, see :func:`fit_state_dict`.
        levels: how many halvings to go down at most; all the model has by default.
        output_stride: 8 or 16 to dilate the convolutions of the last stages instead of halving further (Chen et al.
            2017, arXiv:1706.05587, §3.1); None to halve as published.
        pretrained: whether timm is to fetch its weights.

    Raises:
        RecipeError: timm has no such model, it gives no pyramid of features, it takes images of one size only, or it
            cannot dilate; or another output stride.
        FetchError: the weights could not be fetched.
    """

    def __init__(
        self,
        name: str,
        in_channels: int,
        levels: int | None = None,
        output_stride: int | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        self.in_channels = in_channels
        self.features = _feature_network(name, in_channels, levels, output_stride, pretrained)
        self.license = published_license(name)
        if is_swin(name):
            pad_before_shifting(self.features)
        self.out_channels = tuple(self.features.feature_info.channels())
        self.strides = tuple(self.features.feature_info.reduction())
        self._channels_last = self._probe()

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`Encoder.forward`."""
        features: list[Tensor] = self.features(image)
        return [feature.permute(0, 3, 1, 2) for feature in features] if self._channels_last else features

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`Encoder.layers`; layers are what timm groups for layer-wise learning rates.

        A normalisation that timm groups alone belongs to the layer before it. Where timm groups nothing (MetaFormers),
        a layer is a stem or stage.
        """
        layer_of = self._layer_numbers()
        layers: dict[int, list[nn.Parameter]] = {}
        for name, parameter in self.features.named_parameters():
            layers.setdefault(layer_of[name], []).append(parameter)
        joined: list[list[nn.Parameter]] = []
        for number in sorted(layers):
            is_norm = all(parameter.ndim <= 1 for parameter in layers[number])
            if is_norm and joined:
                joined[-1].extend(layers[number])
            else:
                joined.append(layers[number])
        return joined

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over ImageNet weights, fp16 or fp32, in timm's layout (torchvision's for ResNets, which is the same).

        Also in torchvision's layout of MobileNetV2 and in efficientnet_pytorch's of EfficientNets. The classifier is
        left out; the first convolution is adapted to ``in_channels``.

        Raises:
            ModelFileError: tensors are missing, unknown or of another shape, or the weights are of another network;
                nothing is changed then.
        """
        # timm renames and drops modules when it wraps a model for its features; the whole model has the file's names.
        with torch.device("meta"):  # for its names only
            classifier = create_timm_model(self.name).state_dict()
        called = names_in_checkpoint(state_dict, classifier, self.name)
        fitted = fit_state_dict(state_dict, self.features.state_dict(), classifier, self.name, called)
        self.features.load_state_dict(fitted)

    def _layer_numbers(self) -> dict[str, int]:
        """By a parameter's name in the feature network, the number of its layer."""
        from timm.models import group_parameters

        with torch.device("meta"):  # for its names only
            classifier = create_timm_model(self.name)
        if not hasattr(classifier, "group_matcher"):
            parts = {name: name.partition(".")[0] for name, _ in self.features.named_parameters()}
            order = list(dict.fromkeys(parts.values()))
            return {name: order.index(part) for name, part in parts.items()}
        layer_of: dict[str, int] = group_parameters(classifier, classifier.group_matcher(coarse=False), reverse=True)
        origins = source_names(self.features.state_dict(), classifier.state_dict())
        return {name: layer_of[origins[name]] for name, _ in self.features.named_parameters()}

    def _probe(self) -> bool:
        """Whether features come as [B, h, w, C], once a strip of one row of coarsest cells gives them all their sizes.

        It is longer than the images the model was published for: where positions are learned, those beyond lack.
        """
        height = self.strides[-1]
        width = (self.features.pretrained_cfg["input_size"][-1] // height + 1) * height
        try:
            with torch.no_grad():
                features = self.features.eval()(torch.zeros(1, self.in_channels, height, width))
        except (AssertionError, IndexError, RuntimeError) as error:
            raise unusable(self.name, f"refuses an image of {height}×{width} pixels") from error
        finally:
            self.features.train()
        shapes = [tuple(feature.shape[1:]) for feature in features]
        sizes = [(height // stride, width // stride) for stride in self.strides]
        if shapes == [(*size, channels) for channels, size in zip(self.out_channels, sizes, strict=True)]:
            return True
        if shapes == [(channels, *size) for channels, size in zip(self.out_channels, sizes, strict=True)]:
            return False
        raise unusable(self.name, "does not halve its features exactly")


def _feature_network(
    name: str, in_channels: int, levels: int | None, output_stride: int | None, pretrained: bool
) -> Any:
    arguments: dict[str, Any] = {"features_only": True, "in_chans": in_channels}
    if output_stride is not None:
        if output_stride not in _OUTPUT_STRIDES:  # some of timm's would silently take the next one below
            remedy = f"Give {' or '.join(map(str, _OUTPUT_STRIDES))}"
            raise RecipeError(f"found {output_stride!r}", where="argument `output_stride`", remedy=remedy)
        arguments["output_stride"] = output_stride
    if is_swin(name):
        arguments |= ANY_SIZE
    network = create_timm_model(name, **arguments)  # at random: nothing is fetched for an encoder that is refused
    strides = network.feature_info.reduction()
    if output_stride and (max(strides) > output_stride or not _has_published_layers(network, name)):
        raise without_dilation(name, output_stride)
    if strides != sorted(1 << stride.bit_length() - 1 for stride in (strides if output_stride else set(strides))):
        raise unusable(name, f"has features at the strides {', '.join(map(str, strides))}, which is no pyramid")
    kept = _kept_features(name, strides, levels)
    if len(kept) < len(strides):
        arguments["out_indices"] = kept
    elif not pretrained:
        return network
    return create_timm_model(name, pretrained=pretrained, **arguments)


def _kept_features(name: str, strides: list[int], levels: int | None) -> tuple[int, ...]:
    if levels is None:
        return tuple(range(len(strides)))
    deepest = strides[-1].bit_length() - 1
    if levels > deepest:
        raise RecipeError(
            f"found {levels}, but {name!r} halves height and width {deepest} times only",
            where="argument `depth`",
            remedy=f"Give at most {deepest}, or leave it out",
        )
    kept = tuple(index for index, stride in enumerate(strides) if stride <= 2**levels)
    if not kept:
        raise RecipeError(
            f"{name!r} has no features at {levels} halvings, its first are at stride {strides[0]}",
            where="argument `depth`",
            remedy=f"Give a depth of {strides[0].bit_length() - 1} or more, or leave it out",
        )
    return kept


def _has_published_layers(network: nn.Module, name: str) -> bool:
    # Where a block no longer halves, timm's xception71 drops the projection beside it and gernet adds one.
    with torch.device("meta"):
        published = create_timm_model(name, features_only=True)
    return set(network.state_dict()) == set(published.state_dict())
