"""A reply that has only what changed, and the rest of the target."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.edits.partial import completed

FILE = '''"""Orders."""

RATE = 0.2


# what it costs
def total(items):
    return sum(items)


class Order:
    def price(self):
        return total([1]) * RATE
'''
NEW = "def total(items):\n    return sum(items, 0)\n"


def test_what_the_reply_left_out_stays() -> None:
    whole = completed(NEW, FILE, "python", "start the sum at 0")
    assert whole == FILE.replace("sum(items)", "sum(items, 0)")


def test_examples_of_use_beside_it_go_and_its_imports_come() -> None:
    reply = "import math\n\n" + NEW.replace("sum(items, 0)", "math.fsum(items)") + "\n\nprint(total([1]))\n"
    whole = completed(reply, FILE, "python", "use fsum")
    assert "import math" in whole
    assert "print(" not in whole
    assert "class Order" in whole
    assert whole.startswith('"""Orders."""')


def test_a_value_that_is_given_anew_takes_the_old_ones_place() -> None:
    whole = completed("RATE = 0.3\n\n\n" + NEW, FILE, "python", "a rate of 30 percent")
    assert "RATE = 0.3" in whole
    assert "RATE = 0.2" not in whole


@pytest.mark.parametrize(
    ("reply", "instruction"),
    [
        (FILE, "tidy up"),
        (NEW + "\n\ndef helper():\n    pass\n", "tidy up"),
        ("def other():\n    pass\n", "add other"),
        ("RATE = 0.3\n", "a rate of 30 percent"),
        (NEW, "remove Order"),
        (NEW, "inline the class"),
        ("def total(:", "fix it"),
        ("total = sum\n", "shorten total"),
        ("def total(items):\n    return 1\n\n\ndef total(items):\n    return 2\n", "fix it"),
    ],
)
def test_a_reply_that_is_something_else_is_left_alone(reply: str, instruction: str) -> None:
    assert completed(reply, FILE, "python", instruction) == reply


def test_in_other_languages_too() -> None:
    old = "local M = {}\n\nfunction M.a(x)\n  return x\nend\n\nfunction M.b(x)\n  return x\nend\n\nreturn M\n"
    new = "function M.b(x)\n  return x + 1\nend\n"
    whole = completed(new, old, "lua", "b adds one")
    assert whole == old.replace("function M.b(x)\n  return x", "function M.b(x)\n  return x + 1")


names = st.lists(st.sampled_from("abcdefgh"), min_size=2, unique=True)


@given(names, st.data())
def test_every_definition_is_there_once_and_those_of_the_reply_are_its_own(
    order: list[str], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(order), min_size=1, max_size=len(order) - 1, unique=True))
    old = "\n\n".join(f"def {name}():\n    return 1\n" for name in order)
    new = "\n\n".join(f"def {name}():\n    return 2\n" for name in chosen)
    found = ast.parse(completed(new, old, "python")).body
    assert [node.name for node in found if isinstance(node, ast.FunctionDef)] == order
    bodies = {node.name: ast.unparse(node.body) for node in found if isinstance(node, ast.FunctionDef)}
    assert all(body == f"return {2 if name in chosen else 1}" for name, body in bodies.items())
