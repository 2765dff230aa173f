"""Names that Python code uses and nothing defines, as pyflakes finds them.

Python only. A star import may define anything, so pyflakes finds nothing in such a file.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from pyflakes import checker, messages

from vivek.checks.asked import changes_names
from vivek.checks.edit import Check, Edit, failed, listed, parsed, passed

NAMES = "names are defined"
IMPORTS = "keeps imports"
WEIGHT = 0.45
ANNOTATION_WEIGHT = 0.2
"""For a name that stands in annotations alone: Python may never evaluate it."""


def undefined_names(text: str) -> list[str]:
    """The undefined names of a whole file, in order of first use, each once; none where it does not parse.

    A local variable that is used before any assignment counts as well.
    """
    try:
        return _undefined(parsed(text))
    except SyntaxError:
        return []


def check_names(edit: Edit) -> list[Check]:
    """Fails for names that the edit left undefined: those whose import it removed, and any other."""
    if edit.tree_after is None:
        return []
    undefined = _undefined(edit.tree_after)
    # A pass over the text before is only worth its time where there is something to compare with.
    known = _known(edit) if undefined else set()
    new = [name for name in undefined if name not in known and not _may_go(name, edit)]
    imported = _imported(edit.tree_before) if new else {}
    lost = [name for name in new if name in imported]
    return [_names([name for name in new if name not in imported], edit), _imports(lost, imported)]


def _known(edit: Edit) -> set[str]:
    """Names that were undefined before; where the text before does not parse, every name that the target
    lacks."""
    if edit.tree_before is not None:
        return set(_undefined(edit.tree_before))
    mine = set(re.findall(r"\w+", "\n".join(edit.new))) - set(re.findall(r"\w+", "\n".join(edit.old)))
    return set(re.findall(r"\w+", edit.after)) - mine


def _may_go(name: str, edit: Edit) -> bool:
    """Whether only other code uses the name, and something was to be renamed or removed: that is for the
    user."""
    return changes_names(edit.instruction) and not any(
        isinstance(node, ast.Name) and node.id == name and edit.after_first <= node.lineno <= edit.after_last
        for node in ast.walk(edit.tree_after or ast.Module([], []))
    )


def pyflakes(tree: ast.Module) -> list[messages.Message]:
    """All messages of pyflakes in order of lines; none where the code is nested too deeply for it."""
    try:
        found = checker.Checker(tree, filename="<text>", withDoctest=False).messages
    except RecursionError:
        # pyflakes walks by recursion; an expression of some hundred terms is too deep for it.
        return []
    return sorted(found, key=lambda message: (message.lineno, message.col))


def _undefined(tree: ast.Module) -> list[str]:
    kinds = (messages.UndefinedName, messages.UndefinedLocal, messages.UndefinedExport)
    ordered = [message for message in pyflakes(tree) if isinstance(message, kinds)]
    return list(dict.fromkeys(str(message.message_args[0]) for message in ordered))


def _names(names: list[str], edit: Edit) -> Check:
    if not names or edit.tree_after is None:
        return passed(NAMES, WEIGHT)
    quoted = listed(names)
    verb, it = ("is", "it") if len(names) == 1 else ("are", "them")
    weight = ANNOTATION_WEIGHT if set(names) <= _only_in_annotations(edit.tree_after) else WEIGHT
    modules = [name for name in names if name in sys.stdlib_module_names]
    if modules == names:
        statements = " and ".join(f"`import {name}`" for name in names[:5])
        return failed(NAMES, weight, f"{quoted} {verb} not imported: add {statements}.")
    return failed(NAMES, weight, f"{quoted} {verb} not defined: define {it} or import {it}.")


def _imports(names: list[str], imported: dict[str, str]) -> Check:
    if not names:
        return passed(IMPORTS, WEIGHT)
    statements = listed(list(dict.fromkeys(imported[name] for name in names)))
    verb = "is" if len(names) == 1 else "are"
    return failed(
        IMPORTS, WEIGHT, f"{listed(names)} {verb} still used but no longer imported: keep {statements}."
    )


def _imported(tree: ast.Module | None) -> dict[str, str]:
    """Each name that is imported anywhere in the file, with the statement that does it."""
    found: dict[str, str] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                alone = type(node)(**{**vars(node), "names": [alias]})
                found[alias.asname or alias.name.partition(".")[0]] = ast.unparse(alone)
    return found


def _only_in_annotations(tree: ast.Module) -> set[str]:
    """Names that are read in annotations and nowhere else, where annotations are not evaluated."""
    annotations = [part for node in ast.walk(tree) for part in _annotations(node)]
    lazy = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    inside = {id(name) for part in annotations for name in ast.walk(part)}
    within = set(_names_of(annotations)) if lazy else set()
    within |= {name for part in annotations for name in _quoted(part)}
    outside = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and (id(node) not in inside or not lazy)
    }
    return within - outside


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns:
        yield node.returns
    annotation = node.annotation if isinstance(node, (ast.AnnAssign, ast.arg)) else None
    if annotation:
        yield annotation


def _names_of(parts: list[ast.expr]) -> Iterator[str]:
    for part in parts:
        yield from (node.id for node in ast.walk(part) if isinstance(node, ast.Name))


def _quoted(annotation: ast.expr) -> Iterator[str]:
    """Names within the strings of an annotation: ``list["Later"]``."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                yield from _names_of([ast.parse(node.value, mode="eval").body])
            except (SyntaxError, ValueError):
                continue
