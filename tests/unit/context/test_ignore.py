"""The ignore rules, judged by git itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vivek.context.ignore import Ignore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository without a commit, by its folder alone."""
    (tmp_path / ".git" / "info").mkdir(parents=True)
    return tmp_path


def write(root: Path, name: str, text: str = "") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_project_without_ignore_files_excludes_nothing(root: Path) -> None:
    assert Ignore(root).excluded(write(root, "src/a.py")) is None


def test_the_reason_names_the_pattern_and_its_file(root: Path) -> None:
    write(root, ".gitignore", "*.pyc\n*.key\n")
    assert Ignore(root).excluded(root / "deep" / "server.key") == "`*.key` in .gitignore"


def test_a_nested_ignore_file_is_relative_to_its_folder(root: Path) -> None:
    write(root, "src/.gitignore", "/local.py\n")
    ignore = Ignore(root)
    assert ignore.excluded(root / "src" / "local.py") == "`/local.py` in src/.gitignore"
    assert ignore.excluded(root / "local.py") is None
    assert ignore.excluded(root / "src" / "sub" / "local.py") is None


def test_a_deeper_ignore_file_may_take_a_pattern_back(root: Path) -> None:
    write(root, ".gitignore", "*.txt\n")
    write(root, "docs/.gitignore", "!*.txt\n")
    ignore = Ignore(root)
    assert ignore.excluded(root / "a.txt")
    assert ignore.excluded(root / "docs" / "a.txt") is None


def test_nothing_inside_an_excluded_folder_is_taken_back(root: Path) -> None:
    write(root, ".gitignore", "secret/\n!secret/a.py\n")
    write(root, "secret/.gitignore", "!*\n")
    assert Ignore(root).excluded(root / "secret" / "a.py") == "`secret/` in .gitignore"


def test_vivekignore_excludes_what_git_tracks(root: Path) -> None:
    write(root, ".vivekignore", "customers/\n")
    assert Ignore(root).excluded(root / "customers" / "a.py") == "`customers/` in .vivekignore"


def test_vivekignore_cannot_take_back_what_git_excludes(root: Path) -> None:
    write(root, ".gitignore", "*.key\n")
    write(root, ".vivekignore", "!*.key\n")
    assert Ignore(root).excluded(root / "a.key")


def test_the_repositorys_own_exclude_file_counts(root: Path) -> None:
    write(root, ".git/info/exclude", "private.py\n")
    assert Ignore(root).excluded(root / "private.py") == "`private.py` in .git/info/exclude"


def test_a_worktree_has_the_exclude_file_of_its_repository(tmp_path: Path) -> None:
    write(tmp_path, "main/.git/info/exclude", "private.py\n")
    write(tmp_path, "main/.git/worktrees/side/commondir", "../..\n")
    side = write(tmp_path, "side/.git", f"gitdir: {tmp_path}/main/.git/worktrees/side\n").parent
    assert Ignore(side).excluded(side / "private.py") == "`private.py` in .git/info/exclude"


def test_a_project_within_a_repository_obeys_the_ignore_files_above_it(root: Path) -> None:
    write(root, ".gitignore", "generated.py\n")
    package = write(root, "packages/one/pyproject.toml").parent
    assert Ignore(package).excluded(package / "generated.py") == "`generated.py` in .gitignore"


def test_a_dotfiles_repository_in_the_home_folder_excludes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(root))
    write(root, ".gitignore", "*\n")
    project = write(root, "work/pyproject.toml").parent
    assert Ignore(project).excluded(project / "a.py") is None


def test_a_file_outside_the_project_is_not_excluded(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(root, ".gitignore", "*\n")
    assert Ignore(root).excluded(tmp_path_factory.mktemp("elsewhere") / "a.py") is None


def test_a_link_to_an_excluded_file_is_excluded(root: Path) -> None:
    write(root, ".gitignore", "*.key\n")
    write(root, "server.key")
    (root / "innocent.py").symlink_to(root / "server.key")
    assert Ignore(root).excluded(root / "innocent.py")


def test_an_excluded_link_is_excluded_wherever_it_leads(root: Path) -> None:
    write(root, ".gitignore", "linked.py\n")
    write(root, "a.py")
    (root / "linked.py").symlink_to(root / "a.py")
    ignore = Ignore(root)
    assert ignore.excluded(root / "linked.py")
    assert ignore.excluded(root / "a.py") is None


def test_a_project_reached_through_a_link_is_the_same_project(root: Path, tmp_path: Path) -> None:
    write(root, ".gitignore", "*.key\n")
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(root)
    assert Ignore(link).excluded(link / "a.key")
    assert Ignore(link).excluded(root / "a.key")
    assert Ignore(root).excluded(link / "a.key")


def test_lines_that_are_no_pattern_are_passed_over(root: Path) -> None:
    (root / ".gitignore").write_bytes(b"\xef\xbb\xbf# comment\r\n!\r\n\\\r\n\xff\xfe\r\n*.key\r\n")
    ignore = Ignore(root)
    assert ignore.excluded(root / "a.key")
    assert ignore.excluded(root / "a.py") is None


def test_an_ignore_file_that_is_a_folder_says_nothing(root: Path) -> None:
    (root / ".gitignore").mkdir()
    assert Ignore(root).excluded(root / "a.py") is None


NAMES = st.sampled_from(["a", "b.py", "c.key", "build", "src", "x y", "é.txt"])
PATTERNS = st.lists(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "!", "/"]),
        st.sampled_from(
            ["*", "*.py", "a", "b.py", "build", "src/a", "**/a", "src/**/a", "b?py", "[a-c]*", "x\\ y", "é.*"]
        ),
        st.sampled_from(["", "", "/"]),
    )
    | st.sampled_from(["**", "src/**", "!src/**", "/**", "!**"]),
    max_size=4,
)
"""Not ``src/**/``: pathspec takes it to match src itself, git only the folders in it."""


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@given(
    path=st.lists(NAMES, min_size=1, max_size=4),
    top=PATTERNS,
    nested=PATTERNS,
    exclude=PATTERNS,
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_git_agrees(
    tmp_path_factory: pytest.TempPathFactory,
    path: list[str],
    top: list[str],
    nested: list[str],
    exclude: list[str],
) -> None:
    root = tmp_path_factory.mktemp("repository", numbered=True)
    git = {
        "cwd": root,
        "env": {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
    }
    subprocess.run(["git", "init", "-q", "."], check=True, **git)
    write(root, ".git/info/exclude", "\n".join(exclude))
    write(root, ".gitignore", "\n".join(top))
    file = write(root, "/".join(path))
    if len(path) > 1 and not (file.parent / ".gitignore").exists():
        write(root, "/".join([*path[:-1], ".gitignore"]), "\n".join(nested))
    answer = subprocess.run(["git", "check-ignore", "-q", "--no-index", "/".join(path)], check=False, **git)
    assert (Ignore(root).excluded(file) is not None) == (answer.returncode == 0)
