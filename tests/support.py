"""Honest skips: a test that lacks what it needs says so, and where nothing may be skipped it fails."""

from __future__ import annotations

import os

import pytest

REQUIRE_REAL = "VIVEK_REQUIRE_REAL"


def need(condition: object, reason: str) -> None:
    """Skip the test, saying why, unless the condition holds.

    Where VIVEK_REQUIRE_REAL=1 is set (as in CI) the test fails instead: there, nothing may be skipped.
    """
    if condition:
        return
    if os.environ.get(REQUIRE_REAL) == "1":
        pytest.fail(f"{REQUIRE_REAL}=1 forbids skipping: {reason}", pytrace=False)
    pytest.skip(reason)
