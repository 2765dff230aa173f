"""What tests are to be written for: the definitions that a target touches, and how a test gets at them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vivek.agent.state import Target
from vivek.context.blocks import blocks
from vivek.context.project import find_root
from vivek.context.reaching import reach
from vivek.request import AskRequest
from vivek.verify.modules import module_of

_MOST_NAMES = 6


@dataclass(frozen=True)
class Subject:
    """names: top-level definitions. statement: the line by which a test gets at them, an import in most languages; ""
    where it is not known."""

    names: tuple[str, ...]
    statement: str = ""


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
    chosen = tuple((public or names)[:_MOST_NAMES])
    return Subject(chosen, _statement(request, chosen) if chosen else "")


def _statement(request: AskRequest, names: tuple[str, ...]) -> str:
    if request.path is None:
        return ""
    file = request.path.resolve()
    root = (find_root(file) or file.parent).resolve()
    if not file.is_relative_to(root):
        root = file.parent
    below = file.relative_to(root)
    module = module_of(root, below, request.text).name if request.filetype == "python" else ""
    suite = request.suite
    folder = suite.folder if suite is not None else Path()
    known = f"{suite.text}\n{suite.example}" if suite is not None else ""
    return reach(request.text, request.filetype, names, file=below, module=module, folder=folder, known=known)
