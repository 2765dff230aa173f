"""Placeholders where code was: every known wording is caught, and honest comments and stubs are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivek.checks.edit import Edit
from vivek.checks.placeholders import check_placeholders

OLD = '''def f(x):
    """Do it."""
    a = x + 1
    b = a * 2
    c = b - 3
    return c
'''


def complaint(new: str, *, old: str = OLD, filetype: str = "python", instruction: str = "") -> str:
    lines = old.count("\n"), new.count("\n")
    return check_placeholders(Edit(old, new, filetype, 1, lines[0], 1, lines[1], instruction)).detail


def with_comment(comment: str) -> str:
    return f"def f(x):\n    a = x + 1\n    {comment}\n    return a\n"


class TestWordsForCode:
    @pytest.mark.parametrize(
        "comment",
        [
            "# ... rest of the code",
            "# ... rest of the function ...",
            "# rest of the code remains the same",
            "# Rest of the method unchanged",
            "# The rest of the code is the same as before.",
            "# ...existing code...",
            "# ... (existing code)",
            "# existing code here",
            "# Existing code remains unchanged",
            "# other methods remain the same",
            "# Other methods...",
            "# remaining implementation omitted for brevity",
            "# ... (rest of the implementation)",
            "# Your code here",
            "# your implementation goes here",
            "# Add your code here",
            "# Implement the logic here",
            "# Implementation goes here",
            "# TODO: implement",
            "# TODO: Implement this function",
            "# TODO: add your logic",
            "# TODO complete the implementation",
            "# FIXME: implement me",
            "# Placeholder for the real thing",
            "# ...",
            "# …",
            "# same as before",
            "# Same as above",
            "# unchanged",
            "# original code",
            "pass  # existing code",
            "pass  # rest of the code here",
        ],
    )
    def test_a_comment_that_stands_in_for_code_is_quoted(self, comment: str) -> None:
        assert f"`{comment[comment.index('#') :]}` stands in for code" in complaint(with_comment(comment))

    @pytest.mark.parametrize(
        "comment",
        [
            "# The rest of the code expects a number here, so add one.",
            "# Add one to the code point.",
            "# Use the existing method of the parent class where there is one.",
            "# Other methods call this one with a lock held.",
            "# The same as in the other branch, but with one added.",
            "# TODO: handle negative numbers",
            "# TODO(me): measure this",
            "# Implementation note: addition is commutative.",
            "# Keep the remaining lines for the next call.",
            "# Skip the rest of the line.",
            "# e.g. 1, 2, ...",
            "# Original author: me.",
            "# Unchanged inputs are returned by identity.",
            "# https://example.org/rest/of/the/code",
            "# Everything before ... is a prefix.",
        ],
    )
    def test_an_honest_comment_passes(self, comment: str) -> None:
        longer = OLD.replace("    b =", f"    {comment}\n    b =")
        assert complaint(longer) == ""
        assert complaint(with_comment(comment)) == ""

    @pytest.mark.parametrize("comment", ["# ...", "# same as above", "# unchanged", "# existing code"])
    def test_a_vague_comment_counts_only_where_code_went(self, comment: str) -> None:
        assert complaint(OLD.replace("    b =", f"    {comment}\n    b =")) == ""

    def test_a_comment_that_was_there_before_passes(self) -> None:
        old = OLD.replace("    b =", "    # TODO: implement more\n    b =")
        assert complaint(old.replace("a * 2", "a * 4"), old=old) == ""

    @pytest.mark.parametrize(
        "instruction",
        ["write a stub", "leave a TODO where it goes", "a skeleton, please", "put placeholders"],
    )
    def test_placeholders_that_were_asked_for_pass(self, instruction: str) -> None:
        assert complaint(with_comment("# TODO: implement"), instruction=instruction) == ""

    def test_words_in_a_string_or_docstring_pass(self) -> None:
        docstring = '    """Do it.\n\n    # ... rest of the code\n    >>> f(\n    ... 1)\n    """\n'
        new = f'def f(x):\n{docstring}    return "# your code here"\n'
        assert complaint(new) == ""

    @pytest.mark.parametrize(
        ("filetype", "new"),
        [
            ("javascript", "function f(x) {\n  // ... rest of the code\n}\n"),
            ("typescript", "function f(x) {\n  /* your code here */\n}\n"),
            ("go", "func f(x int) int {\n\t// existing code remains\n\treturn x\n}\n"),
            ("lua", "local function f(x)\n  -- ... existing code ...\nend\n"),
            ("c", "int f(int x) {\n  /* ... */\n}\n"),
            ("rust", "fn f(x: i32) -> i32 {\n    // TODO: implement\n    x\n}\n"),
            ("sh", "f() {\n  # rest of the function\n}\n"),
            ("vim", 'function! F()\n  " ... rest of the code\nendfunction\n'),
            ("ruby", "def f\n  # ... rest of the code\nend\n"),
        ],
    )
    def test_every_languages_comments_are_read(self, filetype: str, new: str) -> None:
        assert "stands in for code" in complaint(new, old="one\ntwo\nthree\nfour\nfive\n", filetype=filetype)

    def test_a_line_of_a_long_comment_is_read_by_itself(self) -> None:
        new = "int f(int x) {\n  /* First.\n   * ... rest of the code\n   */\n  return x;\n}\n"
        assert "rest of the code" in complaint(new, old="int f(int x) {\n  return 1;\n}\n", filetype="c")

    @given(st.text(alphabet="rest of the code.… #\n", max_size=200))
    @settings(deadline=2000)
    def test_no_comment_takes_long_to_read(self, text: str) -> None:
        complaint("# " + text.replace("\n", "\n# ") + "\n")

    @pytest.mark.parametrize(
        "unit",
        ["the same ", "rest of the ", "... ", "unchanged as ", "implementation here ", "same as above "],
    )
    def test_nor_does_one_made_to_confuse(self, unit: str) -> None:
        complaint("# " + unit * 500 + "!x\n")


class TestUnimplemented:
    @pytest.mark.parametrize(
        ("filetype", "line"),
        [
            ("rust", "    todo!()\n"),
            ("rust", "    unimplemented!()\n"),
            ("javascript", "  throw new Error('Not implemented');\n"),
            ("go", '\tpanic("not implemented yet")\n'),
            ("lua", "  error('f is not yet implemented')\n"),
        ],
    )
    def test_a_body_that_only_fails_is_told(self, filetype: str, line: str) -> None:
        assert "stands in for code" in complaint(f"x\n{line}y\n", old="x\n1\ny\n", filetype=filetype)
        assert complaint(f"x\n{line}y\n", old=f"x\n{line}", filetype=filetype) == ""


class TestEmptiedBodies:
    @pytest.mark.parametrize(
        "body",
        [
            "...",
            "pass",
            '"""Do it."""\n    ...',
            "raise NotImplementedError",
            'raise NotImplementedError("x")',
        ],
    )
    def test_a_function_that_lost_its_body_is_named(self, body: str) -> None:
        assert complaint(f"def f(x):\n    {body}\n") == "`f` has lost its body: write it in full."

    def test_a_method_is_named_with_its_class(self) -> None:
        old = "class A:\n    def f(self):\n        return 1\n"
        assert (
            complaint("class A:\n    def f(self):\n        ...\n", old=old)
            == "`A.f` has lost its body: write it in full."
        )

    def test_dots_among_statements_are_told(self) -> None:
        assert "A bare `...` in `f`" in complaint("def f(x):\n    a = x + 1\n    ...\n    return c\n")

    def test_a_new_function_of_dots_is_told(self) -> None:
        assert complaint(OLD + "\n\ndef g(x):\n    ...\n") == "`g` has no body: write it."

    def test_a_new_function_that_was_asked_for_and_does_nothing_is_told(self) -> None:
        check = check_placeholders(Edit("", "def g(x):\n    pass\n", "python", 1, 0, 1, 2, "write g"))
        assert check.detail == "`g` has no body: write it."

    @pytest.mark.parametrize(
        "new",
        [
            "from typing import Protocol\n\n\nclass P(Protocol):\n    def f(self) -> int: ...\n",
            "class P(typing.Protocol[T]):\n    def f(self) -> int: ...\n",
            "class P(ABC):\n    def f(self) -> int: ...\n",
            "class P:\n    @abstractmethod\n    def f(self) -> int: ...\n",
            "class P:\n    @abc.abstractmethod\n    def f(self) -> int:\n        ...\n",
            "@overload\ndef g(x: int) -> int: ...\n@overload\ndef g(x: str) -> str: ...\ndef g(x):\n    return x\n",
            "class MyError(Exception): ...\n",
            "class MyError(Exception):\n    pass\n",
            "def f(x):\n    a = x[..., 0]\n    b: tuple[int, ...] = ()\n    return a or b or ...\n",
            "def f(x=...):\n    return x\n",
            "def f(x):\n    try:\n        return x\n    except ValueError:\n        ...\n    return c\n",
            "def f(x):\n    for _ in x:\n        pass\n    return x\n",
            "def f(x):\n    return x\n\n\ndef on_event(event):\n    pass\n",
            "def f(x):\n    if x:\n        raise NotImplementedError\n    return x\n",
        ],
    )
    def test_dots_and_pass_that_belong_there_pass(self, new: str) -> None:
        assert complaint(new) == ""

    @pytest.mark.parametrize(
        "instruction", ["make it abstract", "empty the body", "turn it into a no-op", "make f a stub"]
    )
    def test_a_body_that_was_to_go_may(self, instruction: str) -> None:
        assert complaint("def f(x):\n    pass\n", instruction=instruction) == ""

    def test_a_stub_that_was_one_before_passes(self) -> None:
        assert complaint("def f(x: int): ...\n", old="def f(x): ...\n") == ""

    def test_a_file_of_stubs_may_get_another(self) -> None:
        old = "def f(x: int) -> int: ...\ndef g(x: int) -> int: ...\n"
        assert complaint(old + "def h(x: int) -> int: ...\n", old=old) == ""

    def test_a_stub_outside_of_the_target_is_not_its_business(self) -> None:
        text = "def later(): ...\n\n\n"
        check = check_placeholders(Edit(text + OLD, text + OLD, "python", 4, 9, 4, 9, ""))
        assert check.passed

    def test_code_that_does_not_parse_is_not_judged_by_its_bodies(self) -> None:
        assert complaint("def f(x:\n    ...\n") == ""
