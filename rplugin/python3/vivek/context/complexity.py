"""How many ways there are through each line of a file, by its syntax tree: where bugs are worth looking for first.

It counts branches, loops and the operators that end early, as cyclomatic complexity does; it judges nothing.
"""

from __future__ import annotations

import re

from tree_sitter import Tree

from vivek.grammar import parse

_BRANCHES = re.compile(
    r"(?:if|elif|elseif|for|for_in|for_generic|enhanced_for|c_style_for|while|do|repeat|loop|case|switch|catch|except|goto)"
    r"_(?:statement|expression|clause|item|case|rule)|(?:conditional|ternary)_expression|for_range_loop"
    r"|(?:expression|type|communication)_case|switch_block_statement_group|match_arm|&&|\|\||and|or|\?\?"
)
"""Types of nodes, of all grammars. The whole of a C switch counts as one more branch than it has; it is an order."""


def branches(text: str, filetype: str) -> list[int]:
    """For each line (0-based) the branches that begin in it; all 0 for a filetype without a grammar."""
    counts = [0] * (text.count("\n") + 1)
    tree = parse(text, filetype)
    for row in _rows(tree) if tree else ():
        counts[row] += 1
    return counts


def _rows(tree: Tree) -> list[int]:
    """The row of each node that branches; a loop, for deeply nested code must not exhaust the stack."""
    rows = []
    cursor = tree.walk()
    while True:
        if cursor.node is not None and _BRANCHES.fullmatch(cursor.node.type):
            rows.append(cursor.node.start_point.row)
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return rows
