"""Extracting code from what small models really send."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vivek.edits.reply import Reply, extract

FUNCTION = "def f(x):\n    return x + 1\n"


def fenced(code: str, language: str = "python", marks: str = "```") -> str:
    return f"{marks}{language}\n{code}{marks}\n"


def code_of(reply: str, filetype: str = "python", **options: str) -> str | None:
    return extract(reply, filetype, **options).code


class TestOneFence:
    def test_the_code_between_the_fences_is_taken(self) -> None:
        assert extract(fenced(FUNCTION), "python") == Reply(FUNCTION, "", True)

    def test_prose_before_and_after_becomes_the_words(self) -> None:
        reply = f"Sure! Here is the function:\n\n{fenced(FUNCTION)}\nIt adds one.\n"
        found = extract(reply, "python")
        assert found.code == FUNCTION
        assert found.words == "Sure! Here is the function:\n\n\nIt adds one."

    @pytest.mark.parametrize("marks", ["```", "````", "``````", "~~~", "~~~~"])
    def test_every_kind_of_fence_is_read(self, marks: str) -> None:
        assert extract(fenced(FUNCTION, marks=marks), "python") == Reply(FUNCTION, "", True)

    def test_a_fence_without_a_language_is_read(self) -> None:
        assert code_of(fenced(FUNCTION, "")) == FUNCTION

    @pytest.mark.parametrize("info", ["python title=x.py", "{.python}", " python ", "Python"])
    def test_more_than_a_language_after_the_fence_is_skipped(self, info: str) -> None:
        assert code_of(fenced(FUNCTION, info)) == FUNCTION

    def test_a_fence_in_a_list_gives_its_indentation_back(self) -> None:
        reply = "1. Do this:\n\n   ```python\n   def f(x):\n       return x + 1\n   ```\n"
        assert code_of(reply) == FUNCTION

    def test_an_indented_fence_around_flush_code_leaves_the_code_alone(self) -> None:
        assert code_of("  ```python\ndef f(x):\n    return x + 1\n  ```\n") == FUNCTION

    def test_tabs_stay(self) -> None:
        assert code_of(fenced("func f() {\n\treturn\n}\n", "go"), "go") == "func f() {\n\treturn\n}\n"

    def test_carriage_returns_at_line_ends_go(self) -> None:
        assert code_of(fenced(FUNCTION).replace("\n", "\r\n")) == FUNCTION

    def test_blank_lines_within_stay(self) -> None:
        assert code_of(fenced("\na\n\nb\n\n")) == "\na\n\nb\n\n"

    def test_an_empty_fence_is_empty_code(self) -> None:
        assert extract("```python\n```\n", "python") == Reply("", "", True)

    def test_a_fence_that_opens_after_words_is_read(self) -> None:
        found = extract(f"Here it is: ```python\n{FUNCTION}```\n", "python")
        assert (found.code, found.words) == (FUNCTION, "Here it is:")

    @pytest.mark.parametrize("token", ["<|im_end|>", "<|endoftext|>", "</s>\n", "<|eot_id|>"])
    def test_a_token_that_ends_the_turn_is_no_code(self, token: str) -> None:
        assert extract(fenced(FUNCTION) + token, "python") == Reply(FUNCTION, "", True)


class TestFencesWithinCode:
    def test_an_indented_fence_in_a_docstring_does_not_end_the_block(self) -> None:
        code = 'def f(x):\n    """Add.\n\n    ```\n    f(1)\n    ```\n    """\n    return x + 1\n'
        assert code_of(fenced(code)) == code

    def test_a_fence_with_a_language_in_a_string_is_nested(self) -> None:
        code = 'TEXT = """\n```python\nf(1)\n```\n"""\n'
        assert code_of(fenced(code)) == code

    def test_a_flush_bare_fence_in_a_string_is_seen_by_the_open_string(self) -> None:
        code = 'TEXT = """\n```\nf(1)\n```\n"""\nx = 1\n'
        assert code_of(fenced(code)) == code

    def test_longer_fences_hold_shorter_ones(self) -> None:
        code = "# Title\n\n```\nx\n```\n"
        assert code_of(fenced(code, "markdown", "````"), "markdown") == code

    def test_markdown_with_a_block_in_it_is_taken_whole(self) -> None:
        code = "# Title\n\n```python\nx = 1\n```\n\nMore.\n"
        assert code_of(fenced(code, "markdown"), "markdown") == code

    def test_marks_of_another_kind_do_not_end_the_block(self) -> None:
        assert code_of("~~~markdown\na\n```\nb\n```\n~~~\n", "markdown") == "a\n```\nb\n```\n"


class TestSeveralBlocks:
    def test_the_block_in_the_files_language_wins(self) -> None:
        reply = fenced("pip install everything-there-is-in-the-world\n" * 3, "bash") + fenced(FUNCTION)
        assert code_of(reply) == FUNCTION

    @pytest.mark.parametrize(
        ("language", "filetype"),
        [
            ("py", "python"),
            ("js", "javascript"),
            ("tsx", "typescriptreact"),
            ("c++", "cpp"),
            ("bash", "sh"),
            ("rs", "rust"),
        ],
    )
    def test_short_names_of_a_language_count(self, language: str, filetype: str) -> None:
        assert code_of(fenced("x\n", language) + fenced("a longer output\n", "text"), filetype) == "x\n"

    def test_of_two_in_the_language_the_longest_wins(self) -> None:
        assert code_of(fenced("f(1)\n") + fenced(FUNCTION) + fenced("f(2)\n")) == FUNCTION

    def test_a_block_without_a_language_is_better_than_one_in_another(self) -> None:
        assert code_of(fenced("f(1) gives the number 2\n", "text") + fenced("f(1)\n", "")) == "f(1)\n"

    def test_the_block_that_defines_what_is_replaced_wins_over_a_longer_example(self) -> None:
        example = "for n in range(10):\n    value = f(n)\n    print(n, value)\n    print(value * 2)\n"
        reply = f"{fenced(FUNCTION)}Use it so:\n\n{fenced(example)}"
        assert code_of(reply, old="def f(x):\n    return x\n") == FUNCTION

    def test_a_copy_of_the_old_code_is_never_preferred(self) -> None:
        old = "def f(x):\n    # A long comment that makes this the longest block.\n    return x\n"
        reply = f"The original:\n\n{fenced(old)}\nThe new one:\n\n{fenced(FUNCTION)}"
        assert code_of(reply, old=old) == FUNCTION

    def test_words_are_those_outside_of_all_blocks(self) -> None:
        assert extract(
            f"One.\n{fenced('a = 1' + chr(10))}Two.\n{fenced(FUNCTION)}Three.\n", "python"
        ).words == ("One.\nTwo.\nThree.")


class TestCutOff:
    def test_a_fence_that_is_never_closed_is_incomplete(self) -> None:
        assert extract("```python\ndef f(x):\n    return x +", "python") == Reply(
            "def f(x):\n    return x +\n", "", False
        )

    @pytest.mark.parametrize("half", ["`", "``"])
    def test_half_a_closing_fence_is_no_code(self, half: str) -> None:
        assert extract(f"```python\n{FUNCTION}{half}", "python") == Reply(FUNCTION, "", False)

    def test_a_closing_fence_at_the_end_of_the_last_line_closes(self) -> None:
        assert extract("```python\ndef f(x):\n    return x + 1```", "python") == Reply(FUNCTION, "", True)

    def test_a_closing_fence_with_a_language_closes(self) -> None:
        assert extract(f"```python\n{FUNCTION}```python", "python") == Reply(FUNCTION, "", True)

    def test_code_cut_off_within_a_nested_fence_is_incomplete(self) -> None:
        reply = '```python\ndef f(x):\n    """\n    ```\n    f(1)\n'
        assert extract(reply, "python").complete is False


class TestThoughts:
    def test_thoughts_are_dropped_with_the_code_in_them(self) -> None:
        reply = f"<think>\nMaybe:\n```python\nbad = 1\n```\n</think>\n\n{fenced(FUNCTION)}"
        assert extract(reply, "python") == Reply(FUNCTION, "", True)

    def test_unfinished_thoughts_leave_nothing(self) -> None:
        assert extract("<think>\nLet me see:\n```python\nx = 1\n```\n", "python") == Reply(None, "", True)

    def test_thoughts_whose_opening_tag_the_template_wrote_are_dropped(self) -> None:
        assert extract(f"I should add one.\n</think>\n{fenced(FUNCTION)}", "python") == Reply(
            FUNCTION, "", True
        )

    def test_the_tags_in_code_are_code(self) -> None:
        code = 'def strip(text):\n    return text.split(\n"""\n<think>\n</think>\n""")\n'
        assert code_of(fenced(code)) == code


class TestNoFence:
    @pytest.mark.parametrize(
        ("filetype", "code"),
        [
            ("python", FUNCTION),
            ("python", "x = 1\n"),
            ("python", "    def f(self):\n        return self.x\n"),
            ("python", "return x + 1\n"),
            ("python", "@cache\ndef f(x):\n    # Adds one.\n    return x + 1\n"),
            ("lua", "local function f(x)\n  return x + 1\nend\n"),
            ("javascript", "export const f = (x) => {\n  return x + 1;\n};\n"),
            ("go", "func f(x int) int {\n\treturn x + 1\n}\n"),
            ("c", "static int f(int x)\n{\n\treturn x + 1;\n}\n"),
            ("rust", "pub fn f(x: i32) -> i32 {\n    x + 1\n}\n"),
        ],
    )
    def test_a_reply_without_a_fence_is_taken_whole(self, filetype: str, code: str) -> None:
        assert extract(code, filetype) == Reply(code, "", True)

    def test_prose_around_unfenced_code_is_cut_off(self) -> None:
        reply = f"Here is the updated function:\n\n{FUNCTION}\nThis function adds one to its argument.\n"
        found = extract(reply, "python")
        assert found.code == FUNCTION
        assert found.words.startswith("Here is the updated function:")
        assert found.words.endswith("This function adds one to its argument.")

    def test_a_list_after_unfenced_code_is_cut_off(self) -> None:
        reply = f"{FUNCTION}\n### Explanation\n\n- `f` adds one.\n- It returns the sum.\n"
        assert code_of(reply) == FUNCTION

    def test_two_functions_with_a_blank_line_between_are_one_code(self) -> None:
        code = f"{FUNCTION}\n\ndef g(x):\n    return f(x)\n"
        assert code_of(f"Here you go, both of them:\n\n{code}") == code

    @pytest.mark.parametrize(
        "words",
        [
            "I cannot help with that.",
            "The function adds one to its argument and returns the sum.",
            "Sure",
            "",
            "\n\n",
            "Could you please tell me more about what the code should do?",
            "1. It reads the file.\n2. It parses each line.\n",
            "The function `parse(x)` returns a list:\n- of names\n- of values",
            "Yes, that is right. It returns None when the list is empty.",
        ],
    )
    def test_words_alone_are_no_code(self, words: str) -> None:
        assert extract(words, "python") == Reply(None, words.strip(), True)

    def test_where_no_fence_was_asked_for_all_is_code(self) -> None:
        assert extract("anything at all", "text", fence_expected=False) == Reply(
            "anything at all\n", "", True
        )

    def test_where_no_fence_was_asked_for_a_fence_still_counts(self) -> None:
        assert extract(fenced(FUNCTION), "python", fence_expected=False).code == FUNCTION

    def test_a_lone_closing_fence_ends_the_code_before_it(self) -> None:
        found = extract(f"{FUNCTION}```\nThis adds one to its argument.\n", "python")
        assert (found.code, found.complete) == (FUNCTION, True)


REPLIES = st.lists(
    st.sampled_from(
        [
            "```",
            "```python",
            "~~~",
            "````",
            "  ```",
            "<think>",
            "</think>",
            "def f():",
            "    return 1",
            "Words here.",
            "",
            '"""',
            "\r",
            "\t`",
            "``",
        ]
    ),
    max_size=14,
).map("\n".join)


@given(REPLIES | st.text())
@example("```\n```\n```")
def test_no_reply_is_too_strange(reply: str) -> None:
    found = extract(reply, "python")
    assert found.code is None or found.code == "" or found.code.endswith("\n")


@given(st.text(alphabet="ab `~\n\t\"'#é\udc80\0", max_size=60), st.sampled_from(["", "python", "text"]))
def test_code_without_a_fence_in_it_comes_back_as_it_was(code: str, language: str) -> None:
    body = code if code.endswith("\n") or not code else code + "\n"
    if "```" in code or "~~~" in code:
        return
    assert extract(f"Words.\n~~~~{language}\n{body}~~~~\nMore.", "text").code == body
