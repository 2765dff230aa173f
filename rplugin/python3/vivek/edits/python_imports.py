"""Imports in Python: which are there, which are missing, and where they go.

Where a file does not parse, its lines are read instead.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vivek.edits.indent import is_blank
from vivek.edits.python_source import tree

_IMPORT_LINE = re.compile(r"(?:import\s+\w|from\s+[.\w]+\s+import\b)")


@dataclass(frozen=True)
class Binding:
    """What one name of an import means: ``from module import member as name``; member "" for ``import
    module``."""

    module: str
    member: str
    name: str

    @classmethod
    def of(cls, node: ast.stmt) -> Iterator[Binding]:
        """The bindings of an import statement; none of any other."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield cls(alias.name, "", alias.asname or alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                yield cls(module, alias.name, alias.asname or alias.name)

    def statement(self) -> str:
        """The statement that makes this binding alone."""
        if not self.member:
            return f"import {self.module}" + (f" as {self.name}" if self.name != self.module else "")
        return f"from {self.module} import {self.member}" + (
            f" as {self.name}" if self.name != self.member else ""
        )


def leading(block: str) -> list[tuple[int, int]]:
    """The lines of each import that the block begins with (0-based, half open)."""
    module = tree(block)
    if module is None:
        return _leading_lines(block.split("\n"))
    found: list[tuple[int, int]] = []
    for node in module.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or (found and node.lineno <= found[-1][1]):
            break
        found.append((node.lineno - 1, node.end_lineno or node.lineno))
    following = module.body[len(found)].lineno if len(found) < len(module.body) else None
    return found if not found or following != found[-1][1] else []


def add(text: str, statements: Iterable[str]) -> str:
    """The text with what it lacks of the statements in its import section."""
    section = _Section.of(text)
    present, bound = section.bindings, section.bound
    for statement in statements:
        put = _lacking(statement, present, bound)
        if put:
            text = section.with_statement(text, put)
            section = _Section.of(text)
            present |= section.bindings
            bound |= section.bound
    return text


def bound_at_top(text: str) -> tuple[set[Binding], set[str]]:
    """What a text imports at its top level, and all names that it binds there; a module that is imported under its own
    name is there as ``name.`` too."""
    section = _Section.of(text)
    return section.bindings, section.bound


def _lacking(statement: str, present: set[Binding], bound: set[str]) -> str:
    """What of a statement a file lacks, as a statement; "" for nothing."""
    module = tree(statement)
    if module is None or len(module.body) != 1:
        return ""
    bindings = list(Binding.of(module.body[0]))
    missing = [each for each in bindings if each not in present and _free(each, bound)]
    if not missing:
        return ""
    if len(missing) == len(bindings):
        return statement.strip()
    if not missing[0].member:
        return "import " + ", ".join(each.statement().removeprefix("import ") for each in missing)
    names = (each.member + (f" as {each.name}" if each.name != each.member else "") for each in missing)
    return f"from {missing[0].module} import {', '.join(names)}"


def _free(binding: Binding, bound: set[str]) -> bool:
    """Whether a binding takes no name that means something else. ``import a.b`` binds `a` as ``import a``
    does."""
    if binding.member == "*":
        return True
    if not binding.member and binding.name == binding.module:
        root = binding.module.partition(".")[0]
        return root not in bound or f"{root}." in bound
    return binding.name not in bound


@dataclass(frozen=True)
class _Section:
    """A file's import section.

    after_future, after_standard, end: lines (0-based) where `from __future__`, a module of the standard
    library and any other import go. bare: there is no import yet. bound: names that the file binds at its top
    level; a module that is imported under its own name is there as ``name.`` too.
    """

    after_future: int
    after_standard: int
    end: int
    bare: bool
    bindings: set[Binding]
    bound: set[str]

    @classmethod
    def of(cls, text: str) -> _Section:
        """Read the section of a file's text."""
        lines = text.split("\n")
        module = tree(text)
        if module is None:
            return cls._of_lines(lines)
        head = _header_end(lines)
        future = standard = end = 0
        for k, node in enumerate(module.body):
            if k == 0 and _is_docstring(node):
                head = node.end_lineno or node.lineno
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                end = node.end_lineno or node.lineno
                is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
                future = end if is_future else future
                standard = end if not is_future and _is_standard(node) else standard
            else:
                break
        bindings = {each for node in _top_level(module) for each in Binding.of(node)}
        after_future = future or head
        bare = end <= future
        return cls(
            after_future, standard or end or head, end or head, bare, bindings, _bound(module, bindings)
        )

    @classmethod
    def _of_lines(cls, lines: Sequence[str]) -> _Section:
        """The section of a file that does not parse, as its lines tell."""
        spans = _import_lines(lines)
        head = _header_end(lines)
        bindings: set[Binding] = set()
        for first, last in spans:
            module = tree("\n".join(lines[first:last]))
            bindings |= {each for node in (module.body if module else []) for each in Binding.of(node)}
        future = max((last for first, last in spans if "__future__" in lines[first]), default=0)
        end = spans[-1][1] if spans else head
        return cls(future or head, end, end, not spans, bindings, {each.name for each in bindings})

    def with_statement(self, text: str, statement: str) -> str:
        """The text with a statement where its kind belongs, set apart by blank lines where it is the
        first."""
        lines = text.split("\n")
        end = "\r" if sum(line.endswith("\r") for line in lines[:-1]) * 2 > len(lines[:-1]) else ""
        is_future = "__future__" in statement.split("import", maxsplit=1)[0]
        at = self.end
        if is_future:
            at = self.after_future
        elif not self.bare and _is_standard_statement(statement):
            at = self.after_standard
        put = statement.split("\n")
        if self.bare or is_future:
            put = [*_gap_above(lines, at, is_future), *put, *_gap_below(lines, at)]
        return "\n".join([*lines[:at], *(line + end for line in put), *lines[at:]])


def _gap_above(lines: Sequence[str], at: int, is_future: bool) -> list[str]:
    above = lines[at - 1] if at else ""
    return [] if is_blank(above) or (is_future and _IMPORT_LINE.match(above)) else [""]


def _gap_below(lines: Sequence[str], at: int) -> list[str]:
    """The blank lines between the first import and what follows: two before a definition, as PEP 8 has it."""
    if at >= len(lines) or is_blank(lines[at]) or _IMPORT_LINE.match(lines[at]):
        return []
    return ["", ""] if re.match(r"(?:async\s+def|def|class|@)", lines[at]) else [""]


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_standard(node: ast.Import | ast.ImportFrom) -> bool:
    if isinstance(node, ast.ImportFrom):
        return not node.level and (node.module or "").partition(".")[0] in sys.stdlib_module_names
    return all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in node.names)


def _is_standard_statement(statement: str) -> bool:
    module = tree(statement)
    node = module.body[0] if module and module.body else None
    return isinstance(node, (ast.Import, ast.ImportFrom)) and _is_standard(node)


def _top_level(module: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, those under `if`, `try` and `with` included."""
    pending: list[ast.stmt] = list(module.body)
    while pending:
        node = pending.pop(0)
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            pending += [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
            if isinstance(node, ast.Try):
                pending += [part for handler in node.handlers for part in handler.body]


def _bound(module: ast.Module, bindings: set[Binding]) -> set[str]:
    bound = {each.name.partition(".")[0] for each in bindings}
    bound |= {f"{each.module.partition('.')[0]}." for each in bindings if not each.member}
    for node in _top_level(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound |= {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
    return bound


def _header_end(lines: Sequence[str]) -> int:
    """After the comments on top (interpreter, encoding, licence) that a blank line sets apart from the
    code."""
    end = k = 0
    while k < len(lines) and (lines[k].startswith("#") or is_blank(lines[k])):
        if (k < 2 and re.match(r"#!|#.*coding[:=]", lines[k])) or (
            lines[k].startswith("#") and k + 1 < len(lines) and is_blank(lines[k + 1])
        ):
            end = k + 1
        k += 1
    return end


def _import_lines(lines: Sequence[str]) -> list[tuple[int, int]]:
    """The imports at the left margin before the first definition."""
    found: list[tuple[int, int]] = []
    k = 0
    while k < len(lines) and not re.match(r"(?:async\s+def|def|class)\b|@", lines[k]):
        last = _statement_end(lines, k) if _IMPORT_LINE.match(lines[k]) else k
        found += [(k, last)] if last > k else []
        k = max(last, k + 1)
    return found


def _leading_lines(lines: Sequence[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    k = 0
    while k < len(lines):
        if _IMPORT_LINE.match(lines[k].lstrip()):
            found.append((k, _statement_end(lines, k)))
            k = found[-1][1]
        elif is_blank(lines[k]) or lines[k].lstrip().startswith("#"):
            k += 1
        else:
            break
    return found


def _statement_end(lines: Sequence[str], k: int) -> int:
    """After the statement at line `k`: past its closing parenthesis and its continued lines."""
    end = k
    while end + 1 < len(lines) and lines[end].rstrip().endswith("\\"):
        end += 1
    if "(" in lines[k] and ")" not in lines[k]:
        while end + 1 < len(lines) and ")" not in lines[end]:
            end += 1
    return end + 1
