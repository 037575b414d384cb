"""Settings every test shares."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("intarsia", deadline=None, max_examples=30, derandomize=True)
settings.load_profile("intarsia")

# Networks of a few channels spend their time waking threads; one thread runs the suite several times faster.
torch.set_num_threads(1)

_SHARED = Path(__file__).parents[2] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not _SHARED.is_dir():
        absent = pytest.mark.skip(reason="the real pictures of ../shared are not on this machine")
        for item in items:
            if item.get_closest_marker("needs_shared_data"):
                item.add_marker(absent)


@pytest.fixture
def shared_data() -> Path:
    """The folder of real pictures; use together with the marker ``needs_shared_data``."""
    return _SHARED / "data"
