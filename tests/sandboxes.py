"""What the tests of the sandbox share: both ways to run a command, and what a folder holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from support import need
from vivek.verify.namespaces import isolation

BOTH = [pytest.param(True, id="isolated"), pytest.param(False, id="plain")]


def needs_namespaces(isolate: bool = True) -> None:
    """Skip where namespaces are asked for and cannot be had."""
    need(not isolate or isolation().available, f"nothing can be isolated here: {isolation().why_not}")


def digests(folder: Path) -> dict[str, str]:
    """Every path below a folder, with the digest of its content or what it links to, and its mode and time."""
    told = {}
    for path in sorted(folder.rglob("*")):
        content = (
            str(path.readlink()).encode()
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b""
        )
        status = path.lstat()
        told[str(path.relative_to(folder))] = (
            f"{hashlib.sha256(content).hexdigest()} {status.st_mode} {status.st_mtime_ns}"
        )
    return told
