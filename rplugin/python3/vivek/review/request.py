"""What one review is about: the document as it was captured, which of its lines, and what may be asked and run.

It is made by the editor (`ReviewRequest.from_editor`) or the command line, checked here once, and never changed after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vivek.config import Settings, settings
from vivek.errors import RequestError
from vivek.project_file import Verify
from vivek.request import Diagnostic, diagnostic_of, document_of, line_count, verify_of

HEAD = "HEAD"

_LOOKED_AT = 8192
"""Characters from which a text is told from binary data."""

_BINARY_SHARE = 0.3


@dataclass(frozen=True)
class ReviewRequest:
    """One review.

    text: lines end in "\\n". path: absolute, None for an unnamed buffer. name: what findings call the file, its path
    unless told. ranges: the lines to review, 1-based and inclusive, None for all. since: a git revision; only what
    changed since it is reviewed, None for everything. diagnostics: what language servers say of the text. verify: what
    may be run. ask_model: whether a model is asked beside the static tools.
    """

    run: str
    text: str
    filetype: str = ""
    path: Path | None = None
    name: str = ""
    ranges: tuple[tuple[int, int], ...] | None = None
    since: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    cwd: Path = field(default_factory=Path.cwd)
    trusted: bool = False
    buffer: str = ""
    settings: Settings = field(default_factory=Settings)
    verify: Verify = field(default_factory=Verify)
    ask_model: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError where the document is no text, or a range lies outside of it."""
        if not self.name and self.path is not None:
            object.__setattr__(self, "name", str(self.path))
        if is_binary(self.text):
            raise RequestError(
                f"{self.name or 'The buffer'} is not text, so there is nothing to review.",
                hint="Review a source file.",
            )
        lines = line_count(self.text)
        for first, last in self.ranges or ():
            if not 1 <= first <= last <= max(lines, 1):
                raise RequestError(
                    f"Lines {first} to {last} are not in the document, which has {lines}.",
                    hint="Select lines that exist.",
                )

    @classmethod
    def from_editor(cls, payload: Mapping[str, Any]) -> ReviewRequest:
        """The review that the editor asks for. Raises RequestError and ConfigError."""
        path = payload.get("path")
        selection = bool(payload.get("selection"))
        return cls(
            run=str(payload["run"]),
            text=document_of(payload),
            filetype=str(payload.get("filetype") or ""),
            path=Path(path) if path else None,
            ranges=((int(payload["first"]), int(payload["last"])),) if selection else None,
            since=HEAD if payload.get("changed") else None,
            diagnostics=tuple(diagnostic_of(item) for item in payload.get("diagnostics") or ()),
            cwd=Path(payload.get("cwd") or Path.cwd()),
            trusted=bool(payload.get("trusted")),
            buffer=str(payload.get("buffer") or ""),
            settings=settings(payload.get("config") or {}),
            verify=verify_of(payload.get("project")),
            ask_model=bool(payload.get("model", True)),
        )


def is_binary(text: str) -> bool:
    """Whether a text is none, by its beginning: it has NULs, or many bytes that are no UTF-8."""
    begin = text[:_LOOKED_AT]
    undecoded = sum("\udc80" <= character <= "\udcff" for character in begin)
    return "\0" in begin or undecoded > _BINARY_SHARE * len(begin)
