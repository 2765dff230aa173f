"""Correct edits of real code, made without any model: what a good model would have replied to an instruction.

Python's own library, C and C++ and JavaScript of the virtual environment, Lua of this project, Go and JavaScript of
``data/sources``. Each recipe changes one function by its syntax tree so that the result is right by construction, and
brings the instruction that fits.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tree_sitter

import corpus
from vivek.grammar import filetype_of, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
SOURCES = Path(__file__).parent / "data" / "sources"
LARGEST = 14_000
"""Bytes of a Python file: pyflakes reads it four times for each edit."""


@dataclass(frozen=True)
class Change:
    """An edit. first, last: the target's lines in `text`, 1-based and inclusive; code: what comes in their place."""

    kind: str
    filetype: str
    text: str
    first: int
    last: int
    code: str
    instruction: str
    where: str


def python_changes(count: int) -> list[Change]:
    """So many correct edits of Python, as many of each kind as there are, in turn."""
    found: dict[str, list[Change]] = {name: [] for name, _ in PYTHON}
    for path in _python_files():
        text = path.read_text("utf-8")
        functions = _functions(text)
        for index, (function, last) in enumerate(functions):
            turn = int(hashlib.sha256(f"{path.name} {function.name}".encode()).hexdigest(), 16)
            for name, recipe in (PYTHON[(turn + step) % len(PYTHON)] for step in range(4)):
                made = recipe(text, function, last, functions[index + 1 :])
                if made:
                    found[name].append(_change(name, "python", text, made, f"{path.name}:{function.lineno}"))
                    break
    return _in_turn(found, count)


def other_changes(count: int) -> list[Change]:
    """So many correct edits of C, C++, Go, JavaScript and Lua, as many of each language as there are."""
    found: dict[str, list[Change]] = {}
    for path in _other_files():
        filetype = filetype_of(path)
        filetype = "c" if path.suffix == ".h" and "greenlet" not in str(path) else filetype
        text = path.read_text("utf-8", "replace")
        for number, (node, inner) in enumerate(_braced(text, filetype)):
            for name, recipe in OTHERS if number % 2 else OTHERS[::-1]:
                made = recipe(text, filetype, node, inner)
                if made:
                    where = f"{path.name}:{node.start_point[0] + 1}"
                    found.setdefault(filetype, []).append(_change(name, filetype, text, made, where))
    spread = {
        key: sorted(each, key=lambda change: hash_of(change.where + change.kind))
        for key, each in found.items()
    }
    return _in_turn(spread, count)


def hash_of(text: str) -> str:
    """An order that is no order."""
    return hashlib.sha256(text.encode()).hexdigest()


Made = tuple[int, int, str, str]
"""(first, last, code, instruction)"""


def _change(kind: str, filetype: str, text: str, made: Made, where: str) -> Change:
    first, last, code, instruction = made
    return Change(kind, filetype, text, first, last, code, instruction, where)


def _in_turn(found: dict[str, list[Change]], count: int) -> list[Change]:
    longest = max(map(len, found.values()), default=0)
    rows = ([each[row] for each in found.values() if row < len(each)] for row in range(longest))
    return [change for row in rows for change in row][:count]


def _python_files() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    paths = [
        path
        for folder in (
            root,
            root / "json",
            root / "email",
            root / "http",
            root / "asyncio",
            root / "collections",
        )
        for path in folder.glob("*.py")
        if 1_000 < path.stat().st_size < LARGEST and "\t" not in path.read_text("utf-8", "replace")
    ]
    return sorted(paths, key=lambda path: hash_of(path.name))


def _other_files() -> list[Path]:
    installed = Path(sysconfig.get_path("purelib"))
    folders = [
        (installed, "*.c"),
        (installed, "*.cpp"),
        (installed, "*.js"),
        (corpus.PROJECT / "lua", "*.lua"),
    ]
    folders += [(Path(sysconfig.get_path("include")), "*.h"), (SOURCES, "*")]
    found = {path for folder, pattern in folders for path in folder.rglob(pattern)}
    return sorted(path for path in found if 300 < path.stat().st_size < 60_000 and ".min." not in path.name)


def _functions(text: str) -> list[tuple[Function, int]]:
    """Functions and methods with their last lines, none within functions, whose body starts on a line of its own."""
    tree = ast.parse(text)
    places = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    return [
        (node, node.end_lineno or node.lineno)
        for place in places
        for node in place.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body[0].lineno > _head_end(node)
        and 3 <= (node.end_lineno or 0) - node.lineno <= 90
    ]


def _head_end(function: Function) -> int:
    parts = [*ast.walk(function.args), *([function.returns] if function.returns else [])]
    return max([function.lineno, *(getattr(part, "end_lineno", 0) for part in parts)])


def _first(function: Function) -> int:
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])


def _block(text: str, function: Function, last: int) -> list[str]:
    return text.split("\n")[_first(function) - 1 : last]


def _whole(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _indent(function: Function) -> str:
    return " " * function.body[0].col_offset


def _body_row(function: Function) -> int:
    """0-based row within the block at which new statements may go: behind the docstring."""
    body = function.body
    documented = ast.get_docstring(function, clean=False) is not None
    if documented:
        return (body[0].end_lineno or 0) - _first(function) + 1
    return min([body[0].lineno, *(each.lineno for each in getattr(body[0], "decorator_list", []))]) - _first(
        function
    )


def _inserted(text: str, function: Function, last: int, lines: list[str], instruction: str) -> Made:
    block, row = _block(text, function, last), _body_row(function)
    new = [*block[:row], *(_indent(function) + line for line in lines), *block[row:]]
    return _first(function), last, _whole(new), instruction


def _parameter(function: Function) -> str:
    return next((each.arg for each in function.args.args if each.arg not in {"self", "cls"}), "")


def _spliced(text: str, function: Function, last: int, places: list[tuple[int, int, int, str]]) -> str:
    """The block with (line, column, end column, text) put in, columns in bytes."""
    block = [line.encode() for line in _block(text, function, last)]
    for line, start, end, new in sorted(places, reverse=True):
        row = line - _first(function)
        block[row] = block[row][:start] + new.encode() + block[row][end:]
    return _whole([line.decode() for line in block])


def _has(function: Function, *kinds: type[ast.AST]) -> bool:
    return any(isinstance(node, kinds) for node in ast.walk(function) if node is not function)


_SCOPES = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.Global,
    ast.Nonlocal,
    ast.JoinedStr,
)


def _rename(function: Function, name: str) -> list[tuple[int, int, int, str]]:
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == name]
    return [(node.lineno, node.col_offset, node.end_col_offset or 0, f"{name}_value") for node in nodes]


def rename_local(text: str, function: Function, last: int, _rest: object) -> Made | None:
    stored = [n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    arguments = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    handled = {node.name for node in ast.walk(function) if isinstance(node, ast.ExceptHandler)}
    name = next((each for each in stored if each not in arguments | handled), "")
    if not name or _has(function, *_SCOPES, ast.Import, ast.ImportFrom, ast.Match):
        return None
    code = _spliced(text, function, last, _rename(function, name))
    return _first(function), last, code, f"Rename `{name}` to `{name}_value`."


def rename_parameter(text: str, function: Function, last: int, _rest: object) -> Made | None:
    name = _parameter(function)
    if not name or _has(function, *_SCOPES):
        return None
    argument = next(each for each in function.args.args if each.arg == name)
    places = [
        *_rename(function, name),
        (argument.lineno, argument.col_offset, argument.col_offset + len(name), f"{name}_value"),
    ]
    return (
        _first(function),
        last,
        _spliced(text, function, last, places),
        f"Rename the parameter {name} to {name}_value.",
    )


def add_docstring(text: str, function: Function, last: int, _rest: object) -> Made | None:
    if ast.get_docstring(function) is not None:
        return None
    words = function.name.strip("_").replace("_", " ")
    return _inserted(text, function, last, [f'"""{words.capitalize()}."""'], "Add a docstring.")


def add_type_hints(text: str, function: Function, last: int, _rest: object) -> Made | None:
    every = [each for each in function.args.args if each.arg not in {"self", "cls"}]
    if not every or any(each.annotation for each in every):
        return None
    places = [(each.lineno, each.end_col_offset or 0, each.end_col_offset or 0, ": object") for each in every]
    return _first(function), last, _spliced(text, function, last, places), "Add type hints to the parameters."


def add_parameter(text: str, function: Function, last: int, _rest: object) -> Made | None:
    given = function.args.args
    if not given or function.args.vararg or function.args.kwonlyargs or function.name.startswith("__"):
        return None
    ends = [(given[-1].end_lineno or 0, given[-1].end_col_offset or 0)]
    ends += [(each.end_lineno or 0, each.end_col_offset or 0) for each in function.args.defaults]
    line, column = max(ends)
    block = _spliced(text, function, last, [(line, column, column, ", verbose=False")]).split("\n")[:-1]
    row = _body_row(function)
    lines = [f"{_indent(function)}if verbose:", f'{_indent(function)}    print("{function.name}")']
    instruction = "Add an optional parameter that makes it print its own name."
    return _first(function), last, _whole([*block[:row], *lines, *block[row:]]), instruction


def wrap_in_try(text: str, function: Function, last: int, _rest: object) -> Made | None:
    block, row, indent = _block(text, function, last), _body_row(function), _indent(function)
    if row >= len(block) or '"""' in "\n".join(block[row:]) or "'''" in "\n".join(block[row:]):
        return None
    inner = ["    " + line if line.strip() else line for line in block[row:]]
    tail = [f"{indent}except OSError as error:", f'{indent}    raise RuntimeError("it failed") from error']
    code = _whole([*block[:row], f"{indent}try:", *inner, *tail])
    return _first(function), last, code, "Turn an OSError in the body into a RuntimeError."


def name_a_number(text: str, function: Function, last: int, _rest: object) -> Made | None:
    if _has(function, *_SCOPES, ast.Match):
        return None
    numbers = [
        node
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1
    ]
    if not numbers:
        return None
    number = numbers[0]
    place = (number.lineno, number.col_offset, number.end_col_offset or 0, "limit")
    block, row = _spliced(text, function, last, [place]).split("\n")[:-1], _body_row(function)
    line = f"{_indent(function)}limit = {number.value}"
    return (
        _first(function),
        last,
        _whole([*block[:row], line, *block[row:]]),
        f"Extract the number {number.value} into a variable.",
    )


def use_f_string(text: str, function: Function, last: int, _rest: object) -> Made | None:
    for node in ast.walk(function):
        if (
            not isinstance(node, ast.BinOp)
            or not isinstance(node.op, ast.Mod)
            or node.lineno != node.end_lineno
        ):
            continue
        if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            parts = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
            pieces = node.left.value.split("%s")
            odd = re.search(r"[%{}'\"\\\n]", "".join(pieces))
            if odd or len(pieces) != len(parts) + 1 or not all(isinstance(part, ast.Name) for part in parts):
                continue
            names = [f"{{{ast.unparse(part)}}}" for part in parts] + [""]
            new = 'f"' + "".join(piece + name for piece, name in zip(pieces, names, strict=True)) + '"'
            place = (node.lineno, node.col_offset, node.end_col_offset or 0, new)
            return _first(function), last, _spliced(text, function, last, [place]), "Use an f-string."
    return None


def return_early(text: str, function: Function, last: int, _rest: object) -> Made | None:
    name = _parameter(function)
    lines = [f"if {name} is None:", "    return None"]
    return _inserted(text, function, last, lines, f"Return None where {name} is None.") if name else None


def add_helper(text: str, function: Function, last: int, _rest: object) -> Made | None:
    name = _parameter(function)
    if not name or function.col_offset:
        return None
    helper = [
        "def _checked(value):",
        "    if value is None:",
        '        raise ValueError("a value is needed")',
        "    return value",
        "",
        "",
    ]
    first, last, code, instruction = _inserted(
        text,
        function,
        last,
        [f"{name} = _checked({name})"],
        "Move a check for None into a helper `_checked`.",
    )
    return first, last, _whole(helper)[:-1] + "\n" + code, instruction


def reformat(text: str, function: Function, last: int, _rest: object) -> Made | None:
    block = _whole(_block(text, function, last))
    code = block if not function.col_offset else "class A:\n" + block
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=False)
    new = done.stdout if not function.col_offset else done.stdout.removeprefix("class A:\n")
    return (_first(function), last, new, "Format this.") if done.returncode == 0 and new != block else None


def remove_function(
    text: str, function: Function, last: int, rest: list[tuple[Function, int]]
) -> Made | None:
    following = next(iter(rest), None)
    if following is None or following[0].col_offset != function.col_offset or _first(following[0]) - last > 4:
        return None
    if len(re.findall(rf"\b{re.escape(function.name)}\b", text)) != 1:
        return None
    code = _whole(_block(text, *following))
    return _first(function), following[1], code, f"Remove `{function.name}`, nobody uses it."


def log_the_call(text: str, function: Function, last: int, _rest: object) -> Made | None:
    if re.search(r"\blogging\b", text):
        return None
    made = _inserted(
        text, function, last, [f'logging.debug("{function.name}")'], "Log each call with logging.debug."
    )
    return made[0], made[1], "import logging\n\n\n" + made[2] if not function.col_offset else made[2], made[3]


def add_comment(text: str, function: Function, last: int, _rest: object) -> Made | None:
    return _inserted(text, function, last, ["# What follows is the work itself."], "Comment this.")


def remove_comments(text: str, function: Function, last: int, _rest: object) -> Made | None:
    block = _block(text, function, last)
    kept = [line for line in block if not line.lstrip().startswith("#")]
    if len(kept) == len(block) or '"""' in "\n".join(block) or "'''" in "\n".join(block):
        return None
    return _first(function), last, _whole(kept), "Remove the comments."


def document_one_of_a_class(text: str, function: Function, last: int, _rest: object) -> Made | None:
    """The whole class is the target, one method is named."""
    holder = next(
        (
            n
            for n in ast.parse(text).body
            if isinstance(n, ast.ClassDef) and n.lineno < function.lineno <= (n.end_lineno or 0)
        ),
        None,
    )
    if (
        holder is None
        or ast.get_docstring(function) is not None
        or (holder.end_lineno or 0) - holder.lineno > 120
    ):
        return None
    made = _inserted(text, function, last, ['"""Do it."""'], f"Add a docstring to `{function.name}`.")
    lines, first = text.split("\n"), _first_of_class(holder)
    end = holder.end_lineno or holder.lineno
    code = _whole(lines[first - 1 : made[0] - 1]) + made[2] + (_whole(lines[last:end]) if last < end else "")
    return first, end, code, made[3]


def _first_of_class(holder: ast.ClassDef) -> int:
    return min([holder.lineno, *(each.lineno for each in holder.decorator_list)])


Recipe = Callable[[str, Function, int, list[tuple[Function, int]]], "Made | None"]
PYTHON: list[tuple[str, Recipe]] = [
    (recipe.__name__.replace("_", " "), recipe)
    for recipe in (
        rename_local,
        rename_parameter,
        add_docstring,
        add_type_hints,
        add_parameter,
        wrap_in_try,
        name_a_number,
        use_f_string,
        return_early,
        add_helper,
        reformat,
        remove_function,
        log_the_call,
        add_comment,
        remove_comments,
        document_one_of_a_class,
    )
]

_COMMENT = {"lua": "--"}
_PRINT = {"lua": 'print("{}")', "javascript": 'console.log("{}");', "go": 'println("{}")'}
_HELPER = {
    "lua": ["local function twice(value)", "  return value + value", "end"],
    "javascript": ["function twice(value) {", "  return value + value;", "}"],
    "go": ["func twice(value int) int {", "\treturn value + value", "}"],
}
_C_HELPER = ["static int twice(int value) {", "    return value + value;", "}"]
_KINDS = {"function_definition", "function_declaration", "method_declaration", "method_definition"}


def _braced(text: str, filetype: str) -> Iterator[tuple[tree_sitter.Node, tree_sitter.Node]]:
    """Functions whose first statement stands on a line of its own, and that statement."""
    tree = parse(text, filetype)
    pending = [tree.root_node] if tree else []
    while pending:
        node = pending.pop()
        body = node.child_by_field_name("body")
        if node.type in _KINDS and body and body.named_children and not node.has_error:
            inner = body.named_children[0]
            while filetype == "go" and inner.type == "statement_list":
                inner = inner.named_children[0]
            own_line = inner.start_point[0] > node.start_point[0] and inner.start_point[0] < node.end_point[0]
            starts = not text.split("\n")[node.start_point[0]].encode()[: node.start_point[1]].strip()
            if own_line and starts and node.end_point[0] - node.start_point[0] < 90:
                yield node, inner
                continue
        pending += reversed(node.named_children)


def _lines(text: str, node: tree_sitter.Node) -> list[str]:
    return text.split("\n")[node.start_point[0] : node.end_point[0] + 1]


def _put(
    text: str, node: tree_sitter.Node, inner: tree_sitter.Node, line: str, instruction: str
) -> Made | None:
    lines, row = _lines(text, node), inner.start_point[0] - node.start_point[0]
    indent = re.match(r"\s*", lines[row])
    assert indent is not None
    # Something may stand before the statement, as a brace or a comment does.
    if lines[row][: indent.end()] != lines[row].encode()[: inner.start_point[1]].decode("utf-8", "replace"):
        return None
    code = _whole([*lines[:row], indent[0] + line, *lines[row:]])
    return node.start_point[0] + 1, node.end_point[0] + 1, code, instruction


def comment(text: str, filetype: str, node: tree_sitter.Node, inner: tree_sitter.Node) -> Made | None:
    mark = _COMMENT.get(filetype, "//")
    return _put(text, node, inner, f"{mark} What follows is the work itself.", "Comment this.")


def report(text: str, filetype: str, node: tree_sitter.Node, inner: tree_sitter.Node) -> Made | None:
    line = _PRINT.get(filetype, 'puts("{}");').format("called")
    return _put(text, node, inner, line, "Print a line at each call.")


def helper(text: str, filetype: str, node: tree_sitter.Node, inner: tree_sitter.Node) -> Made | None:
    if node.start_point[1]:
        return None
    lines = [
        line.replace("    ", "\t") if "\n\t" in text else line for line in _HELPER.get(filetype, _C_HELPER)
    ]
    code = _whole([*lines, "", *_lines(text, node)])
    return node.start_point[0] + 1, node.end_point[0] + 1, code, "Add a helper that doubles a value."


def rename(text: str, filetype: str, node: tree_sitter.Node, inner: tree_sitter.Node) -> Made | None:
    code = _whole(_lines(text, node))
    declared = re.findall(
        r"^\s+(?:local|const|let|var|int|char \*|size_t)\s+([a-z]\w{2,})\s*=", code, re.MULTILINE
    )
    name = next(
        (
            each
            for each in declared
            if not re.search(rf"(?:[.>:'\"]|[\w}}]\s*{{\s*){each}\b|\b{each}\s*:", code)
        ),
        "",
    )
    if not name:
        return None
    new = re.sub(rf"\b{name}\b", f"{name}_value", code)
    return node.start_point[0] + 1, node.end_point[0] + 1, new, f"Rename `{name}` to `{name}_value`."


def uncomment(text: str, filetype: str, node: tree_sitter.Node, inner: tree_sitter.Node) -> Made | None:
    mark = _COMMENT.get(filetype, "//")
    lines = _lines(text, node)
    kept = [line for line in lines if not line.lstrip().startswith(mark)]
    if len(kept) == len(lines) or "/*" in "".join(lines):
        return None
    return node.start_point[0] + 1, node.end_point[0] + 1, _whole(kept), "Remove the comments."


OTHERS = [
    ("comment", comment),
    ("report", report),
    ("helper", helper),
    ("rename", rename),
    ("uncomment", uncomment),
]
