"""What changed since a revision, by git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from vivek.errors import RequestError
from vivek.review.changes import changed_files, changed_ranges

OLD = "one\ntwo\nthree\nfour\nfive\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    git("config", "user.name", "A")
    git("config", "user.email", "a@example.org")
    (tmp_path / "a.txt").write_text(OLD)
    git("add", "-A")
    git("commit", "-qm", "x")
    return tmp_path


def test_changed_added_and_removed_lines_are_told(repository: Path) -> None:
    file = repository / "a.txt"
    assert changed_ranges(OLD, file, "HEAD") == ()
    assert changed_ranges(OLD.replace("two", "2"), file, "HEAD") == ((2, 2),)
    assert changed_ranges(OLD + "six\nseven\n", file, "HEAD") == ((6, 7),)
    assert changed_ranges(OLD.replace("three\n", ""), file, "HEAD") == ((2, 3),)
    assert changed_ranges(OLD.replace("one\n", ""), file, "HEAD") == ((1, 1),)
    assert changed_ranges(OLD.replace("five\n", ""), file, "HEAD") == ((4, 4),)
    assert changed_ranges("", file, "HEAD") == ()


def test_the_buffer_counts_and_not_the_file_on_disk_or_the_index(repository: Path) -> None:
    file = repository / "a.txt"
    file.write_text("something else\n")
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    assert changed_ranges(OLD.replace("two", "2"), file, "HEAD") == ((2, 2),)


def test_a_hook_of_another_repository_changes_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere/.git")
    assert changed_ranges(OLD.replace("two", "2"), repository / "a.txt", "HEAD") == ((2, 2),)


def test_line_ends_alone_are_no_change(repository: Path) -> None:
    assert changed_ranges(OLD.replace("\n", "\r\n"), repository / "a.txt", "HEAD") == ()


def test_a_file_that_git_does_not_know_is_all_new(repository: Path) -> None:
    assert changed_ranges("a\nb\n", repository / "new.txt", "HEAD") == ((1, 2),)


def test_bytes_that_are_no_utf8_are_compared_as_bytes(repository: Path) -> None:
    text = b"one\ntw\xff\nthree\nfour\nfive\n".decode("utf-8", "surrogateescape")
    assert changed_ranges(text, repository / "a.txt", "HEAD") == ((2, 2),)


def test_a_revision_that_is_none_is_refused(repository: Path) -> None:
    for revision in ("no-such", "--output=/tmp/x", ""):
        with pytest.raises(RequestError, match="no revision"):
            changed_ranges(OLD, repository / "a.txt", revision)


def test_without_a_repository_or_a_name_nothing_tells(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="in no git repository"):
        changed_ranges(OLD, tmp_path / "a.txt", "HEAD")
    with pytest.raises(RequestError, match="no earlier version"):
        changed_ranges(OLD, None, "HEAD")


def test_the_files_that_changed_are_named(repository: Path) -> None:
    (repository / "a b.txt").write_text("new\n")
    (repository / "deep").mkdir()
    (repository / "deep" / "c.txt").write_text("new\n")
    (repository / "a.txt").unlink()
    named = changed_files(repository / "deep", "HEAD")
    assert [path.relative_to(repository.resolve()).as_posix() for path in named] == ["a b.txt", "deep/c.txt"]
