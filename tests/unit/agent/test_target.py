"""Which lines an ask is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vivek.agent.method import CLASS_LINES, class_for_method
from vivek.agent.mode import route_in
from vivek.agent.target import WHOLE_FILE_LINES, find_target, insertion_point
from vivek.errors import RequestError
from vivek.request import AskRequest

TEXT = """import os


def first(x):
    return x


class Thing:
    def method(self):
        return first(1)


LIMIT = 3
"""


def ask(text: str = TEXT, instruction: str = "tidy", **values: Any) -> AskRequest:
    return AskRequest(
        run="1", instruction=instruction, text=text, filetype="python", path=Path("a.py"), **values
    )


def test_a_selection_is_the_target_as_it_is() -> None:
    assert find_target(ask(first=2, last=5, cursor=9)) == {"first": 2, "last": 5, "name": ""}


def test_without_a_selection_it_is_the_function_under_the_cursor() -> None:
    assert find_target(ask(cursor=5)) == {"first": 4, "last": 5, "name": "first"}


def test_a_method_is_found_under_the_cursor() -> None:
    target = find_target(ask(cursor=10))
    assert (target["first"], target["last"]) == (9, 10)


def test_outside_of_a_function_a_small_file_is_the_target() -> None:
    assert find_target(ask(cursor=13)) == {"first": 1, "last": 13, "name": ""}


def test_on_the_command_line_a_small_file_is_the_target() -> None:
    assert find_target(ask(instruction="speed up `first`")) == {"first": 1, "last": 13, "name": ""}


@pytest.mark.parametrize(
    ("instruction", "lines"),
    [
        ("fix `first`", (4, 5)),
        ("Fix the bug in the first function.", (4, 5)),
        ("the method function is wrong", (9, 10)),
        ("fix first", (1, 13)),
        ("fix `first` and `method`", (1, 13)),
    ],
)
def test_a_fault_in_one_function_of_a_small_file_is_mended_there(
    instruction: str, lines: tuple[int, int]
) -> None:
    target = find_target(ask(instruction=instruction))
    assert (target["first"], target["last"]) == lines


def test_the_only_function_of_a_small_file_is_mended_with_what_stands_around_it() -> None:
    text = 'def only(x):\n    return x\n\n\n"""What `only` is for."""\n'
    assert find_target(ask(text, instruction="fix `only`")) == {"first": 1, "last": 5, "name": ""}


LONG = TEXT + "\n".join(f"x_{number} = {number}" for number in range(WHOLE_FILE_LINES)) + "\n"


@pytest.mark.parametrize("instruction", ["fix `first`", "make first() faster", "explain `Thing.method`"])
def test_in_a_long_file_it_is_the_definition_that_the_instruction_names(instruction: str) -> None:
    assert find_target(ask(LONG, instruction))["name"] != ""


def test_an_ordinary_word_names_no_function() -> None:
    with pytest.raises(RequestError, match="names no function"):
        find_target(ask(LONG, "do the first thing"))


def test_in_a_long_file_with_nothing_named_the_user_is_told_what_to_do() -> None:
    with pytest.raises(RequestError, match="Select the lines"):
        find_target(ask(LONG, cursor=100))


def test_new_code_goes_after_the_definition_at_the_cursor() -> None:
    assert insertion_point(ask(cursor=4))["first"] == 6
    assert insertion_point(ask(cursor=10))["first"] == 11


def test_new_code_takes_the_place_of_a_blank_line() -> None:
    assert insertion_point(ask(cursor=2)) == {"first": 2, "last": 2, "name": ""}


def test_new_code_on_the_command_line_goes_to_the_end() -> None:
    assert insertion_point(ask())["first"] == 14


def test_new_code_in_an_empty_buffer_is_all_there_is() -> None:
    assert insertion_point(ask("", cursor=1)) == {"first": 1, "last": 0, "name": ""}


# A new method


@pytest.mark.parametrize(
    ("instruction", "values"),
    [
        ("add a method close", {"cursor": 10}),
        ("add a close method to Thing", {}),
        ("write a new method", {"cursor": 8}),
    ],
)
def test_a_new_method_is_written_with_its_class(instruction: str, values: dict[str, Any]) -> None:
    request = ask(instruction=instruction, **values)
    assert route_in("coder", request) == "rewrite"
    assert find_target(request) == {"first": 8, "last": 10, "name": "Thing"}


@pytest.mark.parametrize(
    ("instruction", "values"),
    [
        ("add a function close", {"cursor": 10}),
        ("add a method close", {"cursor": 4}),
        ("add a method close to Other", {}),
    ],
)
def test_other_new_code_is_put_in(instruction: str, values: dict[str, Any]) -> None:
    assert route_in("coder", ask(instruction=instruction, **values)) == "insert"


def test_a_long_class_is_not_rewritten_for_a_method() -> None:
    text = "class Long:\n" + "".join(f"    x_{number} = {number}\n" for number in range(CLASS_LINES + 1))
    assert class_for_method(ask(text, "add a method close", cursor=2)) is None
