"""Whether commands can be isolated is tried, and why not is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from vivek.errors import VerifyUnavailableError
from vivek.verify import harness, limited
from vivek.verify.namespaces import isolation
from vivek.verify.sandbox import run
from vivek.verify.verifier import isolation_notice


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PATH with nothing on it, and nothing known of bubblewrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    isolation.cache_clear()
    yield folder
    isolation.cache_clear()


def bubblewrap(folder: Path, script: str) -> None:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_missing_bubblewrap_is_told(programs: Path) -> None:
    assert isolation().why_not == "bubblewrap (bwrap) is not installed"
    assert "without isolation: bubblewrap (bwrap) is not installed" in isolation_notice()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "echo 'bwrap: No permissions to create new namespace' >&2; exit 1",
            "bwrap: No permissions to create new namespace",
        ),
        ("exit 3", "bubblewrap ends with 3"),
    ],
)
def test_a_system_that_refuses_namespaces_is_told(programs: Path, script: str, told: str) -> None:
    bubblewrap(programs, script)
    assert isolation().why_not == told


def test_a_bubblewrap_that_is_no_program_is_told(programs: Path) -> None:
    (programs / "bwrap").write_bytes(b"\x7fELF nothing")
    (programs / "bwrap").chmod(0o755)
    assert isolation().why_not.startswith("bubblewrap does not start: ")


def test_where_it_works_there_is_nothing_to_tell(programs: Path) -> None:
    bubblewrap(programs, "exit 0")
    assert isolation().available
    assert isolation_notice() == ""


def test_isolation_that_is_insisted_on_is_not_done_without(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(VerifyUnavailableError, match="Nothing can be isolated on this machine: bubblewrap"):
        run(["true"], workspace=tmp_path, isolate=True)


@pytest.mark.parametrize("module", [harness, limited])
def test_what_the_users_python_runs_is_read_by_older_ones_too(module: object) -> None:
    ast.parse(Path(str(module.__file__)).read_text(), feature_version=(3, 8))  # type: ignore[attr-defined]
