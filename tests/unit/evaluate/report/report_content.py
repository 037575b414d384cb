"""Everything a report may hold, as the evaluation writes it, and a reader for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import numpy as np

from intarsia.evaluate import report
from intarsia.evaluate import summary as summary_module
from intarsia.evaluate.figures import Example
from intarsia.types import LabelMap

HOSTILE = "<script>alert('1')</script>\"&"

_VOID = {"meta", "img", "source", "br", "input", "wbr"}
_UNREAD = {"style", "script", "textarea", "title", "desc"}

OVERALL = tuple(f"{name}_{kind}" for kind in ("dataset", "per_image") for name in summary_module.OVERALL)
SCORES = tuple(summary_module.OF_CLASSES)
TOLERANCES = ("1 px", "2 px", "4 px", "0.75% of the diagonal")
WIDTHS = (1, 2, 4, 8, 16)
STRATA = ("under 10 px", "10 to 199 px", "200 to 1,023 px", "1,024 to 9,215 px", "from 9,216 px")
CAUSES = (
    ("boundary", "within 0.5% of the picture's diagonal, at least 2 px"),
    ("missed", "under 200 px"),
    ("missed", "of 9,216 px and more"),
    ("spurious", "of 200 to 1,023 px"),
    ("confusion", "class 1"),
    ("suspect", "truth that may be wrong"),
    ("noise", "under 10 px"),
    ("partial", "gaps inside objects"),
)


class Page(HTMLParser):
    """Checks that tags nest, and collects what tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        if not _UNREAD & set(self.open[-1:]):
            self.text += data

    def count(self, tag: str, **attributes: str) -> int:
        return sum(
            name == tag
            and all(found.get(key.rstrip("_").replace("_", "-")) == value for key, value in attributes.items())
            for name, found in self.tags
        )


def estimate(value: float | None, spread: float = 0.05) -> dict[str, float | None]:
    if value is None or math.isnan(value):
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": max(0.0, value - spread), "high": min(1.0, value + spread)}


def summary(label_map: LabelMap, value: float | None = 0.875, images: int = 3, groups: int = 2) -> dict[str, Any]:
    """A summary of overlap figures alone, all of one value."""
    return {
        "images": images,
        "groups": groups,
        "overall": {key: estimate(value) for key in OVERALL},
        "classes": [
            {"id": i, "name": name, "support": 12345, **{score: estimate(value) for score in SCORES}}
            for i, name in zip(label_map.ids, label_map.names, strict=True)
        ],
        "conventions": {"void": "exclude: pixels whose truth is void count nowhere", "interval": "95% bootstrap"},
        "per_image": [
            {"name": "bad", "mean_iou": 0.1},
            {"name": "good", "mean_iou": 0.9},
            {"name": "void", "mean_iou": None},
        ],
    }


def full_content(label_map: LabelMap, seed: int = 0) -> dict[str, Any]:
    """A summary with every section filled by plausible, differing figures."""
    random = np.random.default_rng(seed)
    quality = random.beta(4, 1.5, label_map.num_classes)  # of each class, 0 to 1
    content = summary(label_map, images=101, groups=4)
    content["overall"] = {
        key: estimate(float(random.uniform(0.55, 0.95)), float(random.uniform(0.005, 0.04))) for key in OVERALL
    }
    for entry, good in zip(content["classes"], quality.tolist(), strict=True):
        entry["support"] = int(10 ** random.uniform(3, 8))
        entry |= {key: estimate(good + (1 - good) * float(random.uniform(0, 0.5)), 0.1 * (1 - good)) for key in SCORES}
    content["boundary"] = _boundary(label_map, quality, random)
    content["surface"] = _surface(label_map, quality)
    content["calibration"] = _calibration(label_map, random)
    content["diagnosis"] = _diagnosis(label_map, quality, random)
    content["warnings"] = ["the truth was produced by the model under test (model.safetensors, version 0.1.0)"]
    content["per_image"] = [{"name": f"image-{k:03}.png", "mean_iou": k / 101} for k in range(101)]
    return content


def _boundary(label_map: LabelMap, quality: np.ndarray, random: np.random.Generator) -> dict[str, Any]:
    def rise(good: float, steps: int) -> list[float]:
        return [good ** (2.5 / (step + 1)) for step in range(steps)]

    good = float(quality.mean())
    return {
        "tolerances": list(TOLERANCES),
        "widths": list(WIDTHS),
        "overall": {
            "mean_boundary_f1": [estimate(value, 0.03) for value in rise(good, len(TOLERANCES))],
            "mean_boundary_iou": estimate(good * 0.8, 0.03),
            "mean_trimap_iou": [estimate(value, 0.02) for value in rise(good, len(WIDTHS))],
        },
        "classes": [
            {
                "id": i,
                "name": name,
                "boundary_f1": [estimate(value) for value in rise(of, len(TOLERANCES))],
                "boundary_iou": estimate(of * 0.8),
                "trimap_iou": [estimate(value) for value in rise(of, len(WIDTHS))],
            }
            for i, name, of in zip(label_map.ids, label_map.names, quality.tolist(), strict=True)
        ],
        "convention": "a border pixel of a class has a 4-neighbor of another class; the picture's edge is no border",
    }


def _surface(label_map: LabelMap, quality: np.ndarray) -> dict[str, Any]:
    def figures(good: float) -> dict[str, Any]:
        distance = 20 * (1 - good)
        return {
            "surface_dice": [estimate(good), estimate(good**0.5)],
            "average_surface_distance_symmetric_exclude": {
                "value": distance,
                "low": distance - 1,
                "high": distance + 1,
            },
            "hausdorff_per_image": {"value": 9 * distance, "low": 8 * distance, "high": 11 * distance},
            "hausdorff_95_per_image": {"value": 6 * distance, "low": 5 * distance, "high": 8 * distance},
        }

    return {
        "spacing": [0.5, 0.8],
        "tolerances": [0.8, 3 * 0.8],
        "overall": {f"mean_{name}": figure for name, figure in figures(float(quality.mean())).items()},
        "classes": [
            {"id": i, "name": name, **figures(of), "images_finite": 1234, "images_infinite": 7}
            for i, name, of in zip(label_map.ids, label_map.names, quality.tolist(), strict=True)
        ],
        "convention": "where only one outline exists, distances are infinite & left out",
    }


def _calibration(label_map: LabelMap, random: np.random.Generator) -> dict[str, Any]:
    confidence = np.linspace(0.05, 0.95, 10)
    accuracy = (confidence**1.25 + random.normal(0, 0.02, 10)).clip(0, 1)
    share = np.append(np.full(9, 0.04), 0.64)
    bins = [
        {"low": c - 0.05, "high": c + 0.05, "share": s, "confidence": c, "accuracy": a}
        for c, s, a in zip(confidence.tolist(), share.tolist(), accuracy.tolist(), strict=True)
    ]
    bins[0] |= {"share": 0.0, "confidence": None, "accuracy": None}
    coverage = np.linspace(0.02, 1, 50)
    curve = {
        "coverage": coverage.tolist(),
        "risk": (0.24 * coverage**1.3).tolist(),
        "ideal": (0.24 * coverage**2.6).tolist(),
        "random": 0.24,
        "aurc": estimate(0.104, 0.01),
        "excess_aurc": estimate(0.037, 0.01),
    }
    sentence = (
        "Sending the 10 least confident of 101 pictures (10%) to a person raises the mean IoU per image of the rest."
    )
    return {
        "ece": estimate(0.071, 0.006),
        "mce": estimate(0.191, 0.02),
        "brier": estimate(0.148, 0.01),
        "nll": estimate(0.402, 0.03),
        "classwise_ece": [
            {"id": i, "name": name, **estimate(0.02, 0.004), "true_share": 0.05, "expected_share": 0.06}
            for i, name in zip(label_map.ids, label_map.names, strict=True)
        ],
        "reliability": bins,
        "risk_coverage": {**curve, "withheld": None, "sentence": sentence},
        "pixel_risk_coverage": curve,
    }


def _diagnosis(label_map: LabelMap, quality: np.ndarray, random: np.random.Generator) -> dict[str, Any]:
    classes, recalls = [], []
    for i, name, good in zip(label_map.ids, label_map.names, quality.tolist(), strict=True):
        shares = random.dirichlet(np.full(len(CAUSES), 0.6)).tolist()
        classes.append(
            {
                "id": i,
                "name": name,
                "iou": good,
                "lost": 1 - good,
                "parts": [
                    {"cause": cause, "detail": detail, "share": share, "iou_points": 100 * share * (1 - good)}
                    for (cause, detail), share in zip(CAUSES, shares, strict=True)
                ],
                "sentence": f"{name}: {max(shares):.0%} of the loss is missed objects under 200 px: raise resolution",
                "remedy": "raise resolution",
                "how_to": "how-to/small-objects",
            }
        )
        objects = [*random.poisson(12, len(STRATA) - 1).tolist(), 0]
        found = [float(good ** (2.5 - k / 2)) if count else None for k, count in enumerate(objects)]
        recalls.append({"name": name, "objects": objects, "recall": found})
    return {
        "band": "0.5% of the picture's diagonal, at least 2 px",
        "classes": classes,
        "size_recall": {"strata": list(STRATA), "classes": recalls},
        "checks": [
            {"name": "Tile seams", "finding": "1.9 times as many errors at seams.", "remedy": "Overlap the tiles more.",
             "severity": "warning"},
            {"name": "Preprocessing", "finding": "The means of training and test pictures differ by 2.1 standard "
             "deviations.", "remedy": "Prepare both alike.", "severity": "error"},
            {"name": "Imbalance", "finding": "Recall does not follow pixel frequency.", "remedy": "", "severity": "ok"},
            {"name": "Resolution limit", "finding": "A perfect predictor at stride 4 would score 0.912.",
             "remedy": None, "severity": "note"},
        ],
    }  # fmt: skip


def example(name: str, size: int = 64, score: float = 0.25, top_id: int = 1, seed: int = 0) -> Example:
    random = np.random.default_rng(seed)
    masks = random.integers(0, 2, (2, size, size + 8), dtype=np.uint8) * np.uint8(top_id)
    return Example(name, random.integers(0, 256, (size, size + 8, 3), dtype=np.uint8), masks[0], masks[1], score)


def classes(count: int, prefix: str = "class") -> LabelMap:
    return LabelMap(names=tuple(f"{prefix} {index}" for index in range(count)))


def render(
    label_map: LabelMap,
    content: Mapping[str, Any] | None = None,
    *,
    worst: Sequence[Example] = (),
    best: Sequence[Example] = (),
    confusion: np.ndarray | None = None,
    **rest: Any,
) -> tuple[str, Page]:
    square = np.eye(label_map.num_classes, dtype=np.int64) * 1000 if confusion is None else confusion
    html = report.render(
        content or summary(label_map),
        title=rest.pop("title", "A report"),
        label_map=label_map,
        confusion=square,
        examples_worst=worst,
        examples_best=best,
        **rest,
    )
    return html, Page(html)
