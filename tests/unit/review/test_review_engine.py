"""A whole review, on a scripted model."""

from __future__ import annotations

import subprocess
from contextlib import aclosing
from pathlib import Path

import pytest

from review_helpers import said
from vivek.errors import ModelAPIError, ModelUnreachableError, RequestError, RunStoppedError
from vivek.llm.base import Sampling
from vivek.llm.forced import Place
from vivek.project_file import Verify
from vivek.request import Diagnostic
from vivek.review import calibration, reading
from vivek.review.doubt import Doubt
from vivek.review.heard import HeardModel
from vivek.review.subject import Subject

TEXT = '''import math


def area(r):
    """The area of a circle."""
    return math.pi * r


def clamp(x, low, high):
    if x < low:
        return high
    if x > high:
        return high
    return x
'''

NOTHING = said()


def test_what_is_below_the_threshold_is_folded_and_never_an_error(reviewer) -> None:
    reviewer.model.enqueue(said(("        return high", "It returns the wrong limit.")))
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(TEXT)
    assert review.findings == ()
    [folded] = review.folded
    assert (folded.line, folded.quote, folded.block) == (11, "        return high", "clamp")
    assert folded.confidence < calibration.SHOWN_FROM
    assert not review.has_errors
    assert [event["folded"] for event in reviewer.events if event["kind"] == "finding"] == [True]


@pytest.fixture
def doubting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model doubts `clamp`, at its first `high`, and nothing else."""

    async def doubt(model: HeardModel, subject: Subject) -> Doubt:
        async with aclosing(model.stream(subject.messages("?"), Sampling(max_tokens=1))) as events:
            assert [event async for event in events]
        here = subject.name == "clamp"
        place = Place(subject.code.index("return ") + 6, " high", 5.0, " low")
        return Doubt(9.0 if here else 1.0, (place,), "return low")

    monkeypatch.setattr(reading, "doubt", doubt)
    monkeypatch.setattr(calibration, "calibrated", lambda signals: signals[calibration.DOUBT] / 10)


@pytest.mark.usefixtures("doubting")
def test_a_doubted_line_is_shown_with_the_models_words_for_it_and_the_rest_of_them_folded(reviewer) -> None:
    words = said(("return x", "Why?"), ("return high", "Wrong limit."))
    for reply in ("A", words, "B"):
        reviewer.model.enqueue(reply)
    review = reviewer.review(TEXT)
    assert [(call["node"], call["first"]) for call in review.calls] == [
        ("doubt", 9),
        ("review", 9),
        ("doubt", 4),
    ], "what is not doubted is not asked about in words"
    [shown] = review.findings
    assert (shown.line, shown.confidence, shown.source, shown.severity) == (11, 0.9, "model", "warning")
    assert shown.message == "`high` is unlikely here; the model would write `low`. Wrong limit."
    assert shown.suggestion == "`return low` may be meant."
    assert [(one.line, one.confidence) for one in review.folded] == [(14, 0.45)]
    assert [(block.name, block.suspicion) for block in review.blocks] == [("clamp", 0.9), ("area", 0.1)]
    assert "clamp (90%)" in review.summary
    assert "Look at this line first: return high" in reviewer.asked()[1]


@pytest.mark.usefixtures("doubting")
def test_a_doubted_line_that_the_model_has_no_words_for_is_told_with_what_it_would_write(reviewer) -> None:
    for reply in ("A", NOTHING, "B"):
        reviewer.model.enqueue(reply)
    [shown] = reviewer.review(TEXT).findings
    assert (shown.line, shown.severity, shown.quote) == (11, "warning", "        return high")
    assert shown.message == "`high` is unlikely here; the model would write `low`."
    assert shown.suggestion == "`return low` may be meant."


def test_a_quote_that_is_not_in_the_block_is_dropped_and_counted(reviewer) -> None:
    reviewer.model.enqueue(said(("return low", "Made up."), ("return math.pi * r", "In another block.")))
    reviewer.model.enqueue(said(("", "No quote."), ("return math.pi * r", "The radius is not squared.")))
    review = reviewer.review(TEXT)
    assert review.ungrounded == 3
    assert [one.line for one in review.folded] == [6]
    lines = TEXT.split("\n")
    assert all(one.quote == lines[one.line - 1] for one in review.folded)


def test_static_findings_come_first_and_the_models_duplicate_is_merged(reviewer) -> None:
    text = "def f():\n    return missing\n"
    reviewer.model.enqueue(said(("return missing", "The name missing is not defined.")))
    review = reviewer.review(text)
    assert [(one.source, one.line, one.severity) for one in review.findings] == [("ruff F821", 2, "error")]
    assert review.folded == ()
    kinds = reviewer.kinds()
    assert kinds.index("finding") < kinds.index("start")


def test_without_a_model_the_static_tools_alone_are_asked(reviewer) -> None:
    review = reviewer.review("x = missing\n", ask_model=False)
    assert [one.source for one in review.findings] == ["ruff F821"]
    assert "start" not in reviewer.kinds()
    assert review.complete


def test_the_most_complex_block_is_read_first(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    reviewer.model.enqueue(NOTHING)
    reviewer.review(TEXT)
    first, second = reviewer.asked()
    assert "def clamp" in first.split("The code block:")[1]
    assert "def area" in second.split("The code block:")[1]


def test_the_most_changed_block_is_read_first(reviewer, repository: Path) -> None:
    (repository / "a.py").write_text(TEXT)
    commit(repository)
    reviewer.model.enqueue(NOTHING)
    reviewer.model.enqueue(NOTHING)
    reviewer.review(TEXT.replace("math.pi * r", "math.tau * r"))
    assert "def area" in reviewer.asked()[0].split("The code block:")[1]


def test_only_what_changed_is_reviewed(reviewer, repository: Path) -> None:
    (repository / "a.py").write_text(TEXT)
    commit(repository)
    reviewer.model.enqueue(NOTHING)
    changed = TEXT.replace("math.pi * r", "math.tau * radius").replace("import math", "import math, os")
    review = reviewer.review(changed, since="HEAD")
    assert len(reviewer.asked()) == 1
    assert [(one.source, one.line) for one in review.findings] == [("ruff F401", 1), ("ruff F821", 6)]
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(changed, since="HEAD", ranges=((4, 6),))
    assert [one.line for one in review.findings] == [6]


def test_a_range_bounds_findings_and_questions(reviewer) -> None:
    text = TEXT + "\n\ndef third():\n    return missing\n"
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(text, ranges=((4, 6),))
    assert review.findings == ()
    assert len(reviewer.asked()) == 1


def test_the_context_window_bounds_what_is_read(reviewer) -> None:
    long = "def long(x):\n" + "".join(f"    x += {number} * x\n" for number in range(900)) + "    return x\n"
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(long + "\n\n" + TEXT.split("\n\n\n")[1])
    [skipped] = review.skipped
    assert (skipped.line, "context window" in skipped.reason) == (1, True)
    assert review.complete
    assert len(reviewer.asked()) == 1


def test_nonsense_from_the_model_is_no_finding_and_is_told(reviewer) -> None:
    for _ in range(2):
        reviewer.model.enqueue("I am sorry, I cannot")
        reviewer.model.enqueue("]]} 42 <|im_start|>")
    review = reviewer.review(TEXT)
    assert (review.findings, review.folded, review.complete) == ((), (), True)
    assert {skipped.reason for skipped in review.skipped} == {"The model's reply was no list of findings."}
    assert [call["node"] for call in review.calls] == ["review", "review again"] * 2
    assert all(call["problem"] for call in review.calls)


def test_a_field_that_makes_no_sense_does_not_lose_the_finding(reviewer) -> None:
    reply = '{"findings": [{"severity": 7, "category": "doom", "quote": "return high", "problem": "Wrong."}, 3, "x"]}'
    reviewer.model.enqueue(reply)
    reviewer.model.enqueue('{"findings": "none"}')
    review = reviewer.review(TEXT)
    assert [(one.severity, one.category, one.line) for one in review.folded] == [
        ("warning", "correctness", 11)
    ]


def test_a_server_that_cannot_be_reached_loses_no_static_finding(reviewer, monkeypatch) -> None:
    async def choose(*_settings: object) -> None:
        raise ModelUnreachableError("Nothing answers.", hint="Start it.")

    async def persistently(call, _tell):
        return await call()

    monkeypatch.setattr("vivek.session.choose", choose)
    monkeypatch.setattr("vivek.session.persistently", persistently)
    review = reviewer.review(TEXT + "\nx = missing\n")
    assert [one.source for one in review.findings] == ["ruff F821"]
    assert not review.complete
    assert review.error == {
        "kind": "ModelUnreachableError",
        "message": "Nothing answers.",
        "hint": "Start it.",
        "partial": "",
    }
    [skipped] = review.skipped
    assert (skipped.line, skipped.end_line) == (4, 14)


def test_a_model_that_fails_in_the_middle_loses_nothing_that_was_found(reviewer) -> None:
    reviewer.model.enqueue(said(("return high", "Wrong limit.")))
    reviewer.model.enqueue(ModelAPIError("The server broke."))
    review = reviewer.review(TEXT)
    assert [one.line for one in review.folded] == [11]
    assert [(one.line, one.reason) for one in review.skipped] == [(4, "The model failed: The server broke.")]
    assert not review.complete


def test_a_stop_in_the_middle_keeps_what_was_found(reviewer) -> None:
    reviewer.model.enqueue(said(("return high", "Wrong limit.")))
    reviewer.model.enqueue("{", hang=True)

    def hear(event):
        reviewer.events.append(event)
        if event["kind"] == "progress" and (event["phase"], event["done"]) == ("reviewing", 1):
            reviewer.cancel.cancel()

    reviewer._hear = hear
    review = reviewer.review(TEXT)
    assert [one.line for one in review.folded] == [11]
    assert not review.complete
    assert review.error is None
    assert [(one.line, one.reason) for one in review.skipped] == [(4, "The review was stopped before it.")]


def test_a_stop_before_the_beginning_is_raised(reviewer) -> None:
    reviewer.cancel.cancel()
    with pytest.raises(RunStoppedError):
        reviewer.review(TEXT)


def test_a_syntax_error_is_found_and_the_other_blocks_are_read(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(TEXT.replace("if x > high:", "if x > high"))
    assert {(one.category, one.severity) for one in review.findings} == {("syntax", "error")}
    assert review.findings[0].line == 12
    assert len(reviewer.asked()) == 2


def test_a_syntax_error_in_another_language_is_the_grammars_finding(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    text = "local function f(a)\n  return a +\nend\n"
    review = reviewer.review(text, "a.lua", filetype="lua")
    assert [(one.source, one.category, one.severity) for one in review.findings] == [
        ("tree-sitter", "syntax", "error")
    ]


def test_a_file_of_no_known_language_is_read_in_paragraphs(reviewer) -> None:
    reviewer.model.enqueue(said(("third line", "It is third.")))
    review = reviewer.review("first line\n\nsecond line\nthird line\n", "a.zzz", filetype="zzz")
    assert [(one.line, one.quote) for one in review.folded] == [(4, "third line")]
    assert [one.reason for one in review.skipped] == ["No static tool here knows zzz."]


def test_what_a_language_server_says_is_a_finding_under_its_name(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    told = (
        Diagnostic(2, "Undefined global `bar`.", "warning", "Lua Diagnostics."),
        Diagnostic(99, "beyond the end", "error", ""),
    )
    review = reviewer.review("local function f()\n  bar()\nend\n", "a.lua", filetype="lua", diagnostics=told)
    assert [(one.line, one.source, one.severity) for one in review.findings] == [
        (2, "Lua Diagnostics.", "warning"),
        (3, "language server", "error"),
    ]


def test_a_file_that_is_ignored_is_shown_to_no_model(reviewer) -> None:
    (reviewer.folder / "pyproject.toml").write_text("")
    (reviewer.folder / ".vivekignore").write_text("a.py\n")
    review = reviewer.review(TEXT + "\nx = missing\n")
    assert reviewer.model.prompts == []
    assert [one.source for one in review.findings] == ["ruff F821"]
    assert "`a.py` in .vivekignore" in review.skipped[0].reason


def test_an_empty_file_has_nothing_wrong(reviewer) -> None:
    review = reviewer.review("")
    assert (review.findings, review.complete, review.blocks) == ((), True, ())


def test_a_file_of_20000_lines_is_read_block_by_block(reviewer) -> None:
    blocks = 4_000
    text = "".join(
        f"local function f{number}(x)\n  local y = x\n  return y\nend\n\n" for number in range(blocks)
    )
    assert text.count("\n") == 20_000
    for _ in range(3):
        reviewer.model.enqueue(said(("return y", "Wrong.")))
    reviewer.model.enqueue("{", hang=True)

    def hear(event):
        reviewer.events.append(event)
        if event["kind"] == "progress" and (event["phase"], event["done"]) == ("reviewing", 3):
            reviewer.cancel.cancel()

    reviewer._hear = hear
    review = reviewer.review(text, "a.lua", filetype="lua")
    assert [one.line for one in review.folded] == [3, 8, 13]
    totals = {event["total"] for event in reviewer.events if event.get("phase") == "reviewing"}
    assert totals == {blocks}
    [left] = review.skipped
    assert (left.line, left.end_line) == (16, 19_999)


# Examples

EXAMPLES = '''def double(x):
    """Twice.

    >>> double(2)
    4
    """
    return x + 3


def half(x):
    """Half.

    >>> half(4)
    2
    """
    return x // 2


def crash(x):
    """Breaks.

    >>> crash(4)
    2
    """
    return x[0]
'''


def test_a_failing_example_is_the_finding_and_the_model_is_not_asked_there(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    review = reviewer.review(EXAMPLES, verify=Verify(run_examples=True))
    told = [(one.source, one.line, one.severity, one.block) for one in review.findings]
    assert told == [("example", 4, "error", "double"), ("example", 25, "error", "crash")]
    assert "gives `5`, and should give `4`" in review.findings[0].message
    assert "TypeError" in review.findings[1].message
    assert review.findings[1].quote == "    return x[0]"
    assert len(reviewer.asked()) == 1
    assert "def half" in reviewer.asked()[0]
    signals = {block.name: block.signals for block in review.blocks}
    assert signals["double"][calibration.EXAMPLES_FAILED] == 1
    assert signals["half"][calibration.EXAMPLES_PASSED] == 1


def test_a_test_command_alone_runs_no_examples(reviewer) -> None:
    review = reviewer.review(EXAMPLES, verify=Verify(test="pytest"), ask_model=False)
    assert (review.findings, review.skipped) == ((), ())


def test_examples_are_not_run_unless_it_is_switched_on(reviewer) -> None:
    reviewer.model.enqueue(NOTHING)
    reviewer.model.enqueue(NOTHING)
    reviewer.model.enqueue(NOTHING)
    assert reviewer.review(EXAMPLES).findings == ()


def test_examples_of_a_file_that_cannot_be_imported_are_told(reviewer) -> None:
    review = reviewer.review(
        "import no_such_module_at_all\nprint(no_such_module_at_all)\n\n\n" + EXAMPLES,
        verify=Verify(run_examples=True),
        ask_model=False,
    )
    assert review.findings == ()
    assert "cannot verify" in review.skipped[0].reason


# What changed


def commit(folder: Path) -> None:
    for command in (["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


@pytest.fixture
def repository(reviewer) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=reviewer.folder, check=True)
    for key, value in (("user.name", "A"), ("user.email", "a@example.org")):
        subprocess.run(["git", "config", key, value], cwd=reviewer.folder, check=True)
    return reviewer.folder


def test_outside_of_a_repository_nothing_tells_what_changed(reviewer) -> None:
    with pytest.raises(RequestError, match="in no git repository"):
        reviewer.review(TEXT, since="HEAD")


def test_a_binary_file_is_refused(reviewer) -> None:
    with pytest.raises(RequestError, match="is not text"):
        reviewer.review("\x7fELF\x02\x01\0\0")
    with pytest.raises(RequestError, match="is not text"):
        reviewer.review(bytes(range(128, 256)).decode("utf-8", "surrogateescape") * 9)


def test_a_range_outside_of_the_file_is_refused(reviewer) -> None:
    with pytest.raises(RequestError, match="are not in the document"):
        reviewer.review(TEXT, ranges=((3, 300),))
