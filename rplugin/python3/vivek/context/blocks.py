"""The definitions of a file: which lines are a function, a class, a method; and the file's import lines.

It bridges tree-sitter's syntax trees and plain line ranges (1-based, inclusive). Code that does not parse is
read by its indentation, and files of unknown languages by their blank lines, so there is always something to
point at. It edits nothing and knows nothing of what a block is wanted for.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from tree_sitter import Node

from vivek.context.languages import LANGUAGES, Language
from vivek.grammar import FILETYPES, parse

Kind = Literal["function", "class", "method", "module", "range"]

_FIELDS = ("name", "left", "key", "property", "declarator", "type")
_UNNAMED_DECLARATORS = ("reference_declarator", "parenthesized_declarator", "attributed_declarator")
_CLOSES = re.compile(r"[\])}{]|(?:end|fi|done|esac)\b")


@dataclass(frozen=True)
class Block:
    """A definition, or another run of lines that belong together.

    name: its own name without qualifiers, "" where it has none; what is called and its label for a function
    handed to a call, as ``it adds numbers``. first, last: whole lines, 1-based and inclusive, with
    decorators, attributes and the doc comment above it.
    """

    name: str
    kind: Kind
    first: int
    last: int

    def holds(self, first: int, last: int) -> bool:
        """Whether the lines first..last lie in the block."""
        return self.first <= first and last <= self.last


def blocks(text: str, filetype: str) -> list[Block]:
    """All definitions in the order of the text, an outer one before those inside it.

    A filetype without a grammar gives paragraphs of kind "range": lines from one blank line to the next,
    indented paragraphs taken with the one that they hang on.
    """
    return list(_blocks(text, filetype))


def block_at(text: str, filetype: str, line: int) -> Block | None:
    """The innermost definition that holds the line (1-based); None where the line is in none."""
    return min(_holding(text, filetype, line, line), key=_size, default=None)


def enclosing(text: str, filetype: str, first: int, last: int) -> Block | None:
    """The smallest definition that holds the lines first..last and is larger than they are."""
    outer = (block for block in _holding(text, filetype, first, last) if _size(block) > last - first)
    return min(outer, key=_size, default=None)


def imports(text: str, filetype: str) -> str:
    """The file's import lines joined by newlines, "" where it has none or the language is not known."""
    language = _language(filetype)
    tree = parse(text, filetype)
    if language is None or tree is None:
        return ""
    lines = text.split("\n")
    found = []
    for node in _import_nodes(tree.root_node, language):
        first, last = node.start_point.row, _last_row(node)
        found.append(textwrap.dedent("\n".join(lines[first : last + 1])))
    return "\n".join(dict.fromkeys(found))


def _language(filetype: str) -> Language | None:
    return LANGUAGES.get(FILETYPES.get(filetype, ""))


def _size(block: Block) -> int:
    return block.last - block.first


def _holding(text: str, filetype: str, first: int, last: int) -> list[Block]:
    """The blocks that hold the lines, inner ones first, so that `min` prefers them among equals."""
    return [block for block in reversed(_blocks(text, filetype)) if block.holds(first, last)]


@dataclass(frozen=True)
class _Found:
    """A definition as it was found. row: 0-based, of its own first line, decorators and comments left aside.
    broken: it holds a syntax error. argument: it is an unnamed function handed to a call."""

    row: int
    block: Block
    broken: bool = False
    argument: bool = False


@lru_cache(maxsize=4)
def _blocks(text: str, filetype: str) -> tuple[Block, ...]:
    language = _language(filetype)
    tree = parse(text, filetype)
    if language is None or tree is None:
        return tuple(_paragraphs(text.split("\n")))
    found = list(_definitions(tree.root_node, language))
    if tree.root_node.has_error:
        found = list(_mended(found, list(_outline(text.split("\n"), language))))
    found.sort(key=lambda one: (one.block.first, -one.block.last))
    return tuple(_nested(found))


def _nested(ordered: list[_Found]) -> Iterator[Block]:
    """The blocks, functions directly in a class made methods, and arguments that are just part of a function
    left out."""
    outer: list[_Found] = []
    for found in ordered:
        block = found.block
        while outer and outer[-1].block.last < block.first:
            outer.pop()
        if found.argument and not _stands_alone(found, outer):
            continue
        in_class = bool(outer) and outer[-1].block.kind == "class"
        yield replace(block, kind="method") if in_class and block.kind == "function" else block
        outer.append(found)


def _stands_alone(argument: _Found, outer: list[_Found]) -> bool:
    """Whether a function handed to a call is a block of its own: at the top, or a test in a ``describe``."""
    return not outer or (
        all(found.argument for found in outer) and "." not in argument.block.name.split(" ")[0]
    )


def _mended(tree: list[_Found], outline: list[_Found]) -> Iterator[_Found]:
    """What a broken tree and the indentation say together.

    A definition without an error in it stands as the tree has it, unless the tree lost its end. The others
    are as the indentation has them.
    """
    by_row = {found.row: found for found in outline}
    inside = _rows_inside([found.block for found in tree if not found.broken])
    known = {found.row for found in tree}
    for found in tree:
        other = by_row.get(found.row)
        lost = other is not None and (found.broken or _size(other.block) > _size(found.block))
        yield other if other is not None and lost else found
    for found in outline:
        if found.row not in known and not (found.row < len(inside) and inside[found.row]):
            yield found


def _rows_inside(blocks: list[Block]) -> bytearray:
    """For each row (0-based) whether it lies in a block, the block's first row left out."""
    rows = bytearray(max((block.last for block in blocks), default=0))
    for block in blocks:
        rows[block.first : block.last] = b"\x01" * (block.last - block.first)
    return rows


# From the syntax tree


def _definitions(root: Node, language: Language) -> Iterator[_Found]:
    for node in _nodes(root):
        call = None
        if node.type in language.functions or (node.type in language.classes and _has_members(node)):
            named = node
        elif node.type in language.values and (binder := _binder(node, language)):
            named = binder
        elif node.type in language.values and (call := _call(node, language)):
            named = call
        else:
            continue
        whole = _wrapped(named, language)
        name = _call_name(call) if call else _name(named) or _name(whole)
        kind: Kind = "class" if node.type in language.classes else "function"
        if kind == "function" and (node.type.startswith("method") or re.search(r"[\w>]::?[~\w]", name)):
            kind = "method"
        block = Block(
            name if call else _short(name), kind, _first_row(whole, language) + 1, _last_row(whole) + 1
        )
        yield _Found(node.start_point.row, block, node.has_error, call is not None)


def _nodes(root: Node) -> Iterator[Node]:
    """All nodes, parents first; a loop, for deeply nested code must not exhaust the stack."""
    cursor = root.walk()
    while True:
        if cursor.node is not None and cursor.node.is_named:
            yield cursor.node
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def _has_members(node: Node) -> bool:
    """C writes ``struct S s;`` where it uses a struct: only one with a body defines it."""
    return not node.type.endswith("_specifier") or node.child_by_field_name("body") is not None


def _binder(value: Node, language: Language) -> Node | None:
    """The node that gives a function expression its name: ``const f = () => 1``."""
    node = value.parent
    while node is not None and node.type in ("expression_list", "parenthesized_expression"):
        node = node.parent
    return node if node is not None and node.type in language.binders else None


def _call(value: Node, language: Language) -> Node | None:
    """The call that a function of several lines is an argument of, where the call is a statement of its
    own."""
    if (
        value.parent is None
        or value.parent.type != "arguments"
        or value.start_point.row == value.end_point.row
    ):
        return None
    call = value.parent.parent
    if call is None or call.type not in language.calls or call.parent is None:
        return None
    return call if call.parent.type in ("expression_statement", "chunk", "block") else None


def _call_name(call: Node) -> str:
    """What is called, and its first argument where that is a string: ``it adds numbers``."""
    arguments = call.child_by_field_name("arguments")
    first = arguments.named_children[0] if arguments and arguments.named_children else None
    label = _decoded(first)[1:-1] if first is not None and first.type == "string" else ""
    return f"{_decoded(call.named_children[0])} {label}".strip()


def _wrapped(node: Node, language: Language) -> Node:
    """The definition with what is written around it, unless that holds several definitions."""
    while (parent := node.parent) is not None and parent.type in (language.wrappers | language.binders):
        if sum(child.type == node.type for child in parent.named_children) > 1:
            break
        node = parent
    return node


def _first_row(node: Node, language: Language) -> int:
    """Row of the first line, with the comments and attributes that stand right above."""
    row = node.start_point.row
    above = node.prev_named_sibling
    while above is not None and above.type in language.leading and row - _last_row(above) <= 1:
        text = above.text or b""
        if text.startswith(b"#!") or _trails(above):
            break
        row = min(row, above.start_point.row)
        above = above.prev_named_sibling
    return row


def _trails(comment: Node) -> bool:
    """Whether a comment stands behind code on the same line."""
    before = comment.prev_sibling
    return before is not None and before.type != comment.type and _last_row(before) == comment.start_point.row


def _last_row(node: Node) -> int:
    """Row of the node's last character: some nodes end with their newline, at column 0 of the next row."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point.row else row


def _name(node: Node) -> str:
    """The node's name as it is written, "" where it has none."""
    while (inner := node.child_by_field_name("declarator") or _unnamed_declarator(node)) is not None:
        node = inner
    for field in _FIELDS:
        if (named := node.child_by_field_name(field)) is not None:
            return _decoded(named)
    if node.child_count == 0 or node.type.endswith(("identifier", "_name", "word")):
        return _decoded(node)
    first = node.named_children[0] if node.named_children else node
    return _decoded(first) if first.type in ("variable_list", "identifier", "word", "expression_list") else ""


def _unnamed_declarator(node: Node) -> Node | None:
    return (
        next((child for child in node.named_children if child.type.endswith("declarator")), None)
        if (node.type in _UNNAMED_DECLARATORS)
        else None
    )


def _decoded(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _short(name: str) -> str:
    """The last part of a qualified name: ``a::B<T>::f``, ``M.f`` and ``M:f`` are f."""
    if "operator" in name:
        return name.rsplit("::", 1)[-1]
    plain = re.sub(r"<.*>", "", name, flags=re.DOTALL)
    return re.split(r"::|[.:]", plain)[-1].strip()


def _import_nodes(node: Node, language: Language) -> Iterator[Node]:
    for child in node.named_children:
        if child.type in language.nested:
            yield from _import_nodes(child, language)
        elif (pattern := language.imports.get(child.type)) is not None and pattern.search(_decoded(child)):
            yield child


# From indentation, where there is no tree or a broken one


def _outline(lines: list[str], language: Language) -> Iterator[_Found]:
    """Definitions found by their first line; each goes on as long as the lines below are indented deeper."""
    for row, line in enumerate(lines):
        header = language.header.match(line)
        if header is None or header.lastgroup is None:
            continue
        kind: Kind = "class" if header.lastgroup == "class" else "function"
        name = _short(header.group(header.lastgroup))
        yield _Found(row, Block(name, kind, _decorated_from(lines, row) + 1, _body_end(lines, row) + 1))


def _decorated_from(lines: list[str], row: int) -> int:
    indent = _indent(lines[row])
    while row > 0 and lines[row - 1].lstrip().startswith("@") and _indent(lines[row - 1]) == indent:
        row -= 1
    return row


def _body_end(lines: list[str], row: int) -> int:
    """Last row of what begins at `row`: deeper lines, and lines as deep that open or close a bracket."""
    indent = _indent(lines[row])
    last = row
    for below in range(row + 1, len(lines)):
        line = lines[below]
        if not line.strip():
            continue
        deeper = _indent(line) > indent
        if not deeper and not (_indent(line) == indent and _CLOSES.match(line.lstrip())):
            break
        last = below
    return last


def _paragraphs(lines: list[str]) -> Iterator[Block]:
    """Runs of lines between blank lines; one that begins indented or with a closing bracket goes with the
    one above."""
    starts = [
        row
        for row, line in enumerate(lines)
        if line.strip()
        and (row == 0 or not lines[row - 1].strip())
        and not (line[0].isspace() or _CLOSES.match(line))
    ]
    if not starts:
        starts = [row for row, line in enumerate(lines) if line.strip()][:1]
    for start, end in pairwise([*starts, len(lines)]):
        last = max(row for row in range(start, end) if lines[row].strip())
        yield Block("", "range", start + 1, last + 1)


def _indent(line: str) -> int:
    """Columns of indentation, a tab being as wide as 8 spaces."""
    expanded = line.expandtabs(8)
    return len(expanded) - len(expanded.lstrip(" "))
