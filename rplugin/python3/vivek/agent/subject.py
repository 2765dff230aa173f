"""What tests are to be written for: the definitions that a target touches, and how a test imports them."""

from __future__ import annotations

from dataclasses import dataclass

from vivek.agent.state import Target
from vivek.context.blocks import blocks
from vivek.context.project import find_root
from vivek.request import AskRequest
from vivek.verify.modules import module_of

_MOST_NAMES = 6


@dataclass(frozen=True)
class Subject:
    """names: top-level definitions. module: what Python imports them from, "" for other languages and for a buffer
    without a file."""

    names: tuple[str, ...]
    module: str = ""

    @property
    def statement(self) -> str:
        """The import of the names, "" where it is not known."""
        return f"from {self.module} import {', '.join(self.names)}" if self.module and self.names else ""


def subject_of(request: AskRequest, target: Target) -> Subject:
    """What the tests of a target's lines test."""
    touched = [
        block
        for block in blocks(request.text, request.filetype)
        if block.kind in ("function", "class", "method")
        and block.first <= target["last"]
        and target["first"] <= block.last
    ]
    outer = [
        block
        for block in touched
        if not any(other != block and other.holds(block.first, block.last) for other in touched)
    ]
    names = list(dict.fromkeys(block.name for block in outer if block.name.isidentifier()))
    public = [name for name in names if not name.startswith("_")]
    return Subject(tuple((public or names)[:_MOST_NAMES]), _module(request))


def _module(request: AskRequest) -> str:
    if request.path is None or request.filetype != "python":
        return ""
    file = request.path.resolve()
    root = (find_root(file) or file.parent).resolve()
    if not file.is_relative_to(root):
        root = file.parent
    return module_of(root, file.relative_to(root), request.text).name
