"""Predictions made by one known mistake are attributed to it, at least nine times in ten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corruptions import CORRUPTIONS, quilt, scene, verdicts
from intarsia.data.formats.mask import read_mask
from intarsia.types import LabelMap

SEEDS = 12
NAMES = ("Sky", "Building", "Pole", "Road", "Pavement", "Tree", "SignSymbol", "Fence", "Car", "Pedestrian", "Bicyclist")

each_corruption = pytest.mark.parametrize("name", CORRUPTIONS)


@each_corruption
def test_the_mistake_is_the_main_cause_on_synthetic_scenes(name: str) -> None:
    corrupt, expected = CORRUPTIONS[name]
    found = []
    for seed in range(SEEDS):
        for make in (scene, quilt):
            rng = np.random.default_rng(seed)
            found += [cause for cause, _ in verdicts(corrupt, *make(rng), rng)]
    assert len(found) >= 2 * SEEDS
    assert np.mean([cause == expected for cause in found]) >= 0.9, found


@pytest.mark.needs_shared_data
@each_corruption
def test_the_mistake_is_the_main_cause_on_street_scenes(name: str, shared_data: Path) -> None:
    corrupt, expected = CORRUPTIONS[name]
    label_map = LabelMap(NAMES, ignore=11)
    found = []
    for seed, file in enumerate(sorted((shared_data / "camvid/val/masks").iterdir())[::3]):
        found += [cause for cause, _ in verdicts(corrupt, read_mask(file), label_map, np.random.default_rng(seed))]
    assert len(found) >= 20
    assert np.mean([cause == expected for cause in found]) >= 0.9, found
