"""Several runs at once, in one buffer and in several: proposals, sections, stop, follow-ups, what is told."""

from __future__ import annotations

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposing import done, rows
from test_commands import FIRST, SECOND, TEXT, arrived, go_to_scratch, hunks, received, told
from test_end_to_end import AREA, SIDE, Vivek
from test_end_to_end import TEXT as SHAPES

from neovim_child import Editor

SETTINGS = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
LINES = TEXT.split("\n")[:-1]
GAP = " "


class Runs:
    """Runs at work on a buffer, whose events a test sends."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.asked = 0
        self.source = editor.edit(TEXT, name="x.py")

    def ask(self, command: str) -> str:
        """Ask, the model staying silent; gives the id of the run."""
        self.asked += 1
        self.editor.command(command)
        return str(arrived(self.editor, "vivek_ask", self.asked)["run"])

    def send(self, run: str, kind: str, **fields: Any) -> None:
        self.editor.lua("require('vivek.host').on_events({ ... })", {"kind": kind, "run": run, **fields})

    def executor(self, run: str, first: int, last: int) -> None:
        target = {"first": first, "last": last}
        self.send(run, "node", node="executor", attempt=1, detail="", target=target, route="rewrite")

    def text(self, run: str, text: str) -> None:
        self.send(run, "text", node="executor", attempt=1, text=text)

    def done(self, run: str, *edits: dict[str, Any], **more: Any) -> None:
        self.send(run, **done(*edits, **more))

    def runs_of_hunks(self) -> list[str]:
        return [hunk["run"] for hunk in hunks(self.editor, self.source) if hunk["state"] == "pending"]

    def stopped(self) -> list[str]:
        return [message["run"] for message in received(self.editor, "vivek_stop")]

    def wait_for_stop_of(self, *runs: str) -> None:
        self.editor.wait_for(lambda: len(self.stopped()) >= len(runs))
        assert sorted(self.stopped()) == sorted(runs)

    @property
    def scratch(self) -> int:
        return int(self.editor.lua("return require('vivek.scratch').of(...)", self.source))

    @property
    def window(self) -> int:
        return int(self.editor.lua("return vim.fn.bufwinid(...)", self.scratch))

    def shown(self) -> list[str]:
        return self.editor.lines(self.scratch)

    def wait_for_line(self, line: str) -> int:
        """Its number in the scratch buffer (1-based), once it is there."""
        self.editor.wait_for(lambda: line in self.shown())
        return self.shown().index(line) + 1

    def cursor(self) -> int:
        return int(self.editor.lua("return vim.api.nvim_win_get_cursor(...)[1]", self.window))

    def go_to_section(self, title: str) -> None:
        go_to_scratch(self.editor, self.source)
        self.editor.command(str(self.wait_for_line(title)))

    def bar(self) -> str:
        return str(self.editor.lua("return vim.wo[...].winbar", self.window))

    def marks(self, namespace: str) -> int:
        code = """
            local buffer, namespace = ...
            return #vim.api.nvim_buf_get_extmarks(buffer, vim.api.nvim_create_namespace(namespace), 0, -1, {})
        """
        return int(self.editor.lua(code, self.source, namespace))


@pytest.fixture
def runs(hosted: Editor) -> Runs:
    return Runs(hosted)


@pytest.mark.parametrize("in_order", [True, False])
def test_two_asks_in_one_buffer_are_both_proposed_whichever_ends_first(runs: Runs, in_order: bool) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    ends = [(first, FIRST, (1, 2)), (second, SECOND, (5, 6))]
    for run, edit, lines in ends if in_order else ends[::-1]:
        runs.done(run, edit, target={"first": lines[0], "last": lines[1]})
    assert sorted(runs.runs_of_hunks()) == sorted([first, second])
    runs.editor.command("VivekApply!")
    assert runs.editor.lines(runs.source) == [*LINES[:1], "    return a + 1", *LINES[2:5], "    return b + 1"]


def test_each_proposal_has_its_own_outcome(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(first, FIRST)
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    runs.editor.command("2VivekApply")
    runs.editor.command("6VivekReject")
    runs.editor.wait_for(lambda: len(received(runs.editor, "vivek_outcome")) == 2)
    outcomes = {outcome["run"]: outcome for outcome in received(runs.editor, "vivek_outcome")}
    assert (outcomes[first]["applied"], outcomes[first]["rejected"]) == (1, 0)
    assert (outcomes[second]["applied"], outcomes[second]["rejected"]) == (0, 1)


def test_asks_about_the_same_lines_are_both_proposed_and_one_is_applied(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("2,6VivekAsk two")
    runs.done(second, rows(1, 2, "    return a * 2"), target={"first": 2, "last": 6})
    runs.done(first, FIRST)
    assert sorted(runs.runs_of_hunks()) == sorted([first, second])
    runs.editor.command("VivekApply!")
    assert runs.editor.lines(runs.source)[1] == "    return a + 1"
    runs.editor.command("undo")
    assert runs.editor.lines(runs.source) == LINES
    assert sorted(runs.runs_of_hunks()) == sorted([first, second])


def test_each_run_has_a_section_that_grows_at_its_own_end(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    for piece in ("a", "b\n", "c"):
        runs.text(first, piece)
        runs.text(second, piece.upper())
    runs.wait_for_line("C")
    assert runs.shown() == ["# one", "", "ab", "c", GAP, "# two", "", "AB", "C"]
    for run in (first, second):
        assert runs.editor.lua("return require('vivek.scratch').text(...)", run).lower() == "ab\nc"


def test_a_fence_that_is_open_does_not_swallow_the_next_section(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.text(first, '```python\nx = """open\n\n# a comment')
    runs.text(second, "use `f`")
    row = runs.wait_for_line("use `f`")
    comment, title = runs.wait_for_line("# a comment"), runs.wait_for_line("# two")

    def group(row: int, column: int) -> str:
        code = """
            local buffer, row, column = ...
            return vim.api.nvim_buf_call(buffer, function()
              return vim.fn.synIDattr(vim.fn.synID(row, column, true), 'name')
            end)
        """
        return str(runs.editor.lua(code, runs.scratch, row, column))

    assert group(row, 5) == "VivekCode"
    assert group(title, 1) == "VivekTitle"
    assert group(comment, 1).startswith("python")


def test_a_window_follows_its_section_then_the_next_at_work(runs: Runs) -> None:
    first = runs.ask("1,2VivekAsk one")
    runs.text(first, "line\n" * 60)
    runs.editor.wait_for(lambda: runs.cursor() > 60)
    second = runs.ask("5,6VivekAsk two")
    runs.text(second, "LINE\n" * 60)
    runs.text(first, "last of one")
    runs.editor.wait_for(lambda: runs.cursor() == runs.wait_for_line("last of one"))
    runs.done(first)
    assert runs.cursor() == len(runs.shown())
    runs.text(second, "last of two")
    runs.editor.wait_for(lambda: runs.cursor() == runs.wait_for_line("last of two"))


def test_a_window_left_at_an_older_section_goes_along_with_the_next_ask(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(second)
    runs.done(first)
    runs.editor.wait_for(lambda: runs.cursor() < runs.wait_for_line("# two"))
    third = runs.ask("1,2VivekAsk three")
    runs.text(third, "line\n" * 60)
    runs.editor.wait_for(lambda: runs.cursor() == len(runs.shown()) > 60)


def test_a_section_that_is_read_stays_in_place_while_one_above_it_grows(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.text(second, "above\n" * 50 + "here\n" + "below\n" * 50)
    runs.wait_for_line("here")
    runs.go_to_section("here")
    runs.editor.command("normal! zz")
    look = "return vim.fn.winline() - 1"
    place = runs.editor.lua(look)
    runs.text(first, "line\n" * 80)
    runs.editor.wait_for(lambda: "line" in runs.shown())
    assert runs.editor.eval("getline('.')") == "here"
    assert runs.editor.lua(look) == place


def test_stop_in_the_source_stops_the_run_whose_lines_the_cursor_is_in(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.editor.command("2")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(first)
    runs.editor.wait_for(lambda: "Stopped." in told(runs.editor))
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    assert runs.runs_of_hunks() == [second]


def test_stop_finds_the_lines_where_they_are_now(runs: Runs) -> None:
    first, _second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.editor.api.buf_set_lines(runs.source, 0, 0, True, ["# new"] * 4)
    runs.editor.command("6")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(first)


def test_stop_knows_the_lines_that_the_planner_chose(runs: Runs) -> None:
    runs.editor.command("1")
    first = runs.ask("VivekAsk one")
    runs.editor.api.buf_set_lines(runs.source, 0, 0, True, ["# new"])
    runs.executor(first, 5, 6)
    runs.ask("1VivekAsk two")
    runs.editor.command("7")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(first)


def test_stop_elsewhere_stops_the_latest_run_of_the_buffer(runs: Runs) -> None:
    runs.ask("1,2VivekAsk one")
    second = runs.ask("5,6VivekAsk two")
    runs.editor.command("4")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(second)


def test_of_runs_on_the_same_lines_stop_takes_the_latest(runs: Runs) -> None:
    runs.ask("1,2VivekAsk one")
    second = runs.ask("1,6VivekAsk two")
    runs.editor.command("2")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(second)


@pytest.mark.parametrize("title", ["# one", "# two"])
def test_stop_in_the_scratch_buffer_stops_the_run_of_the_section(runs: Runs, title: str) -> None:
    by_title = {"# one": runs.ask("1,2VivekAsk one"), "# two": runs.ask("5,6VivekAsk two")}
    runs.go_to_section(title)
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(by_title[title])


def test_stop_in_the_section_of_a_run_that_is_over_stops_the_latest(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(first, FIRST)
    runs.go_to_section("# one")
    runs.editor.command("VivekStop")
    runs.wait_for_stop_of(second)


def test_stop_with_a_bang_stops_every_run_everywhere_and_says_so_once(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.editor.edit(TEXT, name="y.py")
    third = runs.ask("1,2VivekAsk three")
    runs.editor.edit("", name="other.py")
    runs.editor.command("VivekStop!")
    runs.wait_for_stop_of(first, second, third)
    runs.editor.wait_for(lambda: runs.editor.lua("return require('vivek').statusline()") == "")
    assert told(runs.editor).count("Stopped.") == 1


def test_a_follow_up_works_on_the_proposal_of_the_section(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    runs.done(first, FIRST)
    runs.go_to_section("# one")
    third = runs.ask("VivekAsk three")
    ask = arrived(runs.editor, "vivek_ask", 3)
    assert ask["lines"] == [*LINES[:1], "    return a + 1", *LINES[2:]]
    assert (ask["first"], ask["last"]) == (1, 2)
    runs.done(third, rows(1, 2, "    return a + 3"))
    assert sorted(runs.runs_of_hunks()) == sorted([second, third])


def test_a_follow_up_on_a_section_whose_hunks_are_decided_works_on_its_lines(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(first, FIRST)
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    runs.editor.command("2")
    runs.editor.command("VivekApply")
    runs.editor.api.buf_set_lines(runs.source, 0, 0, True, ["# new"])
    runs.go_to_section("# one")
    runs.ask("VivekAsk three")
    ask = arrived(runs.editor, "vivek_ask", 3)
    assert "base" not in ask
    assert (ask["selection"], ask["first"], ask["last"]) == (True, 2, 3)


def test_a_follow_up_on_a_section_without_a_proposal_works_on_the_latest(runs: Runs) -> None:
    first = runs.ask("5,6VivekAsk one")
    runs.done(first, SECOND, target={"first": 5, "last": 6})
    second = runs.ask("5,6VivekAsk explain it")
    runs.done(second, route="answer", answer="It gives b.", target={"first": 5, "last": 6})
    runs.go_to_section("# explain it")
    runs.ask("VivekAsk three")
    assert arrived(runs.editor, "vivek_ask", 3)["lines"] == [*LINES[:5], "    return b + 1"]


def test_what_each_run_does_is_told_in_the_bar_the_statusline_and_at_its_lines(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.send(first, "progress", phase="writing", tokens=42, tokens_per_second=22.1)
    runs.send(second, "progress", phase="queued", ahead=1)
    line = "2 runs · writing 42 tokens | waiting"
    assert runs.bar().startswith(line)
    assert runs.editor.lua("return require('vivek').statusline()").endswith(line)
    words = ["writing · 42 tokens · 22.1 tokens/s", "waiting for the model, 1 before this one"]
    runs.editor.command("wincmd o")
    runs.editor.wait_for(lambda: words[0] in runs.editor.screen()[0] and words[1] in runs.editor.screen()[4])
    assert runs.marks("vivek_progress") == 2
    runs.done(first, FIRST)
    assert runs.marks("vivek_progress") == 1
    assert words[1] in runs.editor.lua("return require('vivek').statusline()")


def test_the_bar_tells_the_result_once_no_run_is_at_work(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    runs.send(first, "node", node="executor", attempt=1, detail="")
    assert runs.bar().startswith("executor")
    runs.done(first, FIRST, stats={"tokens": 77})
    assert "77 written" in runs.bar()


@pytest.mark.parametrize("other_lines", [(5, 6), (1, 2)], ids=["disjoint", "overlapping"])
def test_a_run_that_ends_leaves_the_preview_of_another(runs: Runs, other_lines: tuple[int, int]) -> None:
    first = runs.ask("1,2VivekAsk one")
    second = runs.ask("{},{}VivekAsk two".format(*other_lines))
    runs.executor(first, 1, 2)
    runs.executor(second, *other_lines)
    runs.text(first, "```python\ndef f(a):\n    return a ** 2\n    # first\n")
    runs.editor.wait_for(lambda: runs.marks("vivek_preview") > 0)
    alone = runs.marks("vivek_preview")
    head = LINES[other_lines[0] - 1]
    runs.text(second, f"```python\n{head}\n    return 7\n    # second\n")
    runs.editor.wait_for(lambda: runs.marks("vivek_preview") > alone)
    runs.done(second)
    assert runs.marks("vivek_preview") == alone
    runs.done(first)
    assert runs.marks("vivek_preview") == 0


def test_a_buffer_wiped_while_two_runs_are_at_work_stops_both(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.executor(first, 1, 2)
    runs.text(first, "```python\ndef f(a):\n    return 7\n")
    runs.editor.command("bwipeout!")
    runs.wait_for_stop_of(first, second)
    runs.done(first, FIRST)
    runs.editor.wait_for(lambda: runs.editor.lua("return require('vivek').statusline()") == "")
    assert "stack traceback" not in told(runs.editor)
    again = Runs(runs.editor)
    again.asked = 2
    third = again.ask("1,2VivekAsk three")
    again.done(third, FIRST)
    assert again.runs_of_hunks() == [third]


def test_a_scratch_buffer_wiped_while_two_runs_are_at_work_takes_neither_proposal(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.executor(first, 1, 2)
    runs.text(first, "```python\ndef f(a):\n    return 7\n")
    runs.editor.wait_for(lambda: runs.marks("vivek_preview") > 0)
    runs.editor.command(f"bwipeout! {runs.scratch}")
    runs.done(first, FIRST)
    assert runs.marks("vivek_preview") == 0
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    assert sorted(runs.runs_of_hunks()) == sorted([first, second])


def test_nothing_of_a_run_stays_in_the_buffer_once_its_section_is_gone(runs: Runs) -> None:
    first, second = runs.ask("1,2VivekAsk one"), runs.ask("5,6VivekAsk two")
    runs.done(first, FIRST)
    runs.done(second, SECOND, target={"first": 5, "last": 6})
    assert runs.marks("vivek_runs") == 2
    runs.editor.command(f"bwipeout! {runs.scratch}")
    third = runs.ask("1VivekAsk three")
    runs.done(third)
    assert runs.marks("vivek_runs") == 1


def test_a_process_that_dies_ends_every_run_and_each_section_says_so(runs: Runs) -> None:
    runs.ask("1,2VivekAsk one")
    runs.editor.command("5,6VivekAsk die")
    runs.editor.wait_for(lambda: runs.editor.lua("return require('vivek').statusline()") == "")
    assert sum("ended unexpectedly" in line for line in runs.shown()) == 2


# What every piece of a reply may look like: newlines at its ends above all.
PIECES = st.text(st.sampled_from("ab` #\t\r\n\né漢😀"), max_size=6)
STEPS = st.lists(st.tuples(st.integers(0, 3), PIECES, st.booleans()), min_size=1, max_size=40)
WRITE_SECTIONS = """
    local steps = ...
    local section = require('vivek.section')
    local page = section.page(vim.api.nvim_create_buf(false, true))
    local open = {}
    for _, step in ipairs(steps) do
      local number, text, is_flushed = unpack(step)
      if not open[number] then
        open[number] = section.new(page, tostring(number))
        section.write_line(open[number], '# ' .. number)
        section.flush(page)
      end
      section.write(open[number], text)
      if is_flushed then
        section.flush(page)
      end
    end
    section.flush(page)
    local lines, owners = vim.api.nvim_buf_get_lines(page.buf, 0, -1, true), {}
    for row = 0, #lines - 1 do
      local found = section.at(page, row)
      owners[row + 1] = found and found.run or ''
    end
    vim.api.nvim_buf_delete(page.buf, { force = true })
    return { lines, owners }
"""


@SETTINGS
@given(steps=STEPS)
def test_each_section_is_its_pieces_joined_and_between_two_is_the_gap_alone(
    nvim: Editor, steps: list[tuple[int, str, bool]]
) -> None:
    sections: dict[int, str] = {}
    for number, text, _flushed in steps:
        sections[number] = sections.get(number, f"# {number}\n") + text
    bodies = list(sections.values())
    ended = [body if body.endswith("\n") else body + "\n" for body in bodies[:-1]]
    expected = (GAP + "\n").join([*ended, *bodies[-1:]])
    lines, owners = nvim.lua(WRITE_SECTIONS, [list(step) for step in steps])
    assert "\n".join(lines) == expected
    starts = accumulate((body.count("\n") + 1 for body in ended), initial=0)
    for start, (number, body) in zip(starts, sections.items(), strict=True):
        rows = range(start, start + len(body.removesuffix("\n").split("\n")))
        assert {owners[row] for row in rows} == {str(number)}


@pytest.fixture
def vivek(nvim: Editor, tmp_path: Path) -> Vivek:
    return Vivek(nvim, tmp_path / "script.json")


@pytest.mark.parametrize("lines", [("1,2", "5,6"), ("1,6", "1,6")], ids=["disjoint", "overlapping"])
def test_the_second_of_two_asks_waits_for_the_model_says_so_and_is_proposed_too(
    vivek: Vivek, lines: tuple[str, str]
) -> None:
    editor = vivek.editor
    replies = [{"text": AREA, "tokens_per_second": 40}, {"text": SIDE}]
    if lines[0] == lines[1]:
        both = SHAPES.replace("3 * r", "4 * r"), SHAPES.replace("2 * r", "9 * r")
        replies = [{"text": f"```python\n{text}```\n", "tokens_per_second": 40} for text in both]
    vivek.script.write_text(json.dumps({"replies": replies, "slots": 1}), encoding="utf-8")
    editor.lua("""
        _G.bars = {}
        vim.api.nvim_create_autocmd('User', { pattern = 'VivekProgress', callback = function(event)
          local scratch = require('vivek.scratch').of(event.data.buf)
          table.insert(_G.bars, vim.wo[vim.fn.bufwinid(scratch)].winbar)
        end })
    """)
    source = editor.edit(SHAPES, name="a.py")
    editor.command(f"{lines[0]}VivekAsk make it 4")
    editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    editor.command(f"{lines[1]}VivekAsk make it 9")
    editor.wait_for(lambda: len(vivek.ended()) == 2, timeout=60)
    assert vivek.ended() == ["VivekDone", "VivekDone"]
    assert any("| waiting" in bar for bar in editor.lua("return _G.bars"))
    assert len({hunk["run"] for hunk in hunks(editor, source)}) == 2
    editor.command("VivekApply!")
    assert editor.lines()[1] == "    return 4 * r * r"
    assert editor.lines()[5] == "    return 9 * r"


def test_a_run_that_waits_is_stopped_alone(vivek: Vivek) -> None:
    editor = vivek.editor
    replies = [{"text": AREA, "tokens_per_second": 20}, {"text": SIDE}]
    vivek.script.write_text(json.dumps({"replies": replies, "slots": 1}), encoding="utf-8")
    source = editor.edit(SHAPES, name="a.py")
    editor.command("1,2VivekAsk make it 4")
    editor.wait_for(lambda: "executor" in vivek.scratch(), timeout=60)
    editor.command("5,6VivekAsk make it 9")
    statusline = "return require('vivek').statusline()"
    editor.wait_for(lambda: "| waiting" in editor.lua(statusline), timeout=60)
    editor.command("6")
    editor.command("VivekStop")
    editor.wait_for(lambda: len(vivek.ended()) == 2, timeout=60)
    assert "No changes · stopped" in vivek.scratch()
    assert [hunk["new"] for hunk in hunks(editor, source)] == [["    return 4 * r * r"]]
