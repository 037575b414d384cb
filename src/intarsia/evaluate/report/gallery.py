"""Pictures inside the report's file: each photograph once; truth, prediction and errors as thin covers over it."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from html import escape

import numpy as np
from PIL import Image

from intarsia.evaluate import figures
from intarsia.ops import overlay
from intarsia.types import LabelMap

_QUALITY = 80  # of a JPEG, under covers that keep their own sharp edges
_ONE_CLASS = LabelMap(names=("other", "the class"), ignore=2)


@dataclass(frozen=True)
class _Shown:
    """An example at the size it is shown: its masks, and where its photograph and their covers are embedded."""

    truth: overlay.Mask
    predicted: overlay.Mask
    photograph: str
    covers: tuple[str, str]


@dataclass
class Gallery:
    """The pictures of one report, each embedded once however often the page shows it.

    Args:
        label_map: what the ids of the masks mean.
        long_side: pixels along the longer side of an embedded picture; smaller ones keep their size.
    """

    label_map: LabelMap
    long_side: int
    _embedded: dict[str, str] = field(default_factory=dict)  # an image element without its name → its name
    _shown: dict[tuple[str, int, int], _Shown] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of what is embedded, as it is written in the page."""
        return sum(map(len, self._embedded))

    def panels(self, example: figures.Example, class_id: int | None = None) -> str:
        """The four panels of an example as HTML.

        Args:
            example: what to show.
            class_id: of which class to show the errors; of all when None.
        """
        shown = self._show(example)
        layers = (
            (shown.photograph,),
            (shown.photograph, shown.covers[0]),
            (shown.photograph, shown.covers[1]),
            (shown.photograph, self._errors(shown, class_id)),
        )
        drawn = "\n".join(
            _panel(f"{column} of {example.name}", column, names, shown.truth.shape)
            for column, names in zip(figures.COLUMNS, layers, strict=True)
        )
        return f'<div class="panels">\n{drawn}\n</div>'

    def definitions(self) -> str:
        """What :meth:`panels` refers to; the page must hold it once."""
        images = "\n".join(f'<image id="{name}" {image}/>' for image, name in self._embedded.items())
        store = '<svg class="store" width="0" height="0" aria-hidden="true"><defs>'
        return f"{store}\n{images}\n</defs></svg>" if images else ""

    def _show(self, example: figures.Example) -> _Shown:
        # A name may occur twice, in different folders.
        key = (example.name, zlib.crc32(example.truth.tobytes()), zlib.crc32(example.predicted.tobytes()))
        if key not in self._shown:
            scale = min(1.0, self.long_side / max(example.truth.shape))
            picture, truth, predicted = figures.scaled(example, scale)
            covers = [_cover(partial(_blend, self.label_map, mask), mask.shape) for mask in (truth, predicted)]
            self._shown[key] = _Shown(
                truth,
                predicted,
                self._embed(Image.fromarray(picture)),
                (self._embed(covers[0]), self._embed(covers[1])),
            )
        return self._shown[key]

    def _errors(self, shown: _Shown, class_id: int | None) -> str:
        truth, predicted, label_map = shown.truth, shown.predicted, self.label_map
        if class_id is not None:
            truth, predicted = (_of_class(mask, class_id, label_map.ignore) for mask in (truth, predicted))
            label_map = _ONE_CLASS
        return self._embed(_cover(partial(_draw_errors, label_map, truth, predicted), truth.shape))

    def _embed(self, image: Image.Image) -> str:
        kind, content = _encoded(image)
        uri = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        element = f'width="{image.width}" height="{image.height}" href="{uri}"'
        return self._embedded.setdefault(element, f"picture-{len(self._embedded)}")


def _panel(name: str, column: str, layers: tuple[str, ...], size: tuple[int, ...]) -> str:
    dimmed = ' class="gray"' if column == "Errors" else ""
    uses = f'<use href="#{layers[0]}"{dimmed}/>' + "".join(f'<use href="#{layer}"/>' for layer in layers[1:])
    svg = f'<svg viewBox="0 0 {size[1]} {size[0]}" role="img" aria-label="{escape(name)}">{uses}</svg>'
    return f'<div>{svg}<span class="faint">{column}</span></div>'


def _blend(label_map: LabelMap, mask: overlay.Mask, ground: overlay.RGB) -> overlay.RGB:
    return overlay.blend(ground, mask, label_map)


def _draw_errors(label_map: LabelMap, truth: overlay.Mask, predicted: overlay.Mask, ground: overlay.RGB) -> overlay.RGB:
    return overlay.errors(ground, truth, predicted, label_map)


def _of_class(mask: overlay.Mask, class_id: int, ignore: int | None) -> overlay.Mask:
    """1 where the mask holds the class, 2 where it is void, else 0."""
    chosen: overlay.Mask = (mask == class_id).astype(np.uint8)
    if ignore is not None:
        chosen[mask == ignore] = 2
    return chosen


def _cover(draw: Callable[[overlay.RGB], overlay.RGB], size: tuple[int, ...]) -> Image.Image:
    """What an overlay adds to a picture, as color and opacity: drawing it over black and over white tells both."""
    black, white = (draw(np.full((*size, 3), level, dtype=np.uint8)) for level in (0, 255))
    opacity = 255 - (white[:, :, :1] - black[:, :, :1])
    drawn, index = np.unique(np.concatenate([black, opacity], axis=2).view(np.uint32), return_inverse=True)
    # Over black a color is dimmed by its opacity. Few colors are left here, of many pixels.
    colors = drawn.view(np.uint8).reshape(-1, 4).astype(np.uint32)
    colors[:, :3] = (colors[:, :3] * 255 // np.maximum(colors[:, 3:], 1)).clip(0, 255)
    palette, index = colors.astype(np.uint8), index.reshape(size)
    if len(palette) > 256:
        return Image.fromarray(palette[index])
    image = Image.fromarray(index.astype(np.uint8)).convert("P")
    image.putpalette(palette[:, :3].tobytes())
    image.info["transparency"] = palette[:, 3].tobytes()
    return image


def _encoded(image: Image.Image) -> tuple[str, bytes]:
    """A photograph as JPEG, a cover as PNG."""
    buffer = io.BytesIO()
    if image.mode != "RGB":
        return "png", figures.png_bytes(image)
    image.save(buffer, "jpeg", quality=_QUALITY)
    return "jpeg", buffer.getvalue()
