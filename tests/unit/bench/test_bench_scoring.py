"""What counts as solved."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tiny_tasks import AREA, task
from vivek.bench.scoring import lacking, score
from vivek.cancel import CancelToken
from vivek.verify.sandbox import Limits

SHORT = Limits(seconds=1.0)


def scored(code: str) -> tuple[str, str]:
    found = score(task(AREA), code, CancelToken(), SHORT)
    return found.status, found.detail


def test_the_reference_passes_and_the_code_before_does_not() -> None:
    assert scored(AREA["after"]) == ("pass", "")
    assert scored(AREA["before"]) == ("fail", "AssertionError")


@pytest.mark.parametrize(
    "leave",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "import atexit, os; atexit.register(os._exit, 0)",
        "raise SystemExit",
        "print('ALL_TESTS_RAN'); exit()",
    ],
)
def test_who_leaves_before_the_tests_end_does_not_pass(leave: str) -> None:
    assert scored(f"{leave}\n")[0] == "fail"


def test_code_that_never_ends_is_ended() -> None:
    status, detail = scored("while True:\n    pass\n")
    assert status == "timeout"
    assert "did not end" in detail


def test_code_that_does_not_compile_is_not_run() -> None:
    status, detail = scored("def area(r:\n")
    assert status == "syntax"
    assert detail
    assert scored("x = '\0'\n")[0] == "syntax"


def test_a_candidate_may_print_as_much_as_it_likes() -> None:
    assert scored(AREA["after"] + "print('x' * 300_000)\n") == ("pass", "")


def test_text_after_the_tests_word_is_no_matter() -> None:
    assert scored(AREA["after"] + "import atexit\natexit.register(print, 'bye')\n") == ("pass", "")


def test_a_language_without_a_toolchain_says_so() -> None:
    assert lacking(task(AREA)) == ""
    assert "cobol" in lacking(replace(task(AREA), language="cobol"))
