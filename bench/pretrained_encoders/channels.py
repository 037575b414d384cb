"""How like the features of three channels' those of other numbers of channels are, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from intarsia import architectures
from intarsia.data.formats.image import read_image
from intarsia.weights import read_state_dict
from pretrained_encoders.trials import RESNET, RESNET_FILE

PICTURES, SIDE = 8, 256


def measure_channels(shared: Path) -> dict[str, Any]:
    """The correlation of features with those of the picture that each input is made of, in evaluation mode.

    Args:
        shared: the folder of ``data`` and ``weights``.

    Returns:
        The strides of the features, and by input the correlation at each of them.
    """
    files = sorted((shared / "data/camvid/val/images").iterdir())
    weights = read_state_dict(shared / "weights" / RESNET_FILE)
    color = _pictures(files[:: len(files) // PICTURES][:PICTURES])
    gray, red = color.mean(1, keepdim=True), color[:, :1]
    pairs = {
        "1: gray": (gray, gray.repeat(1, 3, 1, 1)),
        "12: RGB four times": (color.repeat(1, 4, 1, 1), color),
        "4: RGB and zeros": (torch.cat([color, torch.zeros_like(red)], 1), color),
        "4: RGB and red again": (torch.cat([color, red], 1), color),
        "4: RGB and the negative of red": (torch.cat([color, -red], 1), color),
        "4: RGB and another picture's red": (torch.cat([color, red.roll(1, 0)], 1), color),
    }
    strides: Sequence[int] = ()
    rows: dict[str, list[float]] = {}
    for name, pair in pairs.items():
        features = []
        for image in pair:
            network = architectures.build("unet", in_channels=image.shape[1], num_classes=2, encoder=RESNET).eval()
            network.load_encoder_weights(weights)
            with torch.inference_mode():
                features.append(network.get_submodule("encoder")(image))
        strides = [SIDE // feature.shape[-1] for feature in features[0]]
        rows[name] = [_correlation(one, other) for one, other in zip(*features, strict=True)]
    return {"pictures": PICTURES, "side": SIDE, "strides": list(strides), "rows": rows}


def _pictures(files: Sequence[Path]) -> Tensor:
    """The middles of the pictures, normalized as training does."""
    cut = []
    for file in files:
        image = torch.tensor(read_image(file)).permute(2, 0, 1) / 255
        top, left = ((size - SIDE) // 2 for size in image.shape[1:])
        cut.append(image[:, top : top + SIDE, left : left + SIDE])
    stack = torch.stack(cut)
    return (stack - stack.mean((0, 2, 3), keepdim=True)) / stack.std((0, 2, 3), keepdim=True)


def _correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])
