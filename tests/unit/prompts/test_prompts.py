from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivek import prompts
from vivek.llm import tokens
from vivek.prompts import NAMES, render
from vivek.prompts.layout import fenced, label, user_message
from vocabulary import qwen_encoder

VALUES = {
    "system": {},
    "rewrite": {"instruction": "add a docstring", "language": "python"},
    "insert": {"instruction": "write a parser", "language": "lua"},
    "answer": {"instruction": "what is this?", "language": "go"},
    "architect": {"instruction": "split it", "language": "go"},
    "sdet": {
        "instruction": "write tests",
        "language": "python",
        "setting": "Use pytest and begin with `from shop.cart import total`.",
    },
    "rewrite_plain": {"instruction": "add a docstring", "language": "python"},
    "insert_plain": {"instruction": "write a parser", "language": "lua"},
    "anew": {"instruction": "fix the sum", "language": "python"},
    "diagnose": {"instruction": "fix the sum", "language": "python", "what": "what is wrong and what"},
    "plan": {"instruction": "thread safety"},
    "verdict": {"instruction": "add a docstring"},
    "again": {"problem": "`kind`: Input should be 'change', 'new' or 'words'."},
    "repair": {"problem": "`x` is not defined.", "language": "rust"},
    "mend": {},
    "review": {"first": ""},
}
TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


@pytest.fixture(scope="module")
def encoder() -> tokens.Encoder:
    return qwen_encoder()


def test_every_template_has_its_file_and_every_file_is_a_template() -> None:
    files = {file.name for file in resources.files(prompts).iterdir() if file.name.endswith(".txt")}
    assert files == {f"{name}.txt" for name in NAMES}
    assert set(VALUES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_filled_in_completely(name: str) -> None:
    text = render(name, **VALUES[name])
    assert text == text.strip()
    assert "$" not in text
    assert all(value in text for value in VALUES[name].values())


@pytest.mark.parametrize("name", ["rewrite", "rewrite_plain", "insert", "insert_plain", "repair", "sdet"])
def test_code_is_asked_for_in_one_fenced_block_and_nothing_else(name: str) -> None:
    text = render(name, **VALUES[name])
    assert f"in one ```{VALUES[name]['language']} block, and nothing else" in text


@settings(deadline=None)
@given(TEXT)
def test_values_go_in_as_they_are(value: str) -> None:
    assert render("repair", problem=value, language="c").startswith(
        f"Your last reply has a problem: {value}\n\n"
    )


@pytest.mark.parametrize("value", ["$language", "${language}", "$$", "$", "a\\1{0}%s"])
def test_a_dollar_in_a_value_is_just_a_dollar(value: str) -> None:
    assert render("rewrite", instruction=value, language="sh").startswith(f"{value}\n")


def test_an_unknown_template_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"'rewrit'; there are: system, rewrite"):
        render("rewrit", instruction="x")
    with pytest.raises(LookupError):
        render("../secret")


@pytest.mark.parametrize(
    "values", [{}, {"instruction": "x"}, {"instruction": "x", "language": "c", "more": "y"}]
)
def test_missing_and_unknown_values_are_errors(values: dict[str, str]) -> None:
    with pytest.raises(TypeError, match=r"'rewrite' takes \['instruction', 'language'\]"):
        render("rewrite", **values)


# Fixed costs


def fixed(encoder: tokens.Encoder, task: str) -> int:
    """Tokens of what Vivek itself says in a prompt that ends in this task."""
    message = user_message([("File", "x")], "x\n", "python", [("Earlier requests", "- x\n")], task)
    return encoder.count(render("system")) + encoder.count(message)


@pytest.mark.parametrize("name", ["rewrite", "insert", "answer", "diagnose", "anew", "architect", "sdet"])
def test_the_executors_fixed_text_is_at_most_120_tokens(encoder: tokens.Encoder, name: str) -> None:
    values = {**VALUES[name], "instruction": "", "language": "python"}
    assert fixed(encoder, render(name, **values)) <= 120


@pytest.mark.parametrize("name", ["rewrite", "insert"])
def test_the_plain_task_is_the_shorter_one(encoder: tokens.Encoder, name: str) -> None:
    plain = fixed(encoder, render(f"{name}_plain", instruction="", language="python"))
    assert plain < fixed(encoder, render(name, instruction="", language="python"))


def test_the_planners_fixed_text_is_at_most_150_tokens(encoder: tokens.Encoder) -> None:
    assert fixed(encoder, render("plan", instruction="")) <= 150


@pytest.mark.parametrize("name", ["rewrite", "insert"])
def test_the_reviewers_fixed_text_is_at_most_150_tokens_the_executors_included(
    encoder: tokens.Encoder, name: str
) -> None:
    task = render(name, instruction="", language="python")
    assert fixed(encoder, task) + encoder.count(render("verdict", instruction="")) <= 150


def test_asking_again_adds_at_most_20_tokens(encoder: tokens.Encoder) -> None:
    assert encoder.count(render("again", problem="")) <= 20


def test_the_system_message_is_short(encoder: tokens.Encoder) -> None:
    assert encoder.count(render("system")) <= 30


def test_a_repair_adds_at_most_50_tokens(encoder: tokens.Encoder) -> None:
    assert encoder.count(render("repair", problem="", language="python")) <= 50


def test_the_token_counts_are_real(encoder: tokens.Encoder) -> None:
    counts = {name: encoder.count(render(name, **VALUES[name])) for name in NAMES}
    words = {name: len(render(name, **VALUES[name]).split()) for name in NAMES}
    assert all(words[name] <= counts[name] <= 2 * words[name] for name in NAMES)


# Layout

SECTIONS = [
    ("File", "cart.py"),
    ("Imports", "import os\n"),
    ("Code above, for reference", "def f():\n"),
    ("Diagnostics", "- line 1 of the code: `x` is not defined\n"),
]


def test_the_order_is_context_code_history_task() -> None:
    message = user_message(
        SECTIONS, "    return x\n", "python", [("Earlier requests", "- add a test (rejected)\n")], "Do it."
    )
    assert message == (
        "File: cart.py\n\n"
        "Imports:\n```python\nimport os\n```\n\n"
        "Code above, for reference:\n```python\ndef f():\n```\n\n"
        "Diagnostics:\n- line 1 of the code: `x` is not defined\n\n"
        "The code block:\n```python\n    return x\n```\n\n"
        "Earlier requests:\n- add a test (rejected)\n\n"
        "Do it."
    )


def test_what_is_empty_leaves_no_trace() -> None:
    assert user_message([("Imports", " \n")], "", "python", [("Earlier requests", "")], "Do it.") == "Do it."


def test_two_asks_on_the_same_code_share_all_but_the_end() -> None:
    first = user_message(SECTIONS, "x\n", "python", [], "Do one thing.")
    second = user_message(
        SECTIONS, "x\n", "python", [("Earlier requests", "- Do one thing. (applied)\n")], "Do another."
    )
    assert second.startswith(first.removesuffix("Do one thing."))


def test_code_without_a_last_newline_is_closed_by_its_fence() -> None:
    assert fenced("x", "c") == "```c\nx\n```"


@pytest.mark.parametrize(
    ("filetype", "expected"),
    [("typescriptreact", "tsx"), ("javascriptreact", "jsx"), ("sh", "bash"), ("rust", "rust"), ("", "text")],
)
def test_a_fence_has_the_label_that_models_know(filetype: str, expected: str) -> None:
    assert label(filetype) == expected
    assert fenced("x\n", filetype).startswith(f"```{expected}\n")


@settings(deadline=None)
@given(st.text(alphabet="`a \n~", max_size=60))
def test_code_with_backticks_in_it_cannot_close_its_fence(code: str) -> None:
    lines = fenced(code, "python").split("\n")
    fence = re.match(r"`{3,}", lines[0])
    assert fence is not None
    assert lines[-1] == fence.group()
    assert all(fence.group() not in line for line in lines[1:-1])
    assert "\n".join(lines[1:-1]).rstrip("\n") == code.rstrip("\n")


@settings(deadline=None)
@given(
    sections=st.lists(
        st.tuples(st.sampled_from(["File", "Imports", "Diagnostics", "Class A"]), TEXT), max_size=4
    ),
    code=TEXT,
    history=TEXT,
    task=TEXT,
)
def test_everything_given_is_in_the_message_and_the_task_is_last(
    sections: list[tuple[str, str]], code: str, history: str, task: str
) -> None:
    message = user_message(sections, code, "python", [("Earlier requests", history)], task)
    assert message.endswith(task)
    assert not code.strip() or code in message
    assert all(text.strip() in message for _, text in sections)
    assert history.strip() in message
