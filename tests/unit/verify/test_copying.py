"""What a copy of a project holds, and what it must not lead to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandboxes import digests
from vivek.cancel import CancelToken
from vivek.context.ignore import Ignore
from vivek.errors import RunStoppedError, VerifyUnavailableError
from vivek.verify.copying import plan


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in {
        "src/pkg/a.py": "x = 1\n",
        "src/pkg/_version.py": "V = 1\n",
        "src/pkg/__pycache__/a.pyc": "old",
        "build/out.txt": "made",
        ".env": "KEY=1",
        ".venv/pyvenv.cfg": "",
        "env/pyvenv.cfg": "",
        "node_modules/left/index.js": "",
        ".git/HEAD": "ref",
        ".vivek/checkpoints.db": "",
        ".pytest_cache/x": "",
        ".gitignore": ".env\nbuild/\n.venv\n_version.py\n.pytest_cache\n",
        ".vivekignore": "private/\n",
        "private/b.py": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "empty").mkdir()
    return root


def copied(root: Path, target: Path) -> list[str]:
    target.mkdir()
    plan(root, Ignore(root).excluded, CancelToken()).make(target, CancelToken())
    return sorted(str(path.relative_to(target)) for path in target.rglob("*"))


def test_what_the_ignore_files_exclude_is_not_copied(project: Path, tmp_path: Path) -> None:
    before = digests(project)
    assert copied(project, tmp_path / "copy") == [
        ".gitignore",
        ".vivekignore",
        "empty",
        "src",
        "src/pkg",
        "src/pkg/a.py",
    ]
    assert digests(project) == before


def test_environments_and_generated_code_are_to_be_shown_as_they_are(project: Path) -> None:
    shown = plan(project, Ignore(project).excluded, CancelToken()).readable
    expected = (".git", ".venv", "build", "env", "node_modules", "private", "src/pkg/_version.py")
    assert shown == tuple(project / name for name in expected)


def test_a_worktrees_git_file_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / ".git").write_text("gitdir: /elsewhere")
    assert copied(tmp_path / "project", tmp_path / "copy") == []


def test_no_link_leads_out_of_the_copy(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "diary.txt").write_text("mine")
    (project / "out").symlink_to(outside)
    (project / "out.txt").symlink_to(outside / "diary.txt")
    (project / "dangling").symlink_to("nowhere")
    (project / "circle").symlink_to("circle")
    (project / "absolute.py").symlink_to(project / "src" / "pkg" / "a.py")
    (project / "src" / "folder").symlink_to("pkg")
    (project / "by_way_of").symlink_to("out/diary.txt")
    target = tmp_path / "copy"
    names = copied(project, target)
    assert {"absolute.py", "src/folder"} <= set(names)
    assert not {"out", "out.txt", "dangling", "circle", "by_way_of"} & set(names)
    assert (target / "absolute.py").resolve() == target / "src" / "pkg" / "a.py"
    assert (target / "src" / "folder").resolve() == target / "src" / "pkg"


def test_what_is_neither_file_nor_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    os.mkfifo(tmp_path / "project" / "pipe")
    assert copied(tmp_path / "project", tmp_path / "copy") == []


def test_a_file_that_has_gone_since_is_left_out(project: Path, tmp_path: Path) -> None:
    made = plan(project, Ignore(project).excluded, CancelToken())
    (project / "src/pkg/a.py").unlink()
    (tmp_path / "copy").mkdir()
    made.make(tmp_path / "copy", CancelToken())
    assert not (tmp_path / "copy/src/pkg/a.py").exists()


def test_too_many_files_or_bytes_are_an_error_that_says_what_to_do(project: Path) -> None:
    def nothing(_path: Path) -> None:
        return None

    with pytest.raises(VerifyUnavailableError, match=r"more than 2 files.*vivekignore"):
        plan(project, nothing, CancelToken(), most_files=2)
    (project / "big").write_bytes(bytes(3 << 20))
    with pytest.raises(VerifyUnavailableError, match="more than 2 MiB"):
        plan(project, nothing, CancelToken(), most_bytes=2 << 20)


def test_copying_can_be_stopped(project: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    made = plan(project, Ignore(project).excluded, cancel)
    cancel.cancel()
    with pytest.raises(RunStoppedError):
        made.make(tmp_path, cancel)
    with pytest.raises(RunStoppedError):
        plan(project, Ignore(project).excluded, cancel)
