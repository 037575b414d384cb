"""SegFormer (Xie et al. 2021, arXiv:2105.15203): a hierarchical transformer and a decoder of linear layers."""

from __future__ import annotations

from torch import nn

from intarsia.architectures.segformer.convert import fetch_encoder_weights
from intarsia.architectures.segformer.decoder import AllMLPDecoder
from intarsia.architectures.segformer.encoder import SIZES, MixTransformer
from intarsia.nn.arguments import check_choice, check_count, check_share
from intarsia.nn.encoder_decoder import EncoderDecoder

SegFormer = EncoderDecoder
"""A mix transformer, the all-MLP decoder, and a 1×1 convolution to scores at a quarter of the image's size."""


def build(
    *,
    in_channels: int,
    num_classes: int,
    size: str = "b0",
    width: int | None = None,
    projection_norm: bool = False,
    drop_path: float = 0.1,
    align_corners: bool = False,
    pretrained: bool = False,
) -> SegFormer:
    """A SegFormer B0 to B5.

    Args:
        in_channels: of the image.
        num_classes: scores a pixel; 1 for two classes by one sigmoid.
        size: "b0" (the smallest) to "b5".
        width: channels of the decoder; by default the paper's, 256 for B0 and B1, else 768. mmsegmentation and
            segmentation_models_pytorch take 256 for all.
        projection_norm: whether batch normalisation and ReLU follow the decoder's projections, as in mmsegmentation;
            the paper has neither.
        drop_path: how often, 0 to below 1, training leaves the last block's branches out; earlier blocks' less often.
        align_corners: how logits are enlarged to the image's size, see
            :class:`~intarsia.nn.encoder_decoder.EncoderDecoder`; True for weights of segmentation_models_pytorch.
        pretrained: whether to fetch the authors' ImageNet weights for the encoder.

    Raises:
        RecipeError: an argument out of its range; it names the nearest possible value.
        FetchError: ``pretrained`` weights could not be fetched.
    """
    check_choice("size", size, SIZES)
    width = SIZES[size].decoder_width if width is None else width
    counts = {"in_channels": in_channels, "num_classes": num_classes, "width": width}
    for name, count in counts.items():
        check_count(name, count)
    check_share("drop_path", drop_path)
    encoder = MixTransformer(in_channels, SIZES[size], drop_path)
    decoder = AllMLPDecoder(encoder.out_channels, width, projection_norm)
    network = SegFormer(encoder, decoder, nn.Conv2d(width, num_classes, kernel_size=1), align_corners)
    if pretrained:
        network.load_encoder_weights(fetch_encoder_weights(size))
    return network
