"""Are the target's definitions still there: its functions, classes and methods, in any language with a
grammar.

Functions within functions do not count: they are nobody's business but their own function's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import tree_sitter

from vivek.checks.asked import may_lose
from vivek.checks.edit import Check, Edit, failed, passed
from vivek.grammar import parse

NAME = "keeps definitions"
WEIGHT = 0.45

_FUNCTIONS = frozenset(
    [
        "constructor_declaration",
        "function_declaration",
        "function_definition",
        "function_item",
        "function_signature",
        "generator_function_declaration",
        "method_declaration",
        "method_definition",
    ]
)
_CLASSES = frozenset(
    [
        "abstract_class_declaration",
        "class_declaration",
        "class_definition",
        "class_specifier",
        "enum_declaration",
        "enum_item",
        "enum_specifier",
        "interface_declaration",
        "record_declaration",
        "struct_item",
        "struct_specifier",
        "trait_item",
        "type_alias_declaration",
        "type_item",
        "type_spec",
    ]
)
_ANONYMOUS = frozenset(
    ["arrow_function", "closure_expression", "function_expression", "func_literal", "lambda"]
)
_VALUES = _ANONYMOUS | {"function_definition"}
_MADE_BY_DATACLASS = re.compile(r"__(?:init|repr|eq|hash|lt|le|gt|ge|post_init|str|new|slots|iter)__")


@dataclass(frozen=True)
class Definition:
    """A function, method or class. scope: the classes around it, outermost first; row: its 0-based line."""

    name: str
    scope: tuple[str, ...]
    row: int

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from every other definition of the file."""
        return (*self.scope, self.name)

    @property
    def plain(self) -> str:
        """The last part of its name: `f` for Lua's ``M.f`` and for the setter of a property `f`."""
        return re.split(r"[.:]+", self.name.removesuffix(" setter"))[-1]


def definitions(text: str, filetype: str) -> list[Definition]:
    """The definitions of a text in order, also of one that is broken; none where there is no grammar."""
    tree = parse(text, filetype)
    return list(_within(tree.root_node)) if tree else []


def check_definitions(edit: Edit) -> Check:
    """Fails where a definition of the target is gone and the instruction does not ask for that."""
    every = definitions(edit.before, edit.filetype)
    old = [each for each in every if edit.first <= each.row + 1 <= edit.last]
    if not old:
        return passed(NAME, WEIGHT)
    after = definitions(edit.after, edit.filetype)
    new = [each for each in after if edit.after_first <= each.row + 1 <= edit.after_last]
    missing = [each for each in _lost(old, new) if not _excused(each, old, edit)]
    if not missing:
        return passed(NAME, WEIGHT)
    names = list(dict.fromkeys(f"`{'.'.join(each.key)}`" for each in missing))[:5]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    verb, it = ("is", "it") if len(names) == 1 else ("are", "them")
    return failed(NAME, WEIGHT, f"{listed} {verb} missing: keep {it}.")


def _lost(old: Sequence[Definition], new: Sequence[Definition]) -> list[Definition]:
    """Definitions that are gone and not only moved to another class; of a lost class only the class
    itself."""
    there = {each.key for each in new}
    moved = {each.plain for each in new if each.key not in {known.key for known in old}}
    gone = [each for each in old if each.key not in there and each.plain not in moved]
    keys = {each.key for each in gone}
    return [each for each in gone if not any(each.key[:size] in keys for size in range(1, len(each.key)))]


def _excused(lost: Definition, old: Sequence[Definition], edit: Edit) -> bool:
    text = "\n".join(edit.new)
    if edit.tree_after is None and re.search(rf"(?<!\w){re.escape(lost.plain)}(?!\w)", text):
        # Broken code, or a language without a second opinion: the definition may be there, unrecognised.
        return edit.filetype == "python"
    if _MADE_BY_DATACLASS.fullmatch(lost.name) and re.search(
        r"@(?:\w+\.)?(?:dataclass|define|frozen|attrs)\b|NamedTuple", text
    ):
        return True
    used = re.search(rf"(?<!\w){re.escape(lost.plain)}(?!\w)", edit.after) is not None
    return may_lose(edit.instruction, lost.plain, alone=len(old) == 1, used=used)


def _within(root: tree_sitter.Node) -> Iterator[Definition]:
    """All definitions but those within functions. No recursion: broken code may be nested without end."""
    pending: list[tuple[tree_sitter.Node, tuple[str, ...]]] = [(root, ())]
    while pending:
        node, scope = pending.pop()
        name = _name(node)
        if name:
            yield Definition(name, scope, node.start_point[0])
        if node.type == "impl_item":
            name = _text(node.child_by_field_name("type"))
        if node.type not in _ANONYMOUS and node.type not in _FUNCTIONS and not _assigned(node):
            inner = (*scope, name) if name else scope
            pending += [(child, inner) for child in reversed(node.named_children)]


def _name(node: tree_sitter.Node) -> str:
    """What a node defines; "" where it is no definition."""
    if node.type in _CLASSES:
        named = node.child_by_field_name("name")
        has_body = node.child_by_field_name("body") is not None or not node.type.endswith("specifier")
        return _text(named) if named and has_body else ""
    if node.type in _FUNCTIONS:
        name = _text(node.child_by_field_name("name") or _declared(node))
        return f"{name} setter" if _is_setter(node) else name
    return _assigned(node)


def _declared(node: tree_sitter.Node) -> tree_sitter.Node | None:
    """The name within C's declarators: ``*name(args)``."""
    inner = node.child_by_field_name("declarator")
    while inner and (deeper := inner.child_by_field_name("declarator")):
        inner = deeper
    return inner


def _assigned(node: tree_sitter.Node) -> str:
    """The name that a function is assigned to: ``const f = () => 1``, ``M.f = function() end``."""
    if node.type == "variable_declarator":
        value, name = node.child_by_field_name("value"), node.child_by_field_name("name")
    elif node.type == "assignment_expression":
        value, name = node.child_by_field_name("right"), node.child_by_field_name("left")
    elif node.type == "assignment_statement" and len(node.named_children) == 2:
        name, value = node.named_children
        value = value.named_children[0] if value.named_children else value
    else:
        return ""
    return _text(name) if value and value.type in _VALUES else ""


def _is_setter(node: tree_sitter.Node) -> bool:
    around = node.parent
    return (
        around is not None
        and around.type == "decorated_definition"
        and any(
            _text(part).endswith((".setter", ".deleter"))
            for part in around.named_children
            if part.type == "decorator"
        )
    )


def _text(node: tree_sitter.Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node and node.text else ""
