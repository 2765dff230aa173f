"""Garbage is stopped while it streams, and code that repeats itself for good reason is not."""

from __future__ import annotations

import hashlib
import json
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.llm.base import Message
from vivek.llm.cycles import Cycles
from vivek.llm.garbage import Garbage, Watcher

REAL = Path(__file__).parents[2] / "data" / "garbage"
SYSTEM = Message(
    "system", "You are Vivek, an expert programmer. You do exactly what is asked and change nothing else."
)
TASK = (
    "add a docstring\n\nReply with the complete new version of the code block above,"
    " in one ```python block, and nothing else."
)
PROMPT = [
    SYSTEM,
    Message("user", f"The code block:\n```python\ndef area(r):\n    return 3 * r * r\n```\n\n{TASK}"),
]

_PIECE = re.compile(r"\s?\w{1,6}|\s{1,8}|.", re.DOTALL)


def pieces(text: str) -> Iterator[str]:
    """The text in pieces of about a token's size."""
    return (found[0] for found in _PIECE.finditer(text))


def watch(text: str, prompt: list[Message] | None = None, *, cut: bool = False) -> tuple[Garbage | None, int]:
    """What is found, and after how many characters."""
    watcher, seen = Watcher(PROMPT if prompt is None else prompt), 0
    for piece in pieces(text):
        seen += len(piece)
        if found := watcher.feed(piece):
            return found, seen
    return watcher.end(cut=cut), seen


def fault(text: str, prompt: list[Message] | None = None, *, cut: bool = False) -> str:
    found, _ = watch(text, prompt, cut=cut)
    return found.fault if found else ""


# --- what is not garbage ----------------------------------------------------------------------------------

SUFFIXES = {
    ".py",
    ".pyi",
    ".c",
    ".h",
    ".cpp",
    ".hpp",
    ".js",
    ".ts",
    ".json",
    ".css",
    ".html",
    ".scm",
    ".xml",
    ".toml",
    ".lua",
}
SMALLEST, LARGEST = 500, 60_000
RARE = 12
"""At least this many of each kind, where there are so many; the rest is Python."""


def real_sources(count: int) -> list[Path]:
    """Source files of Python's library and of the packages here, the same in each run on the same versions."""
    folders = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platlib")}
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in SUFFIXES and path.is_file() and SMALLEST <= path.stat().st_size <= LARGEST:
                found.setdefault(path.suffix, []).append(path)
    for paths in found.values():
        paths.sort(key=lambda path: hashlib.sha256("/".join(path.parts[-3:]).encode()).digest())
    chosen = [path for suffix, paths in sorted(found.items()) if suffix != ".py" for path in paths[:RARE]]
    return [*chosen, *found[".py"][: count - len(chosen)]]


def test_no_real_source_file_is_stopped() -> None:
    files = real_sources(300)
    assert len(files) == 300
    assert len({path.suffix for path in files}) >= 5
    stopped = []
    for path in files:
        text = path.read_text("utf-8", errors="replace")
        if (found := watch(f"```\n{text}\n```\n", [SYSTEM])[0]) is not None:
            stopped.append((str(path), found.detail))
    assert stopped == []


@pytest.mark.parametrize(
    "code",
    [
        "TABLE = [\n" + "    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,\n" * 40 + "]\n",
        "POINTS = [\n"
        + "".join(f"    ({n * 7919 % 613}, {n * 104729 % 617}),\n" for n in range(900))
        + "]\n",
        "\n".join(f"{n}: 'name {n * 7919 % 613}'," for n in range(100)),
        "\n\n".join(f"def test_{n}():\n    assert add({n}, {n + 1}) == {2 * n + 1}" for n in range(25)),
        "#" * 78 + "\n# Section\n" + "#" * 78 + "\n",
        json.dumps(
            [{"id": n, "name": hashlib.md5(str(n).encode()).hexdigest()[:8]} for n in range(200)], indent=1
        ),
    ],
    ids=["zeros", "numbers", "names", "generated tests", "rulers", "records"],
)
def test_code_that_repeats_itself_for_good_reason_is_not_garbage(code: str) -> None:
    assert not fault(f"```python\n{code}```\n")


def test_a_table_of_the_prompt_may_come_back_as_long_as_it_is() -> None:
    table = "    Row(name, value, unit, default),\n" * 100
    assert fault(table) == "loop"
    assert not fault(table, [Message("user", f"```python\n{table}```\nadd a row")])


def test_foreign_words_in_strings_or_in_the_prompt_are_no_switch() -> None:
    greetings = "".join(f'    "greeting_{n}": "你好，世界，这是一个测试",\n' for n in range(20))
    assert not fault(f"```python\nTEXTS = {{\n{greetings}}}\n```")
    words = ["".join(chr(0x4E00 + (n * k * 7919) % 5000) for k in range(1, 20)) for n in range(1, 40)]
    assert not fault(json.dumps({"words": words}, ensure_ascii=False))
    chinese = "这个函数计算圆的面积。" * 4 + "半径越大，面积越大；它返回一个数字，单位是平方米，没有副作用。"
    assert not fault(chinese, [Message("user", "请解释这段代码")])


def test_a_comment_that_says_the_request_is_no_echo() -> None:
    assert not fault("```python\n# add a docstring\ndef area(r):\n    return 3 * r * r\n```\n")


def test_an_apology_in_code_or_before_it_is_no_refusal() -> None:
    assert not fault("```python\nMESSAGE = \"I'm sorry, but I can't help with that.\"\n```\n")
    assert not fault("Sorry for the confusion. Here it is:\n```python\nx = 1\n```\n")


# --- what is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("the " * 500, 850),
        ("    total = total + radius * factor\n" * 200, 900),
        ("!" * 3000, 800),
        ("def f(x):\n    return g(x)\n\n\ndef g(x):\n    return f(x)\n\n\n" * 60, 900),
        ("".join(f"def test_{n}():\n    assert add({n}, {n}) is not None\n\n\n" for n in range(500)), 3100),
        ("".join(f"{n}. The function returns the value of the variable.\n" for n in range(500)), 3000),
        ("".join(f"    assert square({n}) == {n * n}, 'wrong'\n" for n in range(900)), 8000),
        ("x = " + "f(" * 3000, 3100),
        ("The answer.\n" + "\n" * 5000, 1100),
        ("and_then_go_on_" * 200, 700),
    ],
    ids=[
        "word",
        "line",
        "sign",
        "block",
        "counted tests",
        "counted lines",
        "squares",
        "nesting",
        "blanks",
        "name",
    ],
)
def test_a_loop_is_stopped(text: str, within: int) -> None:
    found, seen = watch(text)
    assert found is not None
    assert found.fault == "loop"
    assert seen <= within


def test_a_loop_that_was_cut_off_early_is_told_as_one() -> None:
    text = "```python\ndef area(r):\n" + "    total = total + radius\n" * 12
    assert fault(text, cut=True) == "loop"
    assert fault(text) == ""


@pytest.mark.parametrize(
    ("asked", "found"),
    [("explain this in Russian", ""), ("explain this", "language"), ("fix it", "language")],
)
def test_a_language_that_was_asked_for_is_no_switch(asked: str, found: str) -> None:
    reply = "Эта функция вычисляет площадь круга по его радиусу.\nОна умножает радиус сам на себя.\n"
    assert fault(reply, [SYSTEM, Message("user", f"def area(r): return 3 * r * r\n\n{asked}")]) == found


def test_a_switch_of_language_is_stopped() -> None:
    text = "This function returns the area. " + "这个函数计算圆的面积，它需要一个参数，并且返回一个数字。" * 4
    found, seen = watch(text)
    assert found is not None
    assert found.fault == "language"
    assert "Chinese" in found.detail
    assert seen < 300
    assert (
        fault("```python\n" + "# Эта функция вычисляет площадь круга по его радиусу\n" * 3 + "```")
        == "language"
    )


def test_an_echo_of_the_request_is_found() -> None:
    assert fault(f"{TASK}\n\n{SYSTEM.content}\n{TASK}") == "echo"
    assert fault("x = 1\n<|im_start|>user\nand now?") == "echo"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "Sorry, I cannot do that.",
        "As an AI language model, I do not",
        "I am unable to help with this request.",
    ],
)
def test_a_refusal_is_stopped(text: str) -> None:
    assert fault(text) == "refusal"


@pytest.mark.parametrize(
    "text", ["", " \n\n", "```python\n```", "<think>\nhm\n</think>\n", "<think> hm </think>"]
)
def test_nothing_at_all_is_found_at_the_end(text: str) -> None:
    assert fault(text) == "empty"


def test_a_reply_that_was_cut_off_is_told() -> None:
    assert fault("```python\ndef area(r):\n", cut=True) == "cut"


def test_a_block_that_was_closed_is_known() -> None:
    watcher = Watcher(PROMPT)
    watcher.feed("```python\nx = 1\n")
    assert not watcher.has_block
    watcher.feed("```\n")
    assert watcher.has_block


def test_what_a_real_model_wrote_is_stopped() -> None:
    """Replies of the 0.5B that went wrong, sampled or led into it; a file's name begins with its fault."""
    replies = sorted(REAL.glob("*.txt"))
    assert len(replies) >= 3
    for path in replies:
        expected = path.name.partition("-")[0]
        found, seen = watch(path.read_text("utf-8"), cut=True)
        assert found is not None, path.name
        assert found.fault == expected, path.name
        assert seen <= 3000, path.name


# --- any text ---------------------------------------------------------------------------------------------


@given(st.lists(st.text(max_size=30), max_size=60))
def test_how_a_text_is_cut_into_pieces_does_not_matter(parts: list[str]) -> None:
    one, many, text = Watcher(PROMPT), Watcher(PROMPT), "".join(parts)
    at_once = one.feed(text)
    in_parts = next((found for part in parts if (found := many.feed(part))), None)
    if at_once is None and in_parts is None:
        assert one.end(cut=False) == many.end(cut=False)
    assert (at_once is None) == (in_parts is None)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"]), min_size=2, max_size=40))
def test_whatever_is_said_for_ever_is_stopped(text: str) -> None:
    found, _ = watch((text + "\n") * (16_000 // len(text)))
    assert found is not None


@given(st.text())
def test_circles_are_no_longer_than_the_text(text: str) -> None:
    assert all(circle.chars <= len(text) and circle.rounds >= 2 for circle in Cycles().feed(text))
