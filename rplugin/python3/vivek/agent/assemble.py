"""What the document would be if a reply were taken: the one place where a reply meets the text.

The reviewer judges this text and the formatter turns it into edits, so both see the same. Pure text work.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

from vivek.agent.state import Route, Target
from vivek.checks.names import undefined_names
from vivek.context.blocks import Block, blocks
from vivek.edits.fit import fit, narrow
from vivek.edits.imports import add_imports, import_for, split_imports
from vivek.edits.indent import indentation, step, uses_tabs
from vivek.edits.partial import completed
from vivek.request import split_lines

_DEFINITION = re.compile(
    r"\s*(?:@|async def |def |class |function |func |fn |pub |struct |interface |type |export )"
)


@dataclass(frozen=True)
class Assembled:
    """A document with a reply in it. first, last: where the new code stands in `text`, 1-based and inclusive."""

    text: str
    first: int
    last: int


def lines_of(text: str, target: Target) -> str:
    """The target's lines with their newlines; "" for an empty range."""
    return "".join(split_lines(text)[target["first"] - 1 : target["last"]])


def assemble(
    text: str, target: Target, code: str, *, route: Route, filetype: str, instruction: str = ""
) -> Assembled:
    """Put a reply's code in the target's place, and the imports that it needs at the top of the file.

    New code that repeats a definition of the file, or all of them, takes its place: it is not put beside it.
    """
    if route == "insert" and (repeated := _repeated(text, code, filetype)) is not None:
        route, target = "rewrite", repeated
    lines = split_lines(text)
    head, tail = lines[: target["first"] - 1], lines[target["last"] :]
    old = lines_of(text, target)
    if route == "rewrite":
        code = narrow(code, old, filetype, before="".join(head), after="".join(tail), instruction=instruction)
        code = completed(code, old, filetype, instruction)
    statements: list[str] = []
    if any(line.strip() for line in head):
        code, statements = split_imports(code, old, filetype)
    new = (
        fit(code, old, filetype, around=text) if route == "rewrite" else _inserted(code, head, tail, filetype)
    )
    before = _closed("".join(head), "\r\n" if new.endswith("\r\n") else "\n")
    after = before + new + "".join(tail)
    return _with_imports(text, after, statements, filetype, head=len(head), length=len(split_lines(new)))


def _repeated(text: str, code: str, filetype: str) -> Target | None:
    """The lines of the one definition that the code has once more, or of the file where it has all of it; else None."""
    outer = {block.name: block for block in reversed(_outermost(text, filetype))}
    again = {block.name for block in _outermost(code, filetype)} & outer.keys()
    if again and (len(again) == len(outer) > 1 or _all_lines(text, code)):
        return {"first": 1, "last": len(split_lines(text)), "name": ""}
    if len(again) != 1:
        return None
    block = outer[again.pop()]
    return {"first": block.first, "last": block.last, "name": block.name}


def _outermost(text: str, filetype: str) -> list[Block]:
    every = [block for block in blocks(text, filetype) if block.name and block.kind in ("function", "class")]
    return [
        block
        for block in every
        if not any(other != block and other.holds(block.first, block.last) for other in every)
    ]


def _all_lines(text: str, code: str) -> bool:
    """Whether nearly all of the text's lines are in the code again, in whatever place."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    there = {line.strip() for line in code.splitlines()}
    return sum(line in there for line in lines) >= 0.8 * len(lines)


def _with_imports(
    text: str, after: str, statements: list[str], filetype: str, *, head: int, length: int
) -> Assembled:
    known = set(undefined_names(text)) if filetype == "python" else set()
    missing = [name for name in undefined_names(after) if name not in known] if filetype == "python" else []
    needed = statements + [statement for name in missing if (statement := import_for(name, after))]
    if not needed:
        return Assembled(after, head + 1, head + length)
    whole = add_imports(after, list(dict.fromkeys(needed)), filetype)
    grown = len(split_lines(whole)) - len(split_lines(after))
    start = head + grown if head else 0
    return Assembled(whole, start + 1, head + grown + length)


def _inserted(code: str, head: list[str], tail: list[str], filetype: str) -> str:
    """New code with the line ends, tabs and indentation of its neighbours, and the blank lines that set a definition
    apart."""
    code = fit(code, "", filetype, around="".join(head + tail))
    above = next((line for line in reversed(head) if line.strip()), "")
    below = next((line for line in tail if line.strip()), "")
    indent = _indentation(above, below, filetype, [*head, *tail])
    if indent and not code[:1].isspace():
        code = textwrap.indent(code, indent)
    gap = (2 if filetype == "python" and not indent else 1) if _DEFINITION.match(code) else 0
    lead = max(0, gap - _blank_lines(head[::-1])) if above and not _opens(above, filetype) else 0
    trail = max(0, gap - _blank_lines(tail)) if below else 0
    end = "\r\n" if code.endswith("\r\n") else "\n"
    return end * lead + code + end * trail


def _indentation(above: str, below: str, filetype: str, around: list[str]) -> str:
    """Indentation for new lines between two neighbours: that of the deeper context they share."""
    if _opens(above, filetype):
        own, inner = indentation(above), indentation(below)
        return inner if len(inner) > len(own) else own + ("\t" if uses_tabs(around) else " " * step(around))
    return min(indentation(above), indentation(below), key=len) if below else ""


def _opens(line: str, filetype: str) -> bool:
    stripped = line.rstrip()
    return stripped.endswith(":") if filetype == "python" else stripped.endswith("{")


def _blank_lines(lines: list[str]) -> int:
    count = 0
    for line in lines:
        if line.strip():
            break
        count += 1
    return count


def _closed(text: str, end: str) -> str:
    """The text with a newline at its end, where it has any text."""
    return text if not text or text.endswith("\n") else text + end
