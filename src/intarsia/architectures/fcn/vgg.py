"""VGG with its fully-connected layers as convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nn.encoders import Encoder
from intarsia.nn.foreign_weights import fit_state_dict
from intarsia.nn.timm_models import create_timm_model, published_license

PUBLISHED_WIDTH = 4096
"""Channels of fc6 and fc7 in the ImageNet weights."""

# The beginnings of the same layers' names: here, in torchvision's VGG, and in timm's.
_OURS = {"fc.fc6.": "pre_logits.fc1.", "fc.fc7.": "pre_logits.fc2."}
_TORCHVISIONS = {
    "classifier.0.": "pre_logits.fc1.",
    "classifier.3.": "pre_logits.fc2.",
    "classifier.6.": "head.fc.",
}


class FullyConvolutional(nn.Sequential):
    """VGG's fc6 and fc7 at every position: 7×7 and 1×1 convolutions, each with ReLU and dropout by a half.

    Height and width stay: fc6 is padded with zeros (Long et al. 2015, §3.1; there the whole image is padded instead).

    Args:
        in_channels: of the features after the last pooling.
        width: channels of both layers.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        fc6, fc7 = nn.Conv2d(in_channels, width, kernel_size=7, padding=3), nn.Conv2d(width, width, kernel_size=1)
        for conv in (fc6, fc7):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        # fmt: off
        super().__init__(OrderedDict(
            fc6=fc6, relu6=nn.ReLU(inplace=True), drop6=nn.Dropout(0.5),
            fc7=fc7, relu7=nn.ReLU(inplace=True), drop7=nn.Dropout(0.5),
        ))
        # fmt: on


class VggEncoder(Encoder):
    """A timm VGG whose features are those *after* each of its five poolings, as FCN takes them.

    (Features as timm hands them out are those before the next pooling, after more convolutions.)

    Args:
        name: of a timm VGG ("vgg16", "vgg16_bn").
        in_channels: of the image.
        with_fc: whether the coarsest features go through fc6 and fc7, 4096 channels wide.
        pretrained: whether timm is to fetch ImageNet weights, for fc6 and fc7 too.

    Raises:
        RecipeError: timm has no such model.
        FetchError: the weights could not be fetched.
    """

    def __init__(self, name: str, in_channels: int, with_fc: bool, pretrained: bool = False) -> None:
        super().__init__()
        self.name = name
        self.in_channels = in_channels
        # Only its features are kept, so the classifier's hidden layer is made one channel wide: its 120 million weights
        # would take a second to draw.
        model = create_timm_model(name, in_chans=in_channels, mlp_ratio=1 / PUBLISHED_WIDTH)
        self.license = published_license(name)
        self.features = model.features
        pooled = [info["num_chs"] for info in model.feature_info[:-1]]
        self.fc = FullyConvolutional(pooled[-1], PUBLISHED_WIDTH) if with_fc else nn.Identity()
        self.out_channels = (*pooled[:-1], PUBLISHED_WIDTH if with_fc else pooled[-1])
        self.strides = tuple(2**level for level in range(1, len(pooled) + 1))
        if pretrained:
            self.load_weights(create_timm_model(name, pretrained=True).state_dict())

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`."""
        features: list[Tensor] = []
        for layer in self.features:
            image = layer(image)
            if isinstance(layer, nn.MaxPool2d):
                features.append(image)
        return [*features[:-1], self.fc(features[-1])]

    def layers(self) -> list[list[nn.Parameter]]:
        """See :meth:`~intarsia.nn.encoders.Encoder.layers`: one a convolution, with its normalisation if it has one."""
        layers: list[list[nn.Parameter]] = []
        for layer in (*self.features, *self.fc.children()):
            if isinstance(layer, nn.Conv2d):
                layers.append([])
            layers[-1].extend(layer.parameters())
        return layers

    def load_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over ImageNet weights of the whole classifier, in timm's or torchvision's layout, fp16 or fp32.

        fc6 and fc7 are filled too, where there are any: torchvision's fully-connected [4096, 512·7·7] is the
        convolution [4096, 512, 7, 7].

        Raises:
            ModelFileError: tensors are missing, unknown or of another shape; nothing is changed then.
        """
        with torch.device("meta"):  # for its names and shapes only
            published: dict[str, Tensor] = create_timm_model(self.name).state_dict()
        ours = {_renamed(key, _OURS): key for key in self.state_dict()}
        wanted = {name: self.state_dict()[key] for name, key in ours.items()}
        given = {_renamed(key, _TORCHVISIONS): tensor for key, tensor in state_dict.items()}
        given = {key: _as_convolution(tensor, published.get(key)) for key, tensor in given.items()}
        fitted = fit_state_dict(given, wanted, published, self.name)
        self.load_state_dict({ours[name]: tensor for name, tensor in fitted.items()})


def _renamed(key: str, beginnings: Mapping[str, str]) -> str:
    for beginning, other in beginnings.items():
        if key.startswith(beginning):
            return other + key.removeprefix(beginning)
    return key


def _as_convolution(given: Tensor, published: Tensor | None) -> Tensor:
    if published is None or published.ndim != 4 or given.shape != published.flatten(1).shape:
        return given
    return given.reshape(published.shape)
