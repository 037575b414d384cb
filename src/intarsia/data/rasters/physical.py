"""Lengths as files write them, in micrometers."""

from __future__ import annotations

from math import isfinite

_MICROMETERS = {
    "m": 1e6,
    "meter": 1e6,
    "cm": 1e4,
    "centimeter": 1e4,
    "mm": 1e3,
    "millimeter": 1e3,
    "um": 1.0,
    "micrometer": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "å": 1e-4,
    "angstrom": 1e-4,
    "inch": 25400.0,
    "in": 25400.0,
}


def in_micrometers(value: float, unit: str | None) -> float | None:
    """A length in micrometers; None when it is no length or its unit no unit of length."""
    if unit is None or not isfinite(value) or value <= 0:
        return None
    # ImageJ writes the micro sign as the six characters \u00B5; Unicode also has it as a Greek letter.
    spelled = unit.replace("\\u00B5", "u").replace("µ", "u").replace("μ", "u").strip().lower()
    factor = _MICROMETERS.get(spelled)
    return None if factor is None else value * factor
