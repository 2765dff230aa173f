"""The host's handlers for reviews, without Neovim."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from review_helpers import said
from vivek.plugin import VivekPlugin

TEXT = "def area(r):\n    return 3 * r * rr\n\n\ndef other(x):\n    return x\n"


class Nvim:
    """Takes what the bridge sends."""

    def __init__(self) -> None:
        self.batches: queue.Queue[list[dict[str, Any]]] = queue.Queue()

    def async_call(self, work: Callable[..., None], *values: Any) -> None:
        work(*values)

    def exec_lua(self, _code: str, batch: list[dict[str, Any]], *, async_: bool) -> None:
        assert async_, "nothing waits for Neovim"
        self.batches.put(batch)


class Host:
    """The handlers, with a scripted model, and the events that reach Neovim."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "script.json"
        self.nvim = Nvim()
        self.plugin = VivekPlugin(self.nvim)
        self.events: list[dict[str, Any]] = []

    def replies(self, *replies: dict[str, Any]) -> None:
        self.script.write_text(json.dumps({"replies": replies}), encoding="utf-8")

    def review(self, run: str, text: str = TEXT, **payload: Any) -> None:
        config = {"backend": "scripted", "url": str(self.script)}
        place = {"path": str(self.folder / "a.py"), "lines": text.split("\n")[:-1], "eol": True}
        told = {"run": run, "filetype": "python", "config": config, "selection": False, **place, **payload}
        self.plugin.review(told)

    def wait_for(self, **wanted: Any) -> dict[str, Any]:
        """The first event with these values, of those that have come and those that will."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                if wanted.items() <= event.items():
                    return event
            seen = len(self.events)
            self.events += self.nvim.batches.get(timeout=60)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.plugin.shutdown({})


def test_findings_come_one_by_one_and_the_review_ends_with_all_of_them(host: Host) -> None:
    host.replies({"text": said()}, {"text": said(("return x", "It is odd."))})
    host.review("r1")
    result = host.wait_for(kind="reviewed", run="r1")["result"]
    told = [
        (event["finding"]["line"], event["folded"]) for event in host.events if event["kind"] == "finding"
    ]
    assert told == [(2, False), (6, True)]
    assert [one["line"] for one in result["findings"]] == [2]
    assert result["findings"][0]["key"]
    assert result["markdown"].startswith("# Review of a.py\n")
    assert result["complete"]
    phases = [event["phase"] for event in host.events if event["kind"] == "progress"]
    assert phases[0] == "checking"
    assert {"loading", "reading", "reviewing"} <= set(phases)
    assert host.events[-1]["kind"] == "reviewed"


def test_the_editor_may_ask_for_the_static_tools_alone(host: Host) -> None:
    host.review("r1", model=False)
    result = host.wait_for(kind="reviewed", run="r1")["result"]
    assert [one["source"] for one in result["findings"]] == ["ruff F821"]


def test_a_stopped_review_ends_with_what_was_found(host: Host) -> None:
    host.replies({"text": said()}, {"text": "{", "hang": True})
    host.review("r1", TEXT.replace("rr", "r"))
    host.wait_for(kind="progress", run="r1", block=2, phase="reading")
    host.plugin.stop({"run": "r1"})
    result = host.wait_for(kind="reviewed", run="r1")["result"]
    assert not result["complete"]
    assert result["skipped"][0]["reason"] == "The review was stopped before it."


def test_what_cannot_be_reviewed_ends_with_an_error(host: Host) -> None:
    host.review("r1", "\x7fELF\0\0\n")
    assert host.wait_for(kind="error", run="r1")["error"]["kind"] == "RequestError"
    host.review("r2", changed=True)
    assert "no git repository" in host.wait_for(kind="error", run="r2")["error"]["message"]


def test_the_report_of_a_review_is_written_by_its_extension(host: Host) -> None:
    host.review("r1", model=False)
    host.wait_for(kind="reviewed", run="r1")
    for name in ("r.md", "r.json", "r.sarif"):
        path = host.folder / name
        host.plugin.export({"run": "r1", "path": str(path)})
        assert host.wait_for(kind="exported", run="r1", path=str(path))
        assert "rr" in path.read_text()
    host.plugin.export({"run": "r1", "path": str(host.folder / "r.html")})
    assert "cannot be written as .html" in host.wait_for(kind="error", run="r1")["error"]["message"]
    host.plugin.export({"run": "r9", "path": str(host.folder / "r.md")})
    assert "no such review" in host.wait_for(kind="error", run="r9")["error"]["message"]


def test_a_finding_is_dismissed_for_good(host: Host) -> None:
    (host.folder / "pyproject.toml").write_text("")
    host.review("r1", model=False)
    [finding] = host.wait_for(kind="reviewed", run="r1")["result"]["findings"]
    path = str(host.folder / "a.py")
    host.plugin.dismiss({"run": "r1", "path": path, "key": finding["key"], "finding": finding})
    told = host.wait_for(kind="dismissed", key=finding["key"])
    assert "ruff F821: Undefined name `rr`." in Path(told["path"]).read_text()
    host.review("r2", model=False)
    result = host.wait_for(kind="reviewed", run="r2")["result"]
    assert (result["findings"], result["dismissed"]) == ([], 1)


def test_outside_of_a_project_dismissing_says_why_it_cannot(host: Host) -> None:
    host.plugin.dismiss({"run": "r1", "path": str(host.folder / "a.py"), "key": "0" * 16, "finding": {}})
    assert "in no project" in host.wait_for(kind="error", run="r1")["error"]["message"]
