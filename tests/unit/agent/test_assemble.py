"""What the document becomes when a reply is taken."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from vivek.agent.assemble import assemble, lines_of
from vivek.agent.state import Target
from vivek.request import line_count

TEXT = '''"""A module."""

import os


def area(r):
    return 3 * r * r


class Shape:
    def name(self):
        return "shape"
'''


def target(first: int, last: int) -> Target:
    return {"first": first, "last": last, "name": ""}


def test_a_function_is_replaced_in_its_place() -> None:
    after = assemble(
        TEXT, target(6, 7), "def area(r):\n    return 4 * r\n", route="rewrite", filetype="python"
    )
    assert after.text == TEXT.replace("3 * r * r", "4 * r")
    assert (after.first, after.last) == (6, 7)


def test_a_reply_with_one_definition_of_the_file_leaves_the_others() -> None:
    reply = "def area(r):\n    return 4 * r\n"
    last = line_count(TEXT)
    after = assemble(TEXT, target(1, last), reply, route="rewrite", filetype="python", instruction="4, not 3")
    assert after.text == TEXT.replace("3 * r * r", "4 * r")
    assert (after.first, after.last) == (1, last)


def test_a_method_that_came_dedented_is_indented_again() -> None:
    after = assemble(
        TEXT, target(11, 12), 'def name(self):\n    return "s"\n', route="rewrite", filetype="python"
    )
    assert '    def name(self):\n        return "s"\n' in after.text
    ast.parse(after.text)


def test_an_import_in_the_reply_goes_to_the_top_of_the_file() -> None:
    code = "import math\n\n\ndef area(r):\n    return math.pi * r * r\n"
    after = assemble(TEXT, target(6, 7), code, route="rewrite", filetype="python")
    assert after.text.index("import math") < after.text.index("def area")
    assert after.text.count("import math") == 1
    assert (
        lines_of(after.text, target(after.first, after.last)) == "def area(r):\n    return math.pi * r * r\n"
    )


def test_an_import_that_the_new_code_needs_is_added() -> None:
    code = "def area(r):\n    return math.pi * r * r\n"
    after = assemble(TEXT, target(6, 7), code, route="rewrite", filetype="python")
    assert "import math\n" in after.text
    assert lines_of(after.text, target(after.first, after.last)) == code


def test_a_name_that_was_undefined_before_is_left_alone() -> None:
    text = TEXT + "\nprint(math.pi)\n"
    after = assemble(
        text, target(6, 7), "def area(r):\n    return 4 * r\n", route="rewrite", filetype="python"
    )
    assert "import math" not in after.text


def test_new_code_is_set_apart_by_blank_lines() -> None:
    after = assemble(
        TEXT, target(8, 7), "def side(r):\n    return 2 * r\n", route="insert", filetype="python"
    )
    assert after.text == TEXT.replace(
        "    return 3 * r * r\n\n\n", "    return 3 * r * r\n\n\ndef side(r):\n    return 2 * r\n\n\n"
    )
    assert lines_of(after.text, target(after.first, after.last)).strip() == "def side(r):\n    return 2 * r"


def test_new_code_in_a_body_gets_its_indentation() -> None:
    text = "def f(x):\n    a = 1\n\n    return a\n"
    after = assemble(text, target(3, 3), "b = a + x\n", route="insert", filetype="python")
    assert after.text == "def f(x):\n    a = 1\n    b = a + x\n    return a\n"


def test_new_code_after_an_opening_line_is_one_level_deeper() -> None:
    after = assemble("def f(x):\n\n", target(2, 2), "return x\n", route="insert", filetype="python")
    assert after.text == "def f(x):\n    return x\n"


def test_new_code_gets_the_line_ends_of_its_neighbours() -> None:
    text = TEXT.replace("\n", "\r\n")
    code = "def side(r):\n    return 2 * r\n"
    after = assemble(text, target(8, 7), code, route="insert", filetype="python")
    assert "\r\n\r\n\r\ndef side(r):\r\n    return 2 * r\r\n" in after.text
    assert after.text.count("\n") == after.text.count("\r\n")


def test_new_code_gets_the_tabs_of_its_neighbours() -> None:
    text = "def f(x):\n\tif x:\n\t\treturn 1\n"
    code = "def g(x):\n    return x\n"
    after = assemble(text, target(4, 3), code, route="insert", filetype="python")
    assert after.text == text + "\n\ndef g(x):\n\treturn x\n"


def test_code_after_a_last_line_without_a_newline_in_a_file_of_crlf_starts_a_line_of_its_own() -> None:
    after = assemble("x = 1\r\nz = 1", target(3, 2), "y = 2\n", route="insert", filetype="python")
    assert after.text == "x = 1\r\nz = 1\r\ny = 2\r\n"


def test_an_empty_document_becomes_the_code() -> None:
    after = assemble("", target(1, 0), "import os\n\nprint(os.name)\n", route="insert", filetype="python")
    assert after.text == "import os\n\nprint(os.name)\n"


def test_code_after_a_last_line_without_a_newline_starts_a_line_of_its_own() -> None:
    after = assemble("x = 1", target(2, 1), "y = 2\n", route="insert", filetype="python")
    assert after.text == "x = 1\ny = 2\n"


lines = st.lists(st.text(alphabet="ab =\t()é\r", max_size=8), max_size=12).map("\n".join)


@given(lines, st.data(), lines)
def test_lines_outside_of_the_target_are_kept(text: str, data: st.DataObject, code: str) -> None:
    count = line_count(text)
    if count == 0:
        return
    first = data.draw(st.integers(1, count))
    last = data.draw(st.integers(first, count))
    after = assemble(text, target(first, last), code, route="rewrite", filetype="text")
    assert after.text.startswith(lines_of(text, target(1, first - 1)))
    assert after.text.endswith(lines_of(text, target(last + 1, count)))


@given(lines, st.data(), lines)
def test_an_insertion_keeps_every_line_that_was_there(text: str, data: st.DataObject, code: str) -> None:
    place = data.draw(st.integers(0, line_count(text)))
    after = assemble(text, target(place + 1, place), code, route="insert", filetype="text")
    assert after.text.startswith(lines_of(text, target(1, place)))
    assert after.text.endswith(lines_of(text, target(place + 1, line_count(text))))


# New code that repeats what is there

BOARD = "'use strict';\n\nclass Board {\n  of(name) {\n    return 0;\n  }\n}\n\nfunction first() {\n  return 1;\n}\n"


def inserted(text: str, code: str, filetype: str) -> str:
    """The text with new code at its end."""
    end = text.count("\n")
    place: Target = {"first": end + 1, "last": end, "name": ""}
    return assemble(
        text, place, code, route="insert", filetype=filetype, instruction="add a method top() to Board"
    ).text


def test_a_whole_file_that_comes_back_with_new_code_takes_the_files_place() -> None:
    grown = BOARD.replace("    return 0;\n  }\n", "    return 0;\n  }\n\n  top() {\n    return null;\n  }\n")
    assert inserted(BOARD, grown, "javascript") == grown


def test_a_definition_that_comes_back_with_more_in_it_takes_its_own_place() -> None:
    old = BOARD[BOARD.index("class") : BOARD.index("\n\nfunction")]
    grown = old.replace("return 0;\n  }\n", "return 0;\n  }\n\n  top() {\n    return null;\n  }\n")
    assert inserted(BOARD, grown + "\n", "javascript") == BOARD.replace(old, grown)


def test_new_code_that_repeats_nothing_comes_where_it_is_wanted() -> None:
    new = "function last() {\n  return 2;\n}\n"
    assert inserted(BOARD, new, "javascript") == f"{BOARD}\n{new}"
