"""U-Net (Ronneberger, Fischer & Brox 2015, arXiv:1505.04597), from scratch or on any encoder of timm."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.architectures.unet.decoder import UNetDecoder
from intarsia.architectures.unet.encoder import DoubleConvEncoder
from intarsia.errors import RecipeError
from intarsia.nn.arguments import check_count
from intarsia.nn.encoders import Encoder, TimmEncoder
from intarsia.nn.images import check_image
from intarsia.nn.network import SegmentationNetwork
from intarsia.nn.receptive_field import receptive_field
from intarsia.ops.pad import crop_to_size, pad_to_size, padded_size
from intarsia.types import SemanticLogits

# Batch normalisation refuses to train on a single value a channel, which is all that one image leaves in one cell.
_LEAST_CELLS = 2


class UNet(SegmentationNetwork):
    """An encoder, a decoder that takes its features at every size, and a head that turns the finest into scores.

    Args:
        encoder: from the image to features, fine to coarse.
        decoder: from these to features at the image's size.
        head: from these to one score a class.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> SemanticLogits:
        """One score a class and pixel.

        Args:
            image: normalised as in training; any H, W ≥ 1. Inside, the last row and column are repeated until both
                sides are multiples of :attr:`stride` and the coarsest features have two cells at least.

        Returns:
            Logits [B, classes, H, W] at the image's own size.

        Raises:
            ShapeError: another number of channels than the network was built for, or no float batch at all.
        """
        check_image(image, self.encoder.in_channels)
        height, width = image.shape[-2:]
        padded = pad_to_size(image, *padded_size(height, width, self.stride, _LEAST_CELLS))
        logits: Tensor = self.head(self.decoder(self.encoder(padded)))
        return SemanticLogits(crop_to_size(logits, height, width))

    @property
    def stride(self) -> int:
        """Pixels a side of one cell of the coarsest features; sizes that are multiples of it need no padding."""
        return self.encoder.strides[-1]

    @cached_property
    def receptive_field(self) -> int | None:
        """The side in pixels of the largest input window one output pixel can depend on; None for the whole image."""
        return receptive_field(self, self.encoder.in_channels, self.stride)

    def load_encoder_weights(self, state_dict: Mapping[str, Tensor]) -> None:
        """Take over an encoder's ImageNet weights in timm's layout (torchvision's for ResNets, which is the same).

        Args:
            state_dict: of the whole classifier, fp16 or fp32; its classifier is left out and the convolution that reads
                RGB is adapted to the network's channels.

        Raises:
            ModelFileError: it does not fit the encoder; nothing is changed then.
        """
        self.encoder.load_weights(state_dict)


def build(
    *,
    in_channels: int,
    num_classes: int,
    encoder: str = "scratch",
    depth: int | None = None,
    base_width: int | None = None,
    upsampling: str | None = None,
    norm: str = "batch",
    pretrained: bool = False,
) -> UNet:
    """A U-Net from scratch, or on the features of a timm model with the decoder customary there.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        encoder: "scratch", or a timm model ("resnet34").
        depth: how often height and width are halved; default 4 from scratch (the paper's), else as often as the model.
        base_width: channels at full resolution, doubling with every halving. Default 32 from scratch: half the paper's
            64, so a quarter of its parameters and time; with a timm encoder it is the decoder's, default 16.
        upsampling: "bilinear" (default from scratch), "nearest" (default with a timm encoder) or "transposed".
        norm: "batch" or "group", in the decoder and the encoder from scratch; a timm encoder keeps its own.
        pretrained: whether timm is to fetch the encoder's weights.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    counts = {"in_channels": in_channels, "num_classes": num_classes, "depth": depth, "base_width": base_width}
    for name, count in counts.items():
        if count is not None:
            check_count(name, count)
    if encoder != "scratch":
        width, upsampling = base_width or 16, upsampling or "nearest"
        features = TimmEncoder(encoder, in_channels, depth, pretrained)
        decoder = _decoder(features, width, upsampling, norm, narrow=False)
        return UNet(features, decoder, nn.Conv2d(width, num_classes, kernel_size=3, padding=1))
    if pretrained:
        raise RecipeError(
            "found True, but a U-Net from scratch has no published weights",
            where="argument `pretrained`",
            remedy="Name an encoder that has, for example encoder=resnet18, or leave `pretrained` out",
        )
    width, upsampling = base_width or 32, upsampling or "bilinear"
    contraction = DoubleConvEncoder(in_channels, depth or 4, width, norm)
    decoder = _decoder(contraction, width, upsampling, norm, narrow=True)
    return UNet(contraction, decoder, nn.Conv2d(width, num_classes, kernel_size=1))


def _decoder(encoder: Encoder, width: int, upsampling: str, norm: str, narrow: bool) -> UNetDecoder:
    return UNetDecoder(
        encoder.out_channels, encoder.strides, base_width=width, upsampling=upsampling, norm=norm, narrow=narrow
    )
