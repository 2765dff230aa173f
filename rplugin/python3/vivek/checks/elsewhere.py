"""Does the rest of the project still fit: files that import what an edit dropped or whose parameters it changed.

Python only, by the import statements: `from package.module import name` and `import package.module`. It reads
no files; whoever calls it brings their texts, and so decides which may be looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from vivek.checks.asked import changes_names
from vivek.checks.definitions import definitions
from vivek.checks.edit import Check, Edit, failed, passed, python_tree
from vivek.checks.parameters import changed_functions, excused, fits, told
from vivek.checks.scopes import Function

NAME = "fits the project"
WEIGHT = 0.45


def check_elsewhere(edit: Edit, path: Path, sources: Iterable[tuple[Path, str]]) -> Check:
    """Fails for the first file that uses what is gone, or calls what takes other arguments now.

    path: of the edited file, absolute. sources: (absolute path, text) of other files of the project; they are
    taken one by one, so that reading them can end early.
    """
    gone = _gone(edit)
    changed = {
        name: (before, after)
        for owner, name, before, after in changed_functions(edit)
        if not owner and not excused(before, after, edit.instruction)
    }
    names = {*gone, *changed}
    for place, text in sources if names else ():
        if place == path or not any(name in text for name in names):
            continue
        tree = python_tree(text)
        detail = next(_complaints(tree, path, gone, changed), None) if tree else None
        if detail:
            return failed(NAME, WEIGHT, detail.replace("elsewhere", f"in {place.name}"))
    return passed(NAME, WEIGHT)


def _gone(edit: Edit) -> set[str]:
    """Top names of the target that the file defines no more, and that the instruction does not let go."""
    if edit.filetype != "python" or edit.tree_after is None or changes_names(edit.instruction):
        return set()
    there = {
        node.id if isinstance(node, ast.Name) else getattr(node, "asname", None) or getattr(node, "name", "")
        for node in ast.walk(edit.tree_after)
        if isinstance(node, (ast.Name, ast.alias, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    old = definitions(edit.before, edit.filetype)
    return {each.name for each in old if not each.scope and edit.first <= each.row + 1 <= edit.last} - there


def _complaints(
    tree: ast.Module, path: Path, gone: set[str], changed: dict[str, tuple[Function, Function]]
) -> Iterator[str]:
    names, modules = _imported(tree, path)
    for node in ast.walk(tree):
        used = _meant(node, names, modules)
        if used in gone:
            yield f"`{used}` is used elsewhere: keep it."
        if isinstance(node, ast.Call):
            called = _meant(node.func, names, modules)
            if called in changed:
                before, after = changed[called]
                if fits(node, before, bound=False) and not fits(node, after, bound=False):
                    yield told(node, before, after)


def _imported(tree: ast.Module, path: Path) -> tuple[dict[str, str], set[str]]:
    """Local name -> the name in the edited file; and the dotted names by which that file itself is known."""
    module = path.parent.name if path.stem == "__init__" else path.stem
    names: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            if (node.module or "").rpartition(".")[2] == module:
                names |= {alias.asname or alias.name: alias.name for alias in node.names}
            else:
                modules |= {alias.asname or alias.name for alias in node.names if alias.name == module}
        elif isinstance(node, ast.Import):
            modules |= {a.asname or a.name for a in node.names if a.name.rpartition(".")[2] == module}
    return names, modules


def _meant(node: ast.AST, names: dict[str, str], modules: set[str]) -> str:
    """Which name of the edited file an expression means; "" for none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in modules:
        return node.attr
    return ""
