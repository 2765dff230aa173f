"""A review as Markdown, JSON and SARIF."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import RequestError
from vivek.request import line_count
from vivek.review.export import rendered, write
from vivek.review.finding import CATEGORIES, SEVERITIES, BlockReview, Finding, Review, Skipped
from vivek.review.markdown import markdown
from vivek.review.merging import merged
from vivek.review.reports import MOST, Reports
from vivek.review.request import ReviewRequest
from vivek.review.sarif import sarif
from vivek.review.summary import together

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "sarif-2.1.0.json").read_text())

FINDING = Finding(
    "src/a b.py",
    3,
    4,
    "error",
    "correctness",
    "ruff F821",
    0.95,
    "x = y\nz",
    "Undefined `y`.",
    "Define it.",
    "f",
)
REVIEW = Review(
    findings=(FINDING,),
    folded=(Finding("src/a b.py", 9, 9, "warning", "error handling", "model", 0.3, "pass", "Swallowed."),),
    skipped=(Skipped("src/a b.py", 20, 30, "It does not fit."),),
    dismissed=1,
    ungrounded=2,
    blocks=(BlockReview("f", 1, 4, 0.7, {"doubt": 1.0}),),
    summary="1 error.",
)

_TEXT = st.text(max_size=30)
_FINDINGS = st.builds(
    Finding,
    path=st.sampled_from(["a.py", "/abs/b.py", "", "ü/c d.py", "../x.py", "bad\udcff.py"]),
    line=st.integers(1, 5),
    end_line=st.integers(5, 9),
    severity=st.sampled_from(SEVERITIES),
    category=st.sampled_from(CATEGORIES),
    source=st.sampled_from(
        ["model", "ruff F821", "ruff", "tree-sitter", "example", "Lua Diagnostics.", "language server"]
    ),
    confidence=st.floats(0, 1),
    quote=st.one_of(_TEXT, st.just("\udcff")),
    message=_TEXT,
    suggestion=_TEXT,
    block=_TEXT,
)


def valid(log: object) -> None:
    jsonschema.Draft4Validator(SCHEMA).validate(log)


@given(st.lists(_FINDINGS, max_size=5))
def test_sarif_is_valid_whatever_was_found(findings: list[Finding]) -> None:
    review = Review(findings=tuple(findings), skipped=REVIEW.skipped)
    log = sarif(review, Path("/project"))
    valid(json.loads(json.dumps(log)))
    assert len(log["runs"][0]["results"]) == len(findings)
    json.dumps(log).encode()


def test_sarif_names_rule_place_and_fingerprint() -> None:
    log = sarif(REVIEW, Path("/project"))
    valid(log)
    [result] = log["runs"][0]["results"]
    assert (result["ruleId"], result["level"], result["rank"]) == ("ruff/F821", "error", 95.0)
    assert result["partialFingerprints"] == {"vivekContentKey/v1": FINDING.key}
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "src/a%20b.py"
    assert (place["region"]["startLine"], place["region"]["endLine"]) == (3, 4)


def test_the_schema_refuses_what_is_wrong() -> None:
    log = sarif(REVIEW, Path("/project"))
    log["runs"][0]["results"][0]["level"] = "grave"
    with pytest.raises(jsonschema.ValidationError):
        valid(log)


def test_json_has_exactly_the_promised_fields() -> None:
    report = json.loads(rendered(REVIEW, ".json", name="a", filetype="", root=Path()))
    wanted = {
        *(
            "path",
            "line",
            "end_line",
            "severity",
            "category",
            "source",
            "confidence",
            "quote",
            "message",
            "suggestion",
        )
    }
    assert set(report["findings"][0]) == set(report["folded"][0]) == wanted
    assert {"findings", "folded", "skipped", "calls"} <= set(report)


def test_markdown_tells_all_that_is_known() -> None:
    text = markdown(REVIEW, "a b.py", "python")
    for part in (
        "# Review of a b.py",
        "1 error.",
        "## 1 error",
        "### `src/a b.py:3` in `f`",
        "Undefined `y`.",
        "```python\nx = y\nz\n```",
        "Define it.",
        "## Unsure (1)",
        "Swallowed.",
        "## Not looked at",
        "- `src/a b.py:20-30`: It does not fit.",
        "1 finding is dismissed",
        "2 findings of the model quoted what is not there",
    ):
        assert part in text, part


@given(st.lists(_FINDINGS, max_size=4))
def test_nothing_that_a_model_says_becomes_a_heading(findings: list[Finding]) -> None:
    review = Review(findings=tuple(findings), summary="fine")
    text = markdown(review, "a.py")
    inside = False
    headings = []
    for line in text.split("\n"):
        if line.startswith("```"):
            inside = not inside
        elif line.startswith("#") and not inside:
            headings.append(line)
    assert sum(line.startswith("### ") for line in headings) == len(findings)


def test_an_unfinished_review_says_so() -> None:
    assert "**Not complete:** It was stopped." in markdown(Review(complete=False), "a.py")
    failed = Review(complete=False, error={"kind": "X", "message": "It broke.", "hint": "", "partial": ""})
    assert "**Not complete:** It broke." in markdown(failed, "a.py")


def test_another_extension_is_refused() -> None:
    with pytest.raises(RequestError, match=r"cannot be written as \.html"):
        rendered(REVIEW, ".html", name="a", filetype="", root=Path())


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "a.md", "text")
    assert (tmp_path / "a.md").read_text() == "text"
    with pytest.raises(RequestError, match="cannot be written"):
        write(tmp_path / "no" / "a.md", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_the_last_reports_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    reports = Reports()
    for number in range(MOST + 1):
        reports.keep(ReviewRequest(run=str(number), text="x\n"), REVIEW)
    reports.write(str(MOST), tmp_path / "a.sarif")
    valid(json.loads((tmp_path / "a.sarif").read_text()))
    with pytest.raises(RequestError, match="no such review"):
        reports.write("0", tmp_path / "b.md")


def test_several_files_make_one_review() -> None:
    whole = together([REVIEW, Review(complete=False), REVIEW])
    assert (len(whole.findings), whole.dismissed, whole.complete) == (2, 2, False)
    assert whole.summary == "2 errors in 3 files."
    assert together([REVIEW]).summary == REVIEW.summary
    assert together([]).summary == "Nothing found in 0 files."


@given(st.lists(_FINDINGS, max_size=6))
def test_merging_keeps_one_of_each_and_invents_none(findings: list[Finding]) -> None:
    once = merged(findings)
    assert len(once) <= len(findings)
    assert {(one.path, one.line, one.message) for one in once} <= {
        (one.path, one.line, one.message) for one in findings
    }
    assert bool(once) == bool(findings)


def test_the_editor_gets_the_keys_and_the_report() -> None:
    request = ReviewRequest(run="1", text="x\n", path=Path("/p/a.py"))
    report = Reports().keep(request, REVIEW)
    assert report["findings"][0]["key"] == FINDING.key
    assert report["markdown"].startswith("# Review of a.py\n")
    assert line_count(report["markdown"]) > 5
