"""The three-way merge of lines, in a real Neovim: by named cases of everyday editing, by properties, and against git."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

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


def lines_of(text: str | Lines) -> Lines:
    """A text of a test: its lines, a single line, or an indented block."""
    if isinstance(text, str):
        return dedent(text).strip("\n").split("\n") if "\n" in text else [text]
    return text


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
    "wrapped in an if within a function": (
        """
        def f(path):
            load(path)
            check(path)
            done()
        """,
        """
        def f(path):
            if path:
                load(path)
                check(path)
            done()
        """,
        """
        def f(path):
            load(path)
            log(path)
            check(path)
            done()
        """,
        """
        def f(path):
            if path:
                load(path)
                log(path)
                check(path)
            done()
        """,
    ),
    "wrapped in an if, and one of the lines deleted": (
        """
        load(path)
        check(path)
        done()
        """,
        """
        if path:
            load(path)
            check(path)
            done()
        """,
        """
        load(path)
        done()
        """,
        """
        if path:
            load(path)
            done()
        """,
    ),
    "an empty line at the edge of a block that the user wrapped": (
        ["load(path)", "check(path)", "done()"],
        ["if path:", "    load(path)", "    check(path)", "done()"],
        ["load(path)", "check(path)", "", "done()"],
        ["if path:", "    load(path)", "    check(path)", "", "done()"],
    ),
    "all of it wrapped, and more by the model": (
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
        check(path)
        log(path)
        """,
        """
        if path:
            load(path)
            check(path)
            log(path)
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
    "a tab becomes blanks in the line that changes": (
        ["func f() {", "\treturn 'a'", "}"],
        ["func f() {", "    return 'a'", "}"],
        ["func f() {", '\treturn "a"', "}"],
        ["func f() {", '    return "a"', "}"],
    ),
    "two blanks become four": (
        ["if a:", "  if b:", "    c()"],
        ["if a:", "    if b:", "        c()"],
        ["if a:", "  if b:", "    c()", "    d()", "  e()"],
        ["if a:", "    if b:", "        c()", "        d()", "    e()"],
    ),
    "two blanks become four, a block between lines without any": (
        ["import os", "x = 1", "y = 2", "if a:", "  b()"],
        ["import os", "x = 1", "y = 3", "if a:", "    b()"],
        ["import os", "x = 1", "if x:", "  c()", "y = 2", "if a:", "  b()"],
        ["import os", "x = 1", "if x:", "    c()", "y = 3", "if a:", "    b()"],
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
    "blanks at the ends go, carriage returns stay": (
        ["a = 1 \r", "b = 2\r"],
        ["a = 1\r", "b = 2\r"],
        ["a = 1 \r", "b = 3 \r"],
        ["a = 1\r", "b = 3\r"],
    ),
    "carriage returns go, blanks stay": (
        ["a = 1 \r", "b = 2\r"],
        ["a = 1 ", "b = 2"],
        ["a = 1 \r", "b = 3 \r"],
        ["a = 1 ", "b = 3 "],
    ),
    "blanks and carriage returns go": (
        ["a = 1 \r", "b = 2\r"],
        ["a = 1", "b = 2"],
        ["a = 1 \r", "b = 3 \r"],
        ["a = 1", "b = 3"],
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
    "prose that the user breaks earlier and the model later": (
        ["one two three four five six", "seven eight", "nine"],
        ["one two three four five", "six", "seven eight", "nine"],
        ["one two three four five six seven", "eight", "nine"],
        ["one two three four five", "six seven", "eight", "nine"],
    ),
    "a call is broken before what the model changes": (
        "x = alpha + beta + gamma",
        ["x =", "    alpha + beta + gamma"],
        "y = alpha + beta + gamma",
        ["y =", "    alpha + beta + gamma"],
    ),
    "a letter at the end of a line changes, and is part of a word below": (
        ["x = f(1, a)"],
        ["x = f(1, b)", "alpha = x"],
        ["x = f(2, a)"],
        ["x = f(2, b)", "alpha = x"],
    ),
    "both return early, as a line does already": (
        ["a()", "return None", "b()", "c()", "d()"],
        ["a()", "return None", "b()", "return None", "c()", "d()"],
        ["a()", "return None", "b()", "c()", "d()", "return None"],
        ["a()", "return None", "b()", "return None", "c()", "d()", "return None"],
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
    "another empty line beside one that goes": (
        ["a = 1", "", "b = 2"],
        ["a = 1", "", "", "b = 2"],
        ["a = 1", "b = 2"],
        ["a = 1", "", "b = 2"],
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
    "a name is replaced in different places": (
        ["say(gb(need), gb(room), gb(free))"],
        ["say(size(need), size(room), gb(free))"],
        ["say(gb(need), gb(room), size(free))"],
        ["say(size(need), size(room), size(free))"],
    ),
    "the same type for different places": (
        ["def f(a, b) -> tuple[str, str]:"],
        ["def f(a: int, b) -> tuple[int, str]:"],
        ["def f(a, b: int) -> tuple[str, int]:"],
        ["def f(a: int, b: int) -> tuple[int, int]:"],
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
    "a combining character comes, and a sign beside it": (
        ["x=c"],
        ["x=\u0338c"],
        ["x=-c"],
        ["x=\u0338-c"],
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
    "nothing was there, the model writes more": (
        [],
        ["import os"],
        ["import os", "a = 1"],
        ["import os", "a = 1"],
    ),
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
    assert merge(nvim, *map(lines_of, (old, mine, theirs))) == lines_of(expected)


# What must not be put together: a human has to look.
CONFLICTS = {
    "both add an argument": ("f(a)", "f(a, b)", "f(a, c)"),
    "both add the same argument at different places": ("f(a)", "f(x, a)", "f(a, x)"),
    "both rename": ("total = 1", "sum = 1", "count = 1"),
    "both change a number": ("limit = 10", "limit = 20", "limit = 30"),
    "the model deletes what the user changed": (["a = 1", "b = 2"], ["a = 1", "b = 3"], ["a = 1"]),
    "the user deletes what the model changed": (["a = 1", "b = 2"], ["a = 1"], ["a = 1", "b = 3"]),
    "the user empties what the model changed": (["a = 1"], [], ["a = 2"]),
    "the model empties what the user changed": (["a = 1"], ["a = 2"], []),
    "nothing was there, both write something": ([], ["a = 1"], ["b = 2"]),
    "an empty line was there, both write something": ([""], ["a = 1"], ["b = 2"]),
    "both insert at one place": (["a", "z"], ["a", "m()", "z"], ["a", "t()", "z"]),
    "both add the same line at different places": (
        ["n = 0", "go()", "stop()"],
        ["n = 0", "n += 1", "go()", "stop()"],
        ["n = 0", "go()", "stop()", "n += 1"],
    ),
    "a line within lines that the model deletes": (
        ["a = 1", "b = 2", "c = 3", "d = 4"],
        ["a = 1", "b = 2", "new()", "c = 3", "d = 4"],
        ["a = 1", "d = 4"],
    ),
    "a line within lines that the model writes anew": (
        ["alpha()", "beta()", "gamma()", "delta()"],
        ["alpha()", "beta()", "new()", "gamma()", "delta()"],
        ["alpha()", "if not this:", "    return that", "delta()"],
    ),
    "a line that holds on to a bracket alone": (
        ["alpha()", "}", "beta()"],
        ["alpha()", "}", "new()", "beta()"],
        ["if not this {", "}", "return that"],
    ),
    "a doubled line of which the model changes one": (
        ["count += 1", "stop()"],
        ["count += 1", "count += 1", "stop()"],
        ["count += 2", "stop()"],
    ),
    "one of two equal lines goes, the other changes": (
        ["count += 1", "count += 1", "stop()"],
        ["count += 1", "stop()"],
        ["count += 1", "count += 2", "stop()"],
    ),
    "a function after a block that the user wrapped": (
        ["def f():", "    a()", "    b()"],
        ["def f():", "    a()", "    if x:", "        b()"],
        ["def f():", "    a()", "    b()", "", "def g():", "    c()"],
    ),
    "a label within a block that the user wrapped": (
        ["def f():", "    a()", "    b()", "    c()"],
        ["def f():", "    if x:", "        a()", "        b()", "    c()"],
        ["def f():", "    a()", "here:", "    b()", "    c()"],
    ),
    "prose that both break anew": (
        ["it goes on and on until there is", "no more of it"],
        ["it goes on and on until", "there is no more of it"],
        ["it goes on and on", "until there is no more of it"],
    ),
    "a line broken at its end while the model makes it longer": (
        "foo(alpha, beta)",
        ["foo(alpha,", "    bar, beta)"],
        "foo(alpha, beta) + 1",
    ),
    "a line at the edge of a block that the user wrapped": (
        ["load(path)", "check(path)", "done()"],
        ["if path:", "    load(path)", "    check(path)", "done()"],
        ["load(path)", "check(path)", "log(path)", "done()"],
    ),
    "both wrap the same lines": (
        ["load(path)", "check(path)"],
        ["if path:", "    load(path)", "    check(path)"],
        ["try:", "    load(path)", "    check(path)", "except OSError:", "    pass"],
    ),
    "a try around a line that the user wrapped with its neighbour": (
        ["load(path)", "check(path)", "done()"],
        ["if path:", "    load(path)", "    check(path)", "done()"],
        ["load(path)", "try:", "    check(path)", "except OSError:", "    pass", "done()"],
    ),
    "a line that holds on to a bracket alone, from above": (
        ["beta()", "}", "alpha()"],
        ["beta()", "new()", "}", "alpha()"],
        ["return that", "}", "if not this {"],
    ),
    "a line doubled where the user wrote another": (
        ["x = 1", "c", "end"],
        ["x = 1", "foo(x)", "end"],
        ["x = 2", "c", "c"],
    ),
    "one of two equal lines goes with its neighbour, the other one's neighbour changes": (
        ["b", "end", "end", "b", "}"],
        ["b", "end", "}"],
        ["c", "return x", "    b", "end", "b", "}"],
    ),
    "one of two equal lines goes, the other gets a neighbour": (
        ["count += 1", "count += 1", "stop()"],
        ["count += 1", "new()", "count += 1", "stop()"],
        ["count += 1", "stop()"],
    ),
    "one of two equal lines goes below a change, the other gets a neighbour": (
        ["limit = 2", "end", "end"],
        ["limit = 1", "end"],
        ["limit = 2", "end", "b()", "end"],
    ),
    "one of two equal lines goes above a change of the other": (
        ["start()", "count += 1", "count += 1"],
        ["start()", "count += 2", "count += 1"],
        ["start()", "count += 1"],
    ),
    "an argument is doubled, and the model changes one": ("f(a)", "f(a, a)", "f(c)"),
    "an accent for a sign that the model takes away": ("x = c", "x =\u0338 c", "x < c"),
    "a line of which only punctuation is left": ("x(y, z)", "p(q, r)", "x(y, z, w)"),
    "a line of which hardly a word is left": (
        "return alpha_beta_gamma",
        "return delta_epsilon_zeta",
        "return alpha_beta_gamma + 1",
    ),
    "a line after the last one, which the user wrapped": (
        ["a()", "b()"],
        ["a()", "if x:", "    b()"],
        ["a()", "b()", "c()"],
    ),
    "both indent a block in which the user adds a line": (
        ["a()", "b()", "c()"],
        ["a()", "    b()", "    m()", "    c()"],
        ["a(1)", "    b()", "    c()"],
    ),
    "a vertical tab in a call that is broken": (
        "result = compute(alpha, 'a\vb')",
        ["result = compute(", "    alpha, 'a\vb'", ")"],
        "result = compute(gamma, 'a\vb')",
    ),
    "one of two equal words goes, the other changes": ("a - a - b", "a - b", "a - a * b"),
    "both indent, each by another width": (
        ["load(path)"],
        ["  load(path)"],
        ["    load(path)"],
    ),
    "the user undoes a call that the model makes wider": ("x = f(a) + b", "x = a + b", "x = f(a + b)"),
    "a string ends in another place": ("say('a', b)", "say('a, b')", "say(f('a'), b)"),
    "words that would run into each other": ("(a)", "a)", "f(a)"),
    "lines with nothing in common": ("alpha", "beta gamma", "delta epsilon"),
    "a comment at the end where the model adds one": ("return x", "return x  # why", "return x + 1  # how"),
}


@pytest.mark.parametrize(("old", "mine", "theirs"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_could_be_meant_in_two_ways_is_a_conflict(
    nvim: Editor, old: str | Lines, mine: str | Lines, theirs: str | Lines
) -> None:
    assert merge(nvim, *map(lines_of, (old, mine, theirs))) is None


# The three texts, and the merged one with conflict markers.
MARKED = {
    "markers stand around the conflict alone": (
        """
        def f(a):
            x = 1
            return x

            end = 2
        """,
        """
        def f(a, b):
            x = 10
            return x

            end = 2
        """,
        """
        def f(a) -> int:
            x = 20
            return x

            end = 3
        """,
        """
        def f(a, b) -> int:
        <<<<<<< yours
            x = 10
        ||||||| at the ask
            x = 1
        =======
            x = 20
        >>>>>>> model
            return x

            end = 3
        """,
    ),
    "conflicts beside each other are one": (
        ["a = 1", "b = 1"],
        ["a = 2", "b = 2"],
        ["a = 3", "b = 3"],
        """
        <<<<<<< yours
        a = 2
        b = 2
        ||||||| at the ask
        a = 1
        b = 1
        =======
        a = 3
        b = 3
        >>>>>>> model
        """,
    ),
    "a line that both added is one conflict over what lies between": (
        *CONFLICTS["both add the same line at different places"],
        """
        n = 0
        <<<<<<< yours
        n += 1
        go()
        stop()
        ||||||| at the ask
        go()
        stop()
        =======
        go()
        stop()
        n += 1
        >>>>>>> model
        """,
    ),
}


@pytest.mark.parametrize(("old", "mine", "theirs", "expected"), MARKED.values(), ids=MARKED)
def test_conflicts_stand_between_markers(
    nvim: Editor, old: str | Lines, mine: str | Lines, theirs: str | Lines, expected: str | Lines
) -> None:
    given = list(map(lines_of, (old, mine, theirs)))
    code = "return { select(2, require('vivek.merge').lines(...)) }"
    assert nvim.lua(code, *given) == [1]
    assert marked(nvim, *given) == lines_of(expected)


def test_the_markers_carry_the_labels_that_were_asked_for(nvim: Editor) -> None:
    code = """
        local merge = require('vivek.merge')
        local labels = { mine = 'a', old = 'b', theirs = 'c' }
        local lines = merge.markers({ 'x' }, { 'y' }, { 'z' }, labels)
        return { lines, merge.unresolved(lines, labels), merge.unresolved({ lines[1] }) }
    """
    lines = ["<<<<<<< a", "y", "||||||| b", "x", "=======", "z", ">>>>>>> c"]
    assert nvim.lua(code) == [lines, 1]


@pytest.mark.parametrize(
    ("lines", "first"),
    [
        ([], None),
        (["a", "b"], None),
        (["<<<<<<< yours", "a", "======="], 1),
        (["a", "||||||| at the ask"], 2),
        (["a", "b", ">>>>>>> model"], 3),
        (["total = compute(a)", "======="], 2),
        (["", "======="], 2),
        (["======="], 1),
        (["Install", "=======", "", "======="], 4),
        (["Install", "=======", "", "text"], None),
        (["<<<<<<< HEAD", "a", ">>>>>>> main"], None),
    ],
)
def test_the_first_marker_that_is_left_is_found(nvim: Editor, lines: Lines, first: int | None) -> None:
    assert nvim.lua("return require('vivek.merge').unresolved(...)", lines) == first


# Little that is often the same: where an alignment is hard to find.
REPEATED = st.lists(st.sampled_from(["a", "b", "c", "", "}", "  a", "    b", "x = 1", "x = 2"]), max_size=8)
# What lines of code are made of, and what breaks programs that take them for text.
SIGNS = [" ", "  ", "\t", "(", ")", "[", "]", ",", ", ", "=", '"', "'", "#", "--", "\r", "\0", "\v"]
LETTERS = [
    "a",
    "bc",
    "x1",
    "é",
    "漢字",
    "😀",
    "👩‍👧",
    "e\u0301",
    "\u0301",
    "=\u0338",
    "\u200d",
    "\udcff",
    "\udce2\udc82",
]
PARTS = st.sampled_from(SIGNS + LETTERS)
LINES = st.lists(PARTS, max_size=8).map("".join)
ANYTHING = st.lists(LINES, max_size=5)


@st.composite
def rewritten(draw: st.DrawFn, lines: Lines) -> Lines:
    """Lines after a few changes: whole lines come and go, parts of lines are replaced."""
    result = []
    for line in lines:
        match draw(st.sampled_from(["keep", "keep", "keep", "change", "indent", "delete", "insert"])):
            case "keep":
                result.append(line)
            case "change":
                at = draw(st.integers(0, len(line)))
                to = draw(st.integers(at, min(len(line), at + 3)))
                result.append(line[:at] + draw(PARTS) + line[to:])
            case "indent":
                result.append("    " + line)
            case "insert":
                result += [draw(LINES), line]
    return result


@st.composite
def three(draw: st.DrawFn) -> tuple[Lines, Lines, Lines]:
    old = draw(ANYTHING | REPEATED)
    return old, draw(rewritten(old)), draw(rewritten(old))


@SETTINGS
@given(old=ANYTHING | REPEATED, new=ANYTHING | REPEATED)
def test_where_one_side_left_all_alone_the_other_side_is_taken(nvim: Editor, old: Lines, new: Lines) -> None:
    assert merge(nvim, old, old, new) == new
    assert merge(nvim, old, new, old) == new
    assert merge(nvim, old, new, new) == new


@SETTINGS
@given(case=three())
def test_any_bytes_can_be_merged_and_the_markers_say_the_same(
    nvim: Editor, case: tuple[Lines, Lines, Lines]
) -> None:
    merged = merge(nvim, *case)
    lines = marked(nvim, *case)
    left = nvim.lua("return require('vivek.merge').unresolved(...)", lines)
    assert (left is None) is (merged is not None)
    if merged is not None:
        assert lines == merged


def bare(lines: Lines) -> Lines:
    return [line.strip() for line in lines]


def clusters(text: str) -> set[tuple[str, str]]:
    """Each combining character with its base."""
    return {
        (before, after)
        for before, after in pairwise(text)
        if unicodedata.combining(after) and not before.isspace()
    }


@SETTINGS
@given(case=three())
def test_no_character_is_cut_and_none_loses_its_accent(
    nvim: Editor, case: tuple[Lines, Lines, Lines]
) -> None:
    merged = merge(nvim, *case) or []
    everything = [line for side in case for line in side]
    characters = set("".join(everything))
    known = set[tuple[str, str]]().union(*(clusters(line) for line in everything))
    for line in merged:
        assert set(line) <= characters
        assert clusters(line) <= known


# Two words, or a call: nobody writes such a line twice in one place. All that is not ASCII counts as a letter.
TELLING = re.compile(r"[\w\u0080-\U0010ffff][^\w\u0080-\U0010ffff]+[\w\u0080-\U0010ffff]|[a-zA-Z0-9_]\(")


def doubled(old: Lines, mine: Lines, theirs: Lines, merged: Lines) -> bool:
    """Whether there is more of some line than either side has, and than there ever was."""
    before, first, second, after = (Counter(bare(lines)) for lines in (old, mine, theirs, merged))
    return any(
        first[line] and second[line] and count > max(first[line], second[line])
        for line, count in after.items()
        if TELLING.search(line) and (not before[line] or max(first[line], second[line]) <= before[line])
    )


@SETTINGS
@given(case=st.tuples(REPEATED, REPEATED, REPEATED))
def test_no_line_is_there_twice_that_both_sides_want_once(
    nvim: Editor, case: tuple[Lines, Lines, Lines]
) -> None:
    merged = merge(nvim, *case)
    assert merged is None or not doubled(*case, merged)


class Words:
    """Words that occur nowhere else, so that each can be followed through a merge."""

    def __init__(self, draw: st.DrawFn, prefix: str) -> None:
        self.draw, self.prefix, self.count = draw, prefix, 0

    def new(self) -> str:
        self.count += 1
        return f"{self.prefix}{self.count}"

    def line(self, indent: str = "") -> str:
        shape = self.draw(
            st.sampled_from(["{}({}, {})", "{} = {}", "{}", "{} {} {} {}", "if {} == {}:", "[{}]"])
        )
        return indent + shape.format(*(self.new() for _ in range(4)))


def word_list(lines: Lines) -> list[str]:
    return re.findall(r"[omt]\d+", "\n".join(lines))


@st.composite
def with_own_words(draw: st.DrawFn) -> tuple[Lines, Lines, Lines]:
    """Old lines and two versions; every word is unique and says who wrote it."""
    source = Words(draw, "o")
    old = [source.line(draw(st.sampled_from(["", "    "]))) for _ in range(draw(st.integers(0, 8)))]
    return old, version(draw, old, Words(draw, "m")), version(draw, old, Words(draw, "t"))


def version(draw: st.DrawFn, old: Lines, words: Words) -> Lines:
    result: Lines = []
    shift = draw(st.sampled_from(["", "", "    "]))
    for line in old:
        for action in draw(st.lists(st.sampled_from(["insert", "replace", "append", "delete"]), max_size=1)):
            match action:
                case "insert":
                    result.append(words.line(shift))
                case "replace":
                    line = line.replace(draw(st.sampled_from(word_list([line]))), words.new())  # noqa: PLW2901
                case "append":
                    line += f" + {words.new()}"  # noqa: PLW2901
                case "delete":
                    line = ""  # noqa: PLW2901
        if line:
            result.append(shift + line)
    return [*result, *(words.line(shift) for _ in range(draw(st.integers(0, 1))))]


@settings(SETTINGS, max_examples=1000)
@given(case=with_own_words())
def test_every_word_that_was_added_is_there_and_every_word_that_was_taken_away_is_gone(
    nvim: Editor, case: tuple[Lines, Lines, Lines]
) -> None:
    merged = merge(nvim, *case)
    if merged is None:
        return
    old, mine, theirs, result = (word_list(lines) for lines in (*case, merged))
    kept = set(old) & set(mine) & set(theirs)
    assert Counter(result) == Counter([*kept, *set(mine) - set(old), *set(theirs) - set(old)])
    # Each side's words stand in its order.
    for side in (mine, theirs):
        assert [word for word in result if word in side] == [word for word in side if word in result]


@st.composite
def apart(draw: st.DrawFn) -> tuple[Lines, Lines, Lines, Lines]:
    """Changes with an unchanged line between them, and the text with all of them in it."""
    source, mine, theirs = Words(draw, "o"), Words(draw, "m"), Words(draw, "t")
    texts: tuple[Lines, Lines, Lines, Lines] = ([], [], [], [])
    for _ in range(draw(st.integers(0, 5))):
        common = source.line()
        for text in texts:
            text.append(common)
        old = [source.line() for _ in range(draw(st.integers(0, 2)))]
        words = draw(st.sampled_from([mine, theirs]))
        new = [words.line() for _ in range(draw(st.integers(0, 2)))]
        for text, lines in zip(
            texts, (old, *((new, old) if words is mine else (old, new)), new), strict=True
        ):
            text.extend(lines)
    return texts


@SETTINGS
@given(case=apart())
def test_changes_of_different_lines_are_as_one_after_the_other(
    nvim: Editor, case: tuple[Lines, Lines, Lines, Lines]
) -> None:
    *given_texts, expected = case
    assert merge(nvim, *given_texts) == expected


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which git merges files."""
    need(shutil.which("git"), "git is not installed")
    return tmp_path_factory.mktemp("git")


def git_merge(folder: Path, old: Lines, mine: Lines, theirs: Lines) -> Lines | None:
    """What `git merge-file` makes of it; None where it says conflict."""
    for name, lines in (("old", old), ("mine", mine), ("theirs", theirs)):
        text = "".join(line + "\n" for line in lines)
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    command = ["git", "merge-file", "-p", "--diff3", "mine", "old", "theirs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert 0 <= done.returncode < 128, done.stderr
    text = done.stdout.decode("utf-8", "surrogateescape")
    return text.split("\n")[:-1] if done.returncode == 0 else None


ROWS = st.sampled_from(["a", "b", "c", "", "}", "  a", "    b", "x = 1", "x = 2", "return x"])


@st.composite
def few_changes(draw: st.DrawFn) -> tuple[Lines, Lines, Lines]:
    """Many lines, many of them equal, and few changes by each side: what git often merges."""
    old = draw(st.lists(ROWS, min_size=4, max_size=14))
    sides = []
    for _ in range(2):
        new = list(old)
        for _ in range(draw(st.integers(1, 2))):
            at = draw(st.integers(0, len(new)))
            new[at : at + draw(st.integers(0, 2))] = draw(st.lists(ROWS, max_size=2))
        sides.append(new)
    return old, sides[0], sides[1]


@settings(SETTINGS, max_examples=1000)
@example(case=(["", "end", "", "x = 2"], ["", "", "x = 2"], ["", "", "end", "x = 2"]))
@given(case=few_changes() | three() | with_own_words())
def test_what_git_merges_is_merged_to_the_same(
    nvim: Editor, git: Path, case: tuple[Lines, Lines, Lines]
) -> None:
    old, mine, theirs = case
    # git takes a file with a NUL for a binary one.
    assume(not any("\0" in line for lines in case for line in lines))
    expected = git_merge(git, *case)
    if expected is None:
        return
    # Where one side only moved white space the other side's lines follow, and a line that both put to different
    # places is a conflict.
    only_moved = mine != old != theirs and (bare(mine) == bare(old) or bare(theirs) == bare(old))
    if not only_moved and not doubled(*case, expected):
        assert merge(nvim, *case) == expected
