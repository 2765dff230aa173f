"""Findings follow edits or are marked stale, in a real Neovim, and what can be done with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pynvim import NvimError
from reviewing import TEXT, Reviews, finding

from neovim_child import Editor


@pytest.fixture
def reviews(nvim: Editor) -> Reviews:
    return Reviews(nvim)


def stale(reviews: Reviews) -> list[int]:
    """The lines whose findings are marked as stale."""
    return [line for line, severity, told in reviews.diagnostics() if severity == 4 and "Stale" in told]


def test_a_finding_follows_its_line(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.editor.command("1put! =['a = 1', 'b = 2']")
    reviews.editor.wait_for(lambda: reviews.places() == [7])
    assert stale(reviews) == []
    assert reviews.quickfix()[0][0] == 7
    assert "### Line 7: fault 5" in reviews.report()


def test_edits_while_the_review_runs_are_followed(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.editor.command("1put! =['a = 1', 'b = 2']")
    reviews.editor.command("7substitute/3/4/")
    reviews.end(run, finding(5), finding(9))
    assert reviews.places() == [7, 11]
    assert stale(reviews) == [7]


def test_a_finding_whose_line_was_changed_is_stale_until_that_is_undone(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    reviews.editor.command("5substitute/3/4/")
    reviews.editor.wait_for(lambda: stale(reviews) == [5])
    assert "### Line 5, which has changed: fault 5" in reviews.report()
    assert reviews.quickfix()[0][2].startswith("stale: ")
    reviews.editor.command("undo")
    reviews.editor.wait_for(lambda: stale(reviews) == [])
    assert reviews.places() == [5, 9]


def test_new_indentation_is_no_change(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.editor.command("4,5>")
    reviews.editor.command("1delete")
    reviews.editor.wait_for(lambda: reviews.places() == [4])
    assert stale(reviews) == []


def test_a_finding_whose_line_is_gone_stays_in_the_report_until_that_is_undone(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    reviews.editor.command("5delete")
    reviews.editor.wait_for(lambda: reviews.places() == [8])
    assert "### Line 5, which is gone: fault 5" in reviews.report()
    reviews.enter_report("which is gone")
    reviews.editor.feed("<CR>")
    assert "are gone" in reviews.editor.messages()
    reviews.editor.lua("vim.api.nvim_buf_call(..., function() vim.cmd.undo() end)", reviews.buffer)
    reviews.editor.wait_for(lambda: reviews.places() == [5, 9])


def test_a_buffer_that_is_loaded_again_keeps_its_findings(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    path = reviews.editor.home / "a.py"
    path.write_text("a = 1\n" + TEXT.replace("2 * r", "7 * r"), encoding="utf-8")
    reviews.editor.command("edit!")
    reviews.editor.wait_for(lambda: 6 in reviews.places())
    assert 10 not in reviews.places() or 10 in stale(reviews)


def test_a_formatter_that_sets_all_lines_leaves_the_findings_on_theirs(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    lines = TEXT.split("\n")[:-1]
    reviews.editor.set_lines([])
    reviews.editor.set_lines(["# formatted", *lines[:5], "", *lines[5:]])
    reviews.editor.wait_for(lambda: reviews.places() == [6, 11])
    assert stale(reviews) == []


edits = st.lists(
    st.tuples(
        st.integers(0, 8), st.integers(0, 3), st.lists(st.sampled_from(["new = 1", "", "é\t😀"]), max_size=3)
    ),
    max_size=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(edits=edits, ended=st.booleans())
def test_findings_stand_on_the_lines_that_they_quote_or_are_stale(
    reviews: Reviews, edits: list[tuple[int, int, list[str]]], ended: bool
) -> None:
    found = [finding(1), finding(4), finding(5), finding(9)]
    reviews.editor.set_lines(TEXT.split("\n")[:-1])
    run = reviews.begin()
    if ended:
        reviews.end(run, *found)
    for at, count, new in edits:
        length = len(reviews.editor.lines(reviews.buffer))
        first = min(at, length)
        reviews.editor.api.buf_set_lines(reviews.buffer, first, min(first + count, length), True, new)
    if ended:
        reviews.editor.lua(
            "local found = require('vivek.findings') found.refresh(found.of(...))", reviews.buffer
        )
    else:
        reviews.end(run, *found)
    lines = reviews.editor.lines(reviews.buffer)
    fresh = {line: told.split("\n")[0] for line, _, told in reviews.diagnostics() if "Stale" not in told}
    assert fresh == {lines.index(one["quote"]) + 1: one["message"] for one in found if one["quote"] in lines}


def test_enter_in_the_report_goes_to_the_finding(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    reviews.editor.command("1put! =['a = 1']")
    reviews.editor.wait_for(lambda: reviews.places() == [6, 10])
    reviews.enter_report("fault 9")
    reviews.editor.feed("j<CR>")
    assert reviews.editor.eval("[bufnr(), line('.'), col('.')]") == [reviews.buffer, 10, 5]


def test_enter_goes_to_lines_that_were_not_looked_at(reviews: Reviews) -> None:
    skipped = [{"path": "a.py", "line": 8, "end_line": 9, "reason": "It is too long\nfor the model."}]
    reviews.review(skipped=skipped, dismissed=2, ungrounded=3)
    report = reviews.report()
    assert "- Lines 8 to 9: It is too long for the model." in report
    assert "Dismissed for good: 2." in report
    assert "quoted what is not there: 3." in report
    reviews.enter_report("Lines 8 to 9")
    reviews.editor.feed("<CR>")
    assert reviews.editor.eval("[bufnr(), line('.')]") == [reviews.buffer, 8]


def test_enter_shows_a_source_that_no_window_shows(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.enter_report("fault 5")
    reviews.editor.command("only")
    reviews.editor.feed("<CR>")
    assert reviews.editor.eval("[bufnr(), line('.')]") == [reviews.buffer, 5]


def test_a_map_of_the_users_for_the_report_wins(reviews: Reviews) -> None:
    reviews.editor.command("autocmd FileType vivekreview nnoremap <buffer> <CR> <Cmd>let g:mine = 1<CR>")
    reviews.review(finding(5))
    reviews.enter_report("fault 5")
    reviews.editor.feed("<CR>")
    assert reviews.editor.eval("g:mine") == 1


def test_the_report_is_markdown_that_no_message_can_break(reviews: Reviews) -> None:
    evil = finding(5, message="# no\n```\nheading", suggestion="a\n\n## b", quote="````x`` y")
    reviews.review(evil)
    report = reviews.report()
    assert "### Line 5: # no ``` heading" in report
    assert "`````python\n````x`` y\n`````" in report
    assert "\na ## b\n" in report
    buffer = reviews.report_buffer()
    assert reviews.editor.lua("return vim.treesitter.highlighter.active[...] ~= nil", buffer)


def test_the_cursor_of_the_report_stays_with_its_finding(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(9, severity="hint"))
    reviews.editor.wait_for(lambda: "fault 9" in reviews.report())
    reviews.enter_report("fault 9")
    reviews.find(run, finding(5), finding(1))
    reviews.editor.wait_for(lambda: "fault 5" in reviews.report())
    assert "fault 9" in reviews.editor.eval("getline('.')")


def test_the_report_is_read_from_its_beginning(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    code = "return vim.api.nvim_win_get_cursor(vim.fn.bufwinid(...))[1]"
    assert reviews.editor.lua(code, reviews.report_buffer()) == 1


def test_a_fix_asks_for_the_definition_around_the_finding(reviews: Reviews) -> None:
    reviews.review(finding(5, block="area", message="pi is not 3", suggestion="Use math.pi"))
    reviews.editor.command("5")
    reviews.editor.command("VivekFix")
    ask = reviews.sent("vivek_ask")[0]
    assert ask["instruction"] == (
        "Fix this: pi is not 3. It is about the line `return 3 * r * r`. Use math.pi."
    )
    assert (ask["selection"], ask["cursor"], ask["mode"]) == (False, 5, "coder")


def test_a_fix_outside_of_definitions_asks_for_the_lines_of_the_finding(reviews: Reviews) -> None:
    reviews.review(finding(1, block=""))
    reviews.editor.command("1put! ='a = 1'")
    reviews.editor.wait_for(lambda: reviews.places() == [2])
    reviews.editor.command("2")
    reviews.editor.command("nmap <F5> <Plug>(VivekFix)")
    reviews.editor.feed("<F5>")
    ask = reviews.sent("vivek_ask")[0]
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 2, 2)


def test_a_fix_from_the_report_is_about_the_source(reviews: Reviews) -> None:
    reviews.review(finding(5), folded=[finding(9, source="model", confidence=0.3)])
    reviews.enter_report("fault 9")
    reviews.editor.command("VivekFix")
    ask = reviews.sent("vivek_ask")[0]
    assert ask["lines"] == TEXT.split("\n")[:-1]
    assert ask["cursor"] == 9
    assert "fault 9" in ask["instruction"]


def test_of_several_findings_on_a_line_one_is_chosen(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(5, key="other", severity="hint", message="the other"))
    reviews.editor.lua("vim.ui.select = function(items, _, chosen) chosen(items[2]) end")
    reviews.editor.command("5")
    reviews.editor.command("VivekFix")
    assert "the other" in reviews.sent("vivek_ask")[0]["instruction"]


def test_nothing_is_asked_where_no_finding_is_or_its_line_has_changed(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.editor.command("1")
    reviews.editor.command("VivekFix")
    assert "No finding is on this line." in reviews.editor.messages()
    reviews.editor.command("5substitute/3/4/")
    reviews.editor.wait_for(lambda: stale(reviews) == [5])
    reviews.editor.command("VivekFix")
    assert "Review it again." in reviews.editor.messages()
    assert reviews.sent("vivek_ask") == []


def test_an_ask_in_the_report_is_about_the_source(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.enter_report("fault 5")
    reviews.editor.command("VivekAsk add a docstring")
    assert reviews.sent("vivek_ask")[0]["lines"] == TEXT.split("\n")[:-1]


def test_what_is_dismissed_is_gone_for_good(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5), finding(9))
    reviews.editor.wait_for(lambda: reviews.places() == [5, 9])
    reviews.editor.command("5")
    reviews.editor.command("VivekDismiss")
    sent = reviews.sent("vivek_dismiss")[0]
    assert (sent["key"], sent["path"], sent["finding"]["message"]) == (
        "key-5",
        str(reviews.editor.home / "a.py"),
        "fault 5",
    )
    reviews.editor.lua(
        "require('vivek.host').on_events({ { kind = 'dismissed', run = ..., key = 'key-5', path = '/p/.vivek/dismissed' } })",
        sent["run"],
    )
    assert reviews.places() == [9]
    reviews.end(run, finding(5), finding(9))
    assert reviews.places() == [9]
    assert "fault 5" not in reviews.report()
    assert "Dismissed, in /p/.vivek/dismissed." in reviews.editor.messages()


def test_what_cannot_be_dismissed_stays_and_so_does_the_review_at_work(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    reviews.editor.wait_for(lambda: reviews.places() == [5])
    reviews.editor.command("5")
    reviews.editor.command("nmap <F5> <Plug>(VivekDismiss)")
    reviews.editor.feed("<F5>")
    failure = {"kind": "RequestError", "message": "It is in no project.", "hint": "Make one."}
    reviews.event(str(reviews.sent("vivek_dismiss")[0]["run"]), "error", error=failure)
    assert "It is in no project. Make one." in reviews.editor.messages()
    reviews.end(run, finding(5), finding(9))
    assert reviews.places() == [5, 9]


def test_all_findings_can_be_taken_off_the_screen(reviews: Reviews) -> None:
    reviews.review(finding(5), finding(9))
    reviews.editor.command("VivekDismiss!")
    assert reviews.places() == []
    assert reviews.quickfix() == []
    assert reviews.sent("vivek_dismiss") == []


def test_the_last_report_is_written_where_one_says(reviews: Reviews, tmp_path: Path) -> None:
    reviews.editor.command("VivekExport out.json")
    assert "There is no report yet" in reviews.editor.messages()
    run = reviews.review(finding(5))
    reviews.editor.command(f"VivekExport {tmp_path}/out.sarif")
    reviews.editor.command("edit other.py")
    reviews.editor.command("VivekExport")
    told: list[Any] = reviews.sent("vivek_export")
    assert [one["run"] for one in told] == [run, run]
    assert [Path(one["path"]).name for one in told] == ["out.sarif", "review.md"]


def test_a_file_that_is_there_is_written_over_only_where_one_says_so(
    reviews: Reviews, tmp_path: Path
) -> None:
    reviews.review(finding(5))
    (tmp_path / "there.md").write_text("mine", encoding="utf-8")
    with pytest.raises(NvimError, match="there already"):
        reviews.editor.command("VivekExport there.md")
    assert reviews.sent("vivek_export") == []
    reviews.editor.command("VivekExport! there.md")
    assert len(reviews.sent("vivek_export")) == 1
