"""The journal: what it was told is there again after a kill -9, byte for byte, whatever happened to the disk."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposing import rows

from neovim_child import Editor

PROPERTY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Any bytes, as Python has them: what is no UTF-8 is a surrogate escape.
TEXT = st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
LINES = st.lists(TEXT, max_size=8)
NUMBERS = itertools.count(1)

EDIT = rows(0, 1, "y")
RESULT = {"route": "rewrite", "edits": [EDIT], "answer": "", "target": {"first": 1, "last": 1}}
DAY = 24 * 3600


class Journal:
    """The journal of one Neovim."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    def call(self, name: str, *arguments: Any) -> Any:
        return self.editor.lua(f"return require('vivek.journal').{name}(...)", *arguments)

    def begin(self, run: str = "", path: str = "/p/a.py", **more: Any) -> str:
        """Begin a run; gives its id."""
        run = run or f"r{next(NUMBERS)}"
        told = {"filetype": "python", "instruction": "shorten", "base": ["x"], "eol": True, "buffer": "b"}
        self.call("begin", {"id": run, "path": path, **told, **more})
        return run

    def event(self, run: str, kind: str, **fields: Any) -> None:
        self.call("event", {"kind": kind, "run": run, **fields})

    def text(self, run: str, text: str, node: str = "executor", attempt: int = 1) -> None:
        self.event(run, "text", node=node, attempt=attempt, text=text)

    def reply(self, run: str, text: str, node: str = "executor", attempt: int = 1) -> None:
        self.event(run, "reply", node=node, attempt=attempt, text=text, model="tiny")

    def done(self, run: str, **more: Any) -> None:
        self.event(run, "done", result=RESULT | more)

    def settle(self, run: str, state: str = "written") -> None:
        self.mark(run, {1: {"state": state}})

    def mark(self, run: str, marks: dict[int, Any]) -> None:
        # Neovim's API takes no numbers as keys.
        code = """
            local run, listed = ...
            local marks = {}
            for _, pair in ipairs(listed) do
              marks[pair[1]] = pair[2]
            end
            require('vivek.journal').mark(run, marks)
        """
        self.editor.lua(code, run, [list(pair) for pair in marks.items()])

    def load(self, run: str) -> dict[str, Any]:
        return dict(self.call("load", run))

    def marks(self, run: str) -> dict[int, Any]:
        code = """
            local listed = {}
            for id, mark in pairs(require('vivek.journal').load(...).marks) do
              table.insert(listed, { id, mark })
            end
            return listed
        """
        return {pair[0]: pair[1] for pair in self.editor.lua(code, run)}

    def texts(self, run: str) -> list[str]:
        return [reply["text"] for reply in self.load(run)["replies"]]

    def ids(self, *about: Any) -> list[str]:
        return [entry["id"] for entry in self.call("entries", *about)]

    def keep(self, count: int, megabytes: int = 256) -> None:
        code = "require('vivek').setup({ history = { keep = ({ ... })[1], megabytes = ({ ... })[2] } })"
        self.editor.lua(code, count, megabytes)

    def over(self, **more: Any) -> str:
        """A run of which nothing is left to decide."""
        run = self.begin(**more)
        self.done(run, edits=[])
        return run

    def open(self, **more: Any) -> str:
        """A run whose hunk is neither rejected nor written."""
        run = self.begin(**more)
        self.done(run)
        return run


@pytest.fixture
def journal(nvim: Editor) -> Journal:
    return Journal(nvim)


@pytest.fixture
def folder(nvim: Editor) -> Path:
    return Path(nvim.lua("return require('vivek.records').folder()"))


def remove(folder: Path, run: str) -> None:
    """Remove a run as another Neovim does for which it is too old."""
    for path in folder.glob(f"*-{run}.*"):
        path.unlink()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.records"))


# What is read back


def test_all_of_a_run_is_read_back(journal: Journal) -> None:
    run = journal.begin(base=["def f():", "    pass"], instruction="add type hints")
    journal.event(run, "start", model="tiny", backend="scripted", reason="")
    journal.reply(run, "a plan", node="planner")
    journal.text(run, "```\n")
    journal.text(run, "y\n```")
    journal.reply(run, "```\ny\n```")
    journal.event(run, "node", node="formatter", attempt=1, detail="")
    journal.done(run)
    journal.mark(run, {1: {"state": "applied", "new": ["z"]}})
    found = journal.load(run)
    assert (found["id"], found["path"], found["buffer"]) == (run, "/p/a.py", "b")
    assert (found["filetype"], found["instruction"], found["eol"]) == ("python", "add type hints", True)
    assert found["base"] == ["def f():", "    pass"]
    assert found["replies"] == [
        {"node": "planner", "attempt": 1, "model": "tiny", "text": "a plan"},
        {"node": "executor", "attempt": 1, "model": "tiny", "text": "```\ny\n```", "proposed": True},
    ]
    assert (found["edits"], found["target"]) == ([EDIT], {"first": 1, "last": 1})
    assert found["finish"]["kind"] == "done"
    assert found["finish"]["text"].startswith("1 hunk")
    assert journal.marks(run) == {1: {"state": "applied", "new": ["z"]}}
    assert abs(found["created"] - time.time()) < 60


@PROPERTY
@given(lines=LINES, text=TEXT, instruction=TEXT, new=LINES)
def test_any_bytes_come_back_as_they_were(
    journal: Journal, lines: list[str], text: str, instruction: str, new: list[str]
) -> None:
    run = journal.begin(base=lines, instruction=instruction, eol=False)
    journal.reply(run, "x" + text)
    journal.done(run, edits=[EDIT | {"newText": text}])
    journal.mark(run, {3: {"state": "pending", "new": new}})
    found = journal.load(run)
    assert (list(found["base"]), found["instruction"], found["eol"]) == (lines, instruction, False)
    assert journal.texts(run) == ["x" + text]
    assert found["edits"][0]["newText"] == text
    assert journal.marks(run) == {3: {"state": "pending", "new": new}}


def test_a_nul_in_a_line_is_kept_as_neovim_has_it(journal: Journal) -> None:
    run = journal.begin(base=["a\nb", "c\0d", ""])
    assert journal.load(run)["base"] == ["a\nb", "c\0d", ""]


def test_the_last_mark_of_a_hunk_holds_and_others_keep_theirs(journal: Journal) -> None:
    run = journal.begin()
    journal.mark(run, {1: {"state": "pending"}, 2: {"state": "pending"}, 90: {"state": "stale"}})
    journal.mark(run, {2: {"state": "applied", "resolution": {"mine": [], "new": ["a"]}}})
    assert journal.marks(run) == {
        1: {"state": "pending"},
        2: {"state": "applied", "resolution": {"mine": [], "new": ["a"]}},
        90: {"state": "stale"},
    }


# Replies


def test_where_no_whole_reply_is_told_the_pieces_are_the_reply(journal: Journal) -> None:
    run = journal.begin()
    journal.event(run, "start", model="tiny", backend="scripted", reason="")
    journal.text(run, "first, ")
    journal.text(run, "second")
    journal.text(run, "again", attempt=2)
    journal.done(run)
    replies = journal.load(run)["replies"]
    assert [(reply["attempt"], reply["text"]) for reply in replies] == [(1, "first, second"), (2, "again")]
    assert replies[0]["model"] == "tiny"


def test_what_was_written_before_a_call_was_tried_again_is_a_reply_of_its_own(journal: Journal) -> None:
    run = journal.begin()
    journal.text(run, "lost half")
    journal.event(run, "retry", reason="It broke.", attempt=2, seconds=1)
    journal.text(run, "the whole")
    assert journal.texts(run) == ["lost half", "the whole"]


def test_every_whole_reply_stands_in_place_of_its_pieces(journal: Journal) -> None:
    run = journal.begin()
    journal.text(run, "half")
    journal.reply(run, "half")
    journal.event(run, "retry", reason="It broke.", attempt=2, seconds=1)
    journal.text(run, "the ")
    journal.reply(run, "the whole")
    assert journal.texts(run) == ["half", "the whole"]


def test_an_empty_whole_reply_takes_no_piece_away(journal: Journal) -> None:
    run = journal.begin()
    journal.reply(run, "", node="planner")
    journal.text(run, "came")
    journal.reply(run, "")
    assert journal.texts(run) == ["came"]


def test_the_hunks_are_those_of_the_attempt_that_the_formatter_took(journal: Journal) -> None:
    run = journal.begin()
    journal.reply(run, "one")
    journal.reply(run, "two", attempt=2)
    journal.event(run, "node", node="formatter", attempt=1, detail="")
    journal.done(run)
    assert [reply.get("proposed", False) for reply in journal.load(run)["replies"]] == [True, False]


def test_a_run_without_hunks_has_no_reply_that_hunks_were_made_of(journal: Journal) -> None:
    run = journal.begin()
    journal.reply(run, "words")
    journal.done(run, edits=[], answer="words", route="answer")
    assert "edits" not in journal.load(run)
    assert not any(reply.get("proposed") for reply in journal.load(run)["replies"])


@pytest.mark.parametrize(
    ("kind", "finish"), [("ModelUnreachableError", "error"), ("RunStoppedError", "stopped")]
)
def test_what_came_before_a_failure_is_a_reply(journal: Journal, kind: str, finish: str) -> None:
    failure = {"kind": kind, "message": "It broke.", "hint": "Ask again.", "partial": "half"}
    silent, streamed = journal.begin(), journal.begin()
    journal.event(silent, "error", error=failure)
    journal.text(streamed, "half of it")
    journal.event(streamed, "error", error=failure)
    assert (journal.texts(silent), journal.texts(streamed)) == (["half"], ["half of it"])
    assert journal.load(silent)["finish"] == {"kind": finish, "text": "It broke. Ask again."}


def test_an_answer_that_was_not_streamed_is_a_reply(journal: Journal) -> None:
    run = journal.begin()
    journal.done(run, edits=[], answer="It adds.", route="answer")
    assert journal.texts(run) == ["It adds."]


def test_a_stopped_run_that_has_hunks_is_stopped_and_has_hunks(journal: Journal) -> None:
    run = journal.begin()
    journal.done(run, stopped=True)
    assert journal.load(run)["finish"]["kind"] == "stopped"
    assert journal.load(run)["edits"] == [EDIT]


def test_events_of_unknown_runs_and_of_no_worth_are_left_out(journal: Journal, folder: Path) -> None:
    run = journal.begin()
    size = files(folder)[0].stat().st_size
    journal.event("other", "text", node="executor", attempt=1, text="x")
    journal.event(run, "progress", phase="writing", tokens=3)
    journal.event(run, "node", node="planner", attempt=1, detail="")
    assert [path.stat().st_size for path in files(folder)] == [size]


# Finding runs


def test_runs_come_newest_first_and_without_their_base_texts(journal: Journal) -> None:
    ids = [journal.begin() for _ in range(5)]
    assert journal.ids() == ids[::-1]
    assert all("base" not in entry for entry in journal.call("entries"))


def test_runs_are_found_by_their_file_or_their_buffer(journal: Journal) -> None:
    named, other = journal.begin(), journal.begin(path="/p/b.py")
    unnamed = journal.begin(path="", buffer="42-1")
    assert journal.ids({"path": "/p/a.py"}) == [named]
    assert journal.ids({"path": "/p/b.py", "buffer": "42-1"}) == [other]
    assert journal.ids({"path": "", "buffer": "42-1"}) == [unnamed]


def test_a_file_is_the_same_by_whatever_link_it_was_reached(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    run = journal.begin(path=str(tmp_path / "link" / "new.py"))
    assert journal.ids({"path": str(tmp_path / "real" / "new.py")}) == [run]
    (tmp_path / "real" / "new.py").write_text("x")
    assert journal.ids({"path": str(tmp_path / "link" / "new.py")}) == [run]


@pytest.mark.parametrize(
    ("marks", "unsettled"),
    [
        ({}, True),
        ({1: {"state": "pending"}}, True),
        ({1: {"state": "applied"}}, True),
        ({1: {"state": "stale"}}, True),
        ({1: {"state": "written"}}, False),
        ({1: {"state": "applied", "verdict": "written"}}, False),
        ({1: {"state": "rejected"}, 2: {"state": "written"}}, False),
        ({1: {"state": "rejected"}, 2: {"state": "pending"}}, True),
    ],
)
def test_a_run_is_unsettled_until_each_hunk_is_rejected_or_on_disk(
    journal: Journal, marks: dict[int, Any], unsettled: bool
) -> None:
    run = journal.begin()
    journal.done(run)
    if marks:
        journal.mark(run, marks)
    assert journal.call("unsettled", "/p/a.py") == ([run] if unsettled else [])
    assert journal.call("unsettled", "/p/b.py") == []


def test_a_run_without_hunks_is_never_unsettled(journal: Journal) -> None:
    journal.begin()
    journal.done(journal.begin(), edits=[])
    assert journal.call("unsettled", "/p/a.py") == []


def test_a_run_whose_files_were_removed_is_gone_and_does_not_come_back(
    journal: Journal, folder: Path
) -> None:
    run, other = journal.begin(), journal.begin()
    remove(folder, run)
    journal.text(run, "late")
    journal.settle(run)
    assert journal.ids() == [other]
    assert journal.call("load", run) is None
    assert len(list(folder.iterdir())) == 2


def test_only_the_user_can_read_it(journal: Journal, folder: Path) -> None:
    folder.mkdir(parents=True, mode=0o755)
    journal.begin()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


# Killed


def test_after_a_kill_another_neovim_has_all_that_had_arrived(start_nvim: Callable[..., Editor]) -> None:
    first = Journal(start_nvim())
    run = first.begin(base=["a", "b"])
    first.reply(run, "plan", node="planner")
    first.text(run, "half of ")
    first.text(run, "a reply")
    first.editor.process.kill()
    first.editor.process.wait()
    second = Journal(start_nvim())
    assert second.texts(run) == ["plan", "half of a reply"]
    found = second.load(run)
    assert (found["base"], found["running"], "finish" in found) == (["a", "b"], False, False)


def test_a_kill_at_any_moment_leaves_whole_records_without_a_gap(
    start_nvim: Callable[..., Editor], folder: Path
) -> None:
    for _ in range(4):
        first = Journal(start_nvim())
        run = first.begin()
        path = files(folder)[-1]
        code = """
            local journal, run, number = require('vivek.journal'), ..., 0
            vim.uv.new_timer():start(0, 1, vim.schedule_wrap(function()
              for _ = 1, 50 do
                number = number + 1
                journal.reply(run, { node = 'executor', attempt = number, text = ('x'):rep(number * 7) })
              end
            end))
        """
        first.editor.lua(code, run)
        first.editor.wait_for(lambda path=path: path.stat().st_size > 200_000)
        first.editor.process.kill()
        first.editor.process.wait()
        second = Journal(start_nvim())
        lengths = [len(text) for text in second.texts(run)]
        assert len(lengths) > 100
        assert lengths == [7 * number for number in range(1, len(lengths) + 1)]
        second.editor.close()


@PROPERTY
@given(texts=st.lists(TEXT.map("x".__add__), min_size=1, max_size=5), data=st.data())
def test_a_torn_end_costs_the_torn_record_alone(
    journal: Journal, folder: Path, texts: list[str], data: st.DataObject
) -> None:
    run = journal.begin()
    path = files(folder)[-1]
    ends = [path.stat().st_size]
    for number, text in enumerate(texts, 1):
        data.draw(st.sampled_from([journal.reply, journal.text]))(run, text, attempt=number)
        ends.append(path.stat().st_size)
    cut = data.draw(st.integers(ends[0] + 1, ends[-1]))
    # What a machine that lost its power may leave in place of the end.
    rubbish = data.draw(st.sampled_from([b"", b"\0\0\0", b"\xff", b"!!"]))
    path.write_bytes(path.read_bytes()[:cut] + rubbish)
    kept = texts[: sum(end < cut + bool(not rubbish) for end in ends[1:])]
    assert journal.texts(run) == kept
    journal.reply(run, "after", attempt=9)
    assert journal.texts(run) == [*kept, "after"]


def test_a_file_whose_first_record_is_torn_is_no_run(journal: Journal, folder: Path) -> None:
    torn, whole = journal.begin(), journal.begin()
    path = next(path for path in files(folder) if path.stem.endswith(torn))
    path.write_bytes(path.read_bytes()[:40])
    journal.text(torn, "x")
    assert journal.ids() == [whole]
    assert journal.call("load", torn) is None


def test_a_torn_base_text_is_none(journal: Journal, folder: Path) -> None:
    run = journal.begin(base=["some", "lines"])
    value = next(folder.glob("*.value"))
    value.write_bytes(value.read_bytes()[:-1])
    assert "base" not in journal.load(run)
    assert journal.load(run)["instruction"] == "shorten"


def test_records_of_a_later_version_and_foreign_files_are_passed_over(journal: Journal, folder: Path) -> None:
    run = journal.begin()
    with files(folder)[0].open("ab") as file:
        file.write(b"\nlater " + base64.b64encode(b"\x81\xa1x\x01"))
    journal.text(run, "on")
    foreign = [folder / "notes.txt", folder / "mine.records"]
    for path in foreign:
        path.write_text("mine")
    assert journal.texts(run) == ["on"]
    assert journal.ids() == [run]
    journal.keep(1)
    journal.done(run, edits=[])
    new = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [new])
    assert all(path.exists() for path in foreign)


# Two at once


def test_two_neovims_write_and_read_one_journal(start_nvim: Callable[..., Editor]) -> None:
    first, second = Journal(start_nvim()), Journal(start_nvim())
    one, other = first.begin(), second.begin()
    first.done(one)
    second.mark(one, {1: {"state": "applied"}})
    first.mark(one, {2: {"state": "pending"}})
    assert first.ids() == second.ids() == [other, one]
    assert first.marks(one) == second.marks(one) == {1: {"state": "applied"}, 2: {"state": "pending"}}
    assert [entry["running"] for entry in second.call("entries")] == [True, False]


def test_a_file_that_another_neovim_removed_is_no_error_and_stays_gone(
    start_nvim: Callable[..., Editor], folder: Path
) -> None:
    first, second = Journal(start_nvim()), Journal(start_nvim())
    run = first.begin()
    second.editor.lua(
        "local records = require('vivek.records'); vim.tbl_map(records.remove, records.names())"
    )
    first.text(run, "late")
    assert list(folder.iterdir()) == []
    assert first.call("load", run) is None
    assert first.editor.messages() == ""


def test_two_neovims_that_remove_old_runs_do_not_hurt_each_other(
    start_nvim: Callable[..., Editor],
) -> None:
    both = [Journal(start_nvim()), Journal(start_nvim())]
    for journal in both:
        journal.keep(3)
    ids = []
    for number in range(12):
        ids.append(both[number % 2].begin())
        both[number % 2].done(ids[-1], edits=[])
    last = [both[0].begin(), both[1].begin()]
    both[0].editor.wait_for(lambda: both[0].ids() == [*last[::-1], ids[-1]])
    assert both[1].ids() == both[0].ids()
    assert both[0].editor.messages() + both[1].editor.messages() == ""


def test_a_run_that_another_neovim_begins_just_now_is_left_alone(journal: Journal, folder: Path) -> None:
    journal.keep(1)
    over = journal.begin()
    journal.done(over, edits=[])
    beginning = files(folder)[0].with_stem(files(folder)[0].stem + "0")
    beginning.touch()
    new = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [new])
    assert beginning.exists()


# What is kept


def test_the_oldest_go_when_there_are_too_many(journal: Journal, folder: Path) -> None:
    journal.keep(3)
    ids = []
    for _ in range(8):
        ids.append(journal.begin())
        journal.done(ids[-1], edits=[])
    ids.append(journal.begin())
    journal.editor.wait_for(lambda: journal.ids() == ids[:-4:-1])
    assert len(list(folder.iterdir())) == 6


def test_unsettled_and_running_ones_stay_until_they_are_over(journal: Journal) -> None:
    journal.keep(1)
    unsettled, going = journal.begin(), journal.begin()
    journal.done(unsettled)
    over = journal.begin()
    journal.done(over, edits=[])
    last = journal.begin()
    journal.editor.wait_for(lambda: over not in journal.ids())
    assert journal.ids() == [last, going, unsettled]
    journal.settle(unsettled)
    journal.done(going, edits=[])
    new = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [new, last])


def test_after_thirty_days_unsettled_ones_go_as_well(journal: Journal) -> None:
    journal.keep(1)
    old = journal.begin(created=time.time() - 31 * DAY)
    recent = journal.begin(created=time.time() - 29 * DAY)
    for run in (old, recent):
        journal.done(run)
    journal.begin()
    journal.editor.wait_for(lambda: old not in journal.ids())
    assert recent in journal.ids()


def test_a_long_list_of_unsettled_runs_does_not_keep_others_from_going(journal: Journal) -> None:
    journal.keep(1)
    unsettled = [journal.begin() for _ in range(60)]
    for run in unsettled:
        journal.done(run)
    over = journal.begin()
    journal.done(over, edits=[])
    for _ in range(5):
        journal.begin()
    journal.editor.wait_for(lambda: over not in journal.ids())
    assert set(unsettled) <= set(journal.ids())


def test_with_nothing_to_keep_all_is_in_memory_alone(start_nvim: Callable[..., Editor], folder: Path) -> None:
    journal = Journal(start_nvim())
    journal.keep(0)
    run = journal.begin(base=["a\nb"])
    journal.reply(run, "kept")
    journal.done(run)
    journal.mark(run, {1: {"state": "applied"}})
    assert (journal.ids({"path": "/p/a.py"}), journal.texts(run)) == ([run], ["kept"])
    assert journal.load(run)["base"] == ["a\nb"]
    assert journal.call("unsettled", "/p/a.py") == [run]
    assert not folder.exists()
    assert Journal(start_nvim()).ids() == []


def test_in_memory_too_the_oldest_go(journal: Journal) -> None:
    journal.keep(0)
    for _ in range(55):
        journal.done(journal.begin(), edits=[])
    journal.editor.wait_for(lambda: len(journal.ids()) == 50)


# How much is kept

BIG = ["x" * 300_000]
AGO = 2 * DAY


def test_beyond_the_limit_in_bytes_the_oldest_that_are_over_go(journal: Journal, folder: Path) -> None:
    journal.keep(200, megabytes=1)
    runs = [journal.over(base=BIG) for _ in range(6)]
    last = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [last, *runs[:-4:-1]])
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2**20


def test_what_was_replied_counts_as_well(journal: Journal) -> None:
    journal.keep(200, megabytes=1)
    first, second = journal.begin(), journal.begin()
    for run in (first, second):
        journal.reply(run, "x" * 500_000)
        journal.done(run, edits=[])
    last = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [last, second])


def test_in_memory_too_there_is_a_limit_in_bytes(journal: Journal) -> None:
    journal.keep(0, megabytes=1)
    runs = [journal.over(base=BIG) for _ in range(6)]
    last = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [last, *runs[:-4:-1]])


def test_no_limit_in_bytes_takes_what_is_open_for_a_file_that_is_there(
    journal: Journal, tmp_path: Path
) -> None:
    journal.keep(200, megabytes=1)
    there = tmp_path / "there.py"
    there.write_text("x\n")
    created = time.time() - AGO
    pending = [journal.open(base=BIG, path=str(there), created=created + n) for n in range(4)]
    applied, unnamed, going = (
        journal.open(base=BIG, path=str(there), created=created + 10),
        journal.open(base=BIG, path="", created=created + 11),
        journal.begin(base=BIG, created=created + 12),
    )
    journal.mark(applied, {1: {"state": "applied"}})
    over = journal.over()
    journal.begin()
    journal.editor.wait_for(lambda: over not in journal.ids())
    assert set(journal.ids()) >= {*pending, applied, unnamed, going}


def test_beyond_the_limit_in_bytes_what_is_open_for_a_file_that_is_gone_goes_the_oldest_first(
    journal: Journal, tmp_path: Path
) -> None:
    journal.keep(200, megabytes=1)
    gone, created = str(tmp_path / "gone.py"), time.time() - AGO
    runs = [journal.open(base=BIG, path=gone, created=created + n) for n in range(5)]
    last = journal.begin()
    journal.editor.wait_for(lambda: journal.ids() == [last, *runs[:-4:-1]])


def test_a_file_that_was_never_written_or_is_gone_since_today_keeps_what_is_open_for_it(
    journal: Journal, tmp_path: Path
) -> None:
    journal.keep(200, megabytes=1)
    gone, never_written = str(tmp_path / "gone.py"), str(tmp_path / "new.py")
    journal.editor.command(f"edit {never_written}")
    created = time.time() - AGO
    orphan = journal.open(base=BIG, path=gone, created=created)
    kept = [journal.open(base=BIG, path=never_written, created=created + n) for n in range(1, 4)]
    kept += [journal.open(base=BIG, path=gone) for _ in range(3)]
    last = journal.begin()
    journal.editor.wait_for(lambda: orphan not in journal.ids())
    assert journal.ids() == [last, *kept[::-1]]


def test_what_is_over_goes_before_anything_that_is_open(journal: Journal, tmp_path: Path) -> None:
    journal.keep(200, megabytes=1)
    orphan = journal.open(base=BIG, path=str(tmp_path / "gone.py"), created=time.time() - AGO)
    over = [journal.over(base=BIG) for _ in range(4)]
    last = journal.begin()
    journal.editor.wait_for(lambda: over[1] not in journal.ids())
    assert journal.ids() == [last, over[3], over[2], orphan]


# Under another name


def test_a_run_that_was_moved_is_found_under_its_new_name_alone(journal: Journal, folder: Path) -> None:
    run, other = journal.open(base=["a\nb"]), journal.open()
    journal.call("move", run, "/p/moved.py")
    journal.mark(run, {1: {"state": "applied"}})
    assert (journal.call("unsettled", "/p/moved.py"), journal.call("unsettled", "/p/a.py")) == (
        [run],
        [other],
    )
    found = journal.load(run)
    assert (found["path"], found["base"], len(found["replies"])) == ("/p/moved.py", ["a\nb"], 0)
    assert journal.marks(run) == {1: {"state": "applied"}}
    assert len(list(folder.iterdir())) == 4
    journal.call("move", run, "/p/moved.py")
    assert journal.ids() == [other, run]


def test_in_memory_a_run_is_moved_as_well(journal: Journal) -> None:
    journal.keep(0)
    run = journal.open(base=["a"])
    journal.call("move", run, "/p/moved.py")
    assert (journal.call("unsettled", "/p/moved.py"), journal.load(run)["base"]) == ([run], ["a"])


def test_what_another_neovim_says_of_a_run_that_was_moved_is_kept(start_nvim: Callable[..., Editor]) -> None:
    first, second = Journal(start_nvim()), Journal(start_nvim())
    run = first.open()
    assert second.load(run)["path"] == "/p/a.py"
    first.call("move", run, "/p/moved.py")
    second.mark(run, {1: {"state": "written"}})
    assert first.marks(run) == second.marks(run) == {1: {"state": "written"}}
    assert first.call("unsettled", "/p/moved.py") == []


# Disks that fail

FULL = "vim.uv.fs_write = function() return nil, 'ENOSPC: no space left on device', 'ENOSPC' end"
HALF_FULL = """
    local write, room = vim.uv.fs_write, 30
    vim.uv.fs_write = function(file, bytes)
      if room == 0 then
        return nil, 'ENOSPC: no space left on device', 'ENOSPC'
      end
      local part = bytes:sub(1, room)
      room = room - #part
      return write(file, part)
    end
"""


def is_told(journal: Journal, reason: str) -> None:
    told = [line for line in journal.editor.messages().splitlines() if line]
    assert len(told) == 1
    assert "The history cannot be written" in told[0]
    assert reason in told[0]


@pytest.mark.parametrize("full", [FULL, HALF_FULL])
def test_on_a_full_disk_all_goes_on_in_memory_and_that_is_told_once(journal: Journal, full: str) -> None:
    before = journal.begin()
    journal.text(before, "on disk, ")
    journal.editor.lua(full)
    for run in (before, journal.begin(), journal.begin()):
        journal.text(run, "in memory")
        journal.done(run)
    assert [journal.texts(run)[0] for run in journal.ids()] == [
        "in memory",
        "in memory",
        "on disk, in memory",
    ]
    assert all(journal.load(run)["base"] == ["x"] for run in journal.ids())
    assert journal.call("unsettled", "/p/a.py") == journal.ids()
    is_told(journal, "ENOSPC")


def test_what_goes_on_in_memory_stays_in_order_when_the_disk_takes_more_again(journal: Journal) -> None:
    run = journal.begin()
    journal.editor.lua(f"_G.write = vim.uv.fs_write; {FULL}")
    journal.settle(run, "pending")
    journal.editor.lua("vim.uv.fs_write = _G.write")
    journal.settle(run, "applied")
    assert journal.marks(run) == {1: {"state": "applied"}}


def test_a_run_that_cannot_be_moved_stays_where_it_is(journal: Journal) -> None:
    run = journal.open(base=["a"])
    journal.editor.lua("vim.uv.fs_rename = function() return nil, 'EACCES: permission denied', 'EACCES' end")
    journal.call("move", run, "/p/moved.py")
    assert (journal.call("unsettled", "/p/a.py"), journal.load(run)["base"]) == ([run], ["a"])
    journal.settle(run)
    assert journal.call("unsettled", "/p/a.py") == []


def test_a_folder_that_cannot_be_made_is_told_once(journal: Journal, folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    for run in (journal.begin(), journal.begin()):
        journal.text(run, "in memory")
        assert journal.texts(run) == ["in memory"]
    is_told(journal, "E739")
