"""The tests of an attempt as a change to the project's own file of tests.

Pure text work on what was found before the model was asked; nothing is read or written here.
"""

from __future__ import annotations

from typing import Any, TypedDict

from vivek.agent.state import Attempt
from vivek.edits.diff import text_edits
from vivek.edits.merge_tests import merge
from vivek.request import AskRequest


class ProposedFile(TypedDict):
    """What tests came to, as plain data.

    path: absolute, of the file that they belong in, inside the project. created: whether it is not there yet. base:
    what it holds, and text: what it would hold, lines ending in "\\n". edits: LSP text edits from one to the other,
    none where it has all of the tests. line_end: how its lines end on disk. told: what running the tests came to, or
    that it is not known.
    """

    path: str
    created: bool
    base: str
    text: str
    edits: list[dict[str, Any]]
    line_end: str
    told: str


def proposed_file(request: AskRequest, attempt: Attempt) -> ProposedFile | None:
    """The change that offers an attempt's tests; None where they have no file to belong in."""
    suite, tests = request.suite, attempt.get("tests", "")
    if suite is None or not tests:
        return None
    text = merge(suite.text, tests, request.filetype)
    edits = text_edits(suite.text, text)
    return {
        "path": str(suite.path),
        "created": not suite.exists,
        "base": suite.text,
        "text": text,
        "edits": [dict(edit) for edit in edits],
        "line_end": suite.line_end,
        "told": _told(request, attempt) if edits else "The file has all of these tests already.",
    }


def _told(request: AskRequest, attempt: Attempt) -> str:
    told = attempt.get("told", "")
    if told:
        return told
    if request.filetype != "python":
        why = "only tests of Python can be run"
    elif not request.verify.wanted:
        why = "nothing of this project is trusted to be run"
    else:
        failed = [check["detail"] for check in attempt["checks"] if not check["passed"] and check["detail"]]
        return " ".join(failed) or "Whether the tests pass, and which faults they notice, is not known."
    return f"Whether the tests pass, and which faults they notice, is not known: {why}."
