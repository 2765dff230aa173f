"""What is told of a block before anybody edits it: each rule on code with the bug and on code that only looks
like it."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.checks.facts import RULES, Fact, facts


def found(code: str, language: str = "python") -> list[Fact]:
    text = textwrap.dedent(code).lstrip("\n")
    return facts(text, 1, text.count("\n") + 1, language)


def rules(code: str) -> set[str]:
    return {fact.rule for fact in found(code)}


BUGS = [
    (
        "stuck-halving",
        "def f(xs, low, high):\n    if low == high:\n        return low\n    mid = low + (high - low) // 2\n    if xs[mid]:\n        return f(xs, low, mid)\n    return f(xs, mid, high)\n",
        7,
        "`f(xs, mid, high)` may get the same range again and never end: `mid + 1`",
    ),
    (
        "misfit",
        "def f(a, b=1):\n    return a, b\n\n\ndef g():\n    return f(1, 2, 3)\n",
        6,
        "`f(1, 2, 3)` does not fit `f(a, b=1)`",
    ),
    (
        "misfit",
        "class A:\n    def f(self, a):\n        return a\n\n    def g(self):\n        return self.f()\n",
        6,
        "`self.f()` does not fit `f(self, a)`",
    ),
    (
        "unset",
        "def f(xs):\n    for x in xs:\n        total += x\n    return total\n",
        3,
        "`total` is used before it has a value",
    ),
    (
        "unset",
        "def f(xs):\n    for x in xs:\n        if x:\n            n += 1\n    return n\n",
        4,
        "`n` is used before it has a value",
    ),
    (
        "unset",
        "def f(a):\n    b = a + c\n    c = 2\n    return b * c\n",
        2,
        "`c` is used before it has a value",
    ),
    (
        "unset",
        "def f(a):\n    while a:\n        print(last)\n        last = a\n        a -= 1\n",
        3,
        "`last` is used before it has a value",
    ),
    (
        "unreachable",
        "def f(a):\n    return a\n    print(a)\n",
        3,
        "this never runs: it comes after a `return`",
    ),
    (
        "unreachable",
        "def f(a):\n    for x in a:\n        continue\n        print(x)\n",
        4,
        "this never runs: it comes after a `continue`",
    ),
    (
        "endless",
        "def f(n):\n    i = 0\n    while i < n:\n        print(i)\n    return i\n",
        3,
        "this loop never ends: its body does not change `i` or `n`",
    ),
    (
        "stuck-bisection",
        "def f(xs, x):\n    low, high = 0, len(xs)\n    while low < high:\n        mid = (low + high) // 2\n"
        "        if xs[mid] < x:\n            low = mid\n        else:\n            high = mid\n    return low\n",
        6,
        "`low = mid` may leave `low` unchanged, so that the loop never ends: `mid + 1`",
    ),
    (
        "runs-once",
        "def f(xs):\n    for x in xs:\n        if x < 0:\n            return False\n        return True\n",
        5,
        "the loop ends in its first round: both ways lead to a `return` inside of the loop",
    ),
    (
        "runs-once",
        "def f(xs, y):\n    for x in xs:\n        if x == y:\n            return True\n        else:\n            return False\n",
        3,
        "the loop ends in its first round: both ways lead to a `return` inside of the loop",
    ),
    (
        "falls-through",
        "def f(a: int) -> int:\n    if a:\n        return 1\n",
        2,
        "here the function ends without a `return`, though it should return a value",
    ),
    (
        "falls-through",
        "def f(a):\n    if a > 1:\n        return 1\n    elif a:\n        r = 2\n    else:\n        return 3\n",
        5,
        "this branch ends without a `return`, though the others return a value",
    ),
    (
        "thrown-away",
        "def f(s):\n    s.replace('a', 'b')\n    return s\n",
        2,
        "the result of `s.replace('a', 'b')` is thrown away: it changes nothing in place",
    ),
    (
        "thrown-away",
        "def f(xs):\n    sorted(xs)\n    return xs\n",
        2,
        "the result of `sorted(xs)` is thrown away: it changes nothing in place",
    ),
    (
        "thrown-away",
        "def f(x):\n    x == 1\n    return x\n",
        2,
        "`x == 1` only compares, and the result is thrown away: `=` assigns",
    ),
    ("thrown-away", "def f(a, b):\n    a + b\n", 2, "the result of `a + b` is thrown away"),
    (
        "none-kept",
        "def f(xs):\n    xs = xs.sort()\n    return xs\n",
        2,
        "`xs.sort()` changes `xs` in place and returns None",
    ),
    (
        "none-kept",
        "def f(xs):\n    return xs.reverse()\n",
        2,
        "`xs.reverse()` changes `xs` in place and returns None",
    ),
    (
        "overwritten-parameter",
        "def f(xs, n):\n    n = 0\n    return xs[n]\n",
        2,
        "the parameter `n` is overwritten before it is read",
    ),
    (
        "filled-in-vain",
        "def f(xs):\n    out = []\n    for x in xs:\n        out.append(x)\n    return xs\n",
        4,
        "`out` is filled but never read or returned",
    ),
    (
        "filled-in-vain",
        "def f(xs):\n    n = 0\n    for _ in xs:\n        n += 1\n    return xs\n",
        4,
        "`n` is counted but never read or returned",
    ),
    (
        "changed-while-iterated",
        "def f(xs):\n    for x in xs:\n        if x:\n            xs.remove(x)\n    return xs\n",
        4,
        "`xs` is changed while the loop goes over it: go over a copy, `list(xs)`",
    ),
    (
        "changed-while-iterated",
        "def f(d):\n    for k in d:\n        del d[k]\n",
        3,
        "`d` is changed while the loop goes over it: go over a copy, `list(d)`",
    ),
    (
        "shared-default",
        "def f(x, xs=[]):\n    xs.append(x)\n    return xs\n",
        1,
        "all calls share the default of `xs`, which is changed here: use None",
    ),
    ("same-twice", "def f(x):\n    x = x\n    return x\n", 2, "`x = x` sets a variable to itself"),
    ("same-twice", "def f(x, y):\n    return x < x or y\n", 2, "`x < x` compares a value with itself"),
    ("same-twice", "def f(x, y):\n    return x - x\n", 2, "`x - x` has the same operand twice"),
    (
        "same-twice",
        "def f(x):\n    if x > 1:\n        return 1\n    elif x > 1:\n        return 2\n    return 3\n",
        4,
        "`x > 1` was asked before in the same chain: this branch never runs",
    ),
    (
        "past-the-end",
        "def f(xs):\n    n = 0\n    for i in range(len(xs) + 1):\n        n += xs[i]\n    return n\n",
        4,
        "`xs[i]` runs past the end: `i` goes up to `len(xs)`",
    ),
    (
        "unused-parameter",
        "def f(a, step):\n    b = a + 1\n    return b\n",
        1,
        "the parameter `step` is never used",
    ),
    (
        "same-recursion",
        "def f(n):\n    if n < 2:\n        return 1\n    return n * f(n)\n",
        4,
        "`f(n)` calls itself with the same arguments: it never ends",
    ),
    (
        "same-recursion",
        "class A:\n    def f(self, n):\n        if n < 2:\n            return 1\n        return n * self.f(n)\n",
        5,
        "`self.f(n)` calls itself with the same arguments: it never ends",
    ),
    (
        "pyflakes",
        "def f(counter):\n    return countr + 1\n",
        2,
        "`countr` is not defined: did you mean `counter`?",
    ),
    ("pyflakes", "def f(x):\n    y = x\n    return 1\n", 2, "`y` is assigned but never used"),
    ("pyflakes", "def f(x):\n    return x is 'a'\n", 2, "`is` with a literal: `==` compares values"),
    (
        "pyflakes",
        "def f():\n    return 1\n\n\ndef f():\n    return 2\n",
        5,
        "`f` is defined again before the first one was used",
    ),
    ("pyflakes", "def f(x):\n    return '%s %s' % (x,)\n", 2, "`%` has 2 placeholders but 1 values"),
]


@pytest.mark.parametrize(
    ("rule", "code", "line", "message"), BUGS, ids=[f"{b[0]}-{i}" for i, b in enumerate(BUGS)]
)
def test_a_bug_is_told_with_its_line(rule: str, code: str, line: int, message: str) -> None:
    assert Fact(line, message, rule) in found(code)


@pytest.mark.parametrize(
    ("rule", "code", "line", "message"), BUGS, ids=[f"{b[0]}-{i}" for i, b in enumerate(BUGS)]
)
def test_a_bug_is_told_once(rule: str, code: str, line: int, message: str) -> None:
    told = [fact for fact in found(code) if fact.line == line]
    assert len(told) == len({fact.message for fact in told})
    assert len(told) <= 2


RIGHT = [
    (
        "stuck-halving",
        "def f(xs, low, high):\n    if low == high:\n        return low\n    mid = low + (high - low) // 2\n    if xs[mid]:\n        return f(xs, low, mid)\n    return f(xs, mid + 1, high)\n",
    ),
    (
        "stuck-halving",
        "def g(xs, low, high):\n    if low == high:\n        return low\n    mid = low + (high - low) // 2\n    if xs[mid]:\n        return f(xs, low, mid)\n    return f(xs, mid, high)\n",
    ),
    ("misfit", "def f(a, b=1):\n    return a, b\n\n\nf(*g), f(1, b=2), x.f(1, 2, 3)\n"),
    ("misfit", "@wraps\ndef f(a):\n    return a\n\n\nf(1, 2)\n"),
    (
        "unset",
        "def f(xs):\n    for i, x in enumerate(xs):\n        if i:\n            print(last)\n        last = x\n",
    ),
    ("unset", "def f(x):\n    try:\n        return y\n    except NameError:\n        y = 1\n    return y\n"),
    ("unset", "def f(x):\n    global n\n    n += 1\n"),
    ("unset", "def f(x):\n    def g():\n        return y\n    y = x\n    return g\n"),
    (
        "unset",
        "def f(xs):\n    if (n := len(xs)) > 2:\n        return n\n    with open(xs) as file, file:\n        return file\n",
    ),
    (
        "unset",
        "def f(x):\n    try:\n        y = int(x)\n    except ValueError as error:\n        print(error)\n        y = 0\n    return y\n",
    ),
    (
        "unset",
        "def f(x):\n    match x:\n        case [a, *rest]:\n            return a, rest\n        case {'k': v, **more}:\n            return v, more\n",
    ),
    ("unset", "def f(xs):\n    return [x for x in xs for x in x], {k: v for k, v in xs}\n"),
    (
        "unset",
        "def f():\n    import os.path\n    from sys import argv as given\n    class A:\n        x = 1\n    return os, given, A\n",
    ),
    (
        "unset",
        "def f(x):\n    while True:\n        if x:\n            y = 1\n        elif x is None:\n            return y\n",
    ),
    ("unset", "def f(x, *y, **z):\n    y += (x,)\n    z |= {}\n    return y, z\n"),
    ("unreachable", "def f():\n    return\n    yield\n"),
    ("unreachable", "def f(x):\n    if x:\n        return 1\n    return 2\n"),
    ("unreachable", "def f(x):\n    def g():\n        return 1\n    print(g)\n"),
    ("endless", "def f(n):\n    i = 0\n    while i < n:\n        i += 1\n"),
    ("endless", "def f(n):\n    while n > 0:\n        if g(n):\n            break\n"),
    ("endless", "def f(self):\n    while self.n < 3:\n        self.step()\n"),
    (
        "endless",
        "def f(n):\n    i = 0\n    def step():\n        nonlocal i\n        i += 1\n    while i < n:\n        step()\n",
    ),
    ("endless", "def f(xs):\n    while xs:\n        g(xs)\n"),
    ("endless", "async def f(n):\n    i = 0\n    while i < n:\n        i, n = await g(i)\n"),
    (
        "stuck-bisection",
        "def f(low, high, g):\n    while low < high:\n        mid = (low + high) // 2\n        if g(mid):\n            high = mid\n        else:\n            low = mid + 1\n    return low\n",
    ),
    (
        "stuck-bisection",
        "def f(low, high, g):\n    while high - low > 1:\n        mid = (low + high) // 2\n        if g(mid):\n            high = mid\n        else:\n            low = mid\n    return low\n",
    ),
    ("runs-once", "def f(xs):\n    for x in xs:\n        return x\n"),
    ("runs-once", "def f(xs):\n    for x in xs:\n        if x:\n            continue\n        return x\n"),
    ("runs-once", "def f(xs):\n    for x in xs:\n        if x:\n            return x\n    return None\n"),
    ("falls-through", "def f(a) -> int | None:\n    if a:\n        return 1\n"),
    ("falls-through", "def f(a) -> 'int':\n    raise ValueError(a)\n"),
    ("falls-through", "def f(a) -> int:\n    while True:\n        if a():\n            return 1\n"),
    ("falls-through", "def f(a) -> int:\n    with a:\n        return 1\n"),
    ("falls-through", "def f(a) -> int:\n    try:\n        return a()\n    finally:\n        print(a)\n"),
    ("falls-through", "def f(a) -> int:\n    ...\n"),
    ("falls-through", "def f(d, k):\n    if k in d:\n        return d[k]\n"),
    ("falls-through", "def f(a) -> Iterator[int]:\n    yield a\n"),
    (
        "falls-through",
        "def f(a) -> int:\n    match a:\n        case 1:\n            return 1\n        case _:\n            return 2\n",
    ),
    ("thrown-away", "def f(a):\n    try:\n        a == 1\n    except TypeError:\n        return 0\n"),
    ("thrown-away", "def f(a, b):\n    with raises(TypeError):\n        a < b\n"),
    ("thrown-away", "def f(a, b):\n    a.replace(b)\n    os.replace(a, b)\n    a.join(3)\n    a >> b\n"),
    ("thrown-away", "def f(a):\n    a.sort()\n    a.strip\n    self.strip()\n    print(a)\n"),
    ("none-kept", "def f(x):\n    y = self.stack.sort()\n    y = x.append(1)\n    return x.sort('a')\n"),
    ("overwritten-parameter", "def f(x=None):\n    if x is None:\n        x = 1\n    return x\n"),
    ("overwritten-parameter", "def f(x):\n    x = str(x)\n    return x\n"),
    ("overwritten-parameter", "def f(x):\n    y = x\n    x = 1\n    return x, y\n"),
    ("filled-in-vain", "def f(xs):\n    out = []\n    for x in xs:\n        out.append(x)\n    return out\n"),
    ("filled-in-vain", "def f(xs):\n    out = xs.cache\n    out.append(1)\n"),
    ("filled-in-vain", "def f(self):\n    out = []\n    self.out = out\n    out.append(1)\n"),
    ("filled-in-vain", "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    print(n)\n"),
    (
        "filled-in-vain",
        "def f(xs):\n    out = []\n    def add(x):\n        out.append(x)\n        return len(out)\n    return add\n",
    ),
    ("changed-while-iterated", "def f(xs):\n    for x in list(xs):\n        xs.remove(x)\n"),
    (
        "changed-while-iterated",
        "def f(xs):\n    for x in xs:\n        if x:\n            xs.remove(x)\n            break\n",
    ),
    ("changed-while-iterated", "def f(xs):\n    for x in xs:\n        xs.append(x)\n        xs[0] = x\n"),
    (
        "changed-while-iterated",
        "def f(xs):\n    for x in xs:\n        print(x)\n    else:\n        xs.clear()\n",
    ),
    ("shared-default", "def f(x, xs=[]):\n    return [*xs, x]\n"),
    ("shared-default", "def f(x, xs=None):\n    xs = xs or []\n    xs.append(x)\n    return xs\n"),
    ("shared-default", "def f(x, xs=[]):\n    xs = list(xs)\n    xs.append(x)\n    return xs\n"),
    ("shared-default", "def f(x, _cache={}):\n    _cache[x] = 1\n"),
    ("same-twice", "def f(x):\n    return x != x\n"),
    ("same-twice", "def f(x):\n    return x * x + x\n"),
    ("same-twice", "def f(x):\n    return read() or read()\n"),
    (
        "same-twice",
        "def f(x):\n    if x():\n        return 1\n    elif x():\n        return 2\n    return 3\n",
    ),
    ("past-the-end", "def f(xs):\n    for i in range(len(xs) + 1):\n        print(xs[:i])\n"),
    (
        "past-the-end",
        "def f(xs):\n    for i in range(len(xs) + 1):\n        if i < len(xs):\n            print(xs[i])\n",
    ),
    ("past-the-end", "def f(xs):\n    for i in range(len(xs)):\n        print(xs[i])\n"),
    ("unused-parameter", "def f(a, _b):\n    a = a + 1\n    return a\n"),
    ("unused-parameter", "def f(a, b):\n    a = a + 1\n    return a\n\n\nhandlers = [f]\n"),
    ("unused-parameter", "class A(B):\n    def f(self, a):\n        x = 1\n        return x\n"),
    ("unused-parameter", "@route\ndef f(a):\n    x = 1\n    return x\n"),
    ("unused-parameter", "def f(a, b):\n    raise NotImplementedError\n"),
    ("unused-parameter", "def f(a, b):\n    x = locals()\n    return x\n"),
    ("same-recursion", "def f(n):\n    if n < 2:\n        return 1\n    return n * f(n - 1)\n"),
    ("same-recursion", "def f(n):\n    n = n - 1\n    return f(n)\n"),
    ("same-recursion", "def f(xs):\n    xs.pop()\n    return f(xs)\n"),
    (
        "same-recursion",
        "def f(x):\n    try:\n        return g(x)\n    except OSError:\n        return f(x)\n",
    ),
    ("same-recursion", "class A:\n    def f(self, n):\n        return self.other.f(n)\n"),
    ("pyflakes", "import os\n\n\ndef f(x):\n    return os.path.join(x, __file__)\n"),
    ("pyflakes", "def f(x):\n    for _ in x:\n        a, b = _\n    return 1\n"),
    ("pyflakes", "def f(x):\n    return f'nothing'\n"),
]


@pytest.mark.parametrize(("rule", "code"), RIGHT, ids=[f"{b[0]}-{i}" for i, b in enumerate(RIGHT)])
def test_code_that_only_looks_like_it_is_not_told(rule: str, code: str) -> None:
    assert rule not in rules(code)


def test_every_rule_has_a_bug_and_code_that_is_right() -> None:
    every = {*RULES, "unused-parameter", "same-recursion", "misfit", "pyflakes"}
    assert {bug[0] for bug in BUGS} == every
    assert {right[0] for right in RIGHT} == every


def test_lines_count_from_the_blocks_first_and_the_rest_of_the_file_is_left_out() -> None:
    text = "import os\n\n\ndef f(x):\n    return y\n\n\ndef g(x):\n    x == 1\n    return x\n"
    told = facts(text, 8, 10, "python")
    assert [(fact.line, fact.rule) for fact in told] == [(2, "thrown-away")]


def test_broken_code_tells_where_it_does_not_parse() -> None:
    assert found("def f(:\n    return 1\n")[0].line == 1
    assert found("def f(x):\n    return (x\n")[0].message.startswith("syntax error: ")


@pytest.mark.parametrize(
    ("language", "code", "line"),
    [
        ("lua", "local function f()\n  return (1\nend\n", 2),
        ("javascript", "function f() {\n  return (1;\n}\n", 2),
        ("c", "int f(void) {\n  return 1\n}\n", 2),
    ],
)
def test_other_languages_tell_their_syntax_errors(language: str, code: str, line: int) -> None:
    assert [(fact.line, fact.rule) for fact in found(code, language)] == [(line, "syntax")]


def test_a_language_without_a_grammar_has_no_facts() -> None:
    assert found("a ((\n", "text") == []


@given(st.text(), st.integers(1, 5), st.integers(0, 5), st.sampled_from(["python", "lua", ""]))
def test_no_text_is_too_strange(text: str, first: int, last: int, language: str) -> None:
    for fact in facts(text, first, last, language):
        assert 1 <= fact.line <= last - first + 1
        assert fact.message
        assert "\n" not in fact.message
