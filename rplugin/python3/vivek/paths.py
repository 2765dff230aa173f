"""Where Vivek keeps what outlives a run: weights, token tables, the embedded server's lock file, the log.

Everything follows the platform's conventions (XDG on Linux), so Neovim and the command line share it. Nothing here
creates a project's own files: those live in ``.vivek/`` at the project's root.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs

_APP = "vivek"


def models_dir() -> Path:
    """Folder of downloaded GGUF weights, e.g. ``~/.cache/vivek/models``; created where missing."""
    return _made(Path(platformdirs.user_cache_dir(_APP)) / "models")


def tokenizers_dir() -> Path:
    """Folder of token tables cached by model digest; created where missing."""
    return _made(Path(platformdirs.user_cache_dir(_APP)) / "tokenizers")


def runtime_dir() -> Path:
    """Folder of the embedded server's lock files and log, readable by the user alone; created where missing."""
    folder = _made(Path(platformdirs.user_state_dir(_APP)) / "run")
    folder.chmod(0o700)
    return folder


def state_dir() -> Path:
    """Folder for sessions of files that belong to no project, and for logs; created where missing."""
    return _made(Path(platformdirs.user_state_dir(_APP)))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
