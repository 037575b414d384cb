from __future__ import annotations

import pytest
import torch
from torchvision.models.segmentation import LRASPP_MobileNet_V3_Large_Weights

from intarsia.architectures.lraspp import build
from intarsia.architectures.lraspp.decoder import LRASPPDecoder
from intarsia.nn.complexity import count_parameters


def test_as_many_as_in_torchvision() -> None:
    with torch.device("meta"):
        network = build(in_channels=3, num_classes=21)
    published = LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1.meta["num_params"]
    assert count_parameters(network) == published == 3_221_538


# Howard et al. 2019 (arXiv:1905.02244), table 7: from 256 filters in the head to 128 saves 0.04 million on MobileNetV2
# (rows 3 and 4: 1.02 to 0.98) and 0.12 million on MobileNetV3 (rows 7 and 8: 1.63 to 1.51). There the last features
# have half the channels that ImageNet's weights have: 160 and 480.
@pytest.mark.parametrize(("coarse_channels", "millions"), [(160, 0.04), (480, 0.12)])
def test_what_narrowing_the_head_saves_is_the_papers(coarse_channels: int, millions: float) -> None:
    counts = [
        count_parameters(LRASPPDecoder(coarse_channels, 40, 19, width=width, fine_level=0)) for width in (256, 128)
    ]
    assert (counts[0] - counts[1]) / 1e6 == pytest.approx(millions, abs=0.01)  # a difference of rounded figures
