"""The three-way merge of lines, in a real Neovim: by named cases of everyday editing, by properties, and against git."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from neovim_child import Editor
from support import need

SETTINGS = settings(max_examples=300, deadline=None)
Lines = list[str]


@pytest.fixture(scope="module")
def nvim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """One child for all of them: the merge keeps nothing from one call to the next."""
    editor = Editor(tmp_path_factory.mktemp("merge"))
    yield editor
    editor.close()


def merge(nvim: Editor, old: Lines, mine: Lines, theirs: Lines) -> Lines | None:
    """The merged lines; None where they conflict. The other way round must come out the same."""
    code = """
        local old, mine, theirs = ...
        local merge = require('vivek.merge')
        local merged, conflicts = merge.lines(old, mine, theirs)
        local turned, others = merge.lines(old, theirs, mine)
        return { { merged or vim.NIL, conflicts }, { turned or vim.NIL, others } }
    """
    (merged, conflicts), turned = nvim.lua(code, old, mine, theirs)
    assert [merged, conflicts] == turned
    assert (merged is None) == (conflicts > 0)
    return None if merged is None else list(merged)


def marked(nvim: Editor, old: Lines, mine: Lines, theirs: Lines) -> Lines:
    return list(nvim.lua("return require('vivek.merge').markers(...)", old, mine, theirs))


def block(text: str) -> Lines:
    """The lines of an indented block in a test."""
    return dedent(text).strip("\n").split("\n") if text.strip("\n") else []


# Everyday cases: what was there, what the user made of it, what the model made of it, and what both want.
MERGES = {
    "renamed while the model adds a type hint": (
        """
        def total(items):
            return sum(items)
        """,
        """
        def total(things):
            return sum(things)
        """,
        """
        def total(items: list[int]) -> int:
            return sum(items)
        """,
        """
        def total(things: list[int]) -> int:
            return sum(things)
        """,
    ),
    "a docstring by the model, an argument by the user": (
        """
        def area(width, height):
            return width * height
        """,
        """
        def area(width, height, scale=1):
            return width * height
        """,
        '''
        def area(width, height):
            """The area of a rectangle."""
            return width * height
        ''',
        '''
        def area(width, height, scale=1):
            """The area of a rectangle."""
            return width * height
        ''',
    ),
    "a comment above the line that the model changes": (
        """
        x = compute(a)
        y = x + 1
        """,
        """
        x = compute(a)
        # one more, for the border
        y = x + 1
        """,
        """
        x = compute(a)
        y = x + 2
        """,
        """
        x = compute(a)
        # one more, for the border
        y = x + 2
        """,
    ),
    "neighbouring lines, one changed by each": (
        """
        width = 3
        height = 4
        """,
        """
        width = 30
        height = 4
        """,
        """
        width = 3
        height = 40
        """,
        """
        width = 30
        height = 40
        """,
    ),
    "a comment at the end of a line that the model changes": (
        "return x",
        "return x  # never negative",
        "return abs(x)",
        "return abs(x)  # never negative",
    ),
    "a comment at the end of a line that the model makes longer": (
        "    return x",
        "    return x  # why",
        "    return x + 1",
        "    return x + 1  # why",
    ),
    "a comment in Lua after what the model appends": (
        "local n = #list",
        "local n = #list -- all of them",
        "local n = #list + 1",
        "local n = #list + 1 -- all of them",
    ),
    "a colon by the model, a comment by the user": (
        "if ready",
        "if ready  # by now",
        "if ready:",
        "if ready:  # by now",
    ),
    "a comment behind the semicolon": (
        "int n = 0;",
        "int n = 0; // so far",
        "size_t n = 0;",
        "size_t n = 0; // so far",
    ),
    "a formatter changes the quotes": (
        """
        greet('you', 'me')
        leave('now')
        """,
        """
        greet("you", "me")
        leave("now")
        """,
        """
        greet('you', 'them')
        leave('now')
        """,
        """
        greet("you", "them")
        leave("now")
        """,
    ),
    "a trailing comma by the user, an entry by the model further up": (
        """
        colours = [
            'red',
            'blue'
        ]
        """,
        """
        colours = [
            'red',
            'blue',
        ]
        """,
        """
        colours = [
            'red',
            'green',
            'blue'
        ]
        """,
        """
        colours = [
            'red',
            'green',
            'blue',
        ]
        """,
    ),
    "wrapped in an if": (
        """
        load(path)
        check(path)
        """,
        """
        if path:
            load(path)
            check(path)
        """,
        """
        load(path)
        log(path)
        check(path, strict=True)
        """,
        """
        if path:
            load(path)
            log(path)
            check(path, strict=True)
        """,
    ),
    "wrapped in a try by the model, a line added by the user": (
        """
        load(path)
        check(path)
        """,
        """
        load(path)
        log(path)
        check(path)
        """,
        """
        try:
            load(path)
            check(path)
        except OSError:
            pass
        """,
        """
        try:
            load(path)
            log(path)
            check(path)
        except OSError:
            pass
        """,
    ),
    "both wrap, the user around the whole hunk": (
        """
        load(path)
        check(path)
        """,
        # dedent() would take away what matters here.
        ["    load(path)", "    check(path)"],
        """
        try:
            load(path)
            check(path)
        except OSError:
            pass
        """,
        [
            "    try:",
            "        load(path)",
            "        check(path)",
            "    except OSError:",
            "        pass",
        ],
    ),
    "both mend the same indentation": (
        ["a = 1", "  b = 2"],
        ["  a = 1", "    b = 2"],
        ["  a = 1", "    b = 3", "    c = 4"],
        ["  a = 1", "    b = 3", "    c = 4"],
    ),
    "outdented by the user": (
        ["        load(path)", "        check(path)"],
        ["    load(path)", "    check(path)"],
        ["        load(path)", "        for each in path:", "            check(each)"],
        ["    load(path)", "    for each in path:", "        check(each)"],
    ),
    "tabs become blanks": (
        ["func f() {", "\tif ok {", "\t\treturn 1", "\t}", "}"],
        ["func f() {", "    if ok {", "        return 1", "    }", "}"],
        ["func f() {", "\tif ok {", "\t\tlog()", "\t\treturn 2", "\t}", "}"],
        ["func f() {", "    if ok {", "        log()", "        return 2", "    }", "}"],
    ),
    "two blanks become four": (
        ["if a:", "  if b:", "    c()"],
        ["if a:", "    if b:", "        c()"],
        ["if a:", "  if b:", "    c()", "    d()", "  e()"],
        ["if a:", "    if b:", "        c()", "        d()", "    e()"],
    ),
    "tabs become blanks while the user also changes a line": (
        ["func f() {", "\tif ok {", "\t\treturn 1", "\t}", "}"],
        ["func g() {", "    if ok {", "        return 1", "    }", "}"],
        ["func f() {", "\tif ok {", "\t\tlog()", "\t\treturn 1", "\t}", "}"],
        ["func g() {", "    if ok {", "        log()", "        return 1", "    }", "}"],
    ),
    "a formatter strips blanks at the ends of lines": (
        ["a = 1  ", "", "b = 2 "],
        ["a = 1", "", "b = 2"],
        ["a = 1  ", "", "b = 3 ", "c = 4 "],
        ["a = 1", "", "b = 3", "c = 4"],
    ),
    "carriage returns go": (
        ["a = 1\r", "b = 2\r"],
        ["a = 1", "b = 2"],
        ["a = 1\r", "b = 3\r", "\r", "c = 4\r"],
        ["a = 1", "b = 3", "", "c = 4"],
    ),
    "carriage returns come": (
        ["a = 1", "", "b = 2"],
        ["a = 1\r", "\r", "b = 2\r"],
        ["a = 1", "", "b = 3", "c = 4"],
        ["a = 1\r", "\r", "b = 3\r", "c = 4\r"],
    ),
    "carriage returns stay": (
        ["a = 1\r", "b = 2\r"],
        ["a = 10\r", "b = 2\r"],
        ["a = 1\r", "b = 20\r"],
        ["a = 10\r", "b = 20\r"],
    ),
    "a formatter breaks a call that the model changes": (
        "result = compute(alpha, beta)",
        """
        result = compute(
            alpha,
            beta,
        )
        """,
        "result = compute(alpha, gamma)",
        """
        result = compute(
            alpha,
            gamma,
        )
        """,
    ),
    "a formatter joins a call that the model changes": (
        """
        result = compute(
            alpha,
            beta,
        )
        """,
        "result = compute(alpha, beta)",
        """
        result = compute(
            alpha,
            gamma,
        )
        """,
        "result = compute(alpha, gamma)",
    ),
    "both add the same import": (
        ["import re", "x = 1"],
        ["import os", "import re", "x = 1"],
        ["import os", "import re", "x = 2"],
        ["import os", "import re", "x = 2"],
    ),
    "both add the same import, the model one more": (
        ["import re", "", "x = 1"],
        ["import re", "import sys", "", "x = 1"],
        ["import re", "import os", "import sys", "", "x = 1"],
        ["import re", "import os", "import sys", "", "x = 1"],
    ),
    "both delete the same line, and each one more": (
        ["one", "two", "three", "four"],
        ["one", "four"],
        ["one", "two"],
        ["one"],
    ),
    "an empty line where the model inserts": (
        ["a = 1", "b = 2"],
        ["a = 1", "", "b = 2"],
        ["a = 1", "log(a)", "b = 2"],
        ["a = 1", "log(a)", "", "b = 2"],
    ),
    "a blank typed at the end of a line": (
        "return x",
        "return x ",
        "return x + 1",
        "return x + 1 ",
    ),
    "a C function gets a const and a check": (
        """
        int length(char *s)
        {
            int n = 0;
            while (*s++)
                n++;
            return n;
        }
        """,
        """
        int length(const char *s)
        {
            int n = 0;
            while (*s++)
                n++;
            return n;
        }
        """,
        """
        size_t length(char *s)
        {
            size_t n = 0;
            if (!s)
                return 0;
            while (*s++)
                n++;
            return n;
        }
        """,
        """
        size_t length(const char *s)
        {
            size_t n = 0;
            if (!s)
                return 0;
            while (*s++)
                n++;
            return n;
        }
        """,
    ),
    "a Go function returns an error while a name changes": (
        """
        func Read(path string) []byte {
            data, _ := os.ReadFile(path)
            return data
        }
        """,
        """
        func Load(path string) []byte {
            data, _ := os.ReadFile(path)
            return data
        }
        """,
        """
        func Read(path string) ([]byte, error) {
            data, err := os.ReadFile(path)
            return data, err
        }
        """,
        """
        func Load(path string) ([]byte, error) {
            data, err := os.ReadFile(path)
            return data, err
        }
        """,
    ),
    "a Lua function is made local while its body changes": (
        """
        function sum(list)
          local s = 0
          for i = 1, #list do
            s = s + list[i]
          end
          return s
        end
        """,
        """
        local function sum(list)
          local s = 0
          for i = 1, #list do
            s = s + list[i]
          end
          return s
        end
        """,
        """
        function sum(list)
          local s = 0
          for _, value in ipairs(list) do
            s = s + value
          end
          return s
        end
        """,
        """
        local function sum(list)
          local s = 0
          for _, value in ipairs(list) do
            s = s + value
          end
          return s
        end
        """,
    ),
    "emoji and letters with accents": (
        ["print('naïve 👩‍👩‍👧', x)"],
        ["print('naïve 👩‍👩‍👦', x)"],
        ["print('naïve 👩‍👩‍👧', y)"],
        ["print('naïve 👩‍👩‍👦', y)"],
    ),
    "a combining character goes with its base": (
        ["assert a = b, c"],
        ["assert a =\u0338 b, c"],
        ["assert a = b, d"],
        ["assert a =\u0338 b, d"],
    ),
    "stray bytes": (
        ["x = '\udcff\udcfe' + a", "y"],
        ["x = '\udcff\udcfe' + b", "y"],
        ["z = '\udcff\udcfe' + a", "y"],
        ["z = '\udcff\udcfe' + b", "y"],
    ),
    "a NUL": (
        ["x = '\0' + a", "y = 1"],
        ["x = '\0' + b", "y = 1"],
        ["z = '\0' + a", "y = 1"],
        ["z = '\0' + b", "y = 1"],
    ),
    "nothing was there, both write the same": ([], ["a = 1"], ["a = 1"], ["a = 1"]),
    "nothing was there, the model writes more": ([], ["import os"], ["import os", "a = 1"], ["import os", "a = 1"]),
    "the model deletes what the user left alone": (["a = 1", "b = 2"], ["a = 1", "b = 2"], [], []),
    "both delete all": (["a = 1"], [], [], []),
    "the user deletes one line, the model another": (
        ["a = 1", "b = 2", "c = 3"],
        ["b = 2", "c = 3"],
        ["a = 1", "b = 2"],
        ["b = 2"],
    ),
}


@pytest.mark.parametrize(("old", "mine", "theirs", "expected"), MERGES.values(), ids=MERGES)
def test_everyday_changes_go_together(
    nvim: Editor, old: str | Lines, mine: str | Lines, theirs: str | Lines, expected: str | Lines
) -> None:
    texts = [block(text) if isinstance(text, str) and "\n" in text else text for text in (old, mine, theirs, expected)]
    before, first, second, both = ([text] if isinstance(text, str) else text for text in texts)
    assert merge(nvim, before, first, second) == both
