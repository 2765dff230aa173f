"""A review whose Python side is a stand-in: a test sends what a review would find, and looks at Neovim."""

from __future__ import annotations

from typing import Any

from neovim_child import Editor

TEXT = "import os\n\n\ndef area(r):\n    return 3 * r * r\n\n\ndef side(r):\n    return 2 * r\n"


def finding(line: int, **fields: Any) -> dict[str, Any]:
    """A finding of the text above, an error of ruff's unless told."""
    end_line = fields.get("end_line", line)
    quote = "\n".join(TEXT.split("\n")[line - 1 : end_line])
    told = {
        "path": "a.py",
        "line": line,
        "end_line": end_line,
        "severity": "error",
        "category": "correctness",
        "source": "ruff F821",
        "confidence": 0.98,
        "quote": quote,
        "message": f"fault {line}",
        "suggestion": f"mend {line}",
        "key": f"key-{line}",
    }
    return told | fields


def result(findings: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """What a review came to, all of it looked at unless told."""
    told = {
        "findings": findings,
        "folded": [],
        "skipped": [],
        "dismissed": 0,
        "ungrounded": 0,
        "calls": [],
        "complete": True,
        "summary": "All in all.",
    }
    return told | fields


class Reviews:
    """A Neovim child that keeps what is sent to the Python side, in `sent`, and has a file open."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.buffer = editor.edit(TEXT, name="a.py")
        editor.lua(
            """
            local host = require('vivek.host')
            _G.sent, _G.heard = {}, {}
            host.start = function() return 1 end
            host.running = function() return true end
            host.notify = function(method, payload)
              table.insert(_G.sent, { method, payload })
              return true
            end
            vim.api.nvim_create_autocmd('User', {
              pattern = 'Vivek*',
              callback = function(event) table.insert(_G.heard, { event.match, event.data }) end,
            })
            """
        )

    def sent(self, method: str) -> list[dict[str, Any]]:
        """The payloads of all messages of a kind."""
        return [payload for name, payload in self.editor.lua("return _G.sent") if name == method]

    def heard(self) -> list[str]:
        """The autocmds that were triggered, in order."""
        return [name for name, _ in self.editor.lua("return _G.heard")]

    def begin(self, command: str = "VivekReview") -> str:
        """Run the command; gives the id of the run."""
        self.editor.command(command)
        return str(self.sent("vivek_review")[-1]["run"])

    def event(self, run: str, kind: str, **fields: Any) -> None:
        """Send an event of a run."""
        self.editor.lua("require('vivek.host').on_events({ ... })", {"kind": kind, "run": run, **fields})

    def find(self, run: str, *findings: dict[str, Any], folded: bool = False) -> None:
        """Send findings while the review goes on."""
        for one in findings:
            self.event(run, "finding", finding=one, folded=folded)

    def end(self, run: str, *findings: dict[str, Any], **fields: Any) -> None:
        """Send what the review came to."""
        self.event(run, "reviewed", result=result(list(findings), **fields))

    def review(self, *findings: dict[str, Any], **fields: Any) -> str:
        """A whole review; gives the id of its run."""
        run = self.begin()
        self.find(run, *findings)
        self.end(run, *findings, **fields)
        return run

    def diagnostics(self) -> list[tuple[int, int, str]]:
        """Line (1-based), severity (1 is an error) and message of what is shown in the source."""
        code = """
            local namespace = vim.api.nvim_get_namespaces().vivek_findings
            return vim.diagnostic.get(..., { namespace = namespace })
        """
        found = self.editor.lua(code, self.buffer)
        return sorted((item["lnum"] + 1, item["severity"], item["message"]) for item in found)

    def places(self) -> list[int]:
        """The lines of what is shown in the source, soon after the text was changed."""
        return [line for line, _, _ in self.diagnostics()]

    def quickfix(self) -> list[tuple[int, str, str]]:
        """Line, type and text of the quickfix list."""
        items = self.editor.lua("return vim.fn.getqflist()")
        return [(item["lnum"], item["type"], item["text"]) for item in items]

    def report_buffer(self) -> int:
        """The number of the report's buffer."""
        return int(self.editor.lua("return vim.fn.bufnr('vivek://review/')"))

    def report(self) -> str:
        """The text of the report."""
        return "\n".join(self.editor.lines(self.report_buffer()))

    def enter_report(self, line: str) -> None:
        """Put the cursor on the first line of the report that holds a text."""
        buffer = self.report_buffer()
        number = next(n for n, shown in enumerate(self.editor.lines(buffer), 1) if line in shown)
        self.editor.lua(
            """
            local buf, number = ...
            vim.api.nvim_set_current_win(vim.fn.bufwinid(buf))
            vim.api.nvim_win_set_cursor(0, { number, 0 })
            """,
            buffer,
            number,
        )
