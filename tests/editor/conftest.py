"""Fixtures for tests that need a Neovim; each test has a child and a home of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neovim_child import Editor

FAKE_HOST = Path(__file__).with_name("fake_host")


@pytest.fixture
def start_nvim(tmp_path: Path) -> Iterator[Callable[..., Editor]]:
    """Start a Neovim child with further command-line arguments; all of them are ended after the test."""
    running: list[Editor] = []

    def start(*arguments: str) -> Editor:
        running.append(Editor(tmp_path, *arguments))
        return running[-1]

    yield start
    for editor in running:
        editor.close()


@pytest.fixture
def nvim(start_nvim: Callable[..., Editor]) -> Editor:
    """A Neovim child with Vivek on its runtimepath, and nothing of the user's."""
    return start_nvim()


@pytest.fixture
def hosted(nvim: Editor) -> Editor:
    """The same, where the Python side is the stand-in in `fake_host`; nothing is started yet."""
    nvim.lua(
        """
        local root, python = ...
        require('vivek.install').root = function() return root end
        require('vivek').setup({ python = python })
        """,
        str(FAKE_HOST),
        sys.executable,
    )
    return nvim
