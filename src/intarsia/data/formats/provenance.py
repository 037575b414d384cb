"""Who made a mask: masks that a model predicted say so in their file, so that they are not taken for truth."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

_KEY = "intarsia-model"


def made_by(fingerprint: str) -> PngInfo | None:
    """The PNG text that names the model behind a mask; none for a mask no model made.

    Args:
        fingerprint: of the model's weights, as its card holds it; empty for masks of another origin.
    """
    if not fingerprint:
        return None
    info = PngInfo()
    info.add_text(_KEY, fingerprint)
    return info


def maker_of(path: str | Path) -> str | None:
    """The fingerprint of the model that predicted a mask file; None when the file names none or cannot be opened.

    Only the header is read. Programs that edit and save a mask usually drop the text, which is right: then a person
    has been over it.
    """
    try:
        with Image.open(path) as image:
            found = image.info.get(_KEY)
    except (OSError, ValueError, SyntaxError):  # what is wrong with the file is said by those who read its pixels
        return None
    return found if isinstance(found, str) else None
