"""The <Plug> maps and default keys of hunks as Neovim's own: counts, `.`, `:normal`, macros, every mode."""

from __future__ import annotations

import pytest
from proposing import letters, propose, rows, states

from neovim_child import Editor

FOUR = [rows(0, 1, "A"), rows(2, 3, "C"), rows(4, 5, "E"), rows(6, 7, "G")]


@pytest.fixture
def four(nvim: Editor) -> Editor:
    """Eight letters, every second one of which a hunk makes a capital; the cursor is on the first."""
    letters(nvim)
    propose(nvim, FOUR)
    return nvim


def text(nvim: Editor, buffer: int = 0) -> str:
    return "".join(nvim.lines(buffer))


# `.` and counts


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("\\a", "Abcdefgh"),
        ("2\\a", "AbCdefgh"),
        ("\\a]v.", "AbCdefgh"),
        ("\\a]v.]v.", "AbCdEfgh"),
        ("2\\a]v.", "AbCdEfGh"),
        ("2\\a]v1.", "AbCdEfgh"),
        ("\\a]v3.", "AbCdEfGh"),
        ("2]v\\a", "abcdEfgh"),
        ("[v\\a", "abcdefGh"),
        ("3]v]v\\a", "Abcdefgh"),
        ("9\\a", "AbCdEfGh"),
        ("\\A", "AbCdEfGh"),
    ],
)
def test_counts_and_dot_repeat_an_apply(four: Editor, keys: str, expected: str) -> None:
    four.feed(keys)
    assert text(four) == expected


@pytest.mark.parametrize(
    ("keys", "rejected"),
    [("\\r", [0]), ("2\\r", [0, 1]), ("\\r]v.", [0, 1]), ("\\r2.", [0, 1, 2]), ("\\R", [0, 1, 2, 3])],
)
def test_counts_and_dot_repeat_a_reject(four: Editor, keys: str, rejected: list[int]) -> None:
    four.feed(keys)
    assert text(four) == "abcdefgh"
    assert states(four) == ["rejected" if number in rejected else "pending" for number in range(4)]


def test_dot_after_an_apply_and_an_undo_applies_again(four: Editor) -> None:
    four.feed("\\au")
    assert text(four) == "abcdefgh"
    four.feed("3G.")
    assert text(four) == "abCdefgh"


def test_a_change_of_the_users_takes_dot_back(four: Editor) -> None:
    four.feed("\\a2Gx")
    four.feed("4G.")
    assert four.lines() == ["A", "", "c", "", "e", "f", "g", "h"]


def test_dot_after_a_command_that_applies_repeats_what_the_user_did_before(four: Editor) -> None:
    four.feed("2Gx")
    four.command("5VivekApply")
    four.feed("4G.")
    assert four.lines() == ["a", "", "c", "", "E", "f", "g", "h"]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("normal \\a", "Abcdefgh"),
        ("normal 3\\a", "AbCdEfgh"),
        ("7normal \\a", "abcdefGh"),
        ("g/[cg]/normal \\a", "abCdefGh"),
        ("3,7g/[aceg]/normal \\a", "abCdEfGh"),
        ("3,5VivekApply", "abCdEfgh"),
        ("2VivekNext | VivekApply | VivekNext | VivekApply", "abcdEfGh"),
        ("VivekApply!", "AbCdEfGh"),
        ('execute "normal \\\\a]v."', "AbCdefgh"),
    ],
)
def test_commands_and_normal_apply(four: Editor, command: str, expected: str) -> None:
    four.command(command)
    assert text(four) == expected


def test_a_macro_that_applies_and_goes_on_can_be_repeated(four: Editor) -> None:
    four.feed("qq\\a]vq")
    four.feed("2@q")
    assert text(four) == "AbCdEfgh"
    assert four.eval("getreg('q')") == "\\a]v"


def test_a_macro_ends_where_no_hunk_is_left(four: Editor) -> None:
    four.command("let @q = 'V\x1bd]vx'")
    four.feed("\\A")
    four.lua("require('vivek.proposals').clear(0)")
    four.command("omap ]v <Plug>(VivekNext)")
    four.feed("5@q")
    assert text(four) == "AbCdEfGh"


# Where the cursor is


@pytest.mark.parametrize("virtualedit", ["", "all", "onemore"])
@pytest.mark.parametrize("selection", ["inclusive", "exclusive"])
@pytest.mark.parametrize("startofline", ["startofline", "nostartofline"])
def test_keys_apply_whatever_the_cursor_may_do(
    nvim: Editor, virtualedit: str, selection: str, startofline: str
) -> None:
    nvim.command(f"set virtualedit={virtualedit} selection={selection} {startofline}")
    nvim.edit("\nabc\n\ndef\n", name="a.txt", filetype="text")
    propose(nvim, [rows(0, 1, "top"), rows(2, 3, "between")])
    nvim.feed("\\a")
    assert nvim.lines() == ["top", "abc", "", "def"]
    nvim.feed("3G.")
    assert nvim.lines() == ["top", "abc", "between", "def"]


@pytest.mark.parametrize(
    "flags", ["aABceFs_", "aABceFs_E", "aABceFs_y", "aABceFs_v$", "aAbBcCdDeEfFiIJKlLmM"]
)
def test_keys_apply_with_other_cpoptions(nvim: Editor, flags: str) -> None:
    nvim.lua("vim.go.cpo = ...", flags)
    nvim.edit("\nb\n\nd\n", name="a.txt", filetype="text")
    propose(nvim, [rows(0, 1, "A"), rows(2, 3, "C")])
    nvim.feed("\\a]v.")
    assert nvim.lines() == ["A", "b", "C", "d"]


def test_the_cursor_keeps_its_column_and_the_one_it_wants(nvim: Editor) -> None:
    nvim.edit("long line\nshort\nanother long line\nx\n", name="a.txt", filetype="text")
    propose(nvim, [rows(3, 4, "X")])
    nvim.feed("gg$\\a")
    assert nvim.eval("getcurpos()[1:]") == [1, 9, 0, 2147483647]
    nvim.feed("jj")
    assert nvim.eval("col('.')") == len("another long line")


def test_a_cursor_beyond_the_end_of_the_line_stays_there(nvim: Editor) -> None:
    nvim.command("set virtualedit=all")
    letters(nvim)
    propose(nvim, FOUR)
    nvim.feed("2G10l\\a")
    assert nvim.eval("getcurpos()[1:3]") == [2, 2, 9]


@pytest.mark.parametrize("keys", ["\\a", "\\r", "2\\a", "\\A"])
def test_in_a_closed_fold_the_cursor_means_its_own_line_and_the_fold_stays_closed(
    four: Editor, keys: str
) -> None:
    four.command("2,8fold | 8")
    assert four.eval("foldclosed(8)") == 2
    four.feed(keys)
    assert (four.eval("line('.')"), four.eval("foldclosed(8)")) == (8, 2)
    if keys == "\\a":
        assert text(four) == "abcdefGh"


def test_dot_in_a_closed_fold_means_the_line_of_the_cursor(four: Editor) -> None:
    four.feed("\\a")
    four.command("2,8fold | 8")
    four.feed(".")
    assert text(four) == "AbcdefGh"
    assert four.eval("foldclosed(8)") == 2


@pytest.mark.parametrize(
    ("options", "keys"), [("", "1G\\r"), ("readonly", "1G\\a")], ids=["reject", "refused apply"]
)
def test_what_changes_no_text_leaves_the_change_marks_alone(four: Editor, options: str, keys: str) -> None:
    four.feed("4Gyy5Gp")
    before = four.eval('[getpos("\'["), getpos("\']")]')
    four.command(f"setlocal {options}")
    four.feed(keys)
    assert four.eval('[getpos("\'["), getpos("\']")]') == before


def test_registers_the_search_and_the_jumps_are_left_alone(four: Editor) -> None:
    four.feed("yy/f<CR>gg")
    four.command("clearjumps")
    before = four.eval('[@", @0, @-, @/, getjumplist()[0], getpos("\'<")]')
    four.feed("3G")
    four.command("clearjumps")
    four.feed("\\a\\r\\A")
    assert four.eval('[@", @0, @-, @/, getjumplist()[0], getpos("\'<")]') == before


# Other modes


@pytest.mark.parametrize("mode", ["v", "V", "<C-v>"])
def test_in_visual_mode_the_hunks_of_the_selected_lines_are_meant(four: Editor, mode: str) -> None:
    four.feed(f"3G{mode}3j\\a")
    assert text(four) == "abCdEfgh"
    four.feed("u")
    four.feed(f"5G{mode}2j\\r")
    assert states(four) == ["pending", "pending", "rejected", "rejected"]
    assert four.eval("mode()") == "n"


def test_a_selection_without_a_hunk_applies_nothing_and_says_so(four: Editor) -> None:
    four.feed("2GV\\a")
    assert text(four) == "abcdefgh"
    assert "no hunk is in these lines" in four.messages()


def test_all_hunks_are_applied_from_visual_mode(four: Editor) -> None:
    four.feed("2GVj\\A")
    assert text(four) == "AbCdEfGh"


def test_the_last_selection_can_be_selected_again(four: Editor) -> None:
    four.feed("2GVj<Esc>1G\\a")
    four.feed("gv")
    assert four.eval("[line('v'), line('.'), mode()]") == [2, 3, "V"]


def test_next_and_prev_extend_a_selection(four: Editor) -> None:
    four.feed("2GV]v]v")
    assert four.eval("[line('v'), line('.'), mode()]") == [2, 5, "V"]
    four.feed("3[v")
    assert four.eval("[line('v'), line('.'), mode()]") == [2, 7, "V"]


def test_next_and_prev_are_motions_of_an_operator_that_dot_repeats(nvim: Editor) -> None:
    nvim.edit("".join(f"{n}\n" for n in range(9)), name="a.txt", filetype="text")
    propose(nvim, [rows(3, 4, "three"), rows(6, 7, "six")])
    nvim.feed("ggd]v")
    assert nvim.lines()[:2] == ["3", "4"]
    nvim.feed("j.")
    assert nvim.lines() == ["3", "6", "7", "8"]


@pytest.mark.parametrize("operator", ["d", "c", "y", "gU"])
@pytest.mark.parametrize("target", ["<Plug>(VivekNext)", "<Plug>(VivekPrev)", "<Plug>(VivekHunk)"])
def test_an_operator_is_given_up_where_there_is_no_hunk(nvim: Editor, operator: str, target: str) -> None:
    letters(nvim)
    nvim.feed("yy2G")
    nvim.type(f"{operator}{target}")
    nvim.wait_for(lambda: "hunk" in nvim.messages())
    assert (text(nvim), nvim.api.get_mode()["mode"], nvim.eval('@"')) == ("abcdefgh", "n", "a\n")


def test_insert_mode_applies_by_a_map_and_goes_on(four: Editor) -> None:
    four.command("inoremap <F2> <Cmd>VivekApply<CR>")
    four.feed("2GAx<F2>y<Esc>")
    assert four.lines()[:3] == ["A", "bxy", "c"]
    assert four.eval("mode()") == "n"
    undone = []
    for _ in range(3):
        four.feed("u")
        undone.append(text(four))
    assert undone == ["Abxcdefgh", "abxcdefgh", "abcdefgh"]


def test_insert_mode_applies_while_a_completion_menu_is_open(nvim: Editor) -> None:
    nvim.edit("alpha\nalso\nzeta\n", name="words.txt", filetype="text")
    propose(nvim, [rows(2, 3, "Z1", "Z2")])
    nvim.command("set completeopt=menuone,noselect | inoremap <F2> <Cmd>VivekApply<CR>")
    nvim.type("3Goal<C-x><C-n>")
    nvim.wait_for("vim.fn.pumvisible() == 1")
    nvim.type("<F2>z<Esc>")
    nvim.wait_for(lambda: nvim.api.get_mode()["mode"] == "n")
    assert nvim.lines() == ["alpha", "also", "Z1", "Z2", "alz"]
    assert not [line for line in nvim.messages().splitlines() if line.startswith("E")]
    nvim.feed("uu")
    assert nvim.lines() == ["alpha", "also", "zeta", "al"]


def test_replace_mode_applies_and_goes_on(four: Editor) -> None:
    four.command("inoremap <F2> <Cmd>VivekApply<CR>")
    four.feed("2GRx<F2>y<Esc>")
    assert four.lines()[:3] == ["A", "xy", "c"]


def test_visual_mode_goes_on_after_a_command_map(four: Editor) -> None:
    four.command("xnoremap <F2> <Cmd>VivekApply!<CR>")
    four.feed("2GVj<F2>")
    assert four.eval("[line('v'), line('.'), mode()]") == [2, 3, "V"]
    assert text(four) == "AbCdEfGh"


# Other windows


def test_in_the_command_line_window_and_in_a_terminal_nothing_is_proposed(four: Editor) -> None:
    number = four.eval("bufnr()")
    four.command("nnoremap <F2> <Cmd>VivekApply<CR>")
    four.feed("q:<F2>:q<CR>")
    four.command("split | terminal cat")
    four.feed("<F2>")
    four.command("bwipeout!")
    assert text(four, number) == "abcdefgh"
    assert four.messages().count("no hunks are proposed here") == 2


def test_hunks_are_applied_by_a_script_while_the_command_line_window_is_open(four: Editor) -> None:
    number = four.eval("bufnr()")
    four.command("nnoremap <expr> <F2> v:lua.apply_later()")
    four.lua(
        """
        local buffer = ...
        function _G.apply_later()
          vim.schedule(function() require('vivek.proposals').apply(buffer, { all = true }) end)
          return ''
        end
    """,
        number,
    )
    four.type("q:<F2>")
    four.wait_for(lambda: text(four, number) == "AbCdEfGh")
    four.type(":q<CR>")
    assert not [line for line in four.messages().splitlines() if line.startswith("E")]


def test_dot_counts_and_macros_work_from_the_scratch_buffer(four: Editor) -> None:
    source = four.eval("bufnr()")
    scratch = four.lua("return require('vivek.scratch').open(vim.api.nvim_get_current_buf(), 'r1', 'x')")
    four.lua("require('vivek.keys').attach(...)", scratch)
    four.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", scratch)
    assert four.eval("&modifiable") == 0
    four.feed("2\\a]v1.")
    assert text(four, source) == "AbCdEfgh"
    four.feed("]v\\r")
    assert states(four, source) == ["applied"] * 3 + ["rejected"]
    assert four.eval("bufnr()") == scratch


def test_a_readonly_buffer_can_be_walked_and_viewed_but_not_changed(four: Editor) -> None:
    four.command("setlocal readonly nomodifiable")
    four.feed("]v\\a")
    assert text(four) == "abcdefgh"
    assert four.eval("line('.')") == 3
    assert (
        "The buffer is not modifiable. Run :setlocal modifiable, then apply again."
        in four.messages().replace("\n", " ")
    )
    four.feed("\\d")
    assert len(four.api.list_wins()) == 2
    four.feed("\\d")
    assert states(four) == ["pending"] * 4
    four.command("setlocal modifiable")
    four.feed("\\a")
    assert "setlocal noreadonly" in four.messages().replace("\n", " ")
    four.command("setlocal noreadonly")
    four.feed("\\a")
    assert text(four) == "abCdefgh"


# The text object


@pytest.fixture
def blocks(nvim: Editor) -> Editor:
    """Hunks of two lines, of one line, and one that only adds."""
    letters(nvim)
    propose(nvim, [rows(1, 3, "B", "C"), rows(4, 5, "E1", "E2"), rows(7, 7, "new")])
    return nvim


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("2Gdiv", "adefgh"),
        ("3Gdiv", "adefgh"),
        ("3Gdiv2G.", "adefgh"),
        ("3Gdiv:3<CR>.", "adfgh"),
        ("2GgUiv", "aBCdefgh"),
        ("2Gciv!<Esc>", "a!defgh"),
        ("3Gviv<Esc>:'<,'>d<CR>", "adefgh"),
        ("3GVivd", "adefgh"),
        ("3G<C-v>ivd", "adefgh"),
        ("1GVjivd", "adefgh"),
        ("5G\\adiv", "abcdfgh"),
        ("1Gdiv", "abcdefgh"),
    ],
)
def test_the_text_object_is_the_lines_of_the_hunk(blocks: Editor, keys: str, expected: str) -> None:
    blocks.feed(keys)
    assert text(blocks) == expected


def test_the_text_object_needs_no_jump_and_opens_no_fold(blocks: Editor) -> None:
    blocks.command("clearjumps | 2,3fold | 3")
    blocks.feed("yiv")
    assert blocks.eval('@"') == "b\nc\n"
    assert blocks.eval("foldclosed(3)") == 2
    assert blocks.eval("getjumplist()[0]") == []


def test_a_hunk_that_only_adds_lines_has_nothing_to_select(blocks: Editor) -> None:
    blocks.type("7Gciv")
    blocks.wait_for(lambda: "only adds lines" in blocks.messages())
    assert blocks.api.get_mode()["mode"] == "n"
    assert blocks.messages().count("hunk") == 1
    blocks.feed("\\a8Gdiv")
    assert text(blocks) == "abcdefgh"


def test_a_hunk_that_is_applied_is_selected_by_the_lines_that_it_brought(blocks: Editor) -> None:
    blocks.feed("5G\\a5Gyiv")
    assert blocks.eval('@"') == "E1\nE2\n"
