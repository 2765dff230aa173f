"""Shows Vivek at work on a copy of the sample project in ``try/``: in Neovim, or else as a diff.

The user's own Neovim configuration, data and state are left alone: this one has folders of its own in
``.try/``. The cache is the user's, for the models are there. It installs nothing; `make try` has done that.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAYGROUND = ROOT / ".try"
FILE = Path("bookshop/invoice.py")
FUNCTION = "invoice"
INSTRUCTION = "Add type hints to the signature, and raise KeyError for an unknown title."


def fresh_copy() -> Path:
    """A new copy of the sample project, in place of what the last try left of it; gives its folder."""
    project = PLAYGROUND / "bookshop"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(ROOT / "try" / "bookshop", project)
    # A repository of its own: the copy lies in a folder that this repository ignores, and what is ignored is not
    # sent to a model.
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    return project


def lines_of(function: str, path: Path) -> tuple[int, int]:
    """First and last line of a top-level function, 1-based."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function and node.end_lineno:
            return node.lineno, node.end_lineno
    raise ValueError(f"{path} has no function {function}.")


def editor_environment(model: str) -> dict[str, str]:
    """The environment of the editor: folders of its own, and what `try/init.lua` is to ask."""
    own = {f"XDG_{kind}_HOME": str(PLAYGROUND / kind.lower()) for kind in ("CONFIG", "DATA", "STATE")}
    return {**os.environ, **own, "VIVEK_TRY_MODEL": model, "VIVEK_TRY_INSTRUCTION": INSTRUCTION}


def editor_command(nvim: str, line: int) -> list[str]:
    """The command that opens the sample's function in a Neovim with Vivek and nothing else."""
    return [nvim, "-u", str(ROOT / "try" / "init.lua"), "-i", "NONE", "-n", f"+{line}", str(FILE)]


def in_neovim(nvim: str, model: str, project: Path) -> None:
    """Become a Neovim that shows the sample's function and says what to press."""
    first, _ = lines_of(FUNCTION, project / FILE)
    os.chdir(project)
    os.execve(nvim, editor_command(nvim, first), editor_environment(model))


def without_terminal(model: str, project: Path) -> int:
    """Ask the same on the command line; prints the hunks, the stats and the time. Gives the exit status."""
    first, last = lines_of(FUNCTION, project / FILE)
    where = f"{FILE}:{first}-{last}"
    print(f'No terminal, so no editor: vivek ask {where} "{INSTRUCTION}" --diff', flush=True)
    started = time.monotonic()
    vivek = str(Path(sys.executable).with_name("vivek"))
    chosen = ["--backend", "embedded", "--model", model]
    done = subprocess.run([vivek, "ask", where, INSTRUCTION, "--diff", *chosen], cwd=project, check=False)
    print(f"{time.monotonic() - started:.1f} s in all, loading the model included.")
    return done.returncode


def main() -> int:
    """Open the editor where there is a terminal, else print a diff."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvim", required=True, help="path of Neovim >= 0.10")
    parser.add_argument("--model", required=True, help="name of an installed model, or path of a GGUF file")
    given = parser.parse_args()
    project = fresh_copy()
    if sys.stdin.isatty() and sys.stdout.isatty():
        in_neovim(given.nvim, given.model, project)
    return without_terminal(given.model, project)


if __name__ == "__main__":
    sys.exit(main())
