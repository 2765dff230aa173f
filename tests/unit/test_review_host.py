"""The host's handlers for reviews, without Neovim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hosted import Host
from review_helpers import said

TEXT = "def area(r):\n    return 3 * r * rr\n\n\ndef other(x):\n    return x\n"


class Reviewer(Host):
    """A host that reviews a file of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "script.json")
        self.folder = folder

    def review(self, run: str, text: str = TEXT, **payload: Any) -> None:
        place = {"path": str(self.folder / "a.py"), "lines": text.split("\n")[:-1], "eol": True}
        told = {
            "run": run,
            "filetype": "python",
            "config": self.config,
            "selection": False,
            **place,
            **payload,
        }
        self.plugin.review(told)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Reviewer]:
    made = Reviewer(tmp_path)
    yield made
    made.plugin.shutdown({})


def test_findings_come_one_by_one_and_the_review_ends_with_all_of_them(host: Reviewer) -> None:
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
    assert {"loading", "reviewing"} <= set(phases)
    assert host.events[-1]["kind"] == "reviewed"


def test_the_editor_may_ask_for_the_static_tools_alone(host: Reviewer) -> None:
    host.review("r1", model=False)
    result = host.wait_for(kind="reviewed", run="r1")["result"]
    assert [one["source"] for one in result["findings"]] == ["ruff F821"]


def test_a_stopped_review_ends_with_what_was_found(host: Reviewer) -> None:
    host.replies({"text": said()}, {"text": "{", "hang": True})
    host.review("r1", TEXT.replace("rr", "r"))
    host.wait_for(kind="progress", run="r1", block=2, phase="reviewing")
    host.plugin.stop({"run": "r1"})
    result = host.wait_for(kind="reviewed", run="r1")["result"]
    assert not result["complete"]
    assert result["skipped"][0]["reason"] == "The review was stopped before it."


def test_what_cannot_be_reviewed_ends_with_an_error(host: Reviewer) -> None:
    host.review("r1", "\x7fELF\0\0\n")
    assert host.wait_for(kind="error", run="r1")["error"]["kind"] == "RequestError"
    host.review("r2", changed=True)
    assert "no git repository" in host.wait_for(kind="error", run="r2")["error"]["message"]


def test_the_report_of_a_review_is_written_by_its_extension(host: Reviewer) -> None:
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


def test_a_finding_is_dismissed_for_good(host: Reviewer) -> None:
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


def test_outside_of_a_project_dismissing_says_why_it_cannot(host: Reviewer) -> None:
    host.plugin.dismiss({"run": "r1", "path": str(host.folder / "a.py"), "key": "0" * 16, "finding": {}})
    assert "in no project" in host.wait_for(kind="error", run="r1")["error"]["message"]
