"""What linters and language servers say, as the planner puts it into the prompt."""

from __future__ import annotations

from test_ask import GOOD, Asker

from vivek.llm.scripted import ScriptedModel
from vivek.request import Diagnostic


def prompt(*diagnostics: Diagnostic) -> str:
    asker = Asker(ScriptedModel(GOOD))
    try:
        asker(
            text="import os\n\n\ndef area(r):\n    return 3 * r\n", first=4, last=5, diagnostics=diagnostics
        )
        return asker.model.prompts[0][1].content
    finally:
        asker.loop.close()


def test_errors_come_before_warnings_and_keep_their_severity() -> None:
    told = prompt(
        Diagnostic(4, "a name", "hint"),
        Diagnostic(4, "unused", "warning"),
        Diagnostic(5, "wrong\n  type", "error", "ruff"),
        Diagnostic(5, "said by nobody"),
    )
    assert (
        "- line 2 of the code: error: wrong type\n"
        "- line 1 of the code: warning: unused\n"
        "- line 1 of the code: hint: a name\n"
        "- line 2 of the code: said by nobody\n"
    ) in told


def test_those_outside_of_the_target_are_left_out_and_none_is_told_twice() -> None:
    told = prompt(Diagnostic(1, "os is unused", "warning"), *[Diagnostic(5, "twice", "error")] * 2)
    assert "os is unused" not in told
    assert told.count("twice") == 1
    assert "line 1" not in told
    assert "Diagnostics" not in prompt(Diagnostic(1, "os is unused", "warning"))
