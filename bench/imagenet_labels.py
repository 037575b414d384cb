"""Whether the weights of the catalogue still know what is in a picture, so that nothing was lost on the way here.

Run as ``python bench/imagenet_labels.py``; ``--shared ../shared`` adds the ResNet-18 that lies there. Each classifier
gets the two pictures that come with scikit-image, prepared as it was trained, and its five best labels are printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from timm.data.imagenet_info import ImageNetInfo
from timm.data.transforms_factory import create_transform
from torch import Tensor
from torchvision.models import MobileNet_V2_Weights, ResNet18_Weights

from intarsia.nn.encoder_checkpoints import names_in_checkpoint
from intarsia.weights import read_state_dict
from intarsia.weights.cache import add, pull
from intarsia.weights.catalogue import CATALOGUE

Prepare = Callable[[Image.Image], Tensor]

SHARED = "resnet18-imagenet-fp16"
PICTURES: Mapping[str, tuple[Callable[[], NDArray[np.uint8]], str]] = {
    "chelsea": (skimage.data.chelsea, "cat"),
    "coffee": (skimage.data.coffee, "espresso"),
}
"""A picture and what is in it."""

DOMESTIC_CATS = range(281, 286)  # ImageNet's five: tabby, tiger cat, Persian, Siamese, Egyptian
ESPRESSO = (967,)


@dataclass(frozen=True)
class Guess:
    """A label and its probability.

    Args:
        index: of the class in ImageNet-1k.
        label: its first name.
        probability: the softmax's.
    """

    index: int
    label: str
    probability: float

    def means(self, what: str) -> bool:
        """Whether it is what ``PICTURES`` says."""
        return self.index in {"cat": DOMESTIC_CATS, "espresso": ESPRESSO}[what]


def preparation(name: str) -> Prepare:
    """How pictures were prepared where these weights were trained."""
    encoder = CATALOGUE[name].encoder
    if encoder.startswith("tf_"):
        config: Any = timm.create_model(encoder).pretrained_cfg
        prepare: Prepare = create_transform(
            **{key: config[key] for key in ("input_size", "interpolation", "mean", "std", "crop_pct")}
        )
    else:
        published: Any = {"mobilenetv2_100": MobileNet_V2_Weights, "resnet18": ResNet18_Weights}[encoder]
        prepare = published.IMAGENET1K_V1.transforms()
    return prepare


def classifier(name: str) -> torch.nn.Module:
    """timm's network with the weights of that name, the classifier included."""
    encoder = CATALOGUE[name].encoder
    network: torch.nn.Module = timm.create_model(encoder)
    given = read_state_dict(pull(name, report=print))
    called = names_in_checkpoint(given, network.state_dict(), encoder)
    # Files from before PyTorch 0.4.1 do not count batches.
    counts = {key for key in called if key.endswith("num_batches_tracked") and called[key] not in given}
    weights = {key: given[theirs].float() for key, theirs in called.items() if key not in counts}
    missing = network.load_state_dict(weights, strict=False)
    assert set(missing.missing_keys) == counts
    assert not missing.unexpected_keys
    assert set(given) <= set(called.values())
    return network.eval()


def guesses(name: str, pictures: Iterable[NDArray[np.uint8]]) -> list[list[Guess]]:
    """The five best guesses for each picture."""
    info, network, prepare = ImageNetInfo("imagenet-1k"), classifier(name), preparation(name)
    found = []
    for picture in pictures:
        with torch.no_grad():
            probabilities = network(prepare(Image.fromarray(picture))[None])[0].softmax(0)
        best = probabilities.topk(5)
        found.append(
            [
                Guess(index, info.index_to_description(index).split(",")[0], probability)
                for probability, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
            ]
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Name what is in two pictures with the weights of the catalogue.")
    parser.add_argument(
        "--shared", type=Path, help="the folder that holds weights/resnet18_imagenet1k_fp16.safetensors"
    )
    shared = parser.parse_args().shared
    names = ["mobilenetv2-imagenet", *(f"efficientnet-lite{number}-imagenet" for number in range(3))]
    if shared:
        names += add(shared / "weights" / CATALOGUE[SHARED].file.name)
    pictures = [load() for load, _ in PICTURES.values()]
    print("| weights | picture | right | five best labels |")
    print("|---|---|---|---|")
    for name in names:
        for (picture, (_, what)), best in zip(PICTURES.items(), guesses(name, pictures), strict=True):
            labels = ", ".join(f"{guess.label} {guess.probability:.0%}" for guess in best)
            print(f"| {name} | {picture} | {'yes' if best[0].means(what) else 'NO'} | {labels} |")


if __name__ == "__main__":
    main()
