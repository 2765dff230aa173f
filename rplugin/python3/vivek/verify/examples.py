"""Finds the examples that a block's own docstrings and comments hold: calls with the value that they should give.

Two kinds: doctest's ``>>>`` sessions, and lines such as ``add(1, 2) == 3`` or ``add(1, 2) => 3``. It never guesses:
what does not parse, or uses a name that nothing defines, is prose and no example. Nothing is run here.
"""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from vivek.verify.inline import inline_examples
from vivek.verify.names import Known, free_names, known_names
from vivek.verify.notes import Note, notes_of

MOST = 64
"""Examples of one block; a table of hundreds would take long to run and says nothing more."""

Kind = Literal["doctest", "inline"]


@dataclass(frozen=True)
class Example:
    """One call, or one statement of a doctest session.

    expected: a doctest's output, word for word, "" for a statement that only sets up; else an expression. session:
    examples with the same number are run in order, in names of their own. source: the definition it belongs to. line:
    the 1-based line of the file that its docstring begins at. raises: the "Type: message" that a doctest expects.
    flags: doctest's options for it, as its own bits.
    """

    kind: Kind
    expression: str
    expected: str
    session: int
    source: str
    line: int
    raises: str = ""
    flags: int = 0


def examples_of(text: str, first: int, last: int, language: str) -> list[Example]:
    """The examples of the definitions in these lines (1-based, inclusive) of a file; [] where there are none.

    Only Python has any. Lines inside a definition have its examples, those of its class that name it, and those of the
    module's strings that use it.
    """
    if language != "python":
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []
    known = known_names(tree)
    found: list[Example] = []
    for note in notes_of(text, tree, first, last):
        for session in _sessions(note, known):
            number = found[-1].session + 1 if found else 0
            found.extend(replace(example, session=number) for example in session)
    return found[:MOST]


def _sessions(note: Note, known: Known) -> Iterator[list[Example]]:
    """The doctest session of a docstring, and each inline example as one of its own."""
    found = [_doctest(note, known)]
    for expression, expected in inline_examples(note.text, known):
        found.append([Example("inline", expression, expected, 0, note.source, note.line)])
    for session in found:
        if session and (note.about is None or note.about & _used(session)):
            yield session


def _doctest(note: Note, known: Known) -> list[Example]:
    """A docstring's session up to the first statement that does not parse.

    In a docstring that is no raw string, an author may have written "\\n" where "\\\\n" was meant: where the text as
    Python sees it does not parse, the text as it stands in the file is tried.
    """
    best: list[Example] = []
    for text in (note.text, note.literal):
        session, whole = _parsed(text, note)
        if not _complete(session, known):
            continue
        if whole:
            return session
        best = best or session
    return best


def _parsed(text: str, note: Note) -> tuple[list[Example], bool]:
    """The statements of a session, and whether all of it parsed."""
    try:
        parsed = doctest.DocTestParser().get_examples(text)
    except ValueError:  # its indentation or its prompts are not doctest's
        return [], False
    session: list[Example] = []
    for example in parsed:
        try:
            ast.parse(example.source)
        except (SyntaxError, ValueError, RecursionError):
            return session, False
        if doctest.SKIP in example.options:
            continue
        session.append(
            Example(
                "doctest",
                example.source.rstrip("\n"),
                "" if example.exc_msg else example.want,
                0,
                note.source,
                note.line,
                raises=(example.exc_msg or "").rstrip("\n"),
                flags=sum(flag for flag, is_on in example.options.items() if is_on),
            )
        )
    return session, True


def _complete(session: list[Example], known: Known) -> bool:
    """Whether all names are defined that the session uses, and something is checked."""
    checked = any(example.expected or example.raises for example in session)
    return checked and known.has_all(_used(session))


def _used(session: list[Example]) -> set[str]:
    """The names that a session takes from its module."""
    return free_names(ast.parse("\n".join(example.expression for example in session)))
