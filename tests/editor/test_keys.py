"""The default keys: where they are, what they never replace, and that they go again."""

from __future__ import annotations

import pytest
from proposing import propose, rows

from neovim_child import Editor

EDITS = [rows(0, 1, "A"), rows(2, 3, "C")]
DEFAULTS = {"\\a", "\\A", "\\r", "\\R", "]v", "[v", "\\e", "\\d"}
VISUAL = {"\\a", "\\A", "\\r", "\\R", "]v", "[v", "iv"}
OPERATOR = {"]v", "[v", "iv"}


def mapped(nvim: Editor, buffer: int = 0, mode: str = "n") -> set[str]:
    maps = nvim.lua("return vim.api.nvim_buf_get_keymap(...)", buffer, mode)
    return {entry["lhs"] for entry in maps if entry.get("desc", "").startswith("Vivek: ")}


def label(nvim: Editor, name: str) -> str:
    return str(nvim.lua("return require('vivek.keys').label(vim.api.nvim_get_current_buf(), ...)", name))


@pytest.fixture
def demo(nvim: Editor) -> Editor:
    nvim.edit("a\nb\nc\n", name="demo.py")
    return nvim


def test_keys_are_there_only_while_hunks_are_shown(demo: Editor) -> None:
    assert mapped(demo) == set()
    propose(demo, EDITS)
    assert [mapped(demo, 0, mode) for mode in "nxo"] == [DEFAULTS, VISUAL, OPERATOR]
    demo.lua("require('vivek.proposals').reject(0, { all = true })")
    assert [mapped(demo, 0, mode) for mode in "nxo"] == [set()] * 3


def test_keys_do_what_they_say(demo: Editor) -> None:
    propose(demo, EDITS)
    demo.feed("]v")
    assert demo.eval("line('.')") == 3
    demo.feed("\\a")
    assert demo.lines() == ["a", "b", "C"]
    demo.feed("[v\\r")
    assert demo.lua("return require('vivek.proposals').outcome(0, 'r1')") == {
        "applied": 1,
        "rejected": 1,
        "pending": 0,
    }


def test_keys_work_from_the_scratch_buffer(demo: Editor) -> None:
    source = demo.eval("bufnr()")
    scratch = demo.lua("return require('vivek.scratch').open(vim.api.nvim_get_current_buf(), 'r1', 'x')")
    propose(demo, EDITS)
    assert mapped(demo, scratch) == DEFAULTS
    demo.command("wincmd w")
    demo.feed("]v\\a")
    assert demo.lines(source) == ["a", "b", "C"]
    demo.feed("\\A")
    assert demo.lines(source) == ["A", "b", "C"]
    assert mapped(demo, scratch) == set()


@pytest.mark.parametrize(
    ("command", "taken"),
    [
        ("nnoremap <buffer> \\a :echo 1<CR>", {"\\a"}),
        ("nnoremap ]v :echo 1<CR>", {"]v"}),
        ("nnoremap ]vx :echo 1<CR>", {"]v"}),
        ("nnoremap [ :echo 1<CR>", {"[v"}),
        ("nnoremap \\ :echo 1<CR>", {"\\a", "\\A", "\\r", "\\R", "\\e", "\\d"}),
        ("nnoremap \\ <Nop>", set()),
        ("xnoremap \\a :echo 1<CR>", set()),
    ],
)
def test_a_map_of_the_users_is_never_replaced_nor_shadowed(
    demo: Editor, command: str, taken: set[str]
) -> None:
    demo.command(command)
    propose(demo, EDITS)
    assert mapped(demo) == DEFAULTS - taken
    assert demo.output("nmap \\a").strip() or "\\a" in taken


@pytest.mark.parametrize(
    ("command", "visual", "operator"),
    [
        ("xnoremap \\a :echo 1<CR>", VISUAL - {"\\a"}, OPERATOR),
        ("xnoremap <buffer> iv iw", VISUAL - {"iv"}, OPERATOR),
        ("onoremap i j", VISUAL, OPERATOR - {"iv"}),
        ("noremap ]v ]c", VISUAL - {"]v"}, OPERATOR - {"]v"}),
        ("map gn <Plug>(VivekNext)", VISUAL - {"]v"}, OPERATOR - {"]v"}),
        ("nmap gn <Plug>(VivekNext)", VISUAL, OPERATOR),
    ],
)
def test_a_map_of_the_users_in_another_mode_is_not_replaced_either(
    demo: Editor, command: str, visual: set[str], operator: set[str]
) -> None:
    demo.command(command)
    propose(demo, EDITS)
    assert (mapped(demo, 0, "x"), mapped(demo, 0, "o")) == (visual, operator)
    demo.lua("require('vivek.proposals').clear(0)")
    assert mapped(demo, 0, "x") | mapped(demo, 0, "o") == set()


def test_the_users_own_map_outlives_the_proposal(demo: Editor) -> None:
    demo.command("nnoremap <buffer> \\a :let g:mine = 1<CR>")
    propose(demo, EDITS)
    demo.lua("require('vivek.proposals').clear(0)")
    demo.feed("\\a")
    assert demo.eval("g:mine") == 1


def test_a_key_that_the_user_maps_meanwhile_stays(demo: Editor) -> None:
    propose(demo, EDITS)
    demo.command("nnoremap <buffer> ]v :echo 1<CR>")
    demo.lua("require('vivek.proposals').clear(0)")
    assert "]v" in demo.output("nmap <buffer> ]v")
    assert mapped(demo) == set()


def test_the_local_leader_is_the_users(demo: Editor) -> None:
    demo.command("let maplocalleader = ','")
    propose(demo, EDITS)
    assert {",a", ",A", ",r", ",R"} <= mapped(demo)
    assert label(demo, "apply") == ",a"


def test_a_leader_of_a_space_is_shown_as_such(demo: Editor) -> None:
    demo.command("let maplocalleader = ' '")
    propose(demo, EDITS)
    assert label(demo, "apply") == "<Space>a"


def test_keys_can_be_chosen_or_turned_off(demo: Editor) -> None:
    demo.lua("require('vivek').setup({ keys = { apply = '<leader>y', next = false } })")
    propose(demo, EDITS)
    assert mapped(demo) == (DEFAULTS - {"\\a", "]v"}) | {"\\y"}
    assert label(demo, "apply") == "\\y"
    assert label(demo, "next") == ":VivekNext"


def test_keys_can_be_turned_off_altogether(demo: Editor) -> None:
    demo.lua("require('vivek').setup({ keys = false })")
    propose(demo, EDITS)
    assert mapped(demo) == set()
    assert label(demo, "apply_all") == ":VivekApply!"


def test_a_key_that_the_user_gave_an_action_is_the_one_that_hints_name(demo: Editor) -> None:
    demo.command("nmap gy <Plug>(VivekApply)")
    propose(demo, EDITS)
    assert mapped(demo) == DEFAULTS - {"\\a"}
    assert label(demo, "apply") == "gy"
    demo.feed("gy")
    assert demo.lines() == ["A", "b", "c"]


def test_the_hint_names_the_command_where_the_key_is_taken(demo: Editor) -> None:
    demo.command("nnoremap \\a :echo 1<CR>")
    propose(demo, EDITS)
    assert any(":VivekApply apply" in row for row in demo.screen())


def test_a_wiped_buffer_leaves_no_keys_in_the_scratch_buffer(demo: Editor) -> None:
    scratch = demo.lua("return require('vivek.scratch').open(vim.api.nvim_get_current_buf(), 'r1', 'x')")
    propose(demo, EDITS)
    demo.command("bwipeout! demo.py")
    assert mapped(demo, scratch) == set()
    assert demo.messages().strip() == ""
