"""The signatures of the Python names that some lines use and that are defined elsewhere.

It bridges jedi, which knows where a name is defined, and `vivek.context.signatures`, which reads the
definition. The text is the editor's, unsaved changes included. Nothing of the project is run: no interpreter
of its own (see `vivek.context.interpreters`), no extension module, no ``conftest.py``. Builtins and the
standard library are left out: every model knows them, and each signature costs a second of reading.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jedi
from jedi.api.classes import Name
from tree_sitter import Node, Tree

from vivek.context.interpreters import Interpreter, interpreter_for
from vivek.context.signatures import definition_at, first_sentence, qualified_name, signature
from vivek.grammar import parse

jedi.settings.auto_import_modules = []
jedi.settings.dynamic_params = False
jedi.settings.dynamic_params_for_other_modules = False

LARGE_LINES = 2000
"""From this many lines on, jedi sees functions outside of the selection without their bodies: it reads
12,000 lines a second (measured on one 2 GHz core), and all of them before its first answer."""

_POLL_SECONDS = 0.01
_UNNAMED = Path()
_TYPESHED = Path(jedi.__file__).resolve().parent
_JEDI = threading.Lock()
_UNREADABLE = (
    jedi.InternalError,
    jedi.InvalidPythonEnvironment,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What jedi raises from its insides on code that it does not understand. A name that it cannot follow is
passed over: signatures help, but nothing depends on one."""


@dataclass(frozen=True)
class Symbol:
    """A definition that is used elsewhere.

    name: with its classes, ``Tree.walk``. signature: one line, as in code. doc: the first sentence of the
    docstring, "" without one. path: "." for a buffer without a name. line: 1-based, of the name.
    """

    name: str
    signature: str
    doc: str
    path: Path
    line: int


class Symbols:
    """Looks up the symbols of one project.

    root: the project's folder, None for a file on its own. trusted: whether an interpreter inside the
    project may be started. excluded: tells the files of the project whose content must not enter a prompt
    (`Ignore.excluded`); it is not asked about installed packages, which an ignored ``.venv`` may hold.
    """

    def __init__(
        self,
        root: Path | None,
        *,
        trusted: bool = False,
        excluded: Callable[[Path], object] = lambda _: False,
    ) -> None:
        self._root = root
        self._trusted = trusted
        self._excluded = excluded

    def used_in(
        self,
        text: str,
        path: Path | None,
        first: int,
        last: int,
        *,
        limit: int = 12,
        cancelled: Callable[[], bool] = lambda: False,
        seconds: float = 2.0,
    ) -> list[Symbol]:
        """Functions, methods and classes that the lines first..last use and do not define.

        The project's own come first, then those of installed packages, each in the order of the text with
        the called ones in front. At most `limit`; fewer where `cancelled` turns true or `seconds` have
        passed, which end the wait at once. A search that is under way then gives up at its next step.
        """
        search = _Search(text, path, range(first - 1, last), limit=limit, excluded=self._excluded)
        search.start(self._root, trusted=self._trusted)
        deadline = time.monotonic() + seconds
        while not search.done.wait(_POLL_SECONDS) and not cancelled() and time.monotonic() < deadline:
            pass
        search.stopped.set()
        return search.result()


class _Search:
    """One search, in a thread of its own, since jedi cannot be interrupted. All searches share one lock:
    jedi's caches are not thread safe."""

    def __init__(
        self, text: str, path: Path | None, rows: range, *, limit: int, excluded: Callable[[Path], object]
    ) -> None:
        self.done = threading.Event()
        self.stopped = threading.Event()
        self._text = _clean(text)
        self._path = path.absolute() if path else None
        self._rows = rows
        self._limit = limit
        self._excluded = excluded
        self._found: list[tuple[bool, Symbol]] = []
        self._sources: dict[Path, tuple[list[str], Tree | None]] = {}

    def start(self, root: Path | None, *, trusted: bool) -> None:
        threading.Thread(target=self._run, args=(root, trusted), name="vivek-jedi", daemon=True).start()

    def result(self) -> list[Symbol]:
        """What has been found so far, the project's own first."""
        found = list(self._found)
        return [symbol for installed, symbol in sorted(found, key=lambda pair: pair[0])]

    def _run(self, root: Path | None, trusted: bool) -> None:
        try:
            with _JEDI, suppress(*_UNREADABLE):
                if not self.stopped.is_set():
                    self._look_up(root, trusted)
        finally:
            self.done.set()

    def _look_up(self, root: Path | None, trusted: bool) -> None:
        tree = parse(self._text, "python")
        names = list(_used_names(tree.root_node, self._rows)) if tree else []
        if tree is None or not names:
            return
        interpreter = interpreter_for(root, trusted=trusted)
        home = root or (self._path.parent if self._path else None)
        script = self._script(tree, home, interpreter)
        seen: set[tuple[Path, int]] = set()
        for name in names:
            if self.stopped.is_set() or len(self._found) >= self._limit:
                return
            with suppress(*_UNREADABLE):
                for definition in self._definitions(script, name):
                    self._keep(definition, home, interpreter, seen)

    def _script(self, tree: Tree, home: Path | None, interpreter: Interpreter) -> jedi.Script:
        project = jedi.Project(
            home or Path("/"),
            sys_path=interpreter.paths,
            smart_sys_path=home is not None,
            load_unsafe_extensions=False,
        )
        lines = self._text.split("\n")
        code = _hollow(lines, tree.root_node, self._rows) if len(lines) >= LARGE_LINES else self._text
        return jedi.Script(code, path=self._path, environment=interpreter.environment, project=project)

    def _definitions(self, script: jedi.Script, name: Node) -> list[Name]:
        row, column = name.start_point
        line = self._text.split("\n", row + 1)[row]
        found = script.goto(row + 1, _characters(line, column), follow_imports=True)
        return [one for one in found if one.line is not None][:1]

    def _keep(
        self, definition: Name, home: Path | None, interpreter: Interpreter, seen: set[tuple[Path, int]]
    ) -> None:
        """Add the definition, where it is one that a prompt may have and has not yet."""
        path = Path(definition.module_path) if definition.module_path else _UNNAMED
        own = path == (self._path or _UNNAMED)
        place = (path, definition.line)
        if place in seen or (own and definition.line - 1 in self._rows):
            return
        seen.add(place)
        real = path.resolve()
        if real.is_relative_to(_TYPESHED):
            return
        installed = any(real.is_relative_to(site) for site in interpreter.sites)
        in_project = own or (home is not None and real.is_relative_to(home.resolve()))
        if not installed and (not in_project or (path != _UNNAMED and self._excluded(path))):
            return
        symbol = self._symbol(path, definition.line, definition.column, own=own)
        if symbol is not None:
            self._found.append((installed, symbol))

    def _symbol(self, path: Path, line: int, column: int, *, own: bool) -> Symbol | None:
        if path not in self._sources:
            text = self._text if own else _clean(path.read_text(encoding="utf-8", errors="replace"))
            self._sources[path] = text.split("\n"), parse(text, "python")
        lines, tree = self._sources[path]
        if tree is None or line > len(lines):
            return None
        node = definition_at(tree.root_node, line - 1, _bytes(lines[line - 1], column))
        if node is None:
            return None
        return Symbol(qualified_name(node), signature(node), first_sentence(node), path, line)


def _clean(text: str) -> str:
    """The text with a blank for what Python's own tools take for a line's end or cannot read, column for
    column."""
    blanked = text.translate({0: " ", ord("\r"): " ", ord("\f"): " "})
    return blanked.encode("utf-8", "replace").decode("utf-8")


def _used_names(root: Node, rows: range) -> Iterator[Node]:
    """Identifiers in the rows that may name something defined elsewhere, called ones first, each expression
    once."""
    if not rows:
        return
    called: dict[bytes, Node] = {}
    others: dict[bytes, Node] = {}
    for node in _identifiers(root, rows):
        whole = _expression(node)
        text = whole.text or b""
        around = whole.parent
        if whole == node and _is_plain(node):
            continue
        is_called = (
            around is not None and around.type == "call" and around.child_by_field_name("function") == whole
        )
        (called if is_called else others).setdefault(text, node)
    yield from called.values()
    yield from (node for text, node in others.items() if text not in called)


def _identifiers(root: Node, rows: range) -> Iterator[Node]:
    """All identifiers in the rows, in order; a loop, for deeply nested code must not exhaust the stack."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node.end_point.row < rows.start or node.start_point.row >= rows.stop:
            continue
        if node.type == "identifier":
            yield node
        stack.extend(reversed(node.named_children))


def _expression(name: Node) -> Node:
    """``a.b.c`` for its c; the name itself otherwise."""
    around = name.parent
    if around is not None and around.type == "attribute" and around.child_by_field_name("attribute") == name:
        return around
    return name


def _is_plain(name: Node) -> bool:
    """Whether a bare name cannot lead anywhere: a builtin, a keyword argument, a parameter, a definition's
    own."""
    text = (name.text or b"").decode("utf-8", "replace")
    if text in ("self", "cls"):
        return True
    around = name.parent
    if around is None or around.type == "parameters":
        return True
    named = around.child_by_field_name("name")
    return named is not None and named == name


def _hollow(lines: list[str], root: Node, rows: range) -> str:
    """The text with the bodies of functions outside of the rows left blank, line for line.

    An ``__init__`` keeps its body, since it tells what the attributes are.
    """
    hollow = list(lines)
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type != "function_definition":
            stack.extend(node.named_children)
            continue
        body = node.child_by_field_name("body")
        name = node.child_by_field_name("name")
        if body is None or name is None or name.text == b"__init__":
            continue
        first, last = body.start_point.row, body.end_point.row
        if first == name.start_point.row or (node.start_point.row < rows.stop and last >= rows.start):
            continue
        indent = " " * body.start_point.column
        hollow[first : last + 1] = [f"{indent}pass", *[""] * (last - first)]
    return "\n".join(hollow)


def _characters(line: str, column: int) -> int:
    """A column in bytes of UTF-8 as one in characters."""
    return len(line.encode("utf-8")[:column].decode("utf-8", "ignore"))


def _bytes(line: str, column: int) -> int:
    """A column in characters as one in bytes of UTF-8."""
    return len(line[:column].encode("utf-8"))
