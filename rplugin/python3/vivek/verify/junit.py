"""Reads pytest's JUnit report: which tests passed, and what those that failed are about.

Its words are made fit for a prompt: names for functions instead of addresses, nothing long. What an assertion says of
its values is `asserted`'s to tell.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from xml.etree import ElementTree

from vivek.verify.asserted import Claim, claim
from vivek.verify.report import Finding

_LONGEST = 400
_LONGEST_VALUE = 240
_LONGEST_LINE = 100
_MOST_BYTES = 4 << 20
_SAID = re.compile(r"^E(?: (.*))?$", re.MULTILINE)
_PLACE = re.compile(r"^(?P<file>[^\s:]+):(?P<line>\d+): in [^\n]*(?:\n +(?P<code>\S[^\n]*))?", re.MULTILINE)
_DIFF = re.compile(r"^(Full diff:|Use -v to get more diff|\.\.\.Full output truncated)")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+(?=>)")
_CALLABLE = re.compile(
    r"<(?:function|built-in function|built-in method|bound method) (?:[\w.]+\.<locals>\.)?"
    r"(?P<name>[\w.]+|<lambda>)(?: of (?:<[^<>]*>|[^<>]*))?>"
    r"|<class '(?:[\w.]+\.)?(?P<type>\w+)'>(?=\()"
)


@dataclass(frozen=True)
class _Place:
    """A frame of the traceback. file: as pytest names it."""

    file: str
    line: int
    code: str


def findings_in(report: Path) -> list[Finding]:
    """A finding for each test that ran; [] where there is no report. It lies in the folder that pytest ran in."""
    try:
        if report.is_symlink() or report.stat().st_size > _MOST_BYTES:
            return []
        tree = ElementTree.parse(report)
    except (OSError, ElementTree.ParseError):
        return []
    found = (_finding(case, report.parent) for case in tree.iter("testcase"))
    return [finding for finding in found if finding is not None]


def readable(text: str) -> str:
    """A text with names instead of addresses."""
    return _CALLABLE.sub(lambda found: found["name"] or found["type"], _ADDRESS.sub("", text))


def _finding(case: ElementTree.Element, folder: Path) -> Finding | None:
    name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
    if case.find("skipped") is not None:
        return None
    fault = case.find("failure")
    if fault is None:
        fault = case.find("error")
    if fault is None:
        return Finding(name, "", "", "", passed=True, source=name)
    text = readable(fault.text or "")
    said = [line.strip() for line in _SAID.findall(text)] or [readable(fault.get("message") or "it failed")]
    places = [_Place(one["file"], int(one["line"]), one["code"] or "") for one in _PLACE.finditer(text)]
    about = _about(places, said, folder) or Claim(name)
    return Finding(
        cut(about.expression, _LONGEST_VALUE),
        cut(about.expected, _LONGEST_VALUE),
        cut(about.got, _LONGEST_VALUE),
        "" if about.complete else _error(said, places),
        passed=False,
        source=name,
    )


def _about(places: list[_Place], said: list[str], folder: Path) -> Claim | None:
    """What the test's own statement claims, before the traceback leaves its file.

    The last assertion; where there is none, what called the code under test, or what the test began with.
    """
    own = list(takewhile(lambda place: place.file == places[0].file, places))
    tree = _parsed(folder, own[0].file) if own else None
    if tree is None:
        return None
    statements = [found for place in own if (found := _statement(tree, place.line)) is not None]
    asserts = [each for each in statements if isinstance(each, ast.Assert)]
    chosen = asserts or (statements if len(own) < len(places) else statements[:1])
    return claim(tree, chosen[-1], said) if chosen else None


def _parsed(folder: Path, name: str) -> ast.Module | None:
    """A file below a folder that what was run may have written; None where it is none, or no Python."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or path.stat().st_size > _MOST_BYTES:
            return None
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, MemoryError, RuntimeError):  # a loop of links is a RuntimeError
        return None


def _statement(tree: ast.Module, line: int) -> ast.stmt | None:
    """The innermost statement at a line."""
    here = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(here, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)


def _error(said: list[str], places: list[_Place]) -> str:
    """What pytest said, up to where it shows the same values again, and where it happened outside of the test."""
    kept: list[str] = []
    for line in said:
        if _DIFF.match(line):
            break
        if line:
            kept.append(line)
    outside = bool(places) and places[-1].file != places[0].file
    return cut("\n".join(kept), _LONGEST) + (_told(places[-1]) if outside else "")


def _told(place: _Place) -> str:
    code = f": `{cut(place.code, _LONGEST_LINE)}`" if place.code else ""
    return f" ({place.file}:{place.line}{code})"


def cut(text: str, most: int) -> str:
    """At most so many characters, with the middle left out."""
    if len(text) <= most:
        return text
    half = (most - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"
