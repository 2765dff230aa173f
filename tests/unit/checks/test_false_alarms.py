"""How often the checks cry wolf: correct edits of real code that a check would have had mended."""

from __future__ import annotations

from collections import Counter

import pytest

from correct_edits import Change, other_changes, python_changes
from vivek.agent.assemble import assemble
from vivek.agent.reviewer import THRESHOLD
from vivek.checks.static import Check, review, score

PYTHON, OTHERS = 320, 200
MOST = 0.02


def checks_of(change: Change) -> list[Check]:
    """What the reviewer would say: the reply is put in place as the agent does, then reviewed."""
    target = {"first": change.first, "last": change.last, "name": ""}
    after = assemble(
        change.text,
        target,  # type: ignore[arg-type]
        change.code,
        route="rewrite",
        filetype=change.filetype,
        instruction=change.instruction,
    )
    return review(
        change.text,
        after.text,
        filetype=change.filetype,
        first=change.first,
        last=change.last,
        after_first=after.first,
        after_last=after.last,
        instruction=change.instruction,
    )


def told(changes: list[Change]) -> str:
    """The alarms by check, language and kind of edit, or "" where they are rare enough."""
    alarms, kinds, sent_back, examples = Counter[str](), Counter[str](), 0, []
    marked = 0
    for change in changes:
        checks = checks_of(change)
        failed = [check for check in checks if not check.passed]
        sent_back += score(checks) < THRESHOLD
        marked += bool(failed)
        for check in failed:
            alarms[f"{change.filetype}: {check.name}"] += 1
            kinds[change.kind] += 1
            examples.append(f"{change.where} ({change.kind}): {check.detail}")
    by_language = Counter(change.filetype for change in changes)
    lines = [
        f"{marked} of {len(changes)} correct edits marked, {sent_back} sent back",
        f"edits: {dict(by_language)} {dict(Counter(change.kind for change in changes))}",
        *(f"  {name}: {count}" for name, count in alarms.most_common()),
        *(f"  {name}: {count}" for name, count in kinds.most_common()),
        *examples,
    ]
    print("\n".join(lines))
    return "\n".join(lines) if marked > MOST * len(changes) else ""


@pytest.fixture(scope="module")
def python() -> list[Change]:
    return python_changes(PYTHON)


@pytest.fixture(scope="module")
def others() -> list[Change]:
    return other_changes(OTHERS)


def test_correct_edits_of_python_pass(python: list[Change]) -> None:
    assert len(python) == PYTHON
    assert len({change.kind for change in python}) >= 14
    assert told(python) == ""


def test_correct_edits_of_other_languages_pass(others: list[Change]) -> None:
    assert len(others) == OTHERS
    assert {change.filetype for change in others} >= {"c", "go", "javascript", "lua"}
    assert told(others) == ""


def test_the_measure_sees_edits_that_are_wrong(python: list[Change]) -> None:
    """The same edits with an undefined name in what they return: a measure that lets those pass is none."""
    wrong = [
        Change(
            c.kind,
            c.filetype,
            c.text,
            c.first,
            c.last,
            c.code.replace("return ", "return undefined_name + ", 1),
            c.instruction,
            c.where,
        )
        for c in python
        if "    return " in c.code and not c.kind.startswith(("reformat", "document"))
    ][:60]
    caught = sum(score(checks_of(change)) < THRESHOLD for change in wrong)
    assert caught >= 0.9 * len(wrong) >= 36
