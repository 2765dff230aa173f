"""A real Neovim child process, driven from a test.

It bridges pytest and Neovim: everything a test does to the editor goes through `Editor`. It knows nothing of the
Python host, which the child starts by itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pynvim

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, ROWS = 100, 30
XDG = ("CONFIG", "DATA", "STATE", "CACHE")


def neovim_binary() -> str:
    """Neovim's path: $VIVEK_NVIM, the nvim beside this Python, or the one on the PATH."""
    beside = Path(sys.executable).with_name("nvim")
    found = os.environ.get("VIVEK_NVIM") or (str(beside) if beside.exists() else shutil.which("nvim"))
    if not found:
        raise FileNotFoundError("Neovim >= 0.10 was not found. Set VIVEK_NVIM to its path.")
    return found


def isolated_environment(home: Path) -> dict[str, str]:
    """An environment whose every folder of the user lies below `home`; made where missing."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("VIMRUNTIME", "VIM", "MYVIMRC", "OLLAMA_HOST")
    }
    for kind in XDG:
        folder = home / kind.lower()
        folder.mkdir(parents=True, exist_ok=True)
        environment[f"XDG_{kind}_HOME"] = str(folder)
    return environment | {"HOME": str(home), "NVIM_LOG_FILE": str(home / "nvim.log"), "LANG": "C.UTF-8"}


def neovim_arguments(*extra: str) -> list[str]:
    """The command that starts a Neovim with Vivek on its runtimepath and nothing of the user's."""
    # The stock Python provider has no part in Vivek, and ftplugins look for it for seconds.
    commands = ["--cmd", "let g:loaded_python3_provider = 0", "--cmd", f"set rtp^={ROOT}"]
    return [neovim_binary(), "--clean", "-n", "-i", "NONE", *commands, *extra]


class Editor:
    """The child. Buffers are numbers, 0 is the current one; lines are lists of str."""

    def __init__(self, home: Path, *extra: str) -> None:
        self.home = home
        # Sockets have short paths; a test's own folder may be too deep.
        self._runtime = Path(tempfile.mkdtemp(prefix="vivek-"))
        socket = self._runtime / "nvim"
        self.process = subprocess.Popen(
            neovim_arguments("--headless", "--listen", str(socket), *extra),
            env=isolated_environment(home) | {"XDG_RUNTIME_DIR": str(self._runtime)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home,
        )
        self.nvim = self._attach(socket)
        self.command(f"set columns={COLUMNS} lines={ROWS} nomore")

    def _attach(self, socket: Path) -> pynvim.Nvim:
        deadline = time.monotonic() + 10
        while True:
            try:
                return pynvim.attach("socket", path=str(socket))
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.005)

    @property
    def api(self) -> Any:
        """Neovim's API: `editor.api.buf_get_lines(0, 0, -1, True)` is nvim_buf_get_lines."""
        return self.nvim.api

    def close(self) -> None:
        """End the child as a user does, with `:qall!`; it is killed where it does not end within 10 s.

        A second call does nothing.
        """
        if self.process.poll() is not None and not self._runtime.exists():
            return
        watchdog = threading.Timer(10, self.process.kill)
        watchdog.start()
        with contextlib.suppress(OSError, EOFError):
            self.command("qall!")
        self.process.wait()
        watchdog.cancel()
        self.nvim.close()
        shutil.rmtree(self._runtime, ignore_errors=True)

    def lua(self, code: str, *arguments: Any) -> Any:
        """Run a Lua chunk, its arguments in `...`, and give its return value."""
        return self.nvim.exec_lua(code, *arguments)

    def command(self, text: str) -> None:
        """Run an Ex command; an error is raised."""
        self.nvim.command(text)

    def output(self, text: str) -> str:
        """What an Ex command prints."""
        return str(self.nvim.command_output(text))

    def eval(self, expression: str) -> Any:
        """The value of a Vim expression."""
        return self.nvim.eval(expression)

    def feed(self, keys: str) -> None:
        """Type keys (in <CR> notation, mappings apply) and return when all are worked through."""
        self.api.feedkeys(self.api.replace_termcodes(keys, True, True, True), "mtx", False)

    def type(self, keys: str) -> None:
        """Type keys as a user does and return at once: for prompts, which wait for more."""
        self.api.input(keys)

    def edit(self, text: str, *, name: str | None = None, filetype: str = "python") -> int:
        """Open a file below the home (or an unnamed buffer) with this text; gives the buffer's number.

        The file is written byte for byte (surrogate escapes are the bytes they stand for).
        """
        if name is None:
            self.command("enew")
            self.set_lines(text.split("\n")[:-1] if text.endswith("\n") else text.split("\n"))
        else:
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            self.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(path))
        self.lua("vim.bo.filetype = ...", filetype)
        return int(self.api.get_current_buf().number)

    def lines(self, buffer: int = 0) -> list[str]:
        """The buffer's lines."""
        return list(self.api.buf_get_lines(buffer, 0, -1, True))

    def set_lines(self, lines: Sequence[str], buffer: int = 0) -> None:
        """Replace the buffer's lines."""
        self.api.buf_set_lines(buffer, 0, -1, True, list(lines))

    def undo_sequence(self, buffer: int = 0) -> int:
        """The number of the last undo block: unchanged means that the undo history is untouched."""
        return int(self.lua("return vim.fn.undotree(... == 0 and vim.fn.bufnr() or ...).seq_last", buffer))

    def screen(self) -> list[str]:
        """What is drawn: one str a row, without the blanks at its end."""
        code = """
            vim.cmd.redraw()
            local rows = {}
            for row = 1, vim.o.lines do
              local cells = {}
              for column = 1, vim.o.columns do
                cells[column] = vim.fn.screenstring(row, column)
              end
              rows[row] = table.concat(cells)
            end
            return rows
        """
        return [row.rstrip() for row in self.lua(code)]

    def messages(self) -> str:
        """All that `:messages` holds."""
        return self.output("messages")

    def wait_for(self, condition: Callable[[], Any] | str, timeout: float = 10.0) -> Any:
        """Poll until a Python function, or a Lua expression, gives something truthy; its value.

        AssertionError after `timeout` seconds, with the screen and the messages.
        """
        if isinstance(condition, str):
            expression = condition

            def check() -> Any:
                return self.lua(f"return {expression}")
        else:
            expression, check = getattr(condition, "__name__", "condition"), condition
        deadline = time.monotonic() + timeout
        while True:
            value = check()
            if value:
                return value
            if time.monotonic() > deadline:
                drawn = "\n".join(self.screen())
                raise AssertionError(f"not within {timeout} s: {expression}\n{drawn}\n{self.messages()}")
            time.sleep(0.01)
