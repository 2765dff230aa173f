"""What holds for all tests: a property may take its time, for time is measured in the benchmarks; and tests run side by
side, but those of real models, which share one server and all cores, one after another."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("vivek", deadline=None)
settings.load_profile("vivek")


@pytest.hookimpl(tryfirst=True)  # before the one that reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("real"))
