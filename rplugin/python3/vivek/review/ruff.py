"""Asks ruff about a Python text: the rules that find bugs, none of those that are taste.

ruff comes with Vivek and is run without the project's configuration, so that a review means the same everywhere; its
``noqa`` comments hold. It decides nothing about what is shown.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vivek.errors import InstallError
from vivek.review.finding import Category, Severity

SECONDS = 20.0
"""Ruff reads 20,000 lines in a tenth of a second."""


@dataclass(frozen=True)
class Kind:
    """What findings of some rules are. confidence: the share of them that an author would mend."""

    severity: Severity
    category: Category
    confidence: float


_KINDS: dict[Kind, str] = {
    Kind("error", "correctness", 0.95): (
        "F404 F407 F501 F502 F503 F505 F506 F507 F508 F509 F521 F523 F524 F525 F621 F622 F631 F632 F633 F634 F701 F702 "
        "F704 F706 F707 F821 F822 F823 F901 PLE0100 PLE0101 PLE0115 PLE0117 PLE0118 PLE0237 PLE0241 PLE0302 PLE0303 "
        "PLE0305 PLE0307 PLE0308 PLE0309 PLE0604 PLE0605 PLE0643 PLE1132 PLE1142 PLE1300 PLE1307 PLE1700 "
        "B002 B016 B029 B030 RUF016"
    ),
    Kind("warning", "correctness", 0.8): (
        "F504 F522 F601 F602 F811 PLE1205 PLE1206 PLE1310 PLE1507 PLE1519 PLE1520 PLR0124 PLW0127 PLW0128 PLW0129 "
        "PLW0133 PLW0177 PLW0211 PLW0245 PLW0406 PLW0711 PLW1501 PLW1507 PLW2101 "
        "B003 B005 B015 B020 B021 B022 B025 B031 B032 B033 B035 B039 RUF006 RUF008 RUF018 RUF024 RUF026 RUF030 W605"
    ),
    Kind("information", "correctness", 0.5): "B018 B023 B026 PLW1508 RUF032",
    Kind("warning", "error handling", 0.8): "B012 PLE0704",
    Kind("hint", "error handling", 0.5): "E722 B904 PLW1510",
    Kind("warning", "security", 0.7): "S306 S323 S501 S506 S602 PLE2502 PLE2515",
    Kind("information", "security", 0.4): "S102 S301 S307 S324 S605 S608",
    Kind("warning", "performance", 0.8): "ASYNC210 ASYNC220 ASYNC221 ASYNC222 ASYNC250 ASYNC251",
    Kind("information", "performance", 0.6): "ASYNC230 B019 RUF017",
    Kind("hint", "unused", 0.9): "F401 F541 F841 F842 PLW0602",
    Kind("hint", "style", 0.7): "E711 E712 E713 E714",
}

# B006, a default that calls share, is left out: `vivek.checks.facts` knows where one is changed.
_RULES: dict[str, Kind] = {rule: kind for kind, rules in _KINDS.items() for rule in rules.split()}

_SYNTAX = Kind("error", "syntax", 0.99)


@dataclass(frozen=True)
class Violation:
    """What ruff says of some lines (1-based, inclusive). rule: "F821", "" for a syntax error. fix: what it would do."""

    line: int
    end_line: int
    rule: str
    message: str
    fix: str

    @property
    def kind(self) -> Kind:
        """What a finding of its rule is."""
        return _RULES.get(self.rule, _SYNTAX)


def violations(text: str, name: str) -> list[Violation]:
    """All that ruff says of a Python text. name: the file's, without folders, which tells a stub from a module.

    Raises InstallError where ruff cannot be run or does not answer as it should.
    """
    command = [
        _program(),
        "check",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--quiet",
        "--output-format=json",
        "--target-version=py314",
        f"--select={','.join(_RULES)}",
        f"--stdin-filename={Path(name).name or 'unnamed.py'}",
        "-",
    ]
    # Only "\n" ends a line here, and ruff reads nothing but UTF-8.
    source = text.replace("\r\n", " \n").replace("\r", " ").encode("utf-8", "replace")
    try:
        ran = subprocess.run(command, input=source, capture_output=True, timeout=SECONDS, check=False)
        found = json.loads(ran.stdout) if ran.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise _unusable(str(error)) from error
    if not isinstance(found, list):
        raise _unusable(ran.stderr.decode("utf-8", "replace").strip()[:200])
    return [_violation(item) for item in found]


def _violation(item: dict[str, Any]) -> Violation:
    line, end = item["location"]["row"], item["end_location"]
    last = end["row"] - 1 if end["column"] == 1 and end["row"] > line else end["row"]
    rule = item["code"] if item["code"] in _RULES else ""
    fix = (item.get("fix") or {}).get("message") or ""
    return Violation(line, last, rule, str(item["message"]), str(fix))


@cache
def _program() -> str:
    """The ruff that was installed with Vivek, or else any."""
    beside = Path(sys.executable).with_name("ruff.exe" if os.name == "nt" else "ruff")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("ruff")
    if not found:
        raise _unusable("it is not installed")
    return found


def _unusable(why: str) -> InstallError:
    return InstallError(
        f"ruff cannot be asked: {why}.", hint="Run :VivekInstall to mend Vivek's Python environment."
    )
