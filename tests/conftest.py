"""What holds for all tests: a property may take its time, for time is measured in the benchmarks."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("vivek", deadline=None)
settings.load_profile("vivek")
