"""A review the whole way: a real Neovim, the real Python host, and a scripted model in the place of the weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from reviewing import Reviews
from scripted import Scripted

from neovim_child import Editor
from review_helpers import said
from vivek.review import calibration

TEXT = '''import os


def area(r):
    """The area of a circle."""
    return 3 * r


def total(items):
    return sum(items) / count
'''


class Whole(Scripted):
    """A Neovim child whose reviews have a scripted model."""

    def run(self, command: str, *, count: int = 1) -> dict[str, Any]:
        """Run a command, and wait for so many ends; gives the data of the last one."""
        return self.until(command, count=count)[1]

    def sources(self) -> list[tuple[int, str]]:
        """Line and source of what is shown in the source."""
        code = """
            local namespace = vim.api.nvim_get_namespaces().vivek_findings
            return namespace and vim.diagnostic.get(nil, { namespace = namespace }) or {}
        """
        return sorted((item["lnum"] + 1, item["source"]) for item in self.editor.lua(code))

    report = Reviews.report
    report_buffer = Reviews.report_buffer
    enter_report = Reviews.enter_report


@pytest.fixture
def whole(nvim: Editor, tmp_path: Path) -> Whole:
    return Whole(nvim, tmp_path / "script.json")


def repository(folder: Path) -> None:
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)


def test_static_findings_and_those_of_the_model_are_shown_fixed_dismissed_and_exported(whole: Whole) -> None:
    editor = whole.editor
    whole.replies(
        said(("    return 3 * r", "The radius is not squared.")),
        said(("return nothing at all", "It is made up.")),
        "```python\ndef total(items):\n    return sum(items) / len(items)\n```\n",
    )
    editor.edit(TEXT, name="p/a.py")
    (editor.home / "p" / ".vivek").mkdir()
    result = whole.run("VivekReview")["result"]
    assert (result["complete"], result["ungrounded"]) == (True, 1)
    assert (10, "ruff F821") in whole.sources()
    assert calibration.calibrated({}) < calibration.SHOWN_FROM
    assert [line for line, source in whole.sources() if source.startswith("model")] == []
    report = whole.report()
    assert "## Unsure: 1" in report
    assert "The radius is not squared." in report
    assert "Dropped, for they quoted what is not there: 1." in report
    assert "scripted" in report

    editor.command("10")
    whole.run("VivekFix", count=2)
    editor.command("VivekApply!")
    assert editor.lines()[9] == "    return sum(items) / len(items)"
    editor.wait_for(lambda: (10, "ruff F821") in whole.sources())

    editor.command("1")
    editor.command("VivekDismiss")
    dismissed = editor.home / "p" / ".vivek" / "dismissed"
    editor.wait_for(lambda: 1 not in [line for line, _ in whole.sources()])
    assert "ruff F401" in dismissed.read_text(encoding="utf-8")

    for name, holds in (("r.md", "# Review"), ("r.json", '"findings"'), ("r.sarif", '"2.1.0"')):
        path = editor.home / name
        editor.command(f"VivekExport {path}")
        editor.wait_for(path.exists)
        assert holds in path.read_text(encoding="utf-8")
    editor.command(f"VivekExport {editor.home}/r.docx")
    editor.wait_for(lambda: "docx" in editor.messages())

    whole.replies(said(), said())
    editor.command("undo")
    again = whole.run("VivekReview", count=3)["result"]
    assert again["dismissed"] == 1
    assert 1 not in [line for line, _ in whole.sources()]


def test_a_finding_outside_of_a_project_cannot_be_dismissed_and_that_is_said(whole: Whole) -> None:
    whole.replies(said(), said())
    whole.editor.edit(TEXT, name="a.py")
    whole.run("VivekReview")
    whole.editor.command("1")
    whole.editor.command("VivekDismiss")
    whole.editor.wait_for(lambda: "no project" in whole.editor.messages())
    assert 1 in [line for line, _ in whole.sources()]


def test_only_what_changed_is_reviewed(whole: Whole) -> None:
    editor = whole.editor
    whole.replies(said())
    path = editor.home / "p" / "a.py"
    editor.edit(TEXT, name="p/a.py")
    repository(path.parent)
    editor.api.buf_set_lines(0, 9, 10, True, ["    return sum(items) / number"])
    result = whole.run("VivekReview!")["result"]
    assert {one["line"] for one in result["findings"]} == {10}
    assert len(result["calls"]) == 1


def test_a_range_alone_is_reviewed(whole: Whole) -> None:
    whole.replies(said())
    whole.editor.edit(TEXT, name="a.py")
    result = whole.run("9,10VivekReview")["result"]
    assert {one["line"] for one in result["findings"]} == {10}
    assert len(result["calls"]) == 1


def test_a_syntax_error_is_a_finding(whole: Whole) -> None:
    whole.replies(said(), said(), said())
    whole.editor.edit("def f(:\n    return 1\n", name="a.py")
    result = whole.run("VivekReview")["result"]
    assert [one["category"] for one in result["findings"]][:1] == ["syntax"]
    assert 1 in [line for line, _ in whole.sources()]


def test_a_file_of_20000_lines_is_reviewed_until_it_is_stopped_and_keeps_what_was_found(
    whole: Whole,
) -> None:
    editor = whole.editor
    block = "def f{n}(a):\n    b = {name}\n    return a + b\n\n\n"
    text = "".join(block.format(n=n, name="a" if n % 40 else f"missing_{n}") for n in range(4_000))
    whole.replies({"text": said(), "tokens_per_second": 5}, *[said()] * 20)
    editor.edit(text, name="long.py")
    assert editor.api.buf_line_count(0) == 20_000
    editor.command("VivekReview")
    editor.wait_for(lambda: len(whole.sources()) == 100, timeout=120)
    editor.command("1put! ='x = 1'")
    editor.wait_for("require('vivek').statusline():find('of 4000 · ', 1, true)", timeout=120)
    editor.command("VivekStop")
    editor.wait_for(whole.ended, timeout=60)
    name, data = whole.ends()[0]
    assert (name, data["result"]["complete"]) == ("VivekReviewed", False)
    lines = editor.lines()
    assert ["missing_" in lines[line - 1] for line, _ in whole.sources()] == [True] * 100
    assert "## Not looked at" in whole.report()


def test_a_binary_file_is_refused_with_a_reason(whole: Whole) -> None:
    whole.editor.edit("\x7fELF\x00\x01\x02\x00\udcff\udcfe\n", name="program", filetype="")
    whole.run("VivekReview")
    assert whole.ends()[0][0] == "VivekError"
    assert "is not text, so there is nothing to review." in whole.report()


def test_a_file_of_another_language_without_a_server_is_reviewed_by_grammar_and_model(whole: Whole) -> None:
    whole.replies(said(("  return a - b", "It subtracts.")))
    whole.editor.edit(
        "local function add(a, b)\n  return a - b\nend\nlocal = 1\n", name="a.lua", filetype="lua"
    )
    result = whole.run("VivekReview")["result"]
    assert [one["source"] for one in result["findings"]] == ["tree-sitter"]
    assert [one["line"] for one in result["folded"]] == [2]


def test_a_file_of_no_known_kind_says_what_was_not_looked_at(whole: Whole) -> None:
    whole.replies(said(), said())
    whole.editor.edit("what ever\n", name="a.zzz", filetype="zzz")
    whole.run("VivekReview")
    assert "No static tool here knows zzz." in whole.report()


@pytest.mark.parametrize("nonsense", ["", "I think it is fine!", '{"bugs": 3', "[" * 3000])
def test_a_model_that_answers_nonsense_costs_no_static_finding(whole: Whole, nonsense: str) -> None:
    whole.replies(*[nonsense] * 6)
    whole.editor.edit(TEXT, name="a.py")
    result = whole.run("VivekReview")["result"]
    assert (10, "ruff F821") in whole.sources()
    assert result["folded"] == []
    assert "## Not looked at" in whole.report()


def test_a_model_that_cannot_be_reached_costs_no_static_finding(whole: Whole) -> None:
    whole.editor.edit(TEXT, name="a.py")
    whole.editor.lua(
        "require('vivek').setup({ python = ..., backend = 'scripted', url = '/nowhere' })", sys.executable
    )
    whole.run("VivekReview")
    assert (10, "ruff F821") in whole.sources()
    assert "**Not complete:**" in whole.report()


def test_edits_while_the_review_runs_are_followed_to_its_end(whole: Whole) -> None:
    editor = whole.editor
    whole.replies({"text": said(("    return 3 * r", "No square.")), "tokens_per_second": 15}, said())
    editor.edit(TEXT, name="a.py")
    editor.command("VivekReview")
    editor.wait_for(whole.sources, timeout=60)
    editor.command("2put =['x = 1', 'y = 2']")
    editor.command("12substitute/count/len(items)/")
    editor.wait_for(whole.ended, timeout=60)
    editor.wait_for(lambda: 12 in [line for line, _ in whole.sources()])
    code = "return vim.tbl_map(function(d) return { d.lnum + 1, d.user_data.vivek.stale } end, vim.diagnostic.get(0))"
    assert [12, True] in editor.lua(code)
    whole.enter_report("No square.")
    editor.feed("<CR>")
    assert editor.eval("getline('.')") == "    return 3 * r"


def test_nothing_of_the_model_is_asked_where_it_is_switched_off(whole: Whole) -> None:
    whole.editor.edit(TEXT, name="a.py")
    whole.editor.lua(
        "require('vivek').setup({ python = ..., backend = 'scripted', url = '/nowhere', review = { model = false } })",
        sys.executable,
    )
    result = whole.run("VivekReview")["result"]
    assert (result["complete"], result["calls"]) == (True, [])
    assert (10, "ruff F821") in whole.sources()
