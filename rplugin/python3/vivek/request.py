"""What one ask is about: the document as it was captured, the place in it, and the instruction.

It is made by the editor (`AskRequest.from_editor`) or the command line, checked here once, and never changed after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vivek.config import Settings, settings
from vivek.errors import RequestError
from vivek.modes import Mode, addressed, mode_named
from vivek.project_file import Verify, project_settings
from vivek.suite import SuiteFile


@dataclass(frozen=True)
class Diagnostic:
    """What a language server or linter says of a line (1-based)."""

    line: int
    message: str
    severity: str = ""
    source: str = ""


@dataclass(frozen=True)
class AskRequest:
    """One ask.

    text: the document the model works on; lines end in "\\n". first, last: the selection, 1-based and inclusive, a
    boundary for every hunk; None without one. cursor: 1-based line, None on the command line. base_text: what the text
    edits are computed against, where that is not `text` (a follow-up works on a proposal that is not applied yet).
    thread: a conversation's name, None for the file's current one. stored: whether the conversation is kept.
    buffer: what tells unnamed buffers apart. verify: what may be run on a candidate; nothing, unless the user switched
    it on. mode: what the user chose, "auto" where the instruction's words are to choose. unsaved: texts of other files
    that are changed in a buffer, by absolute path. suite: the file that tests of this one belong in, once it is known.
    """

    run: str
    instruction: str
    text: str
    filetype: str = ""
    path: Path | None = None
    first: int | None = None
    last: int | None = None
    cursor: int | None = None
    base_text: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    cwd: Path = field(default_factory=Path.cwd)
    trusted: bool = False
    thread: str | None = None
    stored: bool = True
    buffer: str = ""
    settings: Settings = field(default_factory=Settings)
    verify: Verify = field(default_factory=Verify)
    mode: Mode = "auto"
    unsaved: Mapping[Path, str] = field(default_factory=dict)
    suite: SuiteFile | None = None

    def __post_init__(self) -> None:
        """Raise RequestError where there is no instruction or the range lies outside the document."""
        if not self.instruction.strip():
            raise RequestError(
                "The instruction is empty.", hint="Say what to do: `:VivekAsk add type hints`."
            )
        if (self.first is None) != (self.last is None):
            raise RequestError("A range needs its first and its last line.")
        if self.first is not None and self.last is not None:
            lines = line_count(self.text)
            if not 1 <= self.first <= self.last <= max(lines, 1):
                raise RequestError(
                    f"Lines {self.first} to {self.last} are not in the document, which has {lines}.",
                    hint="Select lines that exist.",
                )

    @property
    def base(self) -> str:
        """The document that the edits apply to."""
        return self.text if self.base_text is None else self.base_text

    @classmethod
    def from_editor(cls, payload: Mapping[str, Any]) -> AskRequest:
        """The ask that ``lua/vivek/capture.lua`` sends. Raises RequestError and ConfigError."""
        selection = bool(payload.get("selection"))
        base = payload.get("base")
        path = payload.get("path")
        instruction, mode = addressed(str(payload["instruction"]), mode_named(payload.get("mode")))
        return cls(
            run=str(payload["run"]),
            instruction=instruction,
            text=document_of(payload),
            filetype=str(payload.get("filetype") or ""),
            path=Path(path) if path else None,
            first=int(payload["first"]) if selection else None,
            last=int(payload["last"]) if selection else None,
            cursor=int(payload.get("cursor") or 1),
            base_text=document_of(base) if base else None,
            diagnostics=tuple(diagnostic_of(item) for item in payload.get("diagnostics") or ()),
            cwd=Path(payload.get("cwd") or Path.cwd()),
            trusted=bool(payload.get("trusted")),
            buffer=str(payload.get("buffer") or ""),
            settings=settings(payload.get("config") or {}),
            verify=verify_of(payload.get("project")),
            mode=mode,
            unsaved={Path(item["path"]): document_of(item) for item in payload.get("unsaved") or ()},
        )


def line_count(text: str) -> int:
    """Number of lines; a last line without its newline counts, the empty text has none."""
    return text.count("\n") + (0 if text.endswith("\n") or not text else 1)


def split_lines(text: str) -> list[str]:
    """Lines with their newlines, joined again by ``"".join``. Only "\\n" ends a line, as in Neovim."""
    lines = text.split("\n")
    kept = [line + "\n" for line in lines[:-1]]
    return [*kept, lines[-1]] if lines[-1] else kept


def document_of(payload: Mapping[str, Any]) -> str:
    """Lines joined to a text. Neovim's empty buffer, one empty line, is the empty text."""
    lines: list[str] = list(payload["lines"])
    if lines in ([], [""]):
        return ""
    return "\n".join(lines) + ("\n" if payload.get("eol", True) else "")


def verify_of(project: Mapping[str, Any] | None) -> Verify:
    """What the project's settings switch on, which are sent only where the user trusts them."""
    return project_settings(project["text"], Path(project["root"])) if project else Verify()


def diagnostic_of(item: Mapping[str, Any]) -> Diagnostic:
    """A diagnostic as the editor sends it."""
    return Diagnostic(
        line=int(item["line"]),
        message=str(item["message"]),
        severity=str(item.get("severity") or ""),
        source=str(item.get("source") or ""),
    )
