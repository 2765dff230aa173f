"""Where hunks lie in a text that moved on: `rebase.locate` as a pure function, inside a real Neovim."""

from __future__ import annotations

from typing import Any

import pytest

from neovim_child import Editor

Place = dict[str, Any]
Hunk = tuple[int, list[str], list[str]]


def places(
    nvim: Editor, base: list[str], hunks: list[Hunk], current: list[str], *applied: int, certain: bool = False
) -> list[Place]:
    """Where hunks (first line, old and new lines) of a text lie in another; 0-based rows."""
    code = """
        local base, all, current, ids, certain = ...
        local applied = {}
        for _, id in ipairs(ids) do applied[id] = true end
        for id, hunk in ipairs(all) do
          all[id] = { id = id, start = hunk[1], old = hunk[2], new = hunk[3] }
        end
        local sure = {}
        for id = 1, certain and #all or 0 do
          sure[id] = true
        end
        local located = require('vivek.rebase').locate(base, all, applied, current, sure)
        return vim.tbl_map(function(hunk) return located.places[hunk.id] end, all)
    """
    return list(nvim.lua(code, base, [list(hunk) for hunk in hunks], current, list(applied), certain))


def states(found: list[Place]) -> list[tuple[str, int]]:
    return [(place["state"], place["row"]) for place in found]


@pytest.mark.parametrize("certain", [False, True])
def test_an_applied_hunk_that_grew_together_with_the_one_above_stays_applied(
    nvim: Editor, certain: bool
) -> None:
    base = ["", "a", "", "b"]
    hunks: list[Hunk] = [(0, [""], ["one"]), (2, [""], ["two"])]
    found = places(nvim, base, hunks, ["mine", "b"], 1, 2, certain=certain)
    assert [place["state"] for place in found] == ["applied", "applied"]


FUNCTION = ["def move_me(a):", "    total = a", "    total += 1", "    return total", ""]
REST = [f"line {number} of the rest" for number in range(12)]
CHANGE: Hunk = (2, ["    total += 1"], ["    total += 2"])


def test_a_hunk_follows_a_function_that_was_cut_and_put_elsewhere(nvim: Editor) -> None:
    moved = [*REST, "", *FUNCTION[:-1]]
    (place,) = places(nvim, [*FUNCTION, *REST], [CHANGE], moved)
    assert (place["state"], place["row"], place["old"], place["new"]) == ("pending", 15, *CHANGE[1:])


def test_a_hunk_that_only_adds_lines_follows_the_lines_around_it(nvim: Editor) -> None:
    hunk: Hunk = (3, [], ["    check(total)"])
    (place,) = places(nvim, [*FUNCTION, *REST], [hunk], [*REST, *FUNCTION])
    assert (place["state"], place["row"]) == ("pending", 15)


def test_an_applied_hunk_follows_too_and_stays_applied(nvim: Editor) -> None:
    new = [*FUNCTION[:2], "    total += 2", *FUNCTION[3:]]
    (place,) = places(nvim, [*FUNCTION, *REST], [CHANGE], [*REST, *new], 1)
    assert (place["state"], place["row"]) == ("applied", 14)


def test_a_hunk_does_not_choose_between_two_copies(nvim: Editor) -> None:
    twice = [*REST[:6], *FUNCTION, *REST[6:], *FUNCTION]
    (place,) = places(nvim, [*FUNCTION, *REST], [CHANGE], twice)
    assert place["state"] == "stale"


def test_a_hunk_does_not_follow_a_line_that_says_nothing(nvim: Editor) -> None:
    base = ["def f():", "    if a:", "        b()", "    }", *REST]
    hunk: Hunk = (3, ["    }"], ["    end"])
    (place,) = places(nvim, base, [hunk], [*base[:3], *REST, "    }", "x"])
    assert (place["state"], place["row"]) != ("pending", 15)


def test_hunks_of_a_moved_function_and_of_the_rest_all_keep_their_lines(nvim: Editor) -> None:
    hunks: list[Hunk] = [CHANGE, (7, [REST[2]], ["changed"])]
    found = places(nvim, [*FUNCTION, *REST], hunks, [*REST, *FUNCTION])
    assert states(found) == [("pending", 14), ("pending", 2)]


def test_a_hunk_whose_lines_were_changed_as_they_were_moved_conflicts(nvim: Editor) -> None:
    moved = [*REST, *FUNCTION[:2], "    total = mine()", *FUNCTION[3:]]
    (place,) = places(nvim, [*FUNCTION, *REST], [CHANGE], moved)
    assert place["state"] == "stale"
