"""What ``:checkhealth`` shows of the Python side: the model that would answer, folders, how what runs is isolated."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.context.project import find_root, state_dir_for
from vivek.errors import VivekError
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import Profiles
from vivek.llm.select import describe
from vivek.log import log_path
from vivek.paths import models_dir, runtime_dir
from vivek.verify.verifier import isolation_notice

_SECONDS = 8.0
"""How long the report waits for the server; the editor waits 15 seconds for the report."""

Item = dict[str, Any]


def health(loop: ModelLoop, settings: Settings, cwd: Path) -> list[Item]:
    """The report, an item each: name, ok (True, False, "warn"), text, hint."""
    folders = [
        ("models", models_dir()),
        ("embedded server", runtime_dir()),
        ("log", log_path().parent),
        ("conversations", state_dir_for(find_root(cwd))),
    ]
    return [_model(loop, settings), *(_folder(name, folder) for name, folder in folders), _isolation()]


def _model(loop: ModelLoop, settings: Settings) -> Item:
    try:
        Profiles(settings.profiles)
        text = loop.run(_described(settings), CancelToken())
    except asyncio.TimeoutError:
        text = f"the server has not told which model would answer within {_SECONDS:.0f} seconds"
        return {"name": "model", "ok": False, "text": text, "hint": "See whether it still works."}
    except VivekError as error:
        return {"name": "model", "ok": False, "text": error.message, "hint": error.hint}
    return {"name": "model", "ok": True, "text": text, "hint": ""}


async def _described(settings: Settings) -> str:
    told = describe(settings.backend, settings.model, settings.url, settings.window)
    return await asyncio.wait_for(told, _SECONDS)


def _isolation() -> Item:
    notice = isolation_notice()
    if notice:
        return {
            "name": "sandbox",
            "ok": "warn",
            "text": notice,
            "hint": "They run only where you switch them on.",
        }
    return {
        "name": "sandbox",
        "ok": True,
        "text": "examples and tests are isolated by bubblewrap",
        "hint": "",
    }


def _folder(name: str, folder: Path) -> Item:
    if os.access(folder, os.W_OK):
        return {"name": f"{name} folder", "ok": True, "text": f"{folder} can be written", "hint": ""}
    return {
        "name": f"{name} folder",
        "ok": False,
        "text": f"{folder} cannot be written",
        "hint": f"Run: chmod u+w {folder}",
    }
