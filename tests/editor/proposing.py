"""What the tests of hunks share: text edits of whole lines, what proposes them, their states."""

from __future__ import annotations

from typing import Any

from neovim_child import Editor

Edit = dict[str, Any]
LETTERS = ["a", "b", "c", "d", "e", "f", "g", "h"]


def rows(first: int, last: int, *new: str) -> Edit:
    """Replace lines `first` to `last` (0-based, the end exclusive) by whole lines."""
    return {
        "range": {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}},
        "newText": "".join(line + "\n" for line in new),
    }


def propose(nvim: Editor, edits: list[Edit], *, run: str = "r1", **options: Any) -> None:
    """Show the edits as a proposal for the current buffer as it is."""
    code = """
        local run, edits, options = ...
        local base = vim.api.nvim_buf_get_lines(0, 0, -1, true)
        require('vivek.proposals').show(0, run, base, edits, options)
    """
    nvim.lua(code, run, edits, {"eol": True} | options)


def states(nvim: Editor, buffer: int = 0) -> list[str]:
    """The state of each hunk, in the order of the proposals and their hunks."""
    return [hunk["state"] for hunk in nvim.lua("return require('vivek.proposals').hunks(...)", buffer)]


def done(*edits: Edit, **more: Any) -> dict[str, Any]:
    """The event that ends a run with these edits."""
    result = {
        "route": "rewrite",
        "edits": list(edits),
        "answer": "",
        "target": {"first": 1, "last": 2},
        "score": 1.0,
        "checks": [],
        "iterations": 1,
        "calls": {},
        "stopped": False,
        "stats": {"tokens": 9, "tokens_per_second": 20.0, "seconds": 0.5, "prompt_tokens": 90},
        "thread": "t",
    }
    return {"kind": "done", "result": result | more}


def letters(nvim: Editor) -> int:
    """A file of eight lines, each a letter; gives the buffer's number."""
    return nvim.edit("\n".join(LETTERS) + "\n", name="letters.txt", filetype="text")
