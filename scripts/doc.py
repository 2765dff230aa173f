"""Writes the options into ``doc/vivek.txt`` from the schema in ``lua/vivek/config.lua``, and checks the tags.

Everything outside the two markers is written by hand. With ``--check`` nothing is written: it fails where the
section is not what the schema says.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HELP = ROOT / "doc" / "vivek.txt"
BEGIN = "The options, as `require('vivek.config')` has them:\n"
END = "\n" + "=" * 78 + "\n"


def neovim(nvim: str, code: str) -> str:
    """What a bare Neovim prints when it runs a line of Lua; SystemExit with its complaint on failure."""
    command = [nvim, "--clean", "--headless", "--cmd", f"set runtimepath^={ROOT}", "+lua " + code, "+qall!"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    if done.returncode or done.stderr:
        sys.exit(done.stderr)
    return done.stdout


def options(nvim: str) -> str:
    """The options as text of a help file."""
    return neovim(nvim, "io.stdout:write(table.concat(require('vivek.config.help').lines(), '\\n'), '\\n')")


def with_options(text: str, section: str) -> str:
    """The help file's text with the section between the markers replaced."""
    start = text.index(BEGIN) + len(BEGIN)
    return text[:start] + "\n" + section + text[text.index(END, start) :]


def check_tags(nvim: str, text: str) -> None:
    """Fail where a tag is there twice, or a |link| leads to none of Vivek's tags or Neovim's."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / HELP.name).write_text(text, encoding="utf-8")
        neovim(nvim, f"vim.cmd.helptags([[{folder}]])")
    runtime = Path(neovim(nvim, "io.stdout:write(vim.env.VIMRUNTIME)"))
    known = {line.split("\t")[0] for line in (runtime / "doc" / "tags").read_text("utf-8").splitlines()}
    own = re.findall(r"\*(\S+)\*(?=\s)", text)
    broken = sorted(set(re.findall(r"\|([^\s|]+)\|", text)) - known - set(own))
    if broken:
        sys.exit(f"doc/vivek.txt links to tags that do not exist: {', '.join(broken)}")


def main() -> int:
    """Exit status 1 where --check finds the file out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvim", required=True, help="path of Neovim >= 0.10")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    given = parser.parse_args()
    text = HELP.read_text(encoding="utf-8")
    fresh = with_options(text, options(given.nvim))
    check_tags(given.nvim, fresh)
    if given.check and fresh != text:
        print("doc/vivek.txt is out of date: run `make doc`.", file=sys.stderr)
        return 1
    if not given.check:
        HELP.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
