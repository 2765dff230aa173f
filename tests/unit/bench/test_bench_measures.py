"""What a change did beside its task."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tiny_tasks import AREA, task
from vivek.bench.measures import changed_outside, lost_symbols, unchanged

BEFORE = "import math\n\n\ndef area(r):\n    return 3 * r * r\n\n\ndef edge(r):\n    return 6 * r\n"
TASK = replace(task(AREA), before=BEFORE, after=BEFORE.replace("3 *", "4 *"))


def test_a_change_within_the_target_is_none_outside() -> None:
    assert changed_outside(TASK, TASK.after) == 0
    assert changed_outside(TASK, BEFORE) == 0


def test_lines_outside_the_target_are_counted() -> None:
    assert changed_outside(TASK, BEFORE.replace("6 *", "7 *")) == 1
    assert changed_outside(TASK, BEFORE + "\n\ndef more():\n    pass\n") == 4
    assert changed_outside(TASK, BEFORE[: BEFORE.index("\n\ndef edge")]) == 4
    assert changed_outside(TASK, "import os\n" + BEFORE) == 1


def test_a_qualified_name_means_the_definition_of_its_owner() -> None:
    other, cart = (
        "class Other:\n    def add(self):\n        return 1\n",
        "class Cart:\n    def add(self):\n        return 2\n",
    )
    some = replace(TASK, before=f"{other}\n\n{cart}", entry="Cart.add")
    assert changed_outside(some, some.before.replace("2", "3")) == 0
    assert changed_outside(some, some.before.replace("1", "3")) == 1


def test_a_task_about_the_whole_file_has_no_outside() -> None:
    assert changed_outside(replace(TASK, entry=""), "") is None
    assert changed_outside(replace(TASK, entry="elsewhere"), "") is None


def test_a_lost_definition_is_counted_unless_the_reference_lost_it_too() -> None:
    without = BEFORE[: BEFORE.index("def edge")]
    assert lost_symbols(TASK, TASK.after) == 0
    assert lost_symbols(TASK, without) == 1
    assert lost_symbols(replace(TASK, after=without), without) == 0


def test_without_a_reference_the_instruction_decides() -> None:
    without = BEFORE[: BEFORE.index("def edge")]
    assert lost_symbols(replace(TASK, after="", instruction="Double the area"), without) == 1
    assert lost_symbols(replace(TASK, after="", instruction="Remove the function edge"), without) == 0


def test_unchanged_code_is_known_whatever_its_last_newline() -> None:
    assert unchanged(TASK, BEFORE.rstrip())
    assert not unchanged(TASK, TASK.after)


@given(st.text(alphabet="ab()\n:= def", max_size=80), st.text(alphabet="ab()\n:= def", max_size=80))
def test_any_two_texts_can_be_measured(before: str, after: str) -> None:
    some = replace(TASK, before=before)
    assert lost_symbols(some, after) >= 0
    assert (changed_outside(some, after) or 0) >= 0
