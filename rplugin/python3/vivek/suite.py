"""The file of a project's tests that the tests of a source file belong in, as it is known before a model is asked.

Plain data: `vivek.context.testplace` finds it, the agent writes for it, and nobody writes to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SuiteFile:
    """Where tests go.

    path: absolute, inside the project. exists: whether it is there by now, on disk or in a buffer. text: what it holds,
    its lines ending in "\\n"; "" for a new one. line_end: how they end on disk. folder: the one it is in, relative to
    the project's. framework: what its tests are written with, "" where that is not known. example: a few lines of a
    test that the project has, for its style; "" where it has none.
    """

    path: Path
    exists: bool = False
    text: str = ""
    line_end: str = "\n"
    folder: Path = Path()
    framework: str = ""
    example: str = ""
