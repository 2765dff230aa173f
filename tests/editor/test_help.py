"""The help is whole: its generated section is current, and every command and map is in it."""

from __future__ import annotations

import re
import subprocess
import sys

from neovim_child import ROOT, Editor, neovim_binary
from vivek.llm.ollama_store import PREFERRED

HELP = (ROOT / "doc" / "vivek.txt").read_text(encoding="utf-8")
TAGS = set(re.findall(r"\*(\S+)\*(?=\s)", HELP))


def test_the_options_are_those_of_the_schema_and_every_link_leads_somewhere() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "doc.py"), "--check", "--nvim", neovim_binary()]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_command_is_documented(nvim: Editor) -> None:
    commands = [name for name in nvim.api.get_commands({}) if name.startswith("Vivek")]
    assert "VivekAsk" in commands
    assert {f":{name}" for name in commands} - TAGS == set()


def test_the_models_are_those_that_are_looked_for_in_their_order() -> None:
    places = [HELP.find(name) for name in PREFERRED]
    assert min(places) > 0
    assert places == sorted(places)


def test_every_plug_map_is_documented(nvim: Editor) -> None:
    maps = {keymap["lhs"] for mode in "nx" for keymap in nvim.api.get_keymap(mode)}
    plugs = {lhs for lhs in maps if lhs.startswith("<Plug>(Vivek")}
    assert "<Plug>(VivekAsk)" in plugs
    assert plugs - TAGS == set()


def test_no_line_of_the_help_is_wider_than_a_narrow_terminal() -> None:
    assert [line for line in HELP.splitlines() if len(line) > 79] == []
