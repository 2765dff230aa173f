"""What is shown of a reply while the model writes it, in a real Neovim."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposing import done, propose, rows

from neovim_child import ROWS, Editor

SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = """\
import math


class Shop:
    def total(self, items):
        sum = 0
        for item in items:
            sum = sum + self.prices[item]
        return sum

    def cheapest(self):
        return min(self.prices.values())
"""
TOTAL = (5, 9)
START = "```python\ndef total(self, items):\n"
HALF = START + "    sum = 0\n    for item in items:\n        sum += self.prices[item]\n"
WHOLE = HALF + "    return sum\n```\n"

# Timers that fire when a test says so, and not before.
CLOCK = """
_G.timers = {}
vim.schedule_wrap = function(callback) return callback end
vim.uv.new_timer = function()
  local timer = { delays = {} }
  function timer:start(delay, _, callback)
    table.insert(self.delays, delay)
    self.callback = callback
  end
  function timer:stop() self.callback = nil end
  function timer:close() self.callback, self.closed = nil, true end
  table.insert(_G.timers, timer)
  return timer
end
"""
TICK = """
for _, timer in ipairs(_G.timers) do
  local callback = timer.callback
  timer.callback = nil
  if callback then callback() end
end
"""

Rows = list[tuple[int, list[str]]]


class Preview:
    """A buffer with a run at work on it. by_hand: timers fire when the test says so."""

    def __init__(self, editor: Editor, *, by_hand: bool = True) -> None:
        self.editor = editor
        if by_hand:
            editor.lua(CLOCK)

    def open(self, text: str = TEXT, *, name: str = "shop.py", filetype: str = "python") -> None:
        self.editor.edit(text, name=name, filetype=filetype)

    def begin(self, first: int, last: int, *, run: str = "r1", asked: list[str] | None = None) -> None:
        """A run on the current buffer as it is, and its executor at work on these lines (1-based)."""
        code = """
            local id, asked = ...
            local buf = vim.api.nvim_get_current_buf()
            local base = vim.api.nvim_buf_get_lines(buf, 0, -1, true)
            _G.runs = _G.runs or {}
            _G.runs[id] = { id = id, buf = buf, base = base, asked = asked ~= vim.NIL and asked or nil }
        """
        self.editor.lua(code, run, asked)
        self.executor(first, last, run=run)

    def executor(self, first: int, last: int, *, run: str = "r1", attempt: int = 1, **more: Any) -> None:
        target = {"first": first, "last": last}
        self.send(
            "node", run=run, node="executor", attempt=attempt, **{"target": target, "route": "rewrite"} | more
        )

    def send(self, kind: str, *, run: str = "r1", **fields: Any) -> None:
        code = "local event = ... require('vivek.preview').event(_G.runs[event.run], event)"
        self.editor.lua(code, {"kind": kind, "run": run, **fields})

    def write(self, *pieces: str, run: str = "r1") -> None:
        for piece in pieces:
            self.send("text", run=run, node="executor", attempt=1, text=piece)

    def tick(self) -> None:
        """Let the timers fire."""
        self.editor.lua(TICK)

    def show(self, *pieces: str, run: str = "r1") -> None:
        self.write(*pieces, run=run)
        self.tick()

    def marks(self, buffer: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """Line (0-based) and details of all that is drawn."""
        code = """
            local namespace = vim.api.nvim_create_namespace('vivek_preview')
            return vim.api.nvim_buf_get_extmarks(..., namespace, 0, -1, { details = true })
        """
        return [(mark[1], mark[3]) for mark in self.editor.lua(code, buffer)]

    def added(self) -> Rows:
        """Line below which virtual lines are drawn (0-based; -1 is above the first one), and their text."""
        return [
            (
                -1 if details.get("virt_lines_above") else row,
                ["".join(chunk[0] for chunk in line).rstrip() for line in details["virt_lines"]],
            )
            for row, details in self.marks()
            if details.get("virt_lines")
        ]

    def removed(self) -> list[int]:
        """The lines (0-based) that are shown as replaced."""
        return [
            line
            for row, details in self.marks()
            if details.get("hl_group") == "VivekDelete"
            for line in range(row, details["end_row"])
        ]

    def timers(self) -> list[dict[str, Any]]:
        """What each timer was told so far: its delays, whether it is closed and whether it runs."""
        code = """
            return vim.tbl_map(function(timer)
              return { delays = timer.delays, closed = timer.closed or false, runs = timer.callback ~= nil }
            end, _G.timers)
        """
        return list(self.editor.lua(code))


@pytest.fixture
def preview(nvim: Editor) -> Preview:
    return Preview(nvim)


@pytest.fixture
def shop(preview: Preview) -> Preview:
    """A class of 12 lines, a run at work on its first method."""
    preview.open()
    preview.begin(*TOTAL)
    return preview


def drawn(preview: Preview) -> tuple[Rows, list[int]]:
    return preview.added(), preview.removed()


# --- what is shown ---


def test_changed_lines_show_below_those_that_they_replace_while_the_model_writes(shop: Preview) -> None:
    shop.show(HALF)
    screen = shop.editor.screen()
    assert screen[6:10] == [
        "        for item in items:",
        "            sum = sum + self.prices[item]",
        "            sum += self.prices[item]",
        "        return sum",
    ]
    assert shop.removed() == [7]


def test_nothing_is_shown_of_words_and_thoughts(shop: Preview) -> None:
    shop.show("<think>\n```python\nx\n```\n</think>\nHere is the code:\n\n")
    assert shop.marks() == []


def test_half_a_line_is_not_shown(shop: Preview) -> None:
    shop.show(START + "    total = 0.0")
    assert shop.marks() == []
    shop.show("\n")
    assert drawn(shop) == ([(4, ["        total = 0.0"])], [])


def test_lines_that_the_model_has_not_reached_are_not_shown_as_deleted(shop: Preview) -> None:
    shop.show(START.replace("items", "items, tax"))
    assert drawn(shop) == ([(4, ["    def total(self, items, tax):"])], [4])


def test_when_the_fence_closes_what_is_missing_is_shown_as_deleted(shop: Preview) -> None:
    shop.show(START + "    return 0\n")
    assert shop.removed() == []
    shop.show("```")
    assert drawn(shop) == ([(8, ["        return 0"])], [5, 6, 7, 8])


def test_a_copy_shows_nothing(shop: Preview) -> None:
    shop.show("```python\n" + "\n".join(TEXT.split("\n")[4:9]) + "\n```\n")
    assert shop.marks() == []


def looks(nvim: Editor, namespace: str) -> list[tuple[int, dict[str, Any]]]:
    code = """
        local namespace = vim.api.nvim_get_namespaces()[...]
        return vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })
    """
    found = [
        (mark[1], {k: v for k, v in mark[3].items() if k != "ns_id"}) for mark in nvim.lua(code, namespace)
    ]
    return sorted(
        (mark for mark in found if not mark[1].get("virt_text")),
        key=lambda mark: json.dumps(mark, sort_keys=True),
    )


def test_it_looks_as_the_hunks_will(shop: Preview) -> None:
    shop.show(WHOLE)
    before = looks(shop.editor, "vivek_preview")
    shop.send("done", result={})
    edit = rows(7, 8, "            sum += self.prices[item]")
    propose(shop.editor, [edit])
    assert looks(shop.editor, "vivek_proposal") == before
    assert before != []


@pytest.mark.parametrize(
    ("text", "target", "reply", "expected"),
    [
        pytest.param(
            TEXT,
            (10, 9),
            "def count(self):\n    return 0\n",
            ([(8, ["    def count(self):", "        return 0"])], []),
            id="new code shows where it will go",
        ),
        pytest.param(
            "\n\na = 1\n\n",
            (1, 4),
            "\na = 2\n```",
            ([(2, ["a = 2"])], [2]),
            id="blank lines around the target stay",
        ),
        pytest.param(
            "a = 1\n\n\nb = 2\n",
            (2, 3),
            "c = 3\n```",
            ([(2, ["c = 3"])], [1, 2]),
            id="selected blank lines are replaced",
        ),
        pytest.param(
            "a = 1\r\nb = 2\r\nc = 3\n",
            (1, 3),
            "a = 1\nb = 3\nc = 3\n```",
            ([(1, ["b = 3^M"])], [1]),
            id="in a text of mixed line ends unchanged lines are unchanged",
        ),
        pytest.param(
            "a = 1\r\nb = 2\r\n",
            (1, 2),
            "a = 1\r\nb = 3\r\n```\r\n",
            ([(1, ["b = 3"])], [1]),
            id="in a dos file nothing is drawn of its line ends",
        ),
    ],
)
def test_the_lines_that_change_are_shown_and_no_other(
    preview: Preview, text: str, target: tuple[int, int], reply: str, expected: tuple[Rows, list[int]]
) -> None:
    preview.open(text)
    preview.begin(*target)
    preview.show("```python\n" + reply)
    assert drawn(preview) == expected


def test_new_code_above_the_first_line_is_seen_at_once(preview: Preview) -> None:
    preview.open()
    preview.begin(1, 0)
    preview.show("```python\n'''A shop.'''\n")
    assert preview.added() == [(-1, ["'''A shop.'''"])]
    assert preview.editor.screen()[:2] == ["'''A shop.'''", "import math"]
    preview.send("done", result={})
    assert preview.editor.screen()[0] == "import math"


def test_new_code_at_the_end_of_the_buffer(preview: Preview) -> None:
    preview.open("a = 1\n")
    preview.begin(2, 1)
    preview.show("```python\nb = 2\n")
    assert preview.editor.screen()[:2] == ["a = 1", "b = 2"]


def test_code_for_an_empty_buffer(preview: Preview) -> None:
    preview.open("")
    preview.begin(1, 0)
    preview.show("```python\na = 1\n\nb = 2\n```\n")
    assert preview.editor.screen()[1:4] == ["a = 1", "", "b = 2"]


# --- how it is drawn ---


def test_wide_and_combining_characters_and_tabs_keep_their_columns(preview: Preview) -> None:
    preview.open("\tprint('漢字', e\u0301)\n")
    preview.editor.command("set tabstop=4")
    preview.begin(1, 1)
    preview.show("```python\nprint('漢字',\te\u0301, 1)\n```")
    assert preview.editor.screen()[:2] == ["    print('漢字', e\u0301)", "    print('漢字',   e\u0301, 1)"]


def test_long_lines_wrap_as_the_text_does(preview: Preview) -> None:
    preview.open("x = 1\n")
    preview.begin(1, 1)
    long = "x = '" + "0123456789" * 15 + "'"
    preview.show(f"```python\n{long}\n")
    assert preview.editor.screen()[:3] == [long[:100], long[100:], "x = 1"]
    preview.show("```")
    assert preview.editor.screen()[:3] == ["x = 1", long[:100], long[100:]]


def test_no_more_is_drawn_than_the_window_has_room_for_and_the_newest_lines_stay(shop: Preview) -> None:
    shop.editor.command("1")
    shop.show(START + "".join(f"    step({number})\n" for number in range(200)))
    rows = [row for _, lines in shop.added() for row in lines]
    assert len(rows) <= ROWS
    screen = shop.editor.screen()
    assert "        step(199)" in screen
    assert "        step(150)" not in screen
    assert any("⋯" in row and "lines above" in row for row in screen)
    assert any(row.startswith("    def total(self, items):") for row in screen)


def test_with_the_cursor_below_the_newest_lines_are_above_it(shop: Preview) -> None:
    shop.editor.command("10")
    shop.show(START + "".join(f"    step({number})\n" for number in range(200)))
    # As many as the window has rows, from the first time on: or else the text would move each time.
    assert len([row for _, lines in shop.added() for row in lines]) == shop.editor.eval("winheight(0)")
    screen = shop.editor.screen()
    assert "        step(199)" in screen
    assert "        for item in items:" in screen


def test_what_is_drawn_above_leaves_less_room(shop: Preview) -> None:
    shop.editor.command("1")
    shop.show(START + "    count = 0\n" * 12 + "    sum = 0\n    for item in items:\n")
    shop.show("".join(f"        step({number})\n" for number in range(100)))
    screen = shop.editor.screen()
    assert "            step(99)" in screen
    assert screen.count("        count = 0") == 12


def test_a_line_larger_than_the_window_is_cut(preview: Preview) -> None:
    preview.open("x = 1\n")
    preview.begin(1, 1)
    preview.show("```python\nx = '" + "漢" * 20_000 + "'\n")
    assert len([row for _, lines in preview.added() for row in lines]) <= ROWS


def test_what_is_out_of_sight_is_drawn_when_it_comes_in_sight(preview: Preview) -> None:
    preview.open("".join(f"a{number} = {number}\n" for number in range(500)))
    preview.begin(1, 500)
    preview.editor.command("1")
    preview.editor.screen()
    changed = "".join(f"a{number} = {-number if number % 50 == 0 else number}\n" for number in range(1, 500))
    preview.write("```python\na0 = 0\n" + changed + "```\n")
    for _ in range(3):
        preview.tick()
    assert preview.removed() == []
    preview.editor.command("normal! 301Gzz")
    preview.editor.screen()
    preview.tick()
    assert preview.removed() == [300]


# --- where it is ---


def test_it_stays_at_its_lines_whatever_is_typed_around_them(shop: Preview) -> None:
    shop.show(HALF)
    shop.editor.feed("ggOimport os<Esc>Gonew = 1<Esc>")
    shop.tick()
    assert shop.removed() == [8]
    shop.show("    return sum + 1\n")
    assert drawn(shop) == (
        [(9, ["            sum += self.prices[item]", "        return sum + 1"])],
        [8, 9],
    )


def format_all(editor: Editor) -> None:
    editor.set_lines(["# formatted", *TEXT.split("\n")[:-1]])


def reload(editor: Editor) -> None:
    (editor.home / "shop.py").write_text("# from elsewhere\n" + TEXT)
    editor.command("edit!")


@pytest.mark.parametrize("change", [format_all, reload])
def test_it_follows_what_sets_all_lines(shop: Preview, change: Callable[[Editor], None]) -> None:
    shop.show(HALF)
    change(shop.editor)
    shop.tick()
    assert shop.removed() == [8]


def test_undo_takes_it_back_with_the_text(shop: Preview) -> None:
    shop.editor.feed("ggdd")
    shop.show(HALF)
    assert shop.removed() == [6]
    shop.editor.feed("u")
    shop.tick()
    assert shop.removed() == [7]


def test_lines_that_the_user_changed_meanwhile_are_compared_as_they_are(shop: Preview) -> None:
    shop.show(HALF)
    shop.editor.feed("8GA  # mine<Esc>")
    shop.tick()
    assert shop.removed() == [7]
    assert shop.editor.lines()[7].endswith("# mine")
    shop.editor.command("8delete")
    shop.tick()
    assert drawn(shop) == ([(6, ["            sum += self.prices[item]"])], [])


def test_what_the_user_did_alike_is_no_change(shop: Preview) -> None:
    shop.show(HALF)
    shop.editor.feed("8Gccsum += self.prices[item]<Esc>")
    shop.editor.lua("vim.api.nvim_buf_set_lines(0, 7, 8, true, { '            sum += self.prices[item]' })")
    shop.tick()
    assert shop.marks() == []


def test_the_lines_of_a_proposal_are_found_in_the_buffer(preview: Preview) -> None:
    preview.open("a = 1\nb = 2\nc = 3\n")
    preview.begin(4, 4, asked=["x = 0", "a = 1", "b = 2", "c = 3"])
    preview.show("```python\nc = 4\n```")
    assert drawn(preview) == ([(2, ["c = 4"])], [2])


# --- when it ends ---


@pytest.mark.parametrize(
    "ending",
    [
        {"kind": "done", "result": {}},
        {"kind": "error", "error": {"kind": "X", "message": "no", "hint": ""}},
        {"kind": "retry", "reason": "busy", "attempt": 2, "seconds": 1.0},
        {
            "kind": "node",
            "node": "executor",
            "attempt": 2,
            "target": {"first": 5, "last": 9},
            "route": "rewrite",
        },
    ],
    ids=lambda event: event["kind"],
)
def test_it_is_gone_with(shop: Preview, ending: dict[str, Any]) -> None:
    shop.show(HALF)
    assert shop.marks() != []
    shop.send(**ending)
    assert shop.marks() == []
    shop.tick()
    assert shop.marks() == []
    assert shop.timers()[0] == {"delays": [80], "closed": True, "runs": False}


@pytest.mark.parametrize("restart", ["retry", "attempt"])
def test_it_begins_anew_with_the_next_try(shop: Preview, restart: str) -> None:
    shop.show(HALF)
    if restart == "retry":
        shop.send("retry", reason="busy", attempt=2, seconds=1.0)
    else:
        shop.executor(*TOTAL, attempt=2)
    shop.show(START + "    total = 0\n")
    assert drawn(shop) == ([(4, ["        total = 0"])], [])


def test_it_stays_while_the_reply_is_reviewed(shop: Preview) -> None:
    shop.show(HALF)
    shop.send("node", node="reviewer", attempt=1)
    shop.send("retry", reason="busy", attempt=2, seconds=1.0)
    shop.send("text", node="reviewer", attempt=1, text="\n```\nno\n")
    shop.tick()
    assert shop.removed() == [7]


def test_the_last_line_of_a_reply_needs_no_end(shop: Preview) -> None:
    shop.show(HALF + "    return total")
    assert shop.removed() == [7]
    shop.send("node", node="reviewer", attempt=1)
    shop.tick()
    assert shop.removed() == [7, 8]


def test_a_wiped_buffer_takes_it_along(shop: Preview) -> None:
    shop.show(HALF)
    shop.editor.command("enew | bwipeout! shop.py")
    shop.show("    return sum\n")
    shop.send("done", result={})
    assert shop.editor.messages().strip() == ""
    assert shop.timers()[0]["closed"]


def test_an_unloaded_buffer_is_let_alone(shop: Preview) -> None:
    shop.show(HALF)
    shop.write("    return 0\n")
    shop.editor.command("enew | bunload! shop.py")
    shop.tick()
    shop.show("```\n")
    shop.send("done", result={})
    assert shop.editor.messages().strip() == ""


def test_the_option_switches_it_off(shop: Preview) -> None:
    shop.show(HALF)
    shop.editor.lua("require('vivek').setup({ preview = false })")
    shop.show("    return 0\n")
    assert shop.marks() == []
    shop.executor(*TOTAL, attempt=2)
    shop.show(HALF)
    assert shop.marks() == []


def test_an_answer_in_words_has_none(shop: Preview) -> None:
    shop.executor(*TOTAL, route="answer")
    shop.show(HALF)
    assert shop.marks() == []


def test_a_run_that_does_not_say_where_it_writes_has_none(shop: Preview) -> None:
    shop.send("node", node="executor", attempt=1)
    shop.show(HALF)
    assert shop.marks() == []


# --- among others ---


def test_each_run_has_its_own(shop: Preview) -> None:
    shop.begin(11, 12, run="r2")
    shop.show(HALF)
    shop.show("```python\ndef cheapest(self):\n    return max(self.prices.values())\n", run="r2")
    assert shop.removed() == [7, 11]
    shop.send("done", run="r1", result={})
    assert shop.removed() == [11]
    shop.show("```", run="r2")
    assert shop.removed() == [11]
    shop.send("done", run="r2", result={})
    assert shop.marks() == []


def test_the_lines_of_a_hunk_are_left_to_it(shop: Preview) -> None:
    edit = rows(7, 8, "            sum = self.prices[item] + sum")
    propose(shop.editor, [edit])
    before = looks(shop.editor, "vivek_proposal")
    shop.show(WHOLE.replace("= 0", "= 0.0"))
    assert looks(shop.editor, "vivek_proposal") == before
    assert drawn(shop) == ([(5, ["        sum = 0.0"])], [5])
    shop.editor.command("VivekReject!")
    shop.show("Done.")
    assert shop.removed() == [5, 7]


def test_lines_beside_a_hunk_are_not_its_own(shop: Preview) -> None:
    edit = rows(7, 8, "            sum = self.prices[item] + sum")
    propose(shop.editor, [edit])
    shop.show("```python\n" + "\n".join(TEXT.split("\n")[4:8]) + "\n        return sum + 1\n```")
    assert drawn(shop) == ([(8, ["        return sum + 1"])], [8])


# --- how often ---


def test_many_pieces_are_drawn_in_one_go(shop: Preview) -> None:
    shop.write(*HALF)
    assert shop.marks() == []
    assert shop.timers() == [{"delays": [80], "closed": False, "runs": True}]
    shop.tick()
    assert shop.removed() == [7]
    assert shop.timers() == [{"delays": [80], "closed": False, "runs": False}]


def test_where_drawing_takes_long_it_is_drawn_seldom(shop: Preview) -> None:
    code = """
        local now = 0
        vim.uv.hrtime = function()
          now = now + 30e6
          return now
        end
    """
    shop.editor.lua(code)
    shop.show(HALF)
    shop.show("    return sum\n")
    assert shop.timers()[0]["delays"] == [80, 300]


def test_nothing_is_done_while_no_window_shows_the_buffer(shop: Preview) -> None:
    shop.editor.command("set hidden | enew")
    shop.write(HALF)
    assert shop.timers() == [{"delays": [], "closed": False, "runs": False}]
    shop.editor.command("buffer shop.py")
    shop.tick()
    assert shop.removed() == [7]


def test_a_window_that_goes_meanwhile_is_no_fault(shop: Preview) -> None:
    shop.write(HALF)
    shop.editor.command("set hidden | enew")
    shop.tick()
    shop.editor.command("buffer shop.py")
    shop.tick()
    assert shop.removed() == [7]


def test_what_is_drawn_already_is_not_drawn_again(shop: Preview) -> None:
    ids = """
        local namespace = vim.api.nvim_create_namespace('vivek_preview')
        local marks = vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {})
        return vim.tbl_map(function(mark) return mark[1] end, marks)
    """
    shop.show(START + "    sum = 0.0\n")
    before = list(shop.editor.lua(ids))
    shop.show("    for item in items:\n        sum += self.prices[item]\n")
    assert shop.removed() == [5, 7]
    after = list(shop.editor.lua(ids))
    assert set(before) < set(after)
    shop.editor.feed("ggO<Esc>")
    shop.tick()
    assert list(shop.editor.lua(ids)) == after


# --- whatever comes ---

PIECES = st.sampled_from(
    [
        "```python\n",
        "```",
        "\n",
        "def total(self, items):\n",
        "    sum = 0\n",
        "        sum += self.prices[item]\n",
        "    for item in items:\n",
        "    return sum\n",
        "\treturn '漢'\n",
        "e\u0301\0\r\n",
        "<think>",
        "</think>",
        "    " * 8,
        "x" * 300,
    ]
)


@SETTINGS
@given(pieces=st.lists(PIECES, min_size=1, max_size=14), cuts=st.sets(st.integers(1, 200), max_size=6))
def test_however_a_reply_is_cut_the_same_is_shown_in_the_end(
    shop: Preview, pieces: list[str], cuts: set[int]
) -> None:
    reply = "```python\n" + "".join(pieces)
    shop.executor(*TOTAL)
    shop.show(reply)
    whole = looks(shop.editor, "vivek_preview")
    shop.executor(*TOTAL)
    ends = [0, *sorted(cut for cut in cuts if cut < len(reply)), len(reply)]
    for start, end in pairwise(ends):
        shop.show(reply[start:end])
        shop.editor.screen()
    assert looks(shop.editor, "vivek_preview") == whole


ACTIONS = st.one_of(
    PIECES.map(lambda piece: ("write", piece)),
    st.sampled_from(
        ["ggOabove<Esc>", "Gobelow<Esc>", "7GAx<Esc>", "6Gdd", "5GdG", "u", "<C-r>", "ggdG", "8Gyyp"]
    ).map(lambda keys: ("keys", keys)),
    st.sampled_from(["tick", "split", "only", "enew", "back", "retry", "attempt", "reviewer"]).map(
        lambda name: (name, "")
    ),
)


def act(preview: Preview, action: str, value: str) -> None:
    editor = preview.editor
    if action == "write":
        preview.write(value)
    elif action == "keys":
        editor.feed(value)
    elif action == "tick":
        preview.tick()
    elif action == "enew":
        editor.command("set hidden | enew")
    elif action == "back":
        editor.command("buffer shop.py")
    elif action == "retry":
        preview.send("retry", reason="busy", attempt=1, seconds=0.1)
    elif action == "attempt":
        preview.executor(*TOTAL, attempt=2)
    elif action == "reviewer":
        preview.send("node", node="reviewer", attempt=1)
    else:
        editor.command(f"silent! {action}")


def state(editor: Editor) -> tuple[Sequence[str], int, int]:
    buffer = int(editor.eval("bufnr('shop.py')"))
    return (
        editor.lines(buffer),
        editor.undo_sequence(buffer),
        int(editor.eval(f"getbufvar({buffer}, 'changedtick')")),
    )


@SETTINGS
@given(actions=st.lists(ACTIONS, max_size=16))
def test_whatever_comes_text_and_undo_are_untouched(nvim: Editor, actions: list[tuple[str, str]]) -> None:
    preview = Preview(nvim)
    preview.open()
    nvim.command("messages clear")
    preview.begin(*TOTAL)
    preview.write("```python\n")
    for action, value in actions:
        act(preview, action, value)
        before = state(nvim)
        preview.tick()
        nvim.screen()
        assert state(nvim) == before
    preview.send("done", result={})
    assert preview.marks(int(nvim.eval("bufnr('shop.py')"))) == []
    assert nvim.lua("return vim.v.errmsg") == ""
    assert "Error" not in nvim.messages()
    nvim.command("silent! bwipeout! shop.py | silent! only")


# --- through an ask ---


def ask(hosted: Editor, command: str, first: int, last: int) -> Preview:
    """Ask, and wait for what is shown of the reply, half of which comes for these lines (1-based)."""
    node = {"kind": "node", "node": "executor", "attempt": 1, "detail": "", "route": "rewrite"}
    events = [
        {"kind": "start"},
        node | {"target": {"first": first, "last": last}},
        {"kind": "text", "node": "executor", "attempt": 1, "text": HALF},
    ]
    hosted.lua("vim.g.fake_events = ...", events)
    hosted.command(command)
    return Preview(hosted, by_hand=False)


def test_an_ask_shows_it_and_the_hunks_take_its_place(hosted: Editor) -> None:
    hosted.edit(TEXT, name="shop.py")
    preview = ask(hosted, "5,9VivekAsk emit", *TOTAL)
    hosted.wait_for(lambda: preview.removed() == [7])
    assert hosted.lua("return require('vivek.proposals').hunks(0)") == []
    run = hosted.lua("return _G.received[1][2].run")
    ended = done(rows(7, 8, "            sum += self.prices[item]")) | {"run": run}
    hosted.lua("require('vivek.host').on_events({ ... })", ended)
    assert preview.marks() == []
    assert len(hosted.lua("return require('vivek.proposals').hunks(0)")) == 1


def test_a_follow_up_finds_the_lines_of_the_proposal_in_the_buffer(hosted: Editor) -> None:
    source = hosted.edit(TEXT, name="shop.py")
    propose(hosted, [rows(0, 0, "# one", "# two", "# three")], run="r0")
    scratch = hosted.lua("return require('vivek.scratch').open(..., 'r0', 'count')", source)
    hosted.lua("vim.api.nvim_set_current_win(vim.fn.bufwinid(...))", scratch)
    preview = ask(hosted, "VivekAsk emit", 8, 12)
    hosted.command("wincmd p")
    hosted.wait_for(lambda: preview.removed() == [7])


def test_a_stop_takes_it_away_at_once(hosted: Editor) -> None:
    hosted.edit(TEXT, name="shop.py")
    preview = ask(hosted, "5,9VivekAsk emit", *TOTAL)
    hosted.wait_for(lambda: preview.removed() == [7])
    hosted.command("VivekStop")
    assert preview.marks() == []
