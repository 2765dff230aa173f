"""What an apply leaves alone: marks, folds, windows, cursors, others' extmarks; and files of every kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposing import LETTERS, Edit, letters, propose, rows, states

from neovim_child import Editor

LONG = "".join(f"line {number}\n" for number in range(1, 201))


def apply(nvim: Editor, **choice: Any) -> None:
    nvim.lua("require('vivek.proposals').apply(0, ...)", choice)


def marks(nvim: Editor) -> list[int]:
    """The lines of '[ and ']."""
    return list(nvim.eval('[line("\'["), line("\']")]'))


# '[ and ']


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([rows(1, 2, "B1", "B2", "B3")], [2, 4]),
        ([rows(4, 4, "new")], [5, 5]),
        ([rows(0, 0, "top 1", "top 2")], [1, 2]),
        ([rows(8, 8, "end")], [9, 9]),
        ([rows(2, 4)], [3, 3]),
        ([rows(6, 8)], [6, 6]),
        ([rows(0, 1, "A"), rows(4, 5, "E1", "E2")], [1, 6]),
        ([rows(0, 1), rows(4, 5, "E1", "E2")], [1, 5]),
    ],
)
def test_the_change_marks_are_those_of_a_put(nvim: Editor, edits: list[Edit], expected: list[int]) -> None:
    letters(nvim)
    propose(nvim, edits)
    apply(nvim, all=True)
    assert marks(nvim) == expected


def test_the_change_marks_select_what_came(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B1", "B2")])
    nvim.feed("\\a`[V`]y")
    assert nvim.eval('@"') == "B1\nB2\n"


# Windows


@pytest.mark.parametrize("wrap", ["wrap", "nowrap"])
def test_every_window_keeps_its_lines_and_its_cursor(nvim: Editor, wrap: str) -> None:
    nvim.edit(LONG, name="long.txt", filetype="text")
    nvim.command(f"set {wrap} scrolloff=0 | split | normal! 150Gzt10j4l")
    nvim.command("wincmd w | normal! 50Gzt5j$")
    propose(
        nvim,
        [rows(0, 0, "top 1", "top 2", "top 3"), rows(9, 20), rows(99, 100, "x", "y"), rows(190, 190, "z")],
    )
    # What is drawn of a hunk takes room above the cursor; the text may move to where it was before.
    read = """
        local seen = {}
        for _, win in ipairs(vim.api.nvim_list_wins()) do
          vim.api.nvim_win_call(win, function()
            local view = vim.fn.winsaveview()
            seen[#seen + 1] = {
              vim.fn.getline('w0'), vim.fn.getline('.'), view.col, view.curswant, view.leftcol, view.skipcol,
            }
          end)
        end
        return seen
    """
    nvim.screen()
    before = nvim.lua(read)
    assert [window[:2] for window in before] == [["line 150", "line 160"], ["line 50", "line 55"]]
    apply(nvim, all=True)
    nvim.screen()
    assert nvim.lua(read) == before
    nvim.command("undo 0")


def test_a_window_in_another_tab_keeps_its_cursor(nvim: Editor) -> None:
    nvim.edit(LONG, name="long.txt", filetype="text")
    nvim.command("tab split | normal! 120Gzt3l")
    nvim.command("tabprevious")
    propose(nvim, [rows(0, 0, "top")])
    apply(nvim)
    nvim.command("tabnext")
    assert nvim.eval("[getline('.'), col('.'), getline('w0')]") == ["line 120", 4, "line 120"]


def test_the_cursor_stays_in_its_line_where_another_part_of_it_changes(nvim: Editor) -> None:
    nvim.edit("value = compute(old) + rest\n", name="a.txt", filetype="text")
    propose(nvim, [rows(0, 1, "value = compute(new_one) + rest")])
    nvim.feed("fr")
    nvim.feed("$bb")
    word = nvim.eval("expand('<cword>')")
    apply(nvim)
    assert nvim.eval("expand('<cword>')") == word


@pytest.mark.parametrize("method", ["indent", "expr", "marker", "syntax"])
def test_folds_of_every_method_stay_closed_where_nothing_changes(nvim: Editor, method: str) -> None:
    text = "a\nblock {{{\n  x\n  y\nend }}}\nb\n"
    nvim.edit(text, name="f.txt", filetype="text")
    nvim.command("syntax region Block start=/{{{/ end=/}}}/ fold transparent")
    nvim.command(r"setlocal foldexpr=getline(v:lnum)=~'^\ \ '?1:0")
    nvim.command(f"setlocal foldmethod={method} foldlevel=0 foldenable shiftwidth=2")
    nvim.screen()
    assert nvim.eval("foldclosed(3)") > 0
    propose(nvim, [rows(0, 0, "top"), rows(5, 6, "B")])
    apply(nvim, all=True)
    nvim.screen()
    assert nvim.eval("foldclosed(4)") > 0
    assert nvim.lines()[-1] == "B"


def test_an_apply_inside_a_closed_fold_leaves_it_closed(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("3,6fold")
    propose(nvim, [rows(3, 4, "D1", "D2")])
    apply(nvim)
    assert nvim.lines()[2:6] == ["c", "D1", "D2", "e"]
    assert nvim.eval("[foldclosed(3), foldclosedend(3)]") == [3, 7]


# What others have in the buffer


def test_marks_signs_diagnostics_and_extmarks_of_others_stay_at_their_lines(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("sign define Other text=>>")
    nvim.command("sign place 7 line=6 name=Other")
    nvim.command("2mark b | 6mark f | 8mark H")
    nvim.lua("""
        _G.space = vim.api.nvim_create_namespace('other')
        _G.range = vim.api.nvim_buf_set_extmark(0, _G.space, 4, 0, { end_row = 6, end_col = 1 })
        vim.diagnostic.set(_G.space, 0, { { lnum = 5, col = 0, message = 'x' } })
    """)
    propose(nvim, [rows(0, 0, "top"), rows(2, 4, "C"), rows(7, 7, "new")])
    apply(nvim, all=True)
    assert nvim.lines() == ["top", "a", "b", "C", "e", "f", "g", "new", "h"]
    where = nvim.eval('[line("\'b"), line("\'f"), line("\'H"), sign_getplaced(\'\')[0].signs[0].lnum]')
    assert where == [3, 6, 9, 6]
    details = nvim.lua("return vim.api.nvim_buf_get_extmark_by_id(0, _G.space, _G.range, { details = true })")
    assert (details[0], details[1], details[2]["end_row"], details[2]["end_col"]) == (4, 0, 6, 1)
    shown = "vim.tbl_map(function(mark) return mark[2] end, vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, {}))"
    assert 5 in nvim.lua("return " + shown)


# Undo


def test_another_plugin_may_join_its_change_to_an_apply(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B"), rows(6, 7, "G")])
    apply(nvim)
    nvim.command("undojoin | call setline(8, 'formatted')")
    assert nvim.lines()[1] + nvim.lines()[7] == "Bformatted"
    nvim.command("undo")
    assert nvim.lines() == LETTERS
    assert states(nvim) == ["pending", "pending"]


def test_an_apply_is_not_joined_to_what_came_before(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B")])
    nvim.lua("""
        vim.api.nvim_buf_set_lines(0, 7, 8, true, { 'before' })
        require('vivek.proposals').apply(0, {})
    """)
    nvim.command("undo")
    assert nvim.lines() == [*LETTERS[:7], "before"]


def test_undo_puts_the_cursor_on_the_hunk_and_redo_applies_it(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(5, 6, "F")])
    nvim.feed("1G\\au")
    assert nvim.eval("line('.')") == 6
    assert states(nvim) == ["pending"]
    nvim.feed("<C-r>")
    assert states(nvim) == ["applied"]


def test_the_change_list_leads_to_what_was_applied(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B")])
    nvim.feed("8G\\agg")
    nvim.feed("g;")
    assert nvim.eval("line('.')") == 2
    assert nvim.eval('line("\'.")') == 2


def test_a_line_undo_takes_a_hunk_back_or_leaves_it_whole(nvim: Editor) -> None:
    letters(nvim)
    propose(nvim, [rows(1, 2, "B")])
    nvim.feed("2G\\aU")
    assert nvim.lines() in (LETTERS, ["a", "B", *LETTERS[2:]])
    assert states(nvim) == ["pending" if nvim.lines() == LETTERS else "applied"]


def test_undolevels_of_the_user_are_kept(nvim: Editor) -> None:
    letters(nvim)
    nvim.command("setlocal undolevels=77")
    propose(nvim, [rows(1, 2, "B"), rows(6, 7, "G")])
    apply(nvim)
    nvim.edit("x\n", name="other.txt")
    propose(nvim, [rows(0, 1, "X")], run="r2")
    apply(nvim)
    assert nvim.eval("[&g:undolevels, &l:undolevels]") == [1000, -123456]
    nvim.command("buffer letters.txt")
    assert nvim.eval("&l:undolevels") == 77


# Files of every kind


@pytest.mark.parametrize(
    ("command", "content", "edits", "expected"),
    [
        ("edit", b"\xef\xbb\xbfa\nb\n", [rows(0, 1, "A")], b"\xef\xbb\xbfA\nb\n"),
        ("edit", b"a\r\nb\r\n", [rows(0, 1, "A", "x")], b"A\r\nx\r\nb\r\n"),
        ("edit", b"a\r\nb\nc\r\n", [rows(1, 2, "B")], b"a\r\nB\nc\r\n"),
        ("edit ++enc=latin1", b"caf\xe9\nb\n", [rows(1, 2, "Bé")], b"caf\xe9\nB\xe9\n"),
        ("edit ++enc=latin1", b"caf\xe9\nb\n", [rows(0, 1, "thé")], b"th\xe9\nb\n"),
        ("edit ++bin", b"a\r\nb", [rows(0, 1, "A\r")], b"A\r\nb"),
        ("edit ++bin", b"a\0\xff\nb", [rows(1, 1, "x")], b"a\0\xff\nx\nb"),
        ("edit ++ff=mac", b"a\rb\r", [rows(1, 2, "B", "c")], b"a\rB\rc\r"),
        (
            "edit",
            "漢字 e\u0301\n".encode() + b"\ty\n",
            [rows(0, 1, "漢子 e\u0300")],
            "漢子 e\u0300\n\ty\n".encode(),
        ),
    ],
)
def test_a_file_is_written_in_its_own_way(
    nvim: Editor, command: str, content: bytes, edits: list[Edit], expected: bytes
) -> None:
    path = nvim.home / "file.txt"
    path.write_bytes(content)
    nvim.command(f"{command} {path}")
    eol = bool(nvim.eval("&endofline"))
    propose(nvim, edits, eol=eol)
    nvim.feed("\\a")
    nvim.command("write")
    assert path.read_bytes() == expected
    nvim.command("undo | write")
    assert path.read_bytes() == content


# Properties: whatever is between, cursors and marks stay with their text

LINES = st.lists(
    st.sampled_from(["alpha", "beta x", "  gamma", "", "漢字", "e\u0301 d", "\tt"]), min_size=1, max_size=10
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    base=LINES,
    span=st.tuples(st.integers(0, 9), st.integers(0, 4)),
    added=st.integers(0, 4),
    row=st.integers(0, 9),
)
def test_cursor_and_extmarks_outside_a_hunk_stay_with_their_text(
    nvim: Editor, base: list[str], span: tuple[int, int], added: int, row: int
) -> None:
    # No line is like another: of those that repeat themselves it cannot be told which one was meant.
    base = [f"{number} {line}" for number, line in enumerate(base)]
    start = min(span[0], len(base))
    end = min(start + span[1], len(base))
    row = min(row, len(base) - 1)
    new = [f"new {number}" for number in range(added)]
    code = """
        local base, edits, row = ...
        local space = vim.api.nvim_create_namespace('other')
        vim.cmd('silent! %delete _')
        vim.api.nvim_buf_set_lines(0, 0, -1, true, base)
        local column = math.max(#base[row + 1] - 1, 0)
        column = column - (column > 0 and -vim.str_utf_start(base[row + 1], column + 1) or 0)
        vim.api.nvim_win_set_cursor(0, { row + 1, column })
        local mark = vim.api.nvim_buf_set_extmark(0, space, row, column, {})
        require('vivek.proposals').show(0, 'r1', base, edits, { eol = true })
        local before = vim.api.nvim_win_get_cursor(0)
        require('vivek.proposals').apply(0, { all = true })
        require('vivek.proposals').clear(0)
        return { vim.api.nvim_buf_get_lines(0, 0, -1, true), vim.api.nvim_win_get_cursor(0), before,
          vim.api.nvim_buf_get_extmark_by_id(0, space, mark, {}) }
    """
    text, cursor, before, mark = nvim.lua(code, base, [rows(start, end, *new)], row)
    assert text == (base[:start] + new + base[end:] or [""])
    if not start <= row < end:
        moved = row + (len(new) - (end - start) if row >= end else 0)
        assert (cursor, mark) == ([moved + 1, before[1]], [moved, before[1]])
