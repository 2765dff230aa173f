"""Telling code from prose, line by line, where no fence does.

It is made for what models write around code: sentences, headings, lists. It is not a parser: a comment is
code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vivek.edits.indent import is_blank
from vivek.edits.python_source import tree

_MARKDOWN = re.compile(r"\s*(?:#{2,}\s|[*-]\s+\S|\d+[.)]\s+\S|>\s|\*\*)")
_CODE = re.compile(
    r"\s+\S"
    r"|(?:async\s+)?(?:def|class|function|func|fn)\s+[\w.:]+\s*[(:{<]"
    r"|(?:import\s+[\w.,{*\"'][\w.,\s{}*\"']*$|from\s+[\w.]+\s+import\b|#include\b|package\s+\w+;?$|use\s+[\w:]+.*;)"
    r"|(?:const|let|var|local|pub|public|private|static|export|return|type|struct|impl)\b.*[;={(]"
    r"|(?:return|raise|yield|assert|del|global|nonlocal|await)\b\s*[\w\"'(\[{-]*"
    r"|(?:pass|break|continue|end|fi|done|esac|else:|try:|finally:)$"
    r"|(?:if|elif|for|while|with|except|match|case)\b.*:\s*(?:#.*)?$"
    r"|(?:if|for|while|switch|else)\b.*(?:\{|then|do)$"
    r"|[@#/-]|/\*|\"\"\"|'''"
    r"|[\w.\[\]\"'$*&>-]+(?:\s*,\s*[\w.\[\]\"'$*]+)*\s*(?:[-+*/|&]|:|\*\*|//|>>|<<)?=(?!=)"
    r"|[\w.:$\[\]]+\(.*\)?[;,]?$"
    r"|[\])}]+[;,)]*$"
    r"|.*[;{}]$"
)
_SENTENCE = re.compile(r"[A-Z`\"'*(]?[\w`'\"*(-]+[,:]?(?:\s+[\w`'\"*(),./-]+){2,}.*[.:!?)`*]$")
_SYNTAX = re.compile(r"[;{}]$|\w\([^()]*\)$|\w\(.*\):$|==|!=|:=|->|=>| = ")
_KEYWORD = re.compile(
    r"(?:async |export |public |private |static )*(?:def|class|if|elif|for|while|with|except|return|import"
    r"|from|function|local|const|let|var|fn|func|raise|assert|@|#|//|--|/\*|\*)"
)


def code_within(lines: Sequence[str], filetype: str) -> tuple[list[str], list[str]]:
    """The code in unfenced lines and the prose around it; no code at all where none is sure.

    It is one stretch of lines: prose is cut off before the first and after the last line of code only.
    """
    if filetype == "python" and _is_python("\n".join(lines)):
        return _trimmed(list(lines)), []
    paragraphs = _paragraphs(lines)
    kinds = [_is_code(lines[first:last]) for first, last in paragraphs]
    if not any(kinds):
        return [], list(lines)
    first = paragraphs[kinds.index(True)][0]
    last = paragraphs[len(kinds) - 1 - kinds[::-1].index(True)][1]
    while first < last and _is_prose(lines[first]):
        first += 1
    while last > first and _is_prose(lines[last - 1]):
        last -= 1
    return _trimmed(list(lines[first:last])), [*lines[:first], *lines[last:]]


def _is_python(text: str) -> bool:
    """Whether a text is Python as a whole, and more than words that happen to parse."""
    module = tree(text)
    return module is not None and any(_CODE.match(line) for line in text.split("\n"))


def _paragraphs(lines: Sequence[str]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for k, line in enumerate(lines):
        if is_blank(line):
            continue
        if found and found[-1][1] == k:
            found[-1] = (found[-1][0], k + 1)
        else:
            found.append((k, k + 1))
    return found


def _is_code(lines: Sequence[str]) -> bool:
    """Whether a paragraph is code: at least half of it that is not prose looks like code."""
    likely = [line for line in lines if not _is_prose(line)]
    return bool(likely) and sum(bool(_CODE.match(line)) for line in likely) * 2 >= len(likely)


def _is_prose(line: str) -> bool:
    if _MARKDOWN.match(line):
        return True
    text = line.strip()
    return bool(_SENTENCE.match(text)) and not _looks_like_a_statement(text)


def _looks_like_a_statement(text: str) -> bool:
    if _SYNTAX.search(text):
        return True
    return bool(_KEYWORD.match(text)) and not re.search(r"[a-z]{2,}[.!?]$", text)


def _trimmed(lines: list[str]) -> list[str]:
    while lines and is_blank(lines[0]):
        lines.pop(0)
    while lines and is_blank(lines[-1]):
        lines.pop()
    return lines
