"""A hunk edited before it is applied, and conflicts: both sides on the screen, the user decides, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from proposing import LETTERS, letters, propose, rows, states

from neovim_child import Editor


def in_hunk(nvim: Editor) -> bool:
    return str(nvim.eval("bufname()")).startswith("vivek-hunk://")


def told(nvim: Editor) -> str:
    return nvim.messages().replace("\n", " ")


def hunks(nvim: Editor, buffer: int) -> list[dict[str, Any]]:
    return list(nvim.lua("return require('vivek.proposals').hunks(...)", buffer))


def choose(nvim: Editor, number: int | None) -> None:
    """Answer the next question about a conflict; None is no answer. `g:asked` has the question."""
    nvim.lua(
        """
        local number = ...
        vim.ui.select = function(items, options, on_choice)
          vim.g.asked = { options.prompt, vim.tbl_map(options.format_item, items) }
          on_choice(number and items[number], number)
        end
        """,
        number,
    )


# Edit, then apply


@pytest.fixture
def source(nvim: Editor) -> int:
    """The buffer of eight letters with three hunks: one changes, one adds, one takes away."""
    buffer = letters(nvim)
    propose(nvim, [rows(1, 2, "B"), rows(4, 4, "new"), rows(6, 7)])
    return buffer


@pytest.mark.parametrize("save", [":w<CR>:q<CR>", ":wq<CR>", ":x<CR>", "ZZ"])
def test_an_edited_hunk_is_pending_with_the_users_text_and_is_applied_by_a_key(
    nvim: Editor, source: int, save: str
) -> None:
    nvim.feed("2G\\e")
    assert (in_hunk(nvim), nvim.lines(), nvim.eval("&filetype")) == (True, ["B"], "text")
    nvim.feed("cc" + "mine<CR>too<Esc>" + save)
    assert nvim.eval("bufnr()") == source
    assert nvim.lines() == LETTERS
    assert states(nvim) == ["pending"] * 3
    assert [row.strip() for row in nvim.screen()[2:4]] == ["mine", "too"]
    nvim.feed("2G\\a")
    assert nvim.lines() == ["a", "mine", "too", *LETTERS[2:]]
    nvim.feed("u")
    assert states(nvim) == ["pending"] * 3
    assert hunks(nvim, source)[0]["new"] == ["mine", "too"]


def test_leaving_without_writing_changes_nothing(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\eccmine<Esc>:q!<CR>")
    assert nvim.eval("bufnr()") == source
    assert [hunk["new"] for hunk in hunks(nvim, source)] == [["B"], ["new"], []]


def test_an_unwritten_edit_is_not_thrown_away_by_quit(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\eccmine<Esc>")
    nvim.type(":q<CR>")
    nvim.wait_for(lambda: "E37" in nvim.messages() or "E162" in nvim.messages())
    assert nvim.lines() == ["mine"]


def test_an_emptied_buffer_is_a_hunk_that_only_takes_lines_away(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\edd:wq<CR>")
    assert hunks(nvim, source)[0]["new"] == []
    nvim.feed("2G\\a")
    assert nvim.lines() == ["a", *LETTERS[2:]]


def test_a_hunk_that_takes_lines_away_can_be_made_to_add_some(nvim: Editor, source: int) -> None:
    nvim.feed("7G\\e")
    assert nvim.lines() == [""]
    nvim.feed(":w<CR>")
    assert hunks(nvim, source)[2]["new"] == []
    nvim.feed("igee<Esc>:wq<CR>7G\\a")
    assert nvim.lines() == [*LETTERS[:6], "gee", "h"]


def test_a_hunk_of_one_empty_line_keeps_it(nvim: Editor) -> None:
    buffer = letters(nvim)
    propose(nvim, [rows(1, 2, "")])
    nvim.feed("\\e:wq<CR>")
    assert hunks(nvim, buffer)[0]["new"] == [""]


def test_a_hunk_edited_to_what_the_buffer_holds_is_done(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\eccb<Esc>:wq<CR>")
    assert nvim.lines() == LETTERS
    assert "hunk 1" in told(nvim)
    nvim.feed("\\A")
    assert nvim.lines() == ["a", "b", "c", "d", "new", "e", "f", "h"]


def test_the_same_hunk_opens_once_and_others_beside_it(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\e")
    first = nvim.eval("bufnr()")
    nvim.feed("<C-w>p\\e")
    assert nvim.eval("bufnr()") == first
    nvim.feed("<C-w>p5G\\e")
    assert (nvim.lines(), nvim.eval("winnr('$')")) == (["new"], 3)


def test_hunks_of_two_proposals_with_the_same_number_are_told_apart(nvim: Editor, source: int) -> None:
    propose(nvim, [rows(7, 8, "H")], run="r2")
    nvim.feed("2G\\e<C-w>p8G\\e")
    assert nvim.lines() == ["H"]
    nvim.feed("ccmine<Esc>:wq<CR>")
    assert nvim.eval("bufname()").startswith("vivek-hunk://")
    assert nvim.lines() == ["B"]
    assert [hunk["new"] for hunk in hunks(nvim, source) if hunk["run"] == "r2"] == [["mine"]]


def test_the_source_changes_elsewhere_while_a_hunk_is_edited(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\e")
    nvim.lua("vim.api.nvim_buf_set_lines(..., 0, 0, true, { 'typed' })", source)
    nvim.feed("ccmine<Esc>:wq<CR>")
    nvim.feed("3G\\a")
    assert nvim.lines() == ["typed", "a", "mine", *LETTERS[2:]]


def test_the_source_changes_in_the_very_lines_while_a_hunk_is_edited(nvim: Editor, source: int) -> None:
    nvim.feed("2G\\e")
    nvim.lua("vim.api.nvim_buf_set_lines(..., 1, 2, true, { 'typed meanwhile' })", source)
    nvim.feed("ccmine<Esc>:wq<CR>")
    assert states(nvim)[0] == "stale"
    assert nvim.lines()[1] == "typed meanwhile"
    choose(nvim, None)
    nvim.feed("2G\\a")
    assert nvim.lines()[1] == "typed meanwhile"
    assert hunks(nvim, source)[0]["new"] == ["mine"]


@pytest.mark.parametrize("way", ["apply", "reject", "clear", "wipe"])
def test_the_text_stays_where_the_hunk_is_gone_meanwhile(nvim: Editor, source: int, way: str) -> None:
    nvim.feed("2G\\eccmine<Esc>")
    if way == "wipe":
        nvim.command(f"bwipeout! {source}")
    elif way == "clear":
        nvim.lua("require('vivek.proposals').clear(...)", source)
    else:
        nvim.lua(f"require('vivek.proposals').{way}(..., {{ all = true }})", source)
    nvim.type(":wq<CR>")
    nvim.wait_for(lambda: "is not open any more" in told(nvim))
    assert (nvim.lines(), nvim.eval("&modified")) == (["mine"], 1)
    if way == "reject":
        nvim.feed("<CR>")
        nvim.lua("require('vivek.proposals').restore(...)", source)
        nvim.feed(":wq<CR>")
        assert hunks(nvim, source)[0]["new"] == ["mine"]


def test_the_text_can_be_written_to_a_file(nvim: Editor, source: int) -> None:
    path = nvim.home / "kept.txt"
    nvim.feed("2G\\eccmine<Esc>")
    nvim.command(f"write {path}")
    assert path.read_text() == "mine\n"
    assert hunks(nvim, source)[0]["new"] == ["B"]
    nvim.feed("Go" + "more<Esc>")
    nvim.type(f":write {path}<CR>")
    nvim.wait_for(lambda: "E13" in told(nvim))
    assert path.read_text() == "mine\n"
    nvim.command(f"write! {path}")
    assert path.read_text() == "mine\nmore\n"


@pytest.mark.parametrize("option", ["nomodifiable", "readonly"])
def test_a_hunk_of_a_locked_buffer_can_be_edited(nvim: Editor, source: int, option: str) -> None:
    nvim.command(f"setlocal {option}")
    nvim.feed("2G\\eccmine<Esc>:wq<CR>")
    assert hunks(nvim, source)[0]["new"] == ["mine"]
    assert nvim.lines() == LETTERS


# The user's changes in the same lines that go together with the hunk


@pytest.fixture
def merged(nvim: Editor) -> int:
    """A hunk of three lines in which the user has changed another line than the model."""
    buffer = nvim.edit(
        "\n".join(["one", "two", "three", "four", "end"]) + "\n", name="m.txt", filetype="text"
    )
    propose(nvim, [rows(0, 4, "1", "two", "3", "four")])
    nvim.command("2s/two/zwei")
    nvim.wait_for(lambda: any(hunk["merged"] for hunk in hunks(nvim, buffer)))
    return buffer


def test_a_merged_hunk_keeps_the_users_change_and_says_so(nvim: Editor, merged: int) -> None:
    nvim.wait_for(lambda: any("your change kept" in row for row in nvim.screen()))
    nvim.feed("\\a")
    assert nvim.lines() == ["1", "zwei", "3", "four", "end"]
    nvim.feed("uu")
    assert nvim.lines() == ["one", "two", "three", "four", "end"]


def test_a_merged_hunk_can_be_edited_before_it_is_applied(nvim: Editor, merged: int) -> None:
    nvim.feed("\\e")
    assert "zwei" in nvim.lines()
    nvim.command("%s/zwei/deux/")
    nvim.feed(":wq<CR>")
    assert nvim.lines() == ["one", "zwei", "three", "four", "end"]
    nvim.feed("\\a")
    assert nvim.lines() == ["1", "deux", "3", "four", "end"]
    nvim.feed("u")
    assert states(nvim) == ["pending"]


def test_the_words_of_a_merged_hunk_are_compared_with_the_users_lines(nvim: Editor) -> None:
    nvim.edit("alpha = one(two, three)\nend\n", name="w.txt", filetype="text")
    propose(nvim, [rows(0, 1, "alpha = one(two, 3)")])
    nvim.command("1s/alpha/beta")
    nvim.wait_for(lambda: hunks(nvim, 0)[0]["merged"])
    assert hunks(nvim, 0)[0]["new"] == ["beta = one(two, 3)"]
    code = """
        local found = { removed = {}, added = {} }
        local space = vim.api.nvim_get_namespaces().vivek_proposal
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
          local line = vim.api.nvim_buf_get_lines(0, mark[2], mark[2] + 1, true)[1]
          if mark[4].hl_group == 'VivekDeleteText' then
            table.insert(found.removed, line:sub(mark[3] + 1, mark[4].end_col))
          end
          for _, chunk in ipairs((mark[4].virt_lines or { {} })[1]) do
            if chunk[2] == 'VivekAddText' then
              table.insert(found.added, chunk[1])
            end
          end
        end
        return found
    """
    nvim.wait_for(lambda: nvim.lua(code) == {"removed": ["three"], "added": ["3"]})


# Conflicts


@pytest.fixture
def conflict(nvim: Editor) -> int:
    """A hunk whose line the user has changed in another way; the cursor is on it."""
    buffer = letters(nvim)
    propose(nvim, [rows(1, 2, "B"), rows(6, 7, "G")])
    nvim.feed("2Gccmine<Esc>")
    nvim.wait_for(lambda: any("conflicts with your change" in row for row in nvim.screen()))
    return buffer


MARKED = ["<<<<<<< yours", "mine", "||||||| at the ask", "b", "=======", "B", ">>>>>>> the model’s"]


def test_both_sides_of_a_conflict_are_on_the_screen(nvim: Editor, conflict: int) -> None:
    screen = nvim.screen()
    assert screen[1] == "mine hunk 1 conflicts with your change · \\a choose · \\r keep yours"
    assert screen[2] == "B"
    groups = nvim.lua("""
        local space = vim.api.nvim_get_namespaces().vivek_proposal
        return vim.tbl_map(function(mark) return mark[4].hl_group or '' end,
          vim.api.nvim_buf_get_extmarks(0, space, { 1, 0 }, { 1, -1 }, { details = true }))
    """)
    assert "VivekConflict" in groups


@pytest.mark.parametrize(
    ("answer", "line", "state"), [(1, "B", "applied"), (2, "mine", "rejected"), (None, "mine", "stale")]
)
def test_apply_asks_about_a_conflict(
    nvim: Editor, conflict: int, answer: int | None, line: str, state: str
) -> None:
    choose(nvim, answer)
    nvim.feed("\\a")
    assert nvim.eval("g:asked")[0] == "Hunk 1 conflicts with your change:"
    assert (nvim.lines()[1], states(nvim)) == (line, [state, "pending"])
    if answer == 1:
        nvim.feed("u")
        assert (nvim.lines()[1], states(nvim)) == ("mine", ["stale", "pending"])


def test_a_conflict_with_a_removal_says_so(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2)])
    nvim.feed("2Gccmine<Esc>")
    nvim.wait_for(lambda: "conflicts with your change (it removes the lines) ·" in nvim.screen()[1])
    choose(nvim, 1)
    nvim.feed("\\a")
    assert nvim.eval("g:asked")[1][0] == "Remove your lines, as the model does"
    assert nvim.lines()[:2] == ["a", "c"]


def test_a_conflict_names_its_proposal_where_there_are_several(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B")], label="big letters")
    propose(nvim, [rows(6, 7, "G")], run="r2", label="others")
    nvim.feed("2Gccmine<Esc>")
    nvim.wait_for(lambda: "hunk 1 of “big letters” conflicts with your change ·" in nvim.screen()[1])


def test_the_question_is_answered_at_the_keyboard(nvim: Editor, conflict: int) -> None:
    nvim.type("\\a1<CR>")
    nvim.wait_for(lambda: nvim.lines()[1] == "B")


def test_a_command_takes_the_models_lines(nvim: Editor, conflict: int) -> None:
    nvim.command("VivekApply theirs")
    assert nvim.lines()[1] == "B"
    nvim.feed("u")
    nvim.command("VivekApply! theirs")
    assert (nvim.lines()[1], nvim.lines()[6]) == ("B", "G")
    nvim.feed("u")
    assert (nvim.lines()[1], nvim.lines()[6]) == ("mine", "g")


def test_an_unknown_way_of_applying_is_refused(nvim: Editor, conflict: int) -> None:
    nvim.type(":VivekApply mine<CR>")
    nvim.wait_for(lambda: "is no way to apply a hunk" in told(nvim))
    assert nvim.lines()[1] == "mine"


def test_a_conflict_is_edited_with_markers_and_then_applied(nvim: Editor, conflict: int) -> None:
    choose(nvim, 3)
    nvim.feed("\\a")
    assert (in_hunk(nvim), nvim.lines()) == (True, MARKED)
    nvim.set_lines(["mine and B"])
    nvim.feed(":wq<CR>")
    assert (nvim.lines()[1], states(nvim)) == ("mine", ["pending", "pending"])
    nvim.feed("2G\\a")
    assert nvim.lines()[1] == "mine and B"
    nvim.feed("u")
    assert (nvim.lines()[1], states(nvim)) == ("mine", ["pending", "pending"])


@pytest.mark.parametrize(
    ("left", "line"), [(MARKED, 1), (MARKED[1:], 2), (MARKED[:5], 1), (["a", "b", MARKED[-1]], 3)]
)
def test_markers_that_are_left_are_refused_with_the_line_of_the_first_and_the_text_stays(
    nvim: Editor, conflict: int, left: list[str], line: int
) -> None:
    nvim.command("VivekEdit")
    nvim.set_lines(left)
    nvim.type(":wq<CR>")
    nvim.wait_for(lambda: f"Conflict markers are left in the text, the first in line {line}." in told(nvim))
    assert (nvim.lines(), nvim.eval("&modified")) == (left, 1)
    assert states(nvim, conflict) == ["stale", "pending"]


def test_a_decision_holds_for_the_text_that_it_was_made_for(nvim: Editor, conflict: int) -> None:
    nvim.command("VivekEdit")
    nvim.set_lines(["decided"])
    nvim.feed(":wq<CR>")
    nvim.feed("2Gccchanged again<Esc>")
    assert states(nvim)[0] == "stale"
    nvim.command("VivekEdit")
    assert nvim.lines() == [
        "<<<<<<< yours", "changed again", "||||||| at the ask", "mine", "=======", "decided",
        ">>>>>>> the model’s",
    ]  # fmt: skip
    nvim.feed(":q!<CR>u")
    assert states(nvim)[0] == "pending"
    nvim.feed("2G\\a")
    assert nvim.lines()[1] == "decided"


def test_a_conflict_edited_to_the_users_own_lines_is_settled(nvim: Editor, conflict: int) -> None:
    nvim.command("VivekEdit")
    nvim.set_lines(["mine"])
    nvim.feed(":wq<CR>")
    assert "nothing is left to apply" in told(nvim)
    assert nvim.lines()[1] == "mine"
    assert states(nvim)[1] == "pending"


def test_leaving_the_conflict_unwritten_leaves_all_as_it_was(nvim: Editor, conflict: int) -> None:
    nvim.command("VivekEdit")
    nvim.feed("dG:q!<CR>")
    assert (nvim.lines()[1], states(nvim)) == ("mine", ["stale", "pending"])


def test_restoring_a_kept_line_shows_the_conflict_again(nvim: Editor, conflict: int) -> None:
    nvim.feed("\\r")
    assert states(nvim) == ["rejected", "pending"]
    nvim.command("VivekRestore")
    assert states(nvim) == ["stale", "pending"]
