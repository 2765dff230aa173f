"""Did the model write words or dots where code was: "... rest of the code", "TODO: implement", an emptied
body.

Only what is new in the target counts, and nothing does where the instruction asks for stubs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

import tree_sitter

from vivek.checks.asked import wants_stubs
from vivek.checks.edit import Check, Edit, failed, passed
from vivek.grammar import parse

NAME = "no placeholders"
WEIGHT = 0.5

_THING = (
    r"(?:code|methods?|functions?|implementations?|logic|class(?:es)?|file|lines|body|definitions|imports|members"
    r"|script|module|program|tests|fields|cases|properties|steps)"
)
_DOTS = r"(?:\.{3,}|\u2026)"
_THE = r"(?:the |your |this |all )*"
_TAIL = (
    r"(?:\W|\b(?:is|are|goes|go|remains?|stays?|here|the|same|unchanged|as|before|it|was|above|in|original|omitted"
    rf"|continues?|follows?|not|shown|for|brevity|below|of|your|{_THING})\b)*"
)
_STAYS = r"(?:goes|go|remains?|stays?|unchanged|here|omitted|not shown|as before|(?:is |are )?the same)"
_ELISION = re.compile(
    rf"\W*(?:{_THE}(?:rest|remainder) of {_THE}(?:\w+ ){{0,2}}{_THING}\b{_TAIL}"
    rf"|{_THE}(?:rest|remaining|existing|other|previous|original) (?:\w+ ){{0,2}}{_THING}\s*"
    rf"(?:{_DOTS}|(?:{_DOTS}\s*)?{_STAYS}\b){_TAIL}"
    rf"|{_DOTS}\s*{_THE}(?:rest|remaining|existing|other|previous|original|same|more)\b.*"
    r"|(?:your|add (?:your|the|actual)|insert (?:your|the)|put your|write your|actual|implement (?:the|your))"
    r"\s+(?:own |actual |real )?(?:code|implementation|logic)(?: goes)?(?: here)?(?: to .*)?\W*"
    r"|(?:the )?(?:implementation|code|logic|body)(?: (?:goes|omitted|here|details?))+\W*"
    r"|(?:todo|fixme)\b\W*(?:implement|complete|finish|fill|your|write|replace"
    r"|add (?:the |your |actual |real )*(?:code|logic|implementation)).*"
    r"|placeholder\b.*)",
    re.IGNORECASE,
)
_ELISION_WHERE_CODE_WENT = re.compile(
    rf"\W*(?:{_DOTS}\W*|{_DOTS}.*{_THING}.*|as before\W*"
    r"|(?:same|unchanged|no changes?)(?: (?:as|code|from|here|needed|before|above|the original))*\W*"
    rf"|(?:existing|previous|(?:the )?original) {_THING}\W*)",
    re.IGNORECASE,
)
_UNIMPLEMENTED = re.compile(
    r"\b(?:todo|unimplemented)!\("
    r"|\b(?:throw\s+new\s+\w+|panic|error)\(\s*[\"'`][^\"'`]*\bnot\s+(?:yet\s+)?implemented",
    re.IGNORECASE,
)
_COMMENT_LINE = re.compile(r"\s*(?:#|//|--|/\*|\*|;|%|\")\s?(?P<text>.*?)(?:\*/)?\s*$")
_EXEMPT_DECORATORS = ("overload", "abstractmethod", "abstractproperty")
_EXEMPT_BASES = ("Protocol", "ABC", "Interface")


def check_placeholders(edit: Edit) -> Check:
    """Fails for the first thing that stands where code should be, quoting it."""
    if wants_stubs(edit.instruction):
        return passed(NAME, WEIGHT)
    found = next(_elisions(edit), None) or next(_unimplemented(edit), None) or next(_emptied(edit), None)
    return failed(NAME, WEIGHT, found) if found else passed(NAME, WEIGHT)


def _elisions(edit: Edit) -> Iterator[str]:
    known = {_wording(comment) for comment in _comments(edit.before, edit, edit.first, edit.last)}
    shrunk = _size(edit.new) < _size(edit.old)
    for comment in _comments(edit.after, edit, edit.after_first, edit.after_last):
        text = _wording(comment)
        if text in known:
            continue
        if _ELISION.fullmatch(text) or (shrunk and _ELISION_WHERE_CODE_WENT.fullmatch(text)):
            yield f"`{comment.strip()[:80]}` stands in for code: write that code out in full."


def _comments(text: str, edit: Edit, first: int, last: int) -> Iterator[str]:
    """The comments on lines first to last, each line of a long one by itself."""
    tree = parse(text, edit.filetype)
    if tree is None:
        lines = text.split("\n")[first - 1 : last]
        yield from (line for line in lines if _COMMENT_LINE.match(line))
        return
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        if node.end_point[0] + 1 < first or node.start_point[0] + 1 > last:
            continue
        if "comment" in node.type:
            yield from _text(node).split("\n")
        else:
            pending += reversed(node.children)


def _wording(comment: str) -> str:
    """What a comment says, without its marks."""
    match = _COMMENT_LINE.match(comment)
    return (match["text"] if match else comment).strip()


def _size(lines: Sequence[str]) -> int:
    return sum(1 for line in lines if line.strip() and not _COMMENT_LINE.match(line))


def _unimplemented(edit: Edit) -> Iterator[str]:
    if any(_UNIMPLEMENTED.search(line) for line in edit.old):
        return
    for line in edit.new:
        if _UNIMPLEMENTED.search(line) and not _COMMENT_LINE.match(line):
            yield f"`{line.strip()[:80]}` stands in for code: write that code out in full."


def _emptied(edit: Edit) -> Iterator[str]:
    """Python functions without a body where there was one, and dots among statements."""
    if edit.tree_after is None:
        return
    before = dict(_functions(edit.tree_before)) if edit.tree_before else {}
    if before and sum(_is_stub(node) for _, (node, _) in before.items()) * 2 > len(before):
        return
    for name, (node, around) in _functions(edit.tree_after):
        if not edit.after_first <= node.lineno <= edit.after_last or _is_exempt(node, around):
            continue
        old = before[name][0] if name in before else None
        yield from _complaints(name, node, old, edit)


def _complaints(
    name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, old: ast.AST | None, edit: Edit
) -> Iterator[str]:
    if _is_stub(node):
        if isinstance(old, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if not _is_stub(old):
                yield f"`{name}` has lost its body: write it in full."
        elif _is_dots(node.body[-1]) or not "".join(edit.old).strip():
            yield f"`{name}` has no body: write it."
    elif _has_dots(node) and not (old and _has_dots(old)):
        yield f"A bare `...` in `{name}` stands in for code: write that code out in full."


_Function = tuple[ast.FunctionDef | ast.AsyncFunctionDef, ast.ClassDef | None]


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Function]]:
    """Functions and methods, by name, with the class around each; none within functions."""
    pending: list[tuple[str, ast.AST, ast.ClassDef | None]] = [("", tree, None)]
    while pending:
        prefix, around, owner = pending.pop()
        for node in ast.iter_child_nodes(around):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield prefix + node.name, (node, owner)
            elif isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node, node))
            elif isinstance(node, (ast.If, ast.Try)):
                pending.append((prefix, node, owner))


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function has no code: a docstring at most, then `...`, `pass` or NotImplementedError."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return len(body) == 1 and (
        _is_dots(body[0])
        or isinstance(body[0], ast.Pass)
        or (isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.unparse(body[0]))
    )


def _is_dots(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is Ellipsis
    )


def _has_dots(node: ast.AST) -> bool:
    """Whether `...` stands beside other statements, as code never has it."""
    for part in ast.walk(node):
        body = getattr(part, "body", None)
        if isinstance(body, list) and len(body) > 1 and any(map(_is_dots, body)):
            return True
    return False


def _is_exempt(node: ast.FunctionDef | ast.AsyncFunctionDef, around: ast.ClassDef | None) -> bool:
    """Whether a function may well be without a body: an overload, an abstract method, part of a protocol."""
    decorators = [ast.unparse(each) for each in node.decorator_list]
    bases = [ast.unparse(each) for each in around.bases] if around else []
    return any(each.endswith(_EXEMPT_DECORATORS) for each in decorators) or any(
        base.split("[")[0].endswith(_EXEMPT_BASES) for base in bases
    )


def _text(node: tree_sitter.Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text else ""
