"""MobileNetV3 as torchvision's LR-ASPP computes it."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from intarsia.errors import RecipeError
from intarsia.nn.encoders import TimmEncoder

NAME = "mobilenetv3_large_100"
_OUTPUT_STRIDE = 16
_FINE_BLOCK = (2, 0)  # the first block of timm's stage at stride 8
_DILATED_STAGE = 5
_DILATION = 2
_EPSILON, _MOMENTUM = 1e-3, 1e-2


class TorchvisionEncoder(TimmEncoder):
    """timm's MobileNetV3-Large with the three things torchvision does differently in its LR-ASPP.

    - Fine features are those after the *first* block at stride 8, not after the stage's last.
    - Where the last stage no longer halves, its first 5×5 convolution is dilated too.
    - Batch normalisation adds 10⁻³ to the variance, as TensorFlow does, and forgets a tenth as fast.

    Args:
        name: "mobilenetv3_large_100", with or without the tag of its weights.
        in_channels: of the image.
        output_stride: 16.
        pretrained: whether timm is to fetch its weights.

    Raises:
        RecipeError: another model or output stride; torchvision has no other.
        FetchError: the weights could not be fetched.
    """

    def __init__(self, name: str, in_channels: int, output_stride: int, pretrained: bool = False) -> None:
        if name.partition(".")[0] != NAME or output_stride != _OUTPUT_STRIDE:
            raise RecipeError(
                f"found 'torchvision', which has no LR-ASPP on {name!r} at an output stride of {output_stride}",
                where="argument `variant`",
                remedy=f"Leave it out, or give encoder={NAME} and output_stride={_OUTPUT_STRIDE}",
            )
        super().__init__(name, in_channels, output_stride=output_stride, pretrained=pretrained)
        stage, block = _FINE_BLOCK
        self.out_channels = (self.features.blocks[stage][block].conv_pwl.out_channels, self.out_channels[-1])
        self.strides = (8, output_stride)
        conv = self.features.blocks[_DILATED_STAGE][0].conv_dw
        conv.dilation = (_DILATION, _DILATION)
        conv.padding = tuple(_DILATION * (size // 2) for size in conv.kernel_size)
        for module in self.features.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = _EPSILON, _MOMENTUM

    def forward(self, image: Float[Tensor, "batch channels height width"]) -> list[Tensor]:
        """See :meth:`~intarsia.nn.encoders.Encoder.forward`."""
        current = self.features.act1(self.features.bn1(self.features.conv_stem(image)))
        fine = []
        for stage_index, stage in enumerate(self.features.blocks):
            for block_index, block in enumerate(stage):
                current = block(current)
                if (stage_index, block_index) == _FINE_BLOCK:
                    fine.append(current)
        return [*fine, current]
