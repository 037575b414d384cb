"""What the catalogue says of weights, as far as it can be checked without fetching them."""

from __future__ import annotations

import re

import pytest
import timm
from torchvision.models import MobileNet_V2_Weights, ResNet18_Weights, ResNet34_Weights, ResNet50_Weights

from intarsia.errors import FetchError
from intarsia.fetching import PackageFile, WebFile
from intarsia.weights.catalogue import CATALOGUE, NamedWeights, named_weights

each_entry = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))


def test_names_are_sorted_and_files_have_names_of_their_own() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert len({entry.file.name for entry in CATALOGUE.values()}) == len(CATALOGUE)
    assert len({entry.file.sha256 for entry in CATALOGUE.values()}) == len(CATALOGUE)


@each_entry
def test_everything_is_said(entry: NamedWeights) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", entry.file.sha256)
    assert entry.license in ("Apache-2.0", "BSD-3-Clause")
    assert entry.training_data
    assert entry.summary
    assert not entry.encoder or timm.is_model(entry.encoder)


@each_entry
def test_sources_are_encrypted_and_of_one_version(entry: NamedWeights) -> None:
    for source in entry.file.sources:
        if isinstance(source, WebFile):
            assert source.url.startswith("https://")
            assert source.url.endswith(f"/{entry.file.name}")
        else:
            assert isinstance(source, PackageFile)
            assert source.file.startswith(f"{source.package.replace('-', '_')}-{source.version}-py")
            assert source.member.endswith(f"/{entry.file.name}")


@each_entry
def test_digits_in_a_file_s_name_begin_its_hash(entry: NamedWeights) -> None:
    digits = re.search(r"-([0-9a-f]{8})\.pth$", entry.file.name)
    assert digits is None or entry.file.sha256.startswith(digits[1])


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mobilenetv2-imagenet", MobileNet_V2_Weights),
        ("resnet18-imagenet", ResNet18_Weights),
        ("resnet34-imagenet", ResNet34_Weights),
        ("resnet50-imagenet", ResNet50_Weights),
    ],
)
def test_addresses_are_those_torchvision_uses(name: str, theirs: type) -> None:
    published = theirs["IMAGENET1K_V1"]  # type: ignore[index]  # an enumeration, which torchvision does not type
    assert CATALOGUE[name].file.sources[0] == WebFile(published.url)
    assert CATALOGUE[name].file.size == pytest.approx(published.meta["_file_size"] * 2**20, rel=1e-3)


def test_an_unknown_name_offers_the_nearest() -> None:
    assert named_weights("resnet18-imagenet").encoder == "resnet18"
    with pytest.raises(
        FetchError, match=r"mobilenet2: there are no weights of that name\. Did you mean 'mobilenetv2-imagenet'\? Poss"
    ):
        named_weights("mobilenet2")
