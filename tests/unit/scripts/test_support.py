"""A skip in the tests is honest: said where it may be, a failure where it may not."""

from __future__ import annotations

import pytest

from support import need


def test_what_is_there_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVEK_REQUIRE_REAL", "1")
    need("/usr/bin/ollama", "no ollama on the PATH")


def test_what_is_missing_skips_the_test_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIVEK_REQUIRE_REAL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no ollama on the PATH"):
        need(None, "no ollama on the PATH")


def test_what_is_missing_fails_the_test_where_nothing_may_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVEK_REQUIRE_REAL", "1")
    with pytest.raises(pytest.fail.Exception, match="no ollama on the PATH"):
        need(None, "no ollama on the PATH")
