"""What an ask is made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import ConfigError, RequestError
from vivek.request import AskRequest, line_count, split_lines

PAYLOAD: dict[str, Any] = {"run": "1", "instruction": "do it", "lines": ["a", "b"], "eol": True, "cursor": 1}


@given(st.text(alphabet=st.sampled_from("ab \t\r\n\0é\udc80")))
def test_split_lines_are_joined_again(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert len(lines) == line_count(text)


def test_an_empty_buffer_is_the_empty_text() -> None:
    assert AskRequest.from_editor({**PAYLOAD, "lines": [""]}).text == ""


def test_a_buffer_without_a_last_newline_keeps_that() -> None:
    assert AskRequest.from_editor({**PAYLOAD, "eol": False}).text == "a\nb"


def test_without_a_selection_there_is_no_range() -> None:
    request = AskRequest.from_editor({**PAYLOAD, "first": 1, "last": 2, "selection": False})
    assert request.first is None
    assert request.cursor == 1


def test_a_follow_up_has_a_text_and_a_base() -> None:
    request = AskRequest.from_editor({**PAYLOAD, "base": {"lines": ["a"], "eol": True}})
    assert request.text == "a\nb\n"
    assert request.base == "a\n"


def test_a_blank_instruction_is_refused() -> None:
    with pytest.raises(RequestError, match="instruction is empty"):
        AskRequest.from_editor({**PAYLOAD, "instruction": "  "})


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (1, 9)])
def test_a_range_outside_the_document_is_refused(first: int, last: int) -> None:
    with pytest.raises(RequestError, match="not in the document"):
        AskRequest.from_editor({**PAYLOAD, "selection": True, "first": first, "last": last})


def test_an_unknown_backend_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match="ollama"):
        AskRequest.from_editor({**PAYLOAD, "config": {"backend": "olama"}})
