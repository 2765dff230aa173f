"""What counts as solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tiny_tasks import AREA, task
from vivek.bench.scoring import Scorer, tools_for
from vivek.bench.toolchains import Missing, Toolchain
from vivek.cancel import CancelToken
from vivek.verify.sandbox import Limits


@pytest.fixture
def scorer() -> Iterator[Scorer]:
    scorer = Scorer(CancelToken())
    yield scorer
    scorer.close()


def scored(scorer: Scorer, code: str) -> tuple[str, str]:
    tools = tools_for(task(AREA))
    assert isinstance(tools, Toolchain)
    found = scorer.score(task(AREA), replace(tools, run=replace(tools.run, limits=Limits(seconds=1.0))), code)
    return found.status, found.detail


def test_the_reference_passes_and_the_code_before_does_not(scorer: Scorer) -> None:
    assert scored(scorer, AREA["after"]) == ("pass", "")
    assert scored(scorer, AREA["before"]) == ("fail", "AssertionError")


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
def test_who_leaves_before_the_tests_end_does_not_pass(scorer: Scorer, leave: str) -> None:
    assert scored(scorer, f"{leave}\n")[0] == "fail"


def test_code_that_never_ends_is_ended(scorer: Scorer) -> None:
    status, detail = scored(scorer, "while True:\n    pass\n")
    assert status == "timeout"
    assert "did not end" in detail


def test_code_that_does_not_compile_is_not_run(scorer: Scorer) -> None:
    status, detail = scored(scorer, "def area(r:\n")
    assert status == "syntax"
    assert detail
    assert scored(scorer, "x = '\0'\n")[0] == "syntax"


def test_a_candidate_may_print_as_much_as_it_likes(scorer: Scorer) -> None:
    assert scored(scorer, AREA["after"] + "print('x' * 300_000)\n") == ("pass", "")


def test_text_after_the_tests_word_is_no_matter(scorer: Scorer) -> None:
    assert scored(scorer, AREA["after"] + "import atexit\natexit.register(print, 'bye')\n") == ("pass", "")


def test_a_language_without_a_toolchain_says_so() -> None:
    missing = tools_for(replace(task(AREA), language="cobol"))
    assert isinstance(missing, Missing)
    assert "cobol" in missing.reason
