"""What holds for all tests: a property may take its time, for time is measured in the benchmarks."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("vivek", deadline=None)
settings.load_profile("vivek")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was captured as text that any process can be told: the one that a test runs in may not be the one that
    reports, and some tests log half a surrogate pair."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode("utf-8")) for name, text in report.sections
    ]
    return report
