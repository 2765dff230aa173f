"""A review from the command to its end, in a real Neovim; the Python side is a stand-in."""

from __future__ import annotations

import pytest
from pynvim import NvimError
from reviewing import TEXT, Reviews, finding

from neovim_child import Editor


@pytest.fixture
def reviews(nvim: Editor) -> Reviews:
    return Reviews(nvim)


def test_a_review_sends_the_text_and_shows_what_was_found_as_it_comes(reviews: Reviews) -> None:
    run = reviews.begin()
    sent = reviews.sent("vivek_review")[0]
    assert sent["lines"] == TEXT.split("\n")[:-1]
    assert (sent["changed"], sent["selection"], sent["model"]) == (False, False, True)
    reviews.find(run, finding(5), finding(1, severity="warning"))
    reviews.editor.wait_for(lambda: reviews.places() == [1, 5])
    reviews.end(run, finding(5), finding(1, severity="warning"))
    assert reviews.diagnostics() == [(1, 2, "fault 1\nmend 1"), (5, 1, "fault 5\nmend 5")]
    assert reviews.quickfix() == [(5, "E", "fault 5 [ruff F821]"), (1, "W", "fault 1 [ruff F821]")]
    assert reviews.editor.lua("return #vim.fn.getloclist(0)") == 2
    assert (reviews.heard()[0], reviews.heard()[-1]) == ("VivekStart", "VivekReviewed")
    assert "1 error, 1 warning" in reviews.editor.messages()
    assert reviews.editor.lines() == TEXT.split("\n")[:-1]


def test_a_range_and_what_changed_are_sent(reviews: Reviews) -> None:
    reviews.begin("4,5VivekReview")
    reviews.begin("VivekReview!")
    reviews.editor.feed("ggVj")
    reviews.begin("lua require('vivek').review()")
    ranged, changed, visual = reviews.sent("vivek_review")
    assert (ranged["selection"], ranged["first"], ranged["last"], ranged["changed"]) == (True, 4, 5, False)
    assert (changed["selection"], changed["changed"]) == (False, True)
    assert (visual["first"], visual["last"]) == (1, 2)


def test_the_end_of_a_review_is_the_last_word_on_what_came_before(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(1), finding(5))
    reviews.editor.wait_for(lambda: reviews.places() == [1, 5])
    reviews.end(run, finding(5, severity="hint"), finding(9))
    assert reviews.diagnostics() == [(5, 4, "fault 5\nmend 5"), (9, 1, "fault 9\nmend 9")]


def test_a_new_review_takes_the_place_of_the_one_before(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.review(finding(9))
    assert reviews.places() == [9]
    assert [line for line, _, _ in reviews.quickfix()] == [9]
    reviews.editor.command("silent colder")
    assert [line for line, _, _ in reviews.quickfix()] == [5]


def test_a_review_at_work_is_stopped_by_a_new_one_and_its_findings_come_to_nothing(reviews: Reviews) -> None:
    first = reviews.begin()
    second = reviews.begin()
    assert [stop["run"] for stop in reviews.sent("vivek_stop")] == [first]
    reviews.find(second, finding(9))
    reviews.find(first, finding(5))
    reviews.end(first, finding(5), complete=False)
    reviews.end(second, finding(9))
    assert reviews.places() == [9]


def test_a_stop_keeps_what_was_found(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    reviews.editor.wait_for(lambda: "fault 5" in reviews.report())
    reviews.enter_report("fault 5")
    reviews.editor.command("VivekStop")
    assert [stop["run"] for stop in reviews.sent("vivek_stop")] == [run]
    reviews.end(run, finding(5), complete=False)
    assert reviews.places() == [5]
    assert "stopped" in reviews.editor.messages()
    assert "**Not complete:** it was stopped." in reviews.report()


def test_what_was_found_stays_where_python_does_not_answer_a_stop(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    reviews.editor.command("VivekStop")
    reviews.editor.wait_for(lambda: "VivekError" in reviews.heard())
    assert reviews.places() == [5]
    assert "**Not complete:** Stopped." in reviews.report()


def test_a_review_that_fails_at_once_leaves_what_the_one_before_had_found(reviews: Reviews) -> None:
    reviews.review(finding(5))
    run = reviews.begin()
    assert reviews.places() == []
    failure = {"kind": "ModelError", "message": "There is no model.", "hint": "Install one."}
    reviews.event(run, "error", error=failure)
    assert reviews.places() == [5]
    assert "There is no model. Install one." in reviews.editor.messages()


def test_a_review_that_fails_in_the_middle_keeps_what_it_has_found(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    failure = {"kind": "ModelError", "message": "The model is gone.", "hint": ""}
    reviews.event(run, "error", error=failure)
    assert reviews.places() == [5]
    assert "**Not complete:** The model is gone." in reviews.report()


def test_a_model_that_fails_leaves_what_the_static_tools_found_and_says_so(reviews: Reviews) -> None:
    run = reviews.begin()
    failure = {
        "kind": "ModelUnreachableError",
        "message": "No model answers.",
        "hint": "Start one.",
        "partial": "",
    }
    reviews.end(run, finding(5), complete=False, error=failure)
    assert reviews.places() == [5]
    assert "No model answers. Start one." in reviews.editor.messages()
    assert "**Not complete:** No model answers." in reviews.report()
    assert reviews.heard()[-1] == "VivekReviewed"


def test_what_is_unsure_is_in_the_report_alone_and_folded_away(reviews: Reviews) -> None:
    unsure = finding(9, source="model", confidence=0.31, message="perhaps")
    reviews.review(finding(5), folded=[unsure])
    assert reviews.places() == [5]
    assert [line for line, _, _ in reviews.quickfix()] == [5]
    assert "perhaps" in reviews.report()
    assert "model, 31 % sure" in reviews.report()
    screen = "\n".join(reviews.editor.screen())
    assert "folded away" in screen
    assert "perhaps" not in screen
    reviews.enter_report("perhaps")
    reviews.editor.feed("zo")
    assert "perhaps" in "\n".join(reviews.editor.screen())


def test_a_finding_of_the_model_says_how_sure_it_is(reviews: Reviews) -> None:
    reviews.review(finding(5, source="model", confidence=0.724))
    assert reviews.quickfix()[0][2] == "fault 5 [model, 72 % sure]"


def test_what_a_language_server_shows_already_is_not_shown_twice(reviews: Reviews) -> None:
    reviews.editor.lua(
        """
        local namespace = vim.api.nvim_create_namespace('server')
        local item = { lnum = 4, col = 0, message = 'bad', severity = 2, source = 'pyright' }
        vim.diagnostic.set(namespace, 0, { item })
        """
    )
    run = reviews.begin()
    told = reviews.sent("vivek_review")[0]["diagnostics"]
    assert told == [{"line": 5, "message": "bad", "severity": "warning", "source": "pyright"}]
    reviews.end(run, finding(5, source="pyright"), finding(9))
    assert reviews.places() == [9]
    assert [line for line, _, _ in reviews.quickfix()] == [5, 9]


def test_findings_are_not_told_to_a_model_as_facts(reviews: Reviews) -> None:
    reviews.review(finding(5))
    reviews.begin()
    assert reviews.sent("vivek_review")[-1]["diagnostics"] == []


def test_virtual_text_is_off_until_it_is_wanted(reviews: Reviews) -> None:
    reviews.editor.lua("vim.diagnostic.config({ virtual_text = true })")
    reviews.review(finding(5))
    assert "fault 5" not in reviews.editor.screen()[4]
    reviews.editor.lua("require('vivek').setup({ review = { virtual_text = true } })")
    reviews.review(finding(5, message="another"))
    assert "another" in reviews.editor.screen()[4]


def test_each_place_of_findings_can_be_switched_off(reviews: Reviews) -> None:
    reviews.editor.lua(
        "require('vivek').setup({ review = { report = false, quickfix = false, location_list = false, model = false } })"
    )
    reviews.review(finding(5))
    assert reviews.places() == [5]
    assert reviews.quickfix() == []
    assert reviews.editor.lua("return #vim.fn.getloclist(0)") == 0
    assert reviews.editor.lua("return #vim.api.nvim_tabpage_list_wins(0)") == 1
    assert reviews.sent("vivek_review")[0]["model"] is False


def test_the_statusline_tells_how_far_a_review_is(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.event(run, "progress", phase="checking", done=0, total=0)
    assert "checking with static tools" in reviews.editor.lua("return require('vivek').statusline()")
    reviews.event(run, "progress", phase="reading", done=0, total=300, block=3, blocks=12)
    told = "block 3 of 12 · reading 300 tokens"
    assert told in reviews.editor.lua("return require('vivek').statusline()")
    assert told in "\n".join(reviews.editor.screen())
    reviews.end(run)
    assert reviews.editor.lua("return require('vivek').statusline()") == ""


def test_the_host_ends_and_the_review_with_it(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    reviews.editor.lua("require('vivek.host').on_events({ { kind = 'exit', text = 'Gone.', hint = '' } })")
    assert reviews.heard()[-1] == "VivekError"
    assert reviews.places() == [5]


def test_a_buffer_that_is_closed_takes_its_review_along(reviews: Reviews) -> None:
    run = reviews.begin()
    reviews.find(run, finding(5))
    reviews.editor.command(f"bwipeout! {reviews.buffer}")
    reviews.end(run, finding(5))
    assert "A fault in Vivek" not in reviews.editor.messages()
    reviews.enter_report("# Review")
    with pytest.raises(NvimError, match="is closed"):
        reviews.editor.command("VivekReview")


def test_a_finding_that_lies_outside_of_the_text_does_no_harm(reviews: Reviews) -> None:
    reviews.review(finding(5) | {"line": 400, "end_line": 500}, finding(1) | {"line": 0, "end_line": -3})
    assert reviews.places() == [1, 9]


def test_an_unnamed_buffer_can_be_reviewed(nvim: Editor) -> None:
    reviews = Reviews(nvim)
    reviews.buffer = nvim.edit(TEXT)
    reviews.review(finding(5))
    assert reviews.places() == [5]
    assert "# Review of an unnamed buffer" in reviews.report()


def test_thousands_of_findings_in_a_long_file_are_shown(reviews: Reviews) -> None:
    editor = reviews.editor
    editor.set_lines([f"x{n} = y{n}" for n in range(20_000)])
    found = [finding(n, quote=f"x{n - 1} = y{n - 1}", key=str(n)) for n in range(1, 20_001, 10)]
    run = reviews.begin()
    reviews.find(run, *found[:3])
    editor.command("1put! ='z = 1'")
    reviews.end(run, *found)
    assert len(reviews.places()) == 2_000
    assert reviews.places()[:2] == [2, 12]
    assert "1800 more are in the buffer and in the lists." in reviews.report()


def test_the_maps_do_what_the_commands_do(reviews: Reviews) -> None:
    editor = reviews.editor
    editor.command("nmap <F5> <Plug>(VivekReview)|xmap <F5> <Plug>(VivekReview)")
    editor.command("nmap <F6> <Plug>(VivekReviewChanged)")
    editor.feed("<F5>")
    editor.feed("ggVj<F5>")
    editor.feed("<F6>")
    plain, visual, changed = reviews.sent("vivek_review")
    assert (plain["selection"], visual["selection"], changed["changed"]) == (False, True, True)
    assert (visual["first"], visual["last"]) == (1, 2)
