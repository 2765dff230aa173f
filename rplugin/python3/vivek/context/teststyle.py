"""How a project writes its tests: with what, and a short one of them to imitate.

It goes by the texts of test files and of the project's settings, and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivek.context.blocks import Block, blocks, imports

EXAMPLE_CHARACTERS = 700
"""Some 200 tokens: what a small model needs to see of a style, at three seconds of reading on two CPU cores."""

_LEAST_LINES, _MOST_LINES = 2, 16
_MOST_IMPORTS = 8
_MOST_BLOCKS = 200
"""Definitions that are looked at: each is compared with all others."""

_CHECKS = re.compile(
    r"\b(?:assert\w*|expect|should|raises|t\.(?:Error|Errorf|Fatal|Fatalf)|require\.|REQUIRE|CHECK)"
)

_BY_TEXT: dict[str, Sequence[tuple[str, str]]] = {
    "python": (
        ("unittest", r"^\s*class \w+\(.*TestCase\):"),
        ("pytest", r"^(?:import pytest|from pytest\b|(?:async )?def test|class Test\w*:)"),
    ),
    "javascript": (
        ("Vitest", r"['\"]vitest['\"]"),
        ("node:test", r"['\"]node:test['\"]"),
        ("Jest", r"['\"]@jest/globals['\"]|\bjest\.\w+\("),
        ("AVA", r"['\"]ava['\"]"),
        ("Mocha and Chai", r"['\"]chai['\"]"),
    ),
    "lua": (
        ("luaunit", r"\bluaunit\b"),
        ("mini.test", r"['\"]mini\.test['\"]|\bMiniTest\b"),
        ("busted", r"^\s*describe\s*\("),
    ),
    "go": (("testify", r"stretchr/testify"), ("the package testing", r"\btesting\.T\b")),
    "java": (("JUnit 5", r"org\.junit\.jupiter"), ("JUnit 4", r"org\.junit\.")),
}
_BY_SETTINGS: dict[str, Sequence[tuple[str, str]]] = {
    "python": (("pytest", r"^\[tool\.pytest\b|^\[(?:tool:)?pytest\]|[\"']pytest\b"),),
    "javascript": (
        ("Vitest", r"\"vitest\""),
        ("Jest", r"\"jest\"|\bts-jest\b"),
        ("AVA", r"\"ava\""),
        ("Mocha", r"\"mocha\""),
        ("node:test", r"\bnode --test\b"),
    ),
    "lua": (("luaunit", r"\bluaunit\b"), ("busted", r"\bbusted\b")),
    "java": (("JUnit 5", r"junit-jupiter"), ("JUnit 4", r"<artifactId>junit<|junit:junit:4")),
}
_USUAL = {"python": "pytest", "go": "the package testing"}
_LIKE = {"javascriptreact": "javascript", "typescript": "javascript", "typescriptreact": "javascript"}

SETTINGS = {
    "python": ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"),
    "javascript": ("package.json",),
    "lua": (".busted",),
    "java": ("pom.xml", "build.gradle", "build.gradle.kts"),
}
"""Files at a project's root that tell what its tests are written with."""


def settings_of(filetype: str) -> Sequence[str]:
    """The names of such files for a filetype."""
    return SETTINGS.get(_LIKE.get(filetype, filetype), ())


def framework_of(filetype: str, tests: Sequence[str], settings: Sequence[str]) -> str:
    """What a project's tests are written with, "" where that is not known.

    tests: texts of test files, the one that counts most first. settings: texts of the project's settings.
    """
    language = _LIKE.get(filetype, filetype)
    for texts, known in ((tests, _BY_TEXT), (settings, _BY_SETTINGS)):
        for text in texts:
            for name, pattern in known.get(language, ()):
                if re.search(pattern, text, re.MULTILINE):
                    return name
    return _USUAL.get(language, "")


def example_of(text: str, filetype: str, most: int = EXAMPLE_CHARACTERS) -> str:
    """A short test of a file, below the file's imports, in at most so many characters; "" where it has none.

    Of a test within a class or a ``describe`` the line that opens that is shown too.
    """
    lines = text.split("\n")
    every = blocks(text, filetype)[:_MOST_BLOCKS]
    shown: list[str] = []
    for block in every:
        size = block.last - block.first + 1
        body = "\n".join(lines[block.first - 1 : block.last])
        if not (_LEAST_LINES <= size <= _MOST_LINES and _CHECKS.search(body)):
            continue
        if block.kind == "class" or any(_inside(other, block) for other in every):
            continue
        shown.append("\n".join([*_openings(lines, every, block), body]) + "\n")
    head = imports(text, filetype).split("\n")[:_MOST_IMPORTS]
    best = min(shown, key=lambda test: (abs(test.count("\n") - 5), len(test)), default="")
    whole = "\n".join([*head, "", best]).lstrip("\n") if best else ""
    return whole if len(whole) <= most else best if len(best) <= most else ""


def _inside(one: Block, other: Block) -> bool:
    """Whether a block lies in another."""
    return one != other and other.holds(one.first, one.last)


def _openings(lines: Sequence[str], every: Sequence[Block], block: Block) -> list[str]:
    """The first lines of what a block lies in."""
    return [lines[other.first - 1] for other in every if _inside(block, other)]
