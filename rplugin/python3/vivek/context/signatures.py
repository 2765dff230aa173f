"""Reads a Python definition's signature and the first sentence of its docstring off its source.

The text is parsed, never run, and need not parse as a whole. It finds no definitions:
`vivek.context.symbols` says where one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

_DEFAULT_CHARACTERS = 40
_SIGNATURE_CHARACTERS = 300
_SENTENCE_CHARACTERS = 160
_FIELDS = 12
_TELLING = frozenset({"property", "staticmethod", "classmethod", "cached_property", "contextmanager"})


def definition_at(root: Node, row: int, column: int) -> Node | None:
    """The function or class whose name stands at the row (0-based) and column (bytes)."""
    name = root.named_descendant_for_point_range((row, column), (row, column))
    node = name.parent if name is not None else None
    if node is None or node.type not in ("function_definition", "class_definition"):
        return None
    return node if node.child_by_field_name("name") == name else None


def signature(definition: Node) -> str:
    """One line, as in code: ``def parse(text: str, *, strict: bool = False) -> Tree``.

    A class brings its ``__init__`` along, or else its annotated fields: ``class Point: x: int; y: int = 0``;
    a method its class: ``class Tree: def walk(self)``. Defaults over 40 characters become ``...``; at most
    300 characters.
    """
    line = _class(definition) if definition.type == "class_definition" else _method(definition)
    return line if len(line) <= _SIGNATURE_CHARACTERS else line[: _SIGNATURE_CHARACTERS - 4] + " ..."


def qualified_name(definition: Node) -> str:
    """The name with those of the classes around it: ``Tree.walk``."""
    names = [_field(definition, "name")]
    while (outer := _class_around(definition)) is not None:
        names.insert(0, _field(outer, "name"))
        definition = outer
    return ".".join(names)


def first_sentence(definition: Node) -> str:
    """The first sentence of the docstring on one line, at most 160 characters; "" without one."""
    statements = _body(definition)
    string = statements[0].named_children[0] if statements and statements[0].named_children else None
    if string is None or string.type != "string":
        return ""
    content = "".join(_text(child) for child in string.named_children if child.type == "string_content")
    paragraph = " ".join(content.strip().split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]
    return (
        sentence if len(sentence) <= _SENTENCE_CHARACTERS else sentence[: _SENTENCE_CHARACTERS - 4] + " ..."
    )


def _class(definition: Node) -> str:
    bases = definition.child_by_field_name("superclasses")
    head = f"class {_field(definition, 'name')}{_field(definition, 'type_parameters')}"
    if bases is not None and bases.named_child_count:
        head += f"({', '.join(_arguments(bases))})"
    initialiser = _initialiser(definition)
    if initialiser is not None:
        return f"{head}: {_function(initialiser)}"
    fields = [_field_of_class(statement) for statement in _body(definition)]
    shown = [field for field in fields if field]
    more = ["..."] if len(shown) > _FIELDS else []
    return f"{head}: {'; '.join(shown[:_FIELDS] + more)}" if shown else head


def _method(definition: Node) -> str:
    outer = _class_around(definition)
    return (f"class {_field(outer, 'name')}: " if outer is not None else "") + _function(definition)


def _function(definition: Node) -> str:
    parameters = definition.child_by_field_name("parameters")
    result = _field(definition, "return_type")
    keyword = "async def" if definition.children[0].type == "async" else "def"
    name = _field(definition, "name") + _field(definition, "type_parameters")
    arguments = ", ".join(_arguments(parameters)) if parameters is not None else ""
    decorators = "".join(f"@{decorator} " for decorator in _decorators(definition))
    return f"{decorators}{keyword} {name}({arguments})" + (f" -> {result}" if result else "")


def _arguments(node: Node) -> Iterator[str]:
    """Parameters of a function or bases of a class, without comments; long defaults are left out."""
    for child in node.named_children:
        if child.type != "comment":
            yield _shortened(child, "value")


def _field_of_class(statement: Node) -> str:
    """An annotated assignment in a class body, "" for any other statement."""
    inner = statement.named_children[0] if statement.named_child_count else None
    if inner is None or inner.type != "assignment" or inner.child_by_field_name("type") is None:
        return ""
    return _shortened(inner, "right")


def _shortened(node: Node, field: str) -> str:
    """The node's text on one line, a long value in it replaced by ``...``."""
    value = node.child_by_field_name(field)
    if value is None or len(_text(value)) <= _DEFAULT_CHARACTERS:
        return _one_line(_text(node))
    whole = node.text or b""
    return _one_line(whole[: value.start_byte - node.start_byte].decode("utf-8", "replace") + "...")


def _initialiser(definition: Node) -> Node | None:
    """The class's own ``__init__``; the last one where there are overloads."""
    found = None
    for statement in _body(definition):
        node = statement.child_by_field_name("definition") or statement
        if node.type == "function_definition" and _field(node, "name") == "__init__":
            found = node
    return found


def _decorators(definition: Node) -> list[str]:
    """The decorators that change how a name is used."""
    around = definition.parent
    if around is None or around.type != "decorated_definition":
        return []
    names = [_text(child).lstrip("@").strip() for child in around.named_children if child.type == "decorator"]
    return [name for name in names if name.rsplit(".", 1)[-1] in _TELLING]


def _class_around(definition: Node) -> Node | None:
    """The class that the definition is directly in."""
    node = definition.parent
    while node is not None and node.type in ("decorated_definition", "block"):
        node = node.parent
    return node if node is not None and node.type == "class_definition" else None


def _body(definition: Node) -> list[Node]:
    body = definition.child_by_field_name("body")
    return [node for node in body.named_children if node.type != "comment"] if body is not None else []


def _field(node: Node, name: str) -> str:
    found = node.child_by_field_name(name)
    return _one_line(_text(found)) if found is not None else ""


def _one_line(text: str) -> str:
    joined = re.sub(r"(?<=[(\[{])\s*\n\s*|,?\s*\n\s*(?=[)\]}])", "", text)
    return re.sub(r"\s*\n\s*", " ", joined).strip()


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
