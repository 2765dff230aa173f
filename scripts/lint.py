"""Runs every linter, all of them even where one fails, and ends with what is wrong or missing.

It installs StyLua into ``.tools/`` with npm; ruff, mypy and import-linter come with the development
environment; luacheck belongs to the system's package manager, so where it is missing it is only named.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
STYLUA = "@johnnymorganz/stylua-bin@2"
LUA = ("lua", "plugin", "try", "tests")


@dataclass(frozen=True)
class Linter:
    """name: shown to the reader. command: what runs. remedy: how to get the program where it is missing."""

    name: str
    command: tuple[str, ...]
    remedy: str = "run `make lint`, which installs it into .venv"


def linters(stylua: str) -> list[Linter]:
    """What `make lint` checks, in the order in which it runs."""
    return [
        Linter("ruff check", ("ruff", "check", ".")),
        Linter("ruff format", ("ruff", "format", "--check", ".")),
        Linter("mypy", ("mypy",)),
        Linter("mypy of the scripts", ("mypy", "scripts")),
        Linter("import-linter", ("lint-imports",)),
        Linter("StyLua", (stylua, "--check", *lua_folders()), "it comes with npm; Debian: apt install npm"),
        Linter("luacheck", ("luacheck", "-q", *lua_folders()), "Debian: apt install lua-check"),
    ]


def fixers(stylua: str) -> list[Linter]:
    """What `make format` runs."""
    return [
        Linter("ruff check", ("ruff", "check", "--fix", ".")),
        Linter("ruff format", ("ruff", "format", ".")),
        Linter("StyLua", (stylua, *lua_folders()), "it comes with npm; Debian: apt install npm"),
    ]


def lua_folders() -> list[str]:
    """The folders that hold Lua files, relative to the project."""
    return [name for name in LUA if any((ROOT / name).rglob("*.lua"))]


def install_stylua() -> str:
    """Path of StyLua: the system's, else our own copy in .tools, which npm fetches once."""
    found = shutil.which("stylua")
    if found:
        return found
    binary = TOOLS / "node_modules" / ".bin" / "stylua"
    npm = shutil.which("npm")
    if not binary.exists() and npm:
        TOOLS.mkdir(exist_ok=True)
        quietly = ("--loglevel=error", "--no-save", "--no-audit", "--no-fund")
        subprocess.run([npm, "install", *quietly, "--prefix", str(TOOLS), STYLUA], check=False, cwd=TOOLS)
    return str(binary)


def run(linter: Linter) -> str | None:
    """Run one linter; None where it is content, else what is wrong, in a line."""
    if not shutil.which(linter.command[0]):
        return f"{linter.name} is missing: {linter.remedy}."
    print(f"== {linter.name}", flush=True)
    done = subprocess.run(linter.command, check=False, cwd=ROOT)
    return f"{linter.name} found something (above)." if done.returncode else None


def main() -> int:
    """Exit status 0 where every linter ran and is content."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fix", action="store_true", help="rewrite the sources instead of checking them")
    chosen = fixers if parser.parse_args().fix else linters
    complaints = [complaint for linter in chosen(install_stylua()) if (complaint := run(linter))]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
