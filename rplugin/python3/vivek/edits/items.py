"""What stands side by side in a piece of code: definitions, values, imports, other statements, comments.

Here they are told line by line, by indentation and keywords, in any language; `python_items` does better for
Python. It judges nothing: `narrow` chooses among the items.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from vivek.edits.indent import indentation, is_blank, margin, words
from vivek.edits.strings import interior_lines

Kind = Literal["definition", "value", "import", "other", "comment"]

_MODIFIERS = (
    r"(?:(?:export|default|async|pub(?:\([\w: ]+\))?|public|private|protected|internal|static|final|abstract"
    r"|local|unsafe|extern|inline|virtual|override|declare|sealed|typedef|constexpr|const)\s+)*"
)
_KEYWORDS = (
    r"(?:def|class|function|func|fn|struct|enum(?:\s+class)?|interface|trait|type|impl(?:<[^>]*>)?|mod|namespace"
    r"|record|union|module)(?!\w)\s*\*?\s*"
)
_DEFINITIONS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\s*{_MODIFIERS}{_KEYWORDS}(?:\([^)]*\)\s*)?(?P<name>[A-Za-z_$][\w$]*(?:(?:\.|::?)[A-Za-z_$][\w$]*)*)",
        r"\s*(?:export\s+)?(?:const|let|var|local)\s+(?P<name>[\w$]+)\s*(?::[^=]+)?=\s*(?:async\b\s*)?"
        r"(?:function\b|\([^()]*\)\s*(?::[^=]+)?=>|[\w$]+\s*=>)",
        r"\s*(?P<name>[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+)\s*=\s*(?:async\b\s*)?(?:function\b|\([^()]*\)\s*=>)",
        r"\s*(?:(?:async|static|get|set|override|public|private|protected|readonly)\s+)*\*?"
        r"(?P<name>#?[A-Za-z_$][\w$]*)\s*(?:<[^>]*>)?\([^;]*\)\s*(?::\s*[^{;]+)?\{\s*[^}]*\}?\s*$",
        r"\s*(?:[A-Za-z_][\w:<>,\[\]]*[\s&*]+)+(?P<name>~?[A-Za-z_]\w*(?:::~?[A-Za-z_]\w*)*)\s*"
        r"\([^;=]*(?:\)[\w\s]*\{?.*)?$",
    )
)
_NOT_A_NAME = re.compile(
    r"(?:if|else|elif|elseif|for|foreach|while|switch|match|catch|return|throw|new|await|yield|do|with|using|lock"
    r"|sizeof|case|when|until|repeat|try|finally|super|assert|not|and|or|in|is|del|raise|print|from|import)\b"
)
_VALUE = re.compile(
    r"\s*(?:(?:export|pub|public|private|protected|static|final|local|const|let|var|val|auto|mut|readonly)\s+)*"
    r"(?P<name>[A-Za-z_$][\w$]*)(?:[.\[][^=]*)?\s*(?::[^=]+)?(?::=|=(?![=>]))"
)
_IMPORT = re.compile(
    r"\s*(?:import\b|from\s+\S+\s+import\b|use\s+[\w:]|using\s+[\w:]|#\s*include\b|package\s|require\b"
    r"|(?:local|const|let|var)\s+[\w${},\s]+=\s*require\b)"
)
_COMMENT = re.compile(
    r"\s*(?://|/\*|\*|--|#(?!\s*(?:include|define|if|endif|else|elif|undef|pragma)\b)|@[\w.]+)"
)
_CONTINUES = re.compile(
    r"\s*(?:[\])}]|\{\s*$|(?:end|else|elif|elseif|catch|except|finally|until|fi|done|esac|then|do|where)\b)"
)


@dataclass(frozen=True)
class Item:
    """One of the things that stand side by side in a block.

    first, last: its lines (0-based, half open), with the decorators and comments right above it. names: what
    it defines. uses: the names that it takes from around it. body: the lines inside it, None where it has
    none. form: what tells it from another item of the same name (its decorators).
    """

    kind: Kind
    first: int
    last: int
    names: tuple[str, ...] = ()
    uses: frozenset[str] = frozenset()
    body: tuple[int, int] | None = None
    form: str = ""


def items_by_lines(text: str, filetype: str) -> list[Item]:
    """The items of a block in any language, in order, as indentation and keywords tell them."""
    return list(_by_lines(text.split("\n"), filetype))


def defined_name(line: str) -> str | None:
    """What a line begins to define, in whatever language; None where it defines nothing."""
    for pattern in _DEFINITIONS:
        match = pattern.match(line)
        if match and not _NOT_A_NAME.match(match["name"]) and not _NOT_A_NAME.match(line.lstrip()):
            return match["name"]
    return None


def defined_names(text: str, indented: str | None = None) -> set[str]:
    """The names that a text defines, also where it is broken. indented: only those on lines indented so."""
    lines = (line for line in text.split("\n") if indented is None or indentation(line) == indented)
    return {name for line in lines if (name := defined_name(line))}


def assigned_names(text: str, indented: str) -> set[str]:
    """The names that lines with this indentation assign to."""
    lines = (line for line in text.split("\n") if indentation(line) == indented)
    return {match["name"] for line in lines if (match := _VALUE.match(line)) and not defined_name(line)}


def is_comment(line: str) -> bool:
    """Whether a line is a comment, or an annotation that stands above what it belongs to."""
    return bool(_COMMENT.match(line))


def _by_lines(lines: Sequence[str], filetype: str) -> Iterator[Item]:
    starts = list(_starts(lines, filetype))
    if not starts:
        return
    pending: int | None = None
    for first, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        last = _trimmed(lines, end)
        comment = is_comment(lines[first])
        if comment and end < len(lines) and last == end:
            pending = first if pending is None else pending
            continue
        yield _item(lines, first if pending is None else pending, first, last, comment)
        pending = None


def _starts(lines: Sequence[str], filetype: str) -> Iterator[int]:
    inside = interior_lines("\n".join(lines), filetype)
    base = margin(lines, inside)
    for k, line in enumerate(lines):
        if k in inside or is_blank(line) or indentation(line) != base or _CONTINUES.match(line):
            continue
        yield k


def _trimmed(lines: Sequence[str], end: int) -> int:
    while end and is_blank(lines[end - 1]):
        end -= 1
    return end


def _item(lines: Sequence[str], first: int, head: int, last: int, comment: bool) -> Item:
    uses = frozenset(words("\n".join(lines[head:last])))
    line = lines[head]
    if comment:
        return Item("comment", first, last)
    if _IMPORT.match(line):
        return Item("import", first, last, uses=uses)
    if name := defined_name(line):
        return Item("definition", first, last, (name,), uses - {name}, _body(lines, head, last))
    if value := _VALUE.match(line):
        return Item("value", first, last, (value["name"],), uses)
    return Item("other", first, last, uses=uses)


def _body(lines: Sequence[str], head: int, last: int) -> tuple[int, int] | None:
    base = len(indentation(lines[head]))
    deeper = [
        k for k in range(head + 1, last) if len(indentation(lines[k])) > base and not is_blank(lines[k])
    ]
    return (deeper[0], deeper[-1] + 1) if deeper else None
