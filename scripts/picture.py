"""Makes ``doc/images/ask.svg``: what a real terminal shows when a real model has answered in the sample.

tmux is the terminal, Neovim runs in it as in `make try`, and the screen is drawn with rich, cell by cell as
tmux has it. Nothing is composed or touched up.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

import playground
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS, ROWS = 124, 34
PICTURE = playground.ROOT / "doc" / "images" / "ask.svg"
FONTS = "ui-monospace, Menlo, 'DejaVu Sans Mono', Consolas"
# Neovim's own background and foreground; it draws all else in colours that no theme changes.
THEME = TerminalTheme((20, 22, 27), (224, 226, 234), [(0, 0, 0)] * 8)
READY, DONE, FAILED = "Press Space", "next hunk", "asks again"
SECONDS = 600.0


class Terminal:
    """A tmux server of our own with one window; it ends with the `with` block."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: str) -> None:
        self._tmux = ["tmux", "-L", f"vivek-picture-{os.getpid()}", "-f", os.devnull]
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        given = {**environment, "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        self._run("new-session", "-d", *size, "-c", folder, shlex.join(command), environment=given)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], check=False, capture_output=True)

    def _run(self, *arguments: str, environment: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], check=True, capture_output=True, text=True, env=environment
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Type keys, in tmux's names."""
        self._run("send-keys", *keys)

    def screen(self, *, colours: bool = False) -> str:
        """What is drawn, a line a row; with its colours as ANSI sequences."""
        return self._run("capture-pane", "-p", *(["-e", "-N"] if colours else []))

    def wait_for(self, *texts: str) -> str:
        """The first of some texts to be on the screen; TimeoutError where none comes."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            screen = self.screen()
            for text in texts:
                if text in screen:
                    return text
            time.sleep(0.1)
        raise TimeoutError(f"None of {texts} came within {SECONDS:.0f} s. The screen:\n{self.screen()}")


def photographed(nvim: str, model: str) -> str:
    """The screen, with its colours, once a proposal is shown."""
    project = playground.fresh_copy()
    first, _ = playground.lines_of(playground.FUNCTION, project / playground.FILE)
    command = playground.editor_command(nvim, first)
    with Terminal(command, playground.editor_environment(model), str(project)) as terminal:
        terminal.wait_for(READY)
        terminal.press("Space")
        if terminal.wait_for(DONE, FAILED) == FAILED:
            sys.exit(f"The ask failed. The screen:\n{terminal.screen()}")
        return terminal.screen(colours=True)


def drawn(screen: str) -> str:
    """The screen as SVG, without the web fonts that rich would have a reader's browser fetch."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), color_system="truecolor")
    console.print(Text.from_ansi(screen.rstrip("\n")), no_wrap=True, crop=True)
    svg = console.export_svg(title=f"nvim {playground.FILE}", theme=THEME, unique_id="vivek")
    return re.sub(r"\s*@font-face \{.*?\}\n", "\n", svg, flags=re.DOTALL).replace("Fira Code", FONTS)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nvim", required=True, help="path of Neovim >= 0.10")
    parser.add_argument("--model", required=True, help="name of an installed model, or path of a GGUF file")
    given = parser.parse_args()
    if not shutil.which("tmux"):
        sys.exit("The picture needs tmux (Debian: apt install tmux).")
    svg = drawn(photographed(given.nvim, given.model))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(svg, encoding="utf-8")
    print(f"Wrote {PICTURE.relative_to(playground.ROOT)}.")


if __name__ == "__main__":
    main()
