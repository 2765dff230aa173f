"""Fitting code to its place: indentation, line ends, strange bytes, blank lines."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vivek.edits.fit import fit, presentable

METHOD = "    def f(self):\n        return 1\n"

# Lines as files have them, with every troublesome character among them.
LINES = st.lists(
    st.sampled_from(
        [
            "",
            "  ",
            "a",
            "    b",
            "        c",
            "\td",
            "\t\te",
            "x\ry",
            "caf\udce9",
            "nul\0",
            "漢字",
            "e\u0301",
            "😀",
            '"""',
            "}",
            "if x:",
        ]
    ),
    max_size=9,
)
BLOCKS = st.builds(
    lambda lines, ending, final: ending.join(lines) + (ending if final else ""),
    LINES,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


class TestPresentable:
    def test_ordinary_text_is_shown_as_it_is(self) -> None:
        assert presentable("a\tb\n漢e\u0301😀\r.\n") == "a\tb\n漢e\u0301😀\r.\n"

    def test_carriage_returns_at_line_ends_are_not_shown(self) -> None:
        assert presentable("a\r\nb\r\r\nc\rd\r") == "a\nb\nc\rd"

    def test_bytes_that_are_not_text_and_nul_have_stand_ins(self) -> None:
        assert presentable("a\udc80\0b") == "a\ufffd\u2400b"

    @given(st.text(alphabet=st.characters(codec=None, exclude_categories=())))
    def test_what_is_shown_can_be_sent(self, text: str) -> None:
        shown = presentable(text)
        shown.encode("utf-8")
        assert "\0" not in shown
        assert presentable(shown) == shown
        assert shown.count("\n") == text.count("\n")


class TestRoundTrip:
    @given(BLOCKS)
    @example("a\r\nb")
    @example("\n\n  x\n\n")
    def test_what_the_model_was_shown_and_gives_back_changes_nothing(self, old: str) -> None:
        if old.strip():
            assert fit(presentable(old), old) == old

    @given(BLOCKS)
    def test_nor_does_the_loss_of_blank_lines_at_the_ends(self, old: str) -> None:
        if old.strip():
            assert fit(presentable(old).strip("\n"), old) == old

    @given(
        st.lists(st.sampled_from(["a = 1", "    b = 2", "        c = 3", ""]), min_size=1),
        st.sampled_from(["    ", "        "]),
    )
    def test_nor_does_the_loss_of_the_common_indentation(self, lines: list[str], margin: str) -> None:
        block = "\n".join(["head:", *lines]) + "\n"
        old = textwrap.indent(block, margin)
        assert fit(block, old) == old

    @given(BLOCKS, BLOCKS)
    def test_the_final_newline_is_as_it_was(self, new: str, old: str) -> None:
        fitted = fit(new, old)
        if fitted and old:
            assert fitted.endswith("\n") == old.endswith("\n")

    @given(st.text(), st.text())
    def test_every_text_can_be_fitted(self, new: str, old: str) -> None:
        fitted = fit(new, old)
        assert bool(fitted.strip()) == bool(new.strip())

    @given(BLOCKS, BLOCKS)
    def test_words_are_never_lost_or_invented(self, new: str, old: str) -> None:
        assert presentable(fit(new, old)).split() == presentable(new).split()


class TestIndentation:
    def test_a_dedented_method_is_indented(self) -> None:
        assert fit("def f(self):\n    return 2\n", METHOD) == "    def f(self):\n        return 2\n"

    def test_an_indented_function_is_dedented(self) -> None:
        assert (
            fit("    def f():\n        return 2\n", "def f():\n    return 1\n") == "def f():\n    return 2\n"
        )

    def test_a_first_line_that_lost_its_indentation_gets_it_back_alone(self) -> None:
        assert fit("def f(self):\n        return 2\n", METHOD) == "    def f(self):\n        return 2\n"

    def test_a_first_statement_that_lost_its_indentation_gets_it_back_alone(self) -> None:
        assert fit("x = 3\n    y = 4\n", "    x = 1\n    y = 2\n") == "    x = 3\n    y = 4\n"

    def test_a_new_block_around_all_lines_is_not_taken_for_a_lost_indentation(self) -> None:
        assert fit("if x:\n    y = 2\n", "    x = 1\n    y = 2\n") == "    if x:\n        y = 2\n"

    def test_a_body_wrapped_one_level_deeper_is_moved_as_a_whole(self) -> None:
        new = "def f(self):\n    with lock:\n        return 1\n"
        assert fit(new, METHOD) == "    def f(self):\n        with lock:\n            return 1\n"

    def test_a_selection_that_starts_deep_keeps_its_place_when_its_end_goes(self) -> None:
        old = "        foo()\n    bar()\n"
        assert fit("        foo()\n", old) == "        foo()\n"
        assert fit("foo()\n", old) == "        foo()\n"

    def test_a_selection_that_starts_deep_can_come_dedented(self) -> None:
        assert fit("    foo(1)\nbar()\n", "        foo()\n    bar()\n") == "        foo(1)\n    bar()\n"

    def test_lines_with_nothing_in_common_start_where_the_old_ones_did(self) -> None:
        assert fit("y()\n", "        x()\n") == "        y()\n"

    def test_spaces_become_tabs_where_the_old_lines_have_tabs(self) -> None:
        old = "\tfunc() {\n\t\treturn 1\n\t}\n"
        new = "func() {\n    if x {\n        return 2\n    }\n}\n"
        assert fit(new, old) == "\tfunc() {\n\t\tif x {\n\t\t\treturn 2\n\t\t}\n\t}\n"

    def test_two_spaces_become_one_tab(self) -> None:
        assert fit("f {\n  a\n    b\n}\n", "f {\n\ta\n}\n") == "f {\n\ta\n\t\tb\n}\n"

    def test_tabs_become_the_old_lines_spaces(self) -> None:
        assert fit("f {\n\ta\n\t\tb\n}\n", "f {\n  a\n}\n") == "f {\n  a\n    b\n}\n"

    def test_code_without_any_indentation_takes_any(self) -> None:
        assert fit("def f():\n\treturn 1\n", "x = 1\n") == "def f():\n\treturn 1\n"

    def test_a_blank_line_gets_no_indentation(self) -> None:
        assert fit("def f(self):\n    a = 1\n\n    return a\n", METHOD).split("\n")[2] == ""


class TestStrings:
    OLD = '    def f(self):\n        return """\nflush line\n    indented line\n"""\n'

    def test_a_dedented_reply_leaves_flush_string_contents_flush(self) -> None:
        new = 'def f(self):\n    return """\nflush line\n    indented line\n"""\n'
        assert fit(new, self.OLD) == self.OLD

    def test_a_changed_line_of_the_string_goes_with_its_neighbours(self) -> None:
        new = 'def f(self):\n    return """\nflush line\n    another line\n"""\n'
        assert fit(new, self.OLD) == self.OLD.replace("indented line", "another line")

    def test_a_docstring_moves_with_its_function(self) -> None:
        new = 'def f(self):\n    """One.\n\n    Two.\n    """\n    return 2\n'
        assert fit(new, METHOD) == textwrap.indent(new, "    ", lambda line: bool(line.strip()))

    def test_a_flush_string_does_not_hide_the_indentation_of_the_rest(self) -> None:
        assert fit(self.OLD, self.OLD) == self.OLD

    def test_a_template_string_in_javascript_stays_flush(self) -> None:
        old = "  render() {\n    return `\n<p>\n`;\n  }\n"
        new = "render() {\n  return `\n<p>\n`;\n}\n"
        assert fit(new, old, "javascript") == old

    def test_a_long_string_in_lua_stays_flush(self) -> None:
        old = "  local function f()\n    return [[\nflush\n]]\n  end\n"
        new = "local function f()\n  return [[\nflush\n]]\nend\n"
        assert fit(new, old, "lua") == old


class TestBlankLines:
    def test_blank_lines_that_the_model_added_at_the_ends_go(self) -> None:
        assert (
            fit("\n\ndef f():\n    return 2\n\n\n", "def f():\n    return 1\n") == "def f():\n    return 2\n"
        )

    def test_the_old_blocks_own_blank_lines_stay(self) -> None:
        assert fit("y\n", "\n  \nx\n\n") == "\n  \ny\n\n"

    def test_nothing_at_all_removes_the_lines(self) -> None:
        assert fit("", "x\n") == ""
        assert fit("\n \n", "x\n\n") == ""

    def test_a_last_line_without_newline_stays_so(self) -> None:
        assert fit("y\nz\n", "x") == "y\nz"

    def test_the_first_code_of_an_empty_text_ends_in_a_newline(self) -> None:
        assert fit("x = 1", "") == "x = 1\n"


class TestLineEnds:
    def test_carriage_returns_come_back(self) -> None:
        assert fit("a\nB\nc\n", "a\r\nb\r\nc\r\n") == "a\r\nB\r\nc\r\n"

    def test_a_minority_of_carriage_returns_stays_where_it_was(self) -> None:
        assert fit("a\nB\nc\nd\n", "a\nb\nc\r\nd\n") == "a\nB\nc\r\nd\n"

    def test_a_last_line_without_newline_has_no_carriage_return_either(self) -> None:
        assert fit("a\nB", "a\r\nb") == "a\r\nB"

    def test_a_line_after_the_one_that_was_last_gives_it_its_carriage_return(self) -> None:
        assert fit("a\nb\nc", "a\r\nb") == "a\r\nb\r\nc"

    def test_a_lone_carriage_return_within_a_line_stays(self) -> None:
        assert fit("a\rb\nC\n", "a\rb\nc\n") == "a\rb\nC\n"

    def test_new_code_takes_line_ends_and_tabs_of_the_text_around_it(self) -> None:
        around = "func a() {\r\n\tgo()\r\n}\r\n"
        assert fit("func b() {\n    go()\n}\n", "", "go", around=around) == "func b() {\r\n\tgo()\r\n}\r\n"


class TestStrangeBytes:
    OLD = "name = 'caf\udce9'\nnul = '\0'\nlast = 1\n"

    def test_lines_that_did_not_change_come_back_byte_for_byte(self) -> None:
        assert fit(presentable(self.OLD).replace("1", "2"), self.OLD) == self.OLD.replace("1", "2")

    def test_a_changed_line_gets_its_byte_back(self) -> None:
        assert fit(presentable(self.OLD).replace("name", "title"), self.OLD) == self.OLD.replace(
            "name", "title"
        )

    def test_a_stand_in_that_cannot_be_told_stays_what_the_model_wrote(self) -> None:
        assert fit("x = '\ufffd\ufffd'\n", "x = '\udce9'\n") == "x = '\ufffd\ufffd'\n"

    @pytest.mark.parametrize(
        "text", ["漢字 = 1\n", "e\u0301 = 1\n", "s = '😀'\n", "s = 'a\u200db'\n", "s = '\u2028'\n"]
    )
    def test_wide_and_combining_characters_are_kept(self, text: str) -> None:
        assert fit(text, "x = 1\n") == text
