"""A project's settings reach the Python side only as the user has read and allowed them."""

from __future__ import annotations

from pathlib import Path

import pytest

from neovim_child import Editor

SETTINGS = 'run_examples = true\ntest = "pytest -q {file}"\n'


@pytest.fixture
def settings(nvim: Editor) -> Path:
    """The settings of a project, which the user has not seen yet. What Neovim asks is counted and answered."""
    file = nvim.home / "project" / ".vivek" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(SETTINGS)
    answer(nvim, 1)
    return file


def answer(editor: Editor, choice: int) -> None:
    """What the user says when Neovim asks: 1 ignore, 2 view, 3 deny, 4 allow (its own order, see `choices`)."""
    editor.lua(
        """
        _G.asked = _G.asked or {}
        vim.fn.confirm = function(text, choices)
          table.insert(_G.asked, choices)
          for number, word in ipairs(vim.split((choices:gsub('&', '')), '\\n')) do
            if word == ({ 'ignore', 'view', 'deny', 'allow' })[...] then
              return number
            end
          end
          return 0
        end
        """.replace("[...]", f"[{choice}]")
    )


def project(editor: Editor, path: Path) -> object:
    return editor.lua("return require('vivek.trust').project(...)", str(path))


def asked(editor: Editor) -> int:
    return int(editor.lua("return #_G.asked"))


def test_they_are_sent_once_the_user_allows_them_and_not_asked_about_again(
    nvim: Editor, settings: Path
) -> None:
    answer(nvim, 4)
    root = settings.parent.parent
    expected = {"root": str(root), "text": SETTINGS}
    assert project(nvim, root / "src" / "a.py") == expected
    assert project(nvim, root / "a.py") == expected
    assert asked(nvim) == 1


@pytest.mark.parametrize("choice", [1, 3])
def test_what_the_user_does_not_allow_is_not_sent(nvim: Editor, settings: Path, choice: int) -> None:
    answer(nvim, choice)
    assert project(nvim, settings.parent.parent / "a.py") is None
    assert project(nvim, settings.parent.parent / "a.py") is None
    assert asked(nvim) == 1


def test_a_changed_file_must_be_allowed_anew(nvim: Editor, settings: Path) -> None:
    answer(nvim, 4)
    assert project(nvim, settings.parent.parent / "a.py") is not None
    settings.write_text('test = "rm -rf /"\n')
    answer(nvim, 1)
    assert project(nvim, settings.parent.parent / "a.py") is None
    assert asked(nvim) == 2


def test_after_a_no_a_changed_file_is_asked_about(nvim: Editor, settings: Path) -> None:
    assert project(nvim, settings.parent.parent / "a.py") is None
    settings.write_text("run_examples = true\n")
    answer(nvim, 4)
    assert project(nvim, settings.parent.parent / "a.py") == {
        "root": str(settings.parent.parent),
        "text": "run_examples = true\n",
    }


def test_a_project_without_settings_is_not_asked_about(nvim: Editor, settings: Path) -> None:
    (nvim.home / "other").mkdir()
    assert project(nvim, nvim.home / "other" / "a.py") is None
    assert asked(nvim) == 0


def test_settings_in_the_home_folder_are_no_projects(nvim: Editor, settings: Path) -> None:
    (nvim.home / ".vivek").mkdir()
    (nvim.home / ".vivek" / "config.toml").write_text(SETTINGS)
    nvim.lua("vim.env.HOME = ...", str(nvim.home))
    assert project(nvim, nvim.home / "a.py") is None
    assert asked(nvim) == 0
