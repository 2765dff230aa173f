"""A real Neovim under random hands: edits, undo, saves, reloads, windows, asks, applies and rejects, interleaved.

Beside it goes a model in plain Python that knows what the text must be after every step; nothing of it is read back
from the code under test. `make soak` goes on for 100,000 steps; VIVEK_SOAK_SEED replays a run.
"""

from __future__ import annotations

import difflib
import os
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from proposing import rows

from neovim_child import Editor

HANDS = Path(__file__).with_name("soak.lua")
STEPS = int(os.environ.get("VIVEK_SOAK_STEPS", "10000"))
# The suite goes the same way each time; `make soak` sets an empty seed, and goes where nobody has been.
SEED = int(os.environ.get("VIVEK_SOAK_SEED", "1") or random.SystemRandom().randrange(2**32))
STEPS_PER_EXAMPLE = 80

TOKEN = re.compile(r"[‹«]\d+[›»]")
REPEATED = ["", "", "}", "  x", "  return x"]
MOST_LINES = 30
MOST_PROPOSALS = 3

WINDOWS = ["split", "vsplit", "tabnew", "close", "wincmd w", "bnext"]

# What may change the state of a hunk at a state of the undo tree that was there before.
DECISIONS = {"rename", "show", "choose", "restore", "edit_hunk", "write", "outside", "unload", "open"}

# Rows and choices are drawn as one number each, which shrinks well, and are taken modulo what there is.
NUMBER = st.integers(0, 999)
SIDE = st.integers(0, 1)

CHANGES = st.lists(st.tuples(NUMBER, st.integers(0, 5)), min_size=1, max_size=4)

Changes = list[tuple[int, int]]
Lines = list[str]
Hunk = dict[str, Any]


def tokens(lines: Lines) -> Counter[str]:
    return Counter(TOKEN.findall("\n".join(lines)))


def held(lines: Lines) -> Lines:
    """Lines as a buffer holds them: there is always one."""
    return lines or [""]


def is_open(hunk: Hunk) -> bool:
    return hunk["state"] in ("pending", "stale")


@dataclass
class Proposal:
    """What was asked: the text at the ask, and what the answer makes of it."""

    run: str
    base: Lines
    proposed: Lines
    edited: Lines = field(default_factory=list)
    rewritten: set[int] = field(default_factory=set)

    def untouched(self, lines: Lines, copied: set[str]) -> Iterator[tuple[int, int, int, Lines]]:
        """The hunks whose lines, and one at each side, stand in the text as they did, so that nothing is open.

        Number from 1 on, first and last line in the text, and the new lines of each. Only lines that are like no
        other count, and only where none of them was moved, or copied: where one of two went, the other looks as
        if nothing had gone.
        """
        single = {line for line in self.base if TOKEN.search(line) and self.base.count(line) == 1} - copied
        single = {line for line in single if lines.count(line) == 1 and self.proposed.count(line) <= 1}
        order = [line for line in lines if line in single]
        if order != [line for line in self.base if line in single]:
            return
        for number, (first, last, new) in enumerate(self.changes(), 1):
            block = self.base[max(first - 1, 0) : last + 1]
            above = min(first, 1)
            at = lines.index(block[0]) if block and block[0] in single else -1
            whole = at >= 0 and lines[at : at + len(block)] == block and single.issuperset(block)
            ends = (first > 0 or at == 0) and (last < len(self.base) or at + len(block) == len(lines))
            # Where its new lines stand elsewhere, the user may have moved them there.
            anew = tokens(new) - tokens(self.base)
            if whole and ends and (anew or not new) and not anew & tokens(lines):
                yield number, at + above + 1, at + above + last - first, new

    def changes(self) -> Iterator[tuple[int, int, Lines]]:
        """First and last line (0-based, exclusive) in the text at the ask, and the new lines, of each hunk."""
        matcher = difflib.SequenceMatcher(None, self.base, self.proposed, autojunk=False)
        for tag, first, last, to, end in matcher.get_opcodes():
            if tag != "equal":
                yield first, last, self.proposed[to:end]

    def strange(self, lines: Lines) -> Counter[str]:
        """Tokens that are neither in the text at the ask nor in the answer: they came since."""
        found = tokens(lines)
        for token in tokens([*self.base, *self.proposed, *self.edited]):
            del found[token]
        return found


@dataclass
class Text:
    """A buffer's text, its undo states by number, and its file."""

    path: str
    lines: Lines
    disk: Lines | None
    loaded: bool = True
    sequence: int = 0
    root: int = 0
    states: dict[int, Lines] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    asks: list[Proposal] = field(default_factory=list)
    copied: set[str] = field(default_factory=set)
    remembered: dict[int, tuple[Lines, dict[tuple[str, int], str]]] = field(default_factory=dict)

    def load(self) -> None:
        """Read the file anew; the undo history begins anew with it."""
        self.lines = held(self.disk or [])
        self.states, self.parents, self.loaded = {0: self.lines}, {}, True


class Machine(RuleBasedStateMachine):
    """Two files in one Neovim, and what must be in them."""

    editor: Editor
    steps = 0
    counted: ClassVar[Counter[str]] = Counter()

    @initialize(
        count=st.integers(0, 12), repeated=st.lists(NUMBER, max_size=5), asks=st.tuples(CHANGES, CHANGES)
    )
    def begin(self, count: int, repeated: list[int], asks: tuple[Changes, Changes]) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self.editor.home))
        self.last_token, self.last_run, self.last_name = 0, 0, 0
        self.texts = []
        for name in ("one", "two"):
            lines = [self.user_line(number) for number in range(count)]
            for where in repeated:
                lines.insert(where % (len(lines) + 1), REPEATED[where % len(REPEATED)])
            lines = held(lines)
            self.texts.append(Text(str(self.folder / name), lines, lines, states={0: lines}))
        paths, contents = [text.path for text in self.texts], [text.lines for text in self.texts]
        look = self.editor.lua("return _G.soak.start(...)", paths, contents)
        self.looked = look["buffers"]
        self.hunks: list[list[Hunk]] = [[], []]
        for side, changes in enumerate(asks):
            self.ask(side, changes, at_once=True)

    # Words and lines that are like no other

    def token(self, marks: str = "‹›") -> str:
        self.last_token += 1
        return f"{marks[0]}{self.last_token}{marks[1]}"

    def user_line(self, number: int) -> str:
        if number % 4 == 3:
            return REPEATED[number // 4 % len(REPEATED)]
        return f"{'  ' * (number % 3)}let {self.token()} = call({self.token()}, {number % 2})"

    # One step, and what must be true after each

    def step(self, side: int, name: str, *arguments: Any, expected: Lines | None = None) -> Any:
        """Do it in Neovim. The text must be `expected` then, or where that is missing, as it was."""
        text = self.texts[side]
        if expected is not None:
            text.lines = expected
        (look,) = self.editor.lua("return _G.soak.steps(...)", [[name, side + 1, *arguments]])
        self.took(side, look, name)
        return look.get("told")

    def took(self, side: int, look: dict[str, Any], name: str) -> None:
        Machine.steps += 1
        Machine.counted[name] += 1
        assert look["error"] == "", look["error"]
        self.before, self.looked = self.looked, look["buffers"]
        for number, text in enumerate(self.texts):
            seen = self.looked[number]
            assert seen["loaded"] == text.loaded
            if text.loaded:
                assert seen["lines"] == text.lines
                if name == "open" and number == side:
                    # Numbers go on after a load, although what they stood for is gone.
                    text.root = seen["seq"]
                elif seen["seq"] not in text.states:
                    text.parents[seen["seq"]] = 0 if text.sequence == text.root else text.sequence
                text.sequence = seen["seq"]
                text.states[text.sequence] = text.lines
                self.check_again(text, name if number == side else "", seen["hunks"])
                self.check_hunks(text, seen["hunks"])
                self.check_stays(self.hunks[number], seen["hunks"], name)
            self.hunks[number] = seen["hunks"] or []

    def check_hunks(self, text: Text, hunks: list[Hunk]) -> None:
        """Every open hunk stands for the lines that are there, and takes no word away that came since the ask."""
        for run, proposal in text.proposals.items():
            own = [hunk for hunk in hunks if hunk["run"] == run]
            bottom = 0
            for hunk in sorted(filter(is_open, own), key=lambda hunk: (hunk["first"], hunk["last"])):
                first, last = hunk["first"], hunk["last"]
                assert text.lines[first - 1 : last] == hunk["old"], hunk
                if hunk["state"] == "pending":
                    assert first > bottom, "two hunks of a proposal share a line"
                    bottom = last
                    lost = proposal.strange(hunk["old"]) - tokens(hunk["new"])
                    assert not lost, (lost, hunk)
            self.check_untouched(text, proposal, {hunk["id"]: hunk for hunk in own})

    @staticmethod
    def check_stays(before: list[Hunk], now: list[Hunk], name: str) -> None:
        """A proposal is there until all of it is decided, which only a reject or a write does."""
        there = {hunk["run"] for hunk in now}
        for hunk in before:
            decided = name in ("write", "rename") or "first" not in hunk
            assert hunk["run"] in there or decided, hunk

    @staticmethod
    def check_untouched(text: Text, proposal: Proposal, by_number: dict[int, Hunk]) -> None:
        """A hunk whose lines are as they were is pending, exactly there, wherever they are now."""
        for number, first, last, new in proposal.untouched(text.lines, text.copied) if by_number else []:
            hunk = by_number[number]
            if hunk["state"] != "rejected" and "first" in hunk and number not in proposal.rewritten:
                Machine.counted["untouched hunks seen"] += 1
                seen = (hunk["state"], hunk["first"], hunk["last"], hunk["new"])
                assert seen == ("pending", first, last, new), hunk

    @staticmethod
    def check_again(text: Text, name: str, hunks: list[Hunk]) -> None:
        """Back at a state of the undo tree, without a decision since, every hunk is what it was there."""
        if name in DECISIONS or name.startswith("apply theirs"):
            text.remembered.clear()
        states = {(hunk["run"], hunk["id"]): hunk["state"] for hunk in hunks}
        before = text.remembered.get(text.sequence)
        if before and before[0] == text.lines:
            Machine.counted["states seen again"] += 1
            assert states == before[1]
        text.remembered[text.sequence] = (text.lines, states)

    def states_of(self, side: int) -> dict[tuple[str, int], str]:
        return {(hunk["run"], hunk["id"]): hunk["state"] for hunk in self.hunks[side]}

    # The user's hands

    def change(self, side: int, way: int, first: int, last: int, new: Lines) -> None:
        """Replace lines: by the API, by the whole buffer as a formatter does, or typed."""
        text = self.texts[side]
        if not text.loaded:
            return
        expected = held(text.lines[:first] + new + text.lines[last:])
        if way % 3 == 0:
            self.step(side, "set_lines", first, last, new, expected=expected)
        elif way % 3 == 1:
            self.step(side, "set_lines", 0, -1, expected, expected=expected)
        else:
            self.typed(side, first, last, new, expected)

    def typed(self, side: int, first: int, last: int, new: Lines, expected: Lines) -> None:
        written = "<CR>".join(new)
        if first == last:
            keys = f"1GO{written}<Esc>" if first == 0 else f"{first}Go{written}<Esc>"
        elif new:
            keys = f"{first + 1}G{last - first}cc{written}<Esc>"
        else:
            keys = f"{first + 1}G{last - first}dd"
        self.step(side, "type", keys, expected=expected)

    @rule(side=SIDE, way=NUMBER, row=NUMBER, kind=NUMBER, count=st.integers(1, 2))
    def insert(self, side: int, way: int, row: int, kind: int, count: int) -> None:
        row %= len(self.texts[side].lines) + 1
        if len(self.texts[side].lines) < MOST_LINES:
            self.change(side, way, row, row, [self.user_line(kind + extra) for extra in range(count)])

    @rule(side=SIDE, way=NUMBER, row=NUMBER, count=st.integers(1, 3))
    def delete(self, side: int, way: int, row: int, count: int) -> None:
        row %= len(self.texts[side].lines)
        self.change(side, way, row, min(row + count, len(self.texts[side].lines)), [])

    @rule(side=SIDE, way=NUMBER, row=NUMBER, kind=NUMBER, count=st.integers(1, 2))
    def replace(self, side: int, way: int, row: int, kind: int, count: int) -> None:
        row %= len(self.texts[side].lines)
        last = min(row + count, len(self.texts[side].lines))
        self.change(side, way, row, last, [self.user_line(kind)])

    @rule(side=SIDE, row=NUMBER, word=NUMBER, way=SIDE)
    def add_word(self, side: int, row: int, word: int, way: int) -> None:
        text = self.texts[side]
        if not text.loaded:
            return
        row %= len(text.lines)
        line = text.lines[row]
        places = [match.start() for match in re.finditer(r"(?<!^)\b|$", line)]
        at = places[word % len(places)]
        added = f" {self.token()}" if at == len(line) else f"{self.token()} "
        # A word in a token would make two of it.
        at = next((match.start() for match in TOKEN.finditer(line) if match.start() < at < match.end()), at)
        expected = [*text.lines[:row], line[:at] + added + line[at:], *text.lines[row + 1 :]]
        if way:
            column = len(line[:at].encode())
            self.step(side, "set_text", row, column, column, added, expected=expected)
        else:
            motion = f"0{at}l" if 0 < at < len(line) else "0"
            key = "A" if at == len(line) else "i"
            self.step(side, "type", f"{row + 1}G{motion}{key}{added}<Esc>", expected=expected)

    @rule(side=SIDE, row=NUMBER, start=NUMBER, count=st.integers(1, 12))
    def delete_characters(self, side: int, row: int, start: int, count: int) -> None:
        text = self.texts[side]
        row %= len(text.lines)
        line = text.lines[row]
        if text.loaded and line:
            start %= len(line)
            left = line[:start] + line[start + count :]
            columns = [len(line[:at].encode()) for at in (start, start + count)]
            expected = [*text.lines[:row], left, *text.lines[row + 1 :]]
            self.step(side, "set_text", row, *columns, "", expected=expected)

    @rule(side=SIDE, row=NUMBER, count=st.integers(1, 4), to=NUMBER)
    def move(self, side: int, row: int, count: int, to: int) -> None:
        text = self.texts[side]
        row %= len(text.lines)
        last = min(row + count, len(text.lines))
        to %= len(text.lines) + 1
        if text.loaded and not row <= to <= last:
            block = text.lines[row:last]
            expected = (
                [*text.lines[:to], *block, *text.lines[to:row], *text.lines[last:]]
                if to < row
                else [*text.lines[:row], *text.lines[last:to], *block, *text.lines[to:]]
            )
            self.step(side, "command", f"{row + 1},{last}move {to}", expected=expected)

    @rule(side=SIDE, row=NUMBER, to=NUMBER)
    def copy(self, side: int, row: int, to: int) -> None:
        text = self.texts[side]
        if text.loaded and len(text.lines) < MOST_LINES:
            row, to = row % len(text.lines), to % (len(text.lines) + 1)
            expected = [*text.lines[:to], text.lines[row], *text.lines[to:]]
            text.copied.add(text.lines[row])
            self.step(side, "command", f"{row + 1}copy {to}", expected=expected)

    @rule(
        side=SIDE,
        where=NUMBER,
        command=st.sampled_from(["undo", "undo", "redo", "undo ?", "normal! g-", "normal! g+"]),
    )
    def undo(self, side: int, where: int, command: str) -> None:
        self.go_back(
            side,
            command.replace("?", str(sorted(self.texts[side].states)[where % len(self.texts[side].states)])),
        )

    def go_back(self, side: int, command: str) -> None:
        """Travel through the undo tree; the text of the state that it leads to is known."""
        text = self.texts[side]
        if not text.loaded:
            return
        (look,) = self.editor.lua("return _G.soak.steps(...)", [["undo", side + 1, command]])
        reached = look["buffers"][side]["seq"]
        if command == "undo":
            assert reached == text.parents.get(text.sequence, text.sequence)
        text.lines = text.states[reached]
        self.took(side, look, "undo")

    # Files

    @rule(side=SIDE, formatted=st.sampled_from([None, None, "trim", "indent", "squeeze"]))
    def write(self, side: int, formatted: str | None) -> None:
        text = self.texts[side]
        if not text.loaded:
            return
        result = {
            None: text.lines,
            "trim": [line.strip() for line in text.lines],
            "indent": [f"  {line}" if line else line for line in text.lines],
            "squeeze": [line for at, line in enumerate(text.lines) if line or at == 0 or text.lines[at - 1]],
        }[formatted]
        applied = [key for key, state in self.states_of(side).items() if state == "applied"]
        text.disk = result
        self.step(side, "write", "write!", result if formatted else None, expected=result)
        if not formatted:
            for hunk in self.hunks[side]:
                if (hunk["run"], hunk["id"]) in applied:
                    assert (hunk["state"], "first" in hunk) == ("applied", False), "a write settles"

    @rule(side=SIDE, what=st.sampled_from(["copy", "file", "saveas!", "bunload", "bdelete"]))
    def file(self, side: int, what: str) -> None:
        if not self.texts[side].loaded:
            self.open_again()
        elif what == "copy":
            self.write_elsewhere(side)
        elif what.startswith("b"):
            self.unload(side, what)
        else:
            self.rename(side, what)

    def write_elsewhere(self, side: int) -> None:
        if self.looked[side]["modified"]:
            before = self.hunks[side]
            self.step(side, "write", f"write! {self.folder / 'copy'}", None)
            assert self.hunks[side] == before

    def rename(self, side: int, command: str) -> None:
        text = self.texts[side]
        self.last_name += 1
        text.path = str(self.folder / f"renamed {self.last_name}")
        text.disk = text.lines if command == "saveas!" else None
        self.step(side, "rename", f"{command} {text.path}".replace("renamed ", "renamed\\ "))

    def unload(self, side: int, command: str) -> None:
        if self.texts[1 - side].loaded:
            self.texts[side].loaded = False
            self.step(side, "unload", 2 - side, command)

    @rule(
        side=SIDE, row=NUMBER, kind=NUMBER, command=st.sampled_from(["edit!", "checktime", "checktime keep"])
    )
    def outside(self, side: int, row: int, kind: int, command: str) -> None:
        """Another program writes the file."""
        text = self.texts[side]
        # Neovim reads one empty line more into a buffer that holds nothing but one.
        if not text.loaded or text.disk is None or text.lines == [""]:
            return
        row %= len(text.disk) + 1
        disk = held([*text.disk[:row], self.user_line(kind), *text.disk[row + kind % 3 :]])
        choice = "" if command == "checktime keep" else "reload"
        # A buffer without changes is read again of itself ('autoread').
        kept = choice == "" and self.looked[side]["modified"]
        text.disk = disk
        self.step(
            side,
            "outside",
            disk,
            command.removesuffix(" keep"),
            choice,
            expected=text.lines if kept else disk,
        )

    @rule()
    def open_again(self) -> None:
        for side, text in enumerate(self.texts):
            if not text.loaded:
                text.load()
                self.step(side, "open")

    @rule(side=SIDE, row=NUMBER, command=st.sampled_from(["cursor", "mark a", "mark b", *WINDOWS]))
    def look_around(self, side: int, row: int, command: str) -> None:
        text = self.texts[side]
        row = row % len(text.lines) + 1
        if not text.loaded:
            return
        if command == "cursor":
            self.step(side, "cursor", row)
        elif command.startswith("mark"):
            self.step(side, "command", f"{row}{command}")
        elif self.texts[1 - side].loaded:
            self.step(side, "window", command)

    # The agent

    @rule(side=SIDE, changes=CHANGES)
    def ask_and_wait(self, side: int, changes: Changes) -> None:
        self.ask(side, changes, at_once=True)

    @rule(side=SIDE, changes=CHANGES, at_once=st.booleans())
    def ask(self, side: int, changes: Changes, at_once: bool) -> None:
        """Ask about the text as it is. The answer comes now or later."""
        text = self.texts[side]
        open_runs = {hunk["run"] for hunk in self.hunks[side] if is_open(hunk)}
        if not text.loaded or len(text.asks) + len(open_runs) >= MOST_PROPOSALS:
            return
        proposed = list(text.lines)
        for where, kind in changes:
            self.propose(proposed, where, kind)
        self.last_run += 1
        text.asks.append(Proposal(f"run {self.last_run}", text.lines, proposed))
        if at_once:
            self.show(side)

    def propose(self, lines: Lines, where: int, kind: int) -> None:
        new = f"let {self.token('«»')} = call({self.token('«»')})"
        row = where % (len(lines) + 1)
        if kind == 0 or row >= len(lines):
            lines.insert(row, new)
        elif kind == 1:
            lines[row : row + 1] = []
        elif kind == 2:
            lines[row] = new
        elif kind == 3:
            lines[row] += f" {self.token('«»')}"
        elif kind == 4:
            lines[row : row + 2] = [new, "", "}"]
        else:
            lines.insert(row, REPEATED[where % len(REPEATED)])

    @rule(side=SIDE)
    def show(self, side: int) -> None:
        """An answer comes, for the text as it was at the ask."""
        text = self.texts[side]
        if text.asks and text.loaded:
            proposal = text.asks.pop(0)
            text.proposals[proposal.run] = proposal
            edits = [rows(first, last, *new) for first, last, new in proposal.changes()]
            self.step(side, "show", proposal.run, proposal.base, edits, {"eol": True})

    @rule(side=SIDE, back=st.booleans())
    def apply_all(self, side: int, back: bool) -> None:
        self.apply(side, "all", 0, back)

    @rule(
        side=SIDE,
        choice=st.sampled_from(["nearest", "nearest", "count", "range", "theirs"]),
        row=NUMBER,
        back=st.booleans(),
    )
    def apply(self, side: int, choice: str, row: int, back: bool) -> None:
        text = self.texts[side]
        if not text.loaded:
            return
        before, sequence = text.lines, text.sequence
        first = row % len(before) + 1
        options: dict[str, Any] = {
            "nearest": {},
            "count": {"count": 2},
            "all": {"all": True},
            "range": {"range": [first, first + 3]},
            "theirs": {"theirs": True},
        }[choice]
        # What the nearest hunk is where it conflicts, the user would be asked.
        (look,) = self.editor.lua("return _G.soak.steps(...)", [["choose", side + 1, "apply", options]])
        told = look["told"]
        put = self.put(told, options)
        text.lines = self.applied(before, put)
        self.took(side, look, f"apply {choice}")
        if not put:
            assert text.sequence == sequence
            return
        Machine.counted["hunks applied"] += len(put)
        Machine.counted["hunks merged"] += sum(hunk["merged"] for hunk in put)
        self.check_marks(side, put)
        states = self.states_of(side)
        for hunk in put:
            assert states.get((hunk["run"], hunk["id"]), "applied") == "applied", hunk
        if back:
            self.take_back(side, before, sequence, told["before"], put)

    @rule(side=SIDE)
    def burst(self, side: int) -> None:
        """Another plugin changes text right before and after all is applied, in the very same tick."""
        text = self.texts[side]
        if not text.loaded:
            return
        above, below = self.user_line(0), self.user_line(1)
        looks = self.editor.lua(
            "return _G.soak.steps(...)",
            [
                ["set_lines", side + 1, 0, 0, [above]],
                ["choose", side + 1, "apply", {"all": True}],
                ["set_lines", side + 1, -1, -1, [below]],
            ],
        )
        text.lines = [above, *text.lines]
        self.took(side, looks[0], "burst")
        text.lines = self.applied(text.lines, self.put(looks[1]["told"], {"all": True}))
        self.took(side, looks[1], "choose")
        text.lines = [*text.lines, below]
        self.took(side, looks[2], "burst")

    def put(self, told: dict[str, Any], options: dict[str, Any]) -> list[Hunk]:
        """The hunks that must be in the text now, in the order of their lines."""
        by_key = {(hunk["run"], hunk["id"]): hunk for hunk in told["before"] or []}
        rows = [((run, number), first, last) for run, number, first, last in told["rows"]]
        keys = [key for key, _, _ in rows]
        if not keys:
            return []
        if options.get("all"):
            chosen = keys
        elif "range" in options:
            top, bottom = options["range"]
            chosen = [key for key, first, last in rows if first <= bottom - 1 and last >= top - 1]
        else:
            at = keys.index(tuple(told["current"]))
            chosen = keys[at : at + options.get("count", 1)]
        result: list[Hunk] = []
        for hunk in (by_key[key] for key in chosen):
            fits = hunk["state"] == "pending" or options.get("theirs")
            if fits and not (result and result[-1]["run"] != hunk["run"] and self.meet(result[-1], hunk)):
                result.append(hunk)
        return result

    @staticmethod
    def meet(one: Hunk, other: Hunk) -> bool:
        return one["first"] == other["first"] or (
            one["first"] <= other["last"] and other["first"] <= one["last"]
        )

    @staticmethod
    def applied(lines: Lines, put: list[Hunk]) -> Lines:
        """Exactly the hunks, and nothing else, from the bottom up."""
        for hunk in reversed(put):
            assert lines[hunk["first"] - 1 : hunk["last"]] == hunk["old"]
            lines = lines[: hunk["first"] - 1] + hunk["new"] + lines[hunk["last"] :]
        return held(lines)

    def check_marks(self, side: int, put: list[Hunk]) -> None:
        """A mark of the user's stays on its line where no hunk touched it."""
        for was, now in zip(self.before[side]["marks"], self.looked[side]["marks"], strict=True):
            if was > 0 and not any(hunk["first"] <= was <= hunk["last"] for hunk in put):
                above = [hunk for hunk in put if hunk["first"] <= was]
                assert now == was + sum(len(hunk["new"]) - len(hunk["old"]) for hunk in above)

    def take_back(self, side: int, before: Lines, sequence: int, hunks: list[Hunk], put: list[Hunk]) -> None:
        """One `u` is the text before the apply, with all hunks as they were; redo is the text after it."""
        text = self.texts[side]
        after, applied = text.lines, self.states_of(side)
        self.go_back(side, "undo")
        assert text.lines == before
        assert text.sequence == (0 if sequence == text.root else sequence)
        now = {(hunk["run"], hunk["id"]): hunk for hunk in self.hunks[side]}
        for hunk in hunks:
            again = now[hunk["run"], hunk["id"]]
            assert again["state"] == hunk["state"]
            assert again == hunk or hunk["state"] != "pending"
        self.go_back(side, "redo")
        assert text.lines == after
        assert self.states_of(side) == applied

    @rule(side=SIDE, choice=st.sampled_from(["nearest", "nearest", "count", "all"]))
    def reject(self, side: int, choice: str) -> None:
        if self.texts[side].loaded:
            options: dict[str, Any] = {"nearest": {}, "count": {"count": 2}, "all": {"all": True}}[choice]
            told = self.step(side, "choose", "reject", options)
            states = self.states_of(side)
            if "current" in told:
                assert states[tuple(told["current"])] == "rejected"

    @rule(side=SIDE, every=st.booleans())
    def restore(self, side: int, every: bool) -> None:
        if self.texts[side].loaded:
            self.step(side, "restore", {"all": every})
            if every:
                assert "rejected" not in self.states_of(side).values()

    @rule(side=SIDE, name=st.sampled_from(["next", "prev"]), count=st.integers(1, 2))
    def walk(self, side: int, name: str, count: int) -> None:
        if self.texts[side].loaded:
            line = self.step(side, "go", name, count)["line"]
            spans = [(max(first, 0), max(last, 0)) for _, _, first, last in self.looked[side]["rows"]]
            assert not spans or any(first <= line - 1 <= last for first, last in spans)

    @rule(side=SIDE)
    def edit_hunk(self, side: int) -> None:
        text = self.texts[side]
        if not text.loaded:
            return
        added = self.token("«»")
        (look,) = self.editor.lua("return _G.soak.steps(...)", [["edit_hunk", side + 1, added]])
        told = look.get("told")
        if told:
            proposal = text.proposals[told["current"][0]]
            proposal.edited.append(added)
            proposal.rewritten.add(told["current"][1])
        self.took(side, look, "edit_hunk")
        if told:
            key = tuple(told["current"])
            before = next(h for h in told["before"] if (h["run"], h["id"]) == key)
            after = next(h for h in self.hunks[side] if (h["run"], h["id"]) == key)
            assert after["state"] == "pending"
            assert self.applied(text.lines, [after]) == self.applied(
                text.lines, [before | {"new": told["lines"]}]
            )

    @rule(side=SIDE)
    def rest(self, side: int) -> None:
        """The user rests, so that all is drawn: what is marked as going is what the pending hunks take away."""
        if self.texts[side].loaded:
            told = self.step(side, "rest")
            drawn = told["drawn"]
            gone = [
                row
                for hunk in self.hunks[side]
                if hunk["state"] == "pending"
                for row in range(hunk["first"], hunk["last"] + 1)
            ]
            assert sorted(drawn) == sorted(gone)
            if "run" in told:
                pending = [h for h in self.hunks[side] if (h["run"], h["state"]) == (told["run"], "pending")]
                pending.sort(key=lambda hunk: (hunk["first"], hunk["last"]))
                assert held(told["pending"]) == self.applied(self.texts[side].lines, pending)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    editor = Editor(tmp_path_factory.mktemp("home"))
    editor.lua("_G.soak = dofile(...)", str(HANDS))
    yield editor
    editor.close()


@pytest.mark.timeout(3600)
def test_no_word_is_lost_whatever_the_user_does(editor: Editor) -> None:
    print(f"VIVEK_SOAK_SEED={SEED}")
    Machine.editor = editor
    Machine.steps = 0
    rounds = 0
    while Machine.steps < STEPS:
        run_state_machine_as_test(
            seed(SEED * 1000 + rounds)(Machine),
            settings=settings(
                max_examples=50,
                stateful_step_count=STEPS_PER_EXAMPLE,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        rounds += 1
    print(Machine.steps, dict(Machine.counted))
    assert Machine.steps >= STEPS
