"""What static tools know of a block before anybody edits it: facts for a prompt, and findings for a review.

pyflakes' messages and the rules of `flow` and `values`, for Python; where code does not parse, the place, for
every language with a grammar. Nothing is run. What a tool may be wrong about stays out.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyflakes import messages

from vivek.checks import flow, scopes, values
from vivek.checks.edit import python_tree
from vivek.checks.names import pyflakes
from vivek.checks.parameters import misfits
from vivek.checks.syntax import broken_lines

_Rule = Callable[[scopes.Function], Iterator[tuple[ast.AST, str]]]

RULES: dict[str, _Rule] = {
    rule.__name__.replace("_", "-"): rule
    for rule in (
        flow.unset,
        flow.unreachable,
        flow.endless,
        flow.stuck_bisection,
        flow.stuck_halving,
        flow.runs_once,
        flow.falls_through,
        values.thrown_away,
        values.none_kept,
        values.overwritten_parameter,
        values.filled_in_vain,
        values.changed_while_iterated,
        values.shared_default,
        values.same_twice,
        values.past_the_end,
    )
}
"""Name -> rule of one function, by itself."""

_PYFLAKES: dict[type[messages.Message], str] = {
    messages.UndefinedName: "`{0}` is not defined",
    messages.UndefinedLocal: "`{0}` is used before it has a value",
    messages.UnusedVariable: "`{0}` is assigned but never used",
    messages.RedefinedWhileUnused: "`{0}` is defined again before the first one was used",
    messages.IsLiteral: "`is` with a literal: `==` compares values",
    messages.AssertTuple: "the assertion of a tuple is always true",
    messages.IfTuple: "a tuple as a condition is always true",
    messages.RaiseNotImplemented: "`raise NotImplemented` should be `raise NotImplementedError`",
    messages.MultiValueRepeatedKeyLiteral: "the key `{0}` stands twice with different values",
    messages.MultiValueRepeatedKeyVariable: "the key `{0}` stands twice with different values",
    messages.DefaultExceptNotLast: "the bare `except:` must be the last one",
    messages.PercentFormatPositionalCountMismatch: "`%` has {0} placeholders but {1} values",
    messages.PercentFormatMissingArgument: "`%` lacks a value for `{0}`",
    messages.StringDotFormatMissingArgument: "`format` lacks a value for `{0}`",
    messages.StringDotFormatExtraPositionalArguments: "`format` has values that no placeholder uses",
    messages.StringDotFormatExtraNamedArguments: "`format` has values that no placeholder uses: {0}",
}
"""Message -> its wording; others of pyflakes are matters of taste."""

_MADE_AT_RUN_TIME = 5
"""A file with more undefined names than this makes them while it runs."""


@dataclass(frozen=True, order=True)
class Fact:
    """What a rule says of a line. line: 1-based, counted from the block's first; message: one clause."""

    line: int
    message: str
    rule: str


def facts(
    text: str, first: int, last: int, language: str, between: Callable[[], None] = lambda: None
) -> list[Fact]:
    """Facts about lines first to last of a file (1-based, inclusive), in order of lines.

    language: a Neovim filetype. Where the file does not parse, only what is wrong with its syntax there. between: is
    called before each function, of which a long file has thousands; what it raises ends the search.
    """
    tree = python_tree(text) if language == "python" else None
    found = (
        list(_of_python(tree, first, last, between))
        if tree
        else [(line, what, "syntax") for line, what in broken_lines(text, language)]
    )
    inside = {Fact(line - first + 1, what, rule) for line, what, rule in found if first <= line <= last}
    unique: dict[tuple[int, str], Fact] = {}
    for fact in sorted(inside):
        unique.setdefault((fact.line, fact.message), fact)
    return list(unique.values())


def _of_python(
    tree: ast.Module, first: int, last: int, between: Callable[[], None]
) -> Iterator[tuple[int, str, str]]:
    """(line, message, rule) of everything that the rules of functions and pyflakes say of these lines."""
    unset: set[tuple[int, str]] = set()
    uses = values.Uses.of(tree)
    for function, around in scopes.functions(tree):
        if function.lineno > last or (function.end_lineno or last) < first:
            continue
        between()
        for node, message, name in _of_function(function, around, uses):
            yield getattr(node, "lineno", function.lineno), message, name
            if name == "unset" and isinstance(node, ast.Name):
                unset.add((node.lineno, node.id))
    for call, function in misfits(tree, first, last):
        quoted = " ".join(ast.unparse(call).split())[:60]
        what = f"`{quoted}` does not fit `{function.name}({ast.unparse(function.args)})`"
        yield call.lineno, what, "misfit"
    for message in _sure(pyflakes(tree), tree):
        told = [" ".join(str(each).split()) for each in message.message_args]
        if not (told and (message.lineno, told[0]) in unset):
            close = nearest(told[0], tree) if isinstance(message, messages.UndefinedName) else ""
            yield message.lineno, _PYFLAKES[type(message)].format(*told) + close, "pyflakes"


def _sure(found: list[messages.Message], tree: ast.Module) -> Iterator[messages.Message]:
    """The messages that hardly ever are wrong: names may be made at run time, an `as error` is for the reader."""
    nodes = list(ast.walk(tree))
    undefined = {each.message_args[0] for each in found if isinstance(each, messages.UndefinedName)}
    dynamic = len(undefined) > _MADE_AT_RUN_TIME or bool(scopes.names(nodes, ast.Load) & {"globals", "exec"})
    definitions = {
        node.lineno
        for node in nodes
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    handlers = {node.lineno for node in nodes if isinstance(node, ast.ExceptHandler)}
    for message in found:
        doubtful = (
            (isinstance(message, messages.UndefinedName) and dynamic)
            or (isinstance(message, messages.RedefinedWhileUnused) and message.lineno not in definitions)
            or (isinstance(message, messages.UnusedVariable) and message.lineno in handlers)
        )
        if type(message) in _PYFLAKES and not doubtful:
            yield message


def _of_function(
    function: scopes.Function, around: ast.AST, uses: values.Uses
) -> Iterator[tuple[ast.AST, str, str]]:
    try:
        for name, rule in RULES.items():
            yield from ((node, message, name) for node, message in rule(function))
        for node, message in values.unused_parameter(function, around, uses):
            yield node, message, "unused-parameter"
        for node, message in values.same_recursion(function, around):
            yield node, message, "same-recursion"
    except RecursionError:
        # An expression of some hundred terms is too deep to be written out for a message.
        return


def nearest(name: str, tree: ast.Module) -> str:
    """``: did you mean `x`?`` where the file has a name that is spelled much like it, else ""."""
    known = set().union(*map(scopes.bound, ast.walk(tree))) | {
        node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)
    }
    close = difflib.get_close_matches(name, sorted(known - {name}), 1, 0.8)
    return f": did you mean `{close[0]}`?" if close else ""
