"""The page's colors: readable text in both themes, and no color out of a variable's reach on paper."""

import re
from importlib.resources import files

import numpy as np
import pytest

CSS = files("intarsia.evaluate.report").joinpath("report.css").read_text(encoding="utf-8")
THEMES = ("light", "dark")


def variables(theme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    found = dict(re.findall(r"--([\w-]+): ([^;]+);", light))
    return found | (dict(re.findall(r"--([\w-]+): ([^;]+);", dark)) if theme == "dark" else {})


def rgb(color: str) -> np.ndarray:
    if color.startswith("#"):
        return np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)], dtype=float)
    return np.array([float(part) for part in color.split()])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """Of two sRGB colors, as WCAG 2.2 defines it."""

    def luminance(color: np.ndarray) -> float:
        share = color / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("ink", "faint", "link", "accent") for ground in ("paper", "panel")),
        ("paper", "ink"), ("alert", "alert-paper"), ("remark", "remark-paper"), ("fine", "fine-paper"),
    ],
)  # fmt: skip
def test_text_is_readable(theme: str, text: str, ground: str) -> None:
    found = variables(theme)
    assert contrast(rgb(found[text]), rgb(found[ground])) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("heat", ["right", "wrong"])
def test_numbers_on_heat_are_readable_at_any_strength(theme: str, heat: str) -> None:
    found = variables(theme)
    for strength in np.linspace(0, float(found["strength"]), 11):
        ground = strength * rgb(found[heat]) + (1 - strength) * rgb(found["paper"])
        assert contrast(rgb(found["ink"]), ground) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("mark", ["edge", "accent", "warm", "fine"])
def test_lines_and_controls_stand_out(theme: str, mark: str) -> None:
    found = variables(theme)
    assert contrast(rgb(found[mark]), rgb(found["paper"])) >= 3


def test_paper_is_always_light_and_shows_what_is_folded() -> None:
    assert "@media screen and (prefers-color-scheme: dark)" in CSS
    assert "@media (prefers-color-scheme" not in CSS
    paper = CSS[CSS.index("@media print") :]
    assert "details::details-content" in paper
    assert "max-height: none" in paper


def test_every_class_of_a_cause_has_its_own_pattern() -> None:
    fills = re.findall(r"\.fill-(\d) \{ background: ([^}]+)\}", CSS)
    assert len(fills) == len({pattern for _, pattern in fills}) == 8
