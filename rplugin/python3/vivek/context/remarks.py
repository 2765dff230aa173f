"""Tells code from what is said about it: where a text's comments, docstrings and blank lines leave code.

It judges neither. Where a language has no grammar, only blank lines are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from vivek.grammar import parse

Span = tuple[int, int]

_LINES = re.compile(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+")
_BLANK_END = re.compile(r"[ \t]+\Z")


def code_spans(text: str, filetype: str) -> list[Span]:
    """Where the code is: spans of characters (from 0, end exclusive), in order; each ends with its line or a comment.

    >>> text = "x = 1  # one\\n\\n# two\\ny = 2\\n"
    >>> [text[first:last] for first, last in code_spans(text, "python")]
    ['x = 1', 'y = 2\\n']
    """
    found: list[Span] = []
    start = 0
    for first, last in [*_remarks(text, filetype), (len(text), len(text))]:
        for lines in _LINES.finditer(text, start, first):
            piece = _BLANK_END.sub("", lines[0])
            found.append((lines.start(), lines.start() + len(piece)))
        start = max(start, last)
    return found


def _remarks(text: str, filetype: str) -> list[Span]:
    """The comments and docstrings, in order."""
    tree = parse(text, filetype)
    if tree is None:
        return []
    data = text.replace("\0", " ").encode(
        "utf-8", "replace"
    )  # as it was parsed: a byte for each odd character
    spans = ((node.start_byte, node.end_byte) for node in _remark_nodes(tree.root_node))
    return sorted((_characters(data[:first]), _characters(data[:last])) for first, last in spans)


def _remark_nodes(node: Node) -> Iterator[Node]:
    pending = [node]
    while pending:
        node = pending.pop()
        if "comment" in node.type or _is_docstring(node):
            yield node
        else:
            pending += node.children


def _is_docstring(node: Node) -> bool:
    """Whether it is a string that is a Python statement."""
    return (
        node.type == "string"
        and node.parent is not None
        and node.parent.type == "expression_statement"
        and node.parent.named_child_count == 1
    )


def _characters(data: bytes) -> int:
    return len(data.decode("utf-8", "replace"))
