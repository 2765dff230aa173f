"""The bubblewrap command line that holds a command: what of the system it sees, and what it may write.

The whole system is there to be read, but for what a program could reach others through: there is no network, no
socket under ``/run``, and ``/tmp`` is the command's own. It starts nothing but the one probe.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PROBE_SECONDS = 5.0

_HELD = (
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",  # root would keep them, and could make the system writable again
)
_SYSTEM = ("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc")

# A socket can be connected to through a read-only mount; Docker's would be a way out.
_NO_SOCKETS = ("--tmpfs", "/run", "--ro-bind-try", "/run/current-system", "/run/current-system")

_TMP = Path("/tmp")


@dataclass(frozen=True)
class Isolation:
    """Whether this machine lets a command be held in namespaces. why_not: "" where it does."""

    program: str
    why_not: str

    @property
    def available(self) -> bool:
        """Whether bubblewrap works here."""
        return not self.why_not


@cache
def isolation() -> Isolation:
    """Tried once: bubblewrap may be missing, and a kernel or a container may refuse namespaces."""
    program = shutil.which("bwrap")
    if program is None:
        return Isolation("", "bubblewrap (bwrap) is not installed")
    with tempfile.TemporaryDirectory(prefix="vivek-probe-") as folder:
        place = Path(folder)
        tried = (program, *arguments(place, place, tmp=place), "--", "/bin/sh", "-c", "exit 0")
        try:
            done = subprocess.run(
                tried,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Isolation(program, f"bubblewrap does not start: {error}")
    told = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return Isolation(program, "")
    return Isolation(program, told[0] if told else f"bubblewrap ends with {done.returncode}")


def arguments(workspace: Path, place: Path, *, tmp: Path, readable: Sequence[Path] = ()) -> list[str]:
    """bubblewrap's options for a command that writes in `workspace`, seen at `place`, and in `tmp`, seen as /tmp.

    readable: folders to be seen at their own paths though the workspace or the private /tmp lies over them.
    """
    options = [*_HELD, *_SYSTEM, *_NO_SOCKETS, "--bind", str(tmp), str(_TMP)]
    options += ["--bind", str(workspace), str(place)]
    for folder in readable:
        options += ["--ro-bind-try", str(folder), str(folder)]
    return [*options, "--chdir", str(place)]


def hidden(path: Path) -> bool:
    """Whether a path lies under the real /tmp, which the command does not see."""
    return Path(os.path.abspath(path)).is_relative_to(_TMP)  # noqa: PTH100 (links stay as they are written)
