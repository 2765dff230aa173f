"""Where the code of a text is, and where what is said about it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.context.remarks import code_spans

CASES = [
    (
        "python",
        'def f(x):\n    """Say.\n\n    >>> f(1)\n    """\n\n    return x  # it\n',
        ["def f(x):\n", "    return x"],
    ),
    ("python", 'x = "a string"\n"""Of x."""\n', ['x = "a string"\n']),
    (
        "javascript",
        "/** Say. */\nfunction f(x) {\n  // it\n  return x;\n}\n",
        ["function f(x) {\n", "  return x;\n}\n"],
    ),
    ("lua", "-- say\nlocal x = 1\n\n\nreturn x", ["local x = 1\n", "return x"]),
    (
        "c",
        "int f(int é /* one */, int b) {\n  return b;\n}\n",
        ["int f(int é", ", int b) {\n  return b;\n}\n"],
    ),
    ("go", "\tx := 1\n\t// say\n\ty := 2\n", ["\tx := 1\n", "\ty := 2\n"]),
    ("nothing", "# say\n\nx\n", ["# say\n", "x\n"]),
    ("python", "", []),
]


@pytest.mark.parametrize(("filetype", "text", "code"), CASES)
def test_comments_docstrings_and_blank_lines_are_no_code(filetype: str, text: str, code: list[str]) -> None:
    assert [text[first:last] for first, last in code_spans(text, filetype)] == code


@given(
    st.text(alphabet=st.sampled_from("ab1=#\"'/*-\n \té()"), max_size=60),
    st.sampled_from(["python", "c", "lua"]),
)
def test_the_spans_are_in_order_apart_and_hold_something_to_see(text: str, filetype: str) -> None:
    spans = code_spans(text, filetype)
    assert all(first < last and text[first:last].strip() for first, last in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
