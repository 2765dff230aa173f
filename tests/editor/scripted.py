"""A real Neovim with the real Python host, and a scripted model in the place of the weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from neovim_child import Editor


class Scripted:
    """A Neovim child with Vivek set up on scripted replies."""

    def __init__(self, editor: Editor, script: Path) -> None:
        self.editor = editor
        self.script = script
        editor.lua(
            """
            local python, script = ...
            require('vivek').setup({ python = python, backend = 'scripted', url = script })
            _G.ended = {}
            vim.api.nvim_create_autocmd('User', {
              pattern = { 'VivekReviewed', 'VivekDone', 'VivekError' },
              callback = function(event) table.insert(_G.ended, { event.match, event.data }) end,
            })
            """,
            sys.executable,
            str(script),
        )

    def replies(self, *replies: str | dict[str, Any]) -> None:
        """What the model says, in turn."""
        told = [{"text": reply} if isinstance(reply, str) else reply for reply in replies]
        self.script.write_text(json.dumps({"replies": told}), encoding="utf-8")

    def ends(self) -> list[tuple[str, dict[str, Any]]]:
        """The autocmd and the data of each run that has ended."""
        return [(name, data) for name, data in self.editor.lua("return _G.ended")]

    def ended(self) -> list[str]:
        """The autocmds of the runs that have ended."""
        return [name for name, _ in self.ends()]

    def until(self, command: str, *, count: int = 1) -> tuple[str, dict[str, Any]]:
        """Run a command, and wait for so many ends; gives the last one."""
        self.editor.command(command)
        self.editor.wait_for(lambda: len(self.ends()) >= count, timeout=90)
        return self.ends()[-1]
