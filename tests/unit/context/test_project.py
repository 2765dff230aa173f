from __future__ import annotations

from pathlib import Path

import pytest

from vivek import paths
from vivek.context.project import find_root, state_dir_for


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a state folder of its own."""
    home = tmp_path / "home" / "user"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    return home


def project(folder: Path, marker: str = ".git") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / marker).touch()
    return folder


@pytest.mark.parametrize(
    "marker", [".git", "pyproject.toml", "package.json", "Cargo.toml", "go.mod", "setup.py"]
)
def test_a_marker_makes_a_project(home: Path, marker: str) -> None:
    root = project(home / "work", marker)
    assert find_root(root / "src" / "deep" / "a.py") == root


def test_the_nearest_marker_wins(home: Path) -> None:
    project(home / "mono")
    inner = project(home / "mono" / "one", "pyproject.toml")
    assert find_root(inner / "a.py") == inner


def test_a_folder_is_its_own_project(home: Path) -> None:
    root = project(home / "work")
    assert find_root(root) == root


def test_a_file_without_a_marker_above_it_has_no_project(home: Path) -> None:
    (home / "notes").mkdir()
    assert find_root(home / "notes" / "a.py") is None


def test_the_home_folder_is_no_project(home: Path) -> None:
    project(home)
    assert find_root(home / "a.py") is None
    assert find_root(home / "notes" / "a.py") is None


def test_a_folder_above_the_home_folder_is_no_project(home: Path, tmp_path: Path) -> None:
    project(tmp_path)
    assert find_root(home / "a.py") is None
    assert find_root(tmp_path / "other" / "a.py") is None


def test_a_file_that_is_not_written_yet_belongs_to_the_project(home: Path) -> None:
    root = project(home / "work")
    assert find_root(root / "new" / "folder" / "a.py") == root


def test_a_path_with_dots_is_read_as_it_leads(home: Path) -> None:
    root = project(home / "work")
    assert find_root(root / ".." / "other" / ".." / "work" / "a.py") == root


def test_a_link_belongs_to_where_it_stands(home: Path) -> None:
    root = project(home / "work")
    other = project(home / "shared")
    (other / "a.py").touch()
    (root / "a.py").symlink_to(other / "a.py")
    assert find_root(root / "a.py") == root


def test_a_link_that_stands_in_no_project_belongs_to_where_it_leads(home: Path) -> None:
    root = project(home / "dotfiles")
    (root / "vimrc").touch()
    (home / ".vimrc").symlink_to(root / "vimrc")
    assert find_root(home / ".vimrc") == root


def test_a_projects_state_is_kept_in_it_and_out_of_git(home: Path) -> None:
    root = project(home / "work")
    folder = state_dir_for(root)
    assert folder == root / ".vivek"
    assert (folder / ".gitignore").read_text() == "checkpoints.db*\n"


def test_the_teams_own_gitignore_stays(home: Path) -> None:
    root = project(home / "work")
    (root / ".vivek").mkdir()
    (root / ".vivek" / ".gitignore").write_text("*\n")
    assert (state_dir_for(root) / ".gitignore").read_text() == "*\n"


def test_without_a_project_the_state_is_the_users() -> None:
    assert state_dir_for(None) == paths.state_dir()


def test_a_read_only_project_has_its_state_with_the_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(home / "work")

    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    user = paths.state_dir()
    monkeypatch.setattr("vivek.context.project.state_dir", lambda: user)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert state_dir_for(root) == user


def test_a_file_in_the_state_folders_place_is_left_alone(home: Path) -> None:
    root = project(home / "work")
    (root / ".vivek").write_text("not a folder")
    assert state_dir_for(root) == paths.state_dir()
    assert (root / ".vivek").read_text() == "not a folder"


def test_nothing_is_written_through_a_link_that_leads_out_of_the_project(home: Path) -> None:
    root = project(home / "cloned")
    victim = home / "victim"
    victim.mkdir()
    (root / ".vivek").symlink_to(victim)
    assert state_dir_for(root) == paths.state_dir()
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("name", ["checkpoints.db", "checkpoints.db-wal", ".gitignore"])
def test_a_database_that_is_a_link_is_not_opened(home: Path, name: str) -> None:
    root = project(home / "cloned")
    victim = home / "victim.db"
    victim.write_text("kept")
    (root / ".vivek").mkdir()
    (root / ".vivek" / name).symlink_to(victim)
    assert state_dir_for(root) == paths.state_dir()
    assert victim.read_text() == "kept"
