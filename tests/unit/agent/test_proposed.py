"""Tests as a change to the project's own file of tests: through the graph, from the request to the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.edits.diff import apply
from vivek.request import AskRequest
from vivek.session import Session

CODE = "def area(r):\n    return 3 * r * r\n"
REPLY = "```python\nimport pytest\n\ndef test_area():\n    assert area(2) == 12\n```\n"
HELD = "from shapes import side\n\n\ndef test_side():\n    assert side(1) == 2\n"
UNITTEST = "import unittest\n\nfrom shapes import side\n\n\nclass TestSide(unittest.TestCase):\n    def test_side(self):\n        self.assertEqual(side(1), 2)\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    write(folder, {"pyproject.toml": "", "shapes.py": CODE})
    return folder


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def asked(root: Path, *replies: str, **fields: Any) -> tuple[Any, list[dict[str, Any]]]:
    """The result of an ask for tests, and the events."""
    script = root.parent / f"script-{len(list(root.parent.glob('script-*')))}.json"
    script.write_text(json.dumps({"replies": [{"text": reply} for reply in replies]}))
    given: dict[str, Any] = {
        "run": "1",
        "instruction": "Write tests.",
        "text": CODE,
        "filetype": "python",
        "path": root / "shapes.py",
        "stored": False,
        "mode": "sdet",
        "settings": Settings("scripted", None, str(script)),
        **fields,
    }
    events: list[dict[str, Any]] = []
    session = Session()
    try:
        return session.ask(AskRequest(**given), events.append, CancelToken()), events
    finally:
        session.close()


def test_a_new_file(root: Path) -> None:
    result, _ = asked(root, REPLY)
    file = result["test_file"]
    assert file["path"] == str(root / "tests/test_shapes.py")
    assert (file["created"], file["base"]) == (True, "")
    assert (
        file["text"]
        == "import pytest\nfrom shapes import area\n\n\ndef test_area():\n    assert area(2) == 12\n"
    )
    assert apply(file["base"], file["edits"]) == file["text"]
    assert "nothing of this project is trusted to be run" in file["told"]
    assert "def test_area():" in result["answer"]
    assert result["edits"] == []
    assert not (root / "tests").exists()


def test_more_of_a_file_that_is_there(root: Path) -> None:
    write(root, {"tests/test_shapes.py": HELD})
    file = asked(root, REPLY)[0]["test_file"]
    assert file["base"] == HELD
    assert "from shapes import area, side\n" in file["text"]
    assert apply(file["base"], file["edits"]) == file["text"]
    assert (root / "tests/test_shapes.py").read_text() == HELD


def test_in_a_project_of_test_cases_they_are_methods(root: Path) -> None:
    write(root, {"tests/test_shapes.py": UNITTEST})
    result, _ = asked(root, REPLY)
    assert result["test_file"]["text"].endswith(
        "class TestArea(unittest.TestCase):\n    def test_area(self):\n        self.assertEqual(area(2), 12)\n"
    )
    assert "import pytest" not in result["test_file"]["text"]


def test_the_model_sees_how_the_project_writes_tests(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    from vivek.llm.scripted import ScriptedModel

    plain = ScriptedModel.stream

    def stream(self: ScriptedModel, messages: Any, sampling: Any) -> Any:
        seen.append(messages[-1].content)
        return plain(self, messages, sampling)

    monkeypatch.setattr(ScriptedModel, "stream", stream)
    asked(root, REPLY)
    write(root, {"tests/test_shapes.py": UNITTEST})
    asked(root, REPLY)
    bare, shown = seen
    assert "A test of this project" not in bare
    assert "Use pytest and begin with `from shapes import area`." in bare
    assert "A test of this project, for its style:\n```python\nimport unittest\n" in shown
    assert "Use unittest (methods of a class that derives from `unittest.TestCase`) and begin with" in shown
    assert "as the project's own test above is written" in shown


def test_a_buffer_without_a_file_has_no_place_for_tests(root: Path) -> None:
    result, _ = asked(root, REPLY, path=None, cwd=root)
    assert result["test_file"] is None
    assert "def test_area():" in result["answer"]


def test_other_asks_have_no_test_file(root: Path) -> None:
    result, _ = asked(
        root, "```python\ndef area(r):\n    return 4 * r * r\n```\n", mode="coder", instruction="make it 4"
    )
    assert result["test_file"] is None
    assert result["edits"]


def test_go(root: Path) -> None:
    source = "package shapes\n\nfunc Area(r int) int {\n\treturn 3 * r * r\n}\n"
    write(root, {"go.mod": "module x\n", "shapes.go": source})
    reply = '```go\npackage main\n\nimport "testing"\n\nfunc TestArea(t *testing.T) {\n\tif Area(2) != 12 {\n\t\tt.Fatal()\n\t}\n}\n```\n'
    file = asked(root, reply, path=root / "shapes.go", text=source, filetype="go")[0]["test_file"]
    assert file["path"] == str(root / "shapes_test.go")
    assert file["text"].startswith('package shapes\n\nimport "testing"\n')
    assert "only tests of Python can be run" in file["told"]


def test_the_command_line_tells_it_too(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from vivek.cli import main

    script = root.parent / "script.json"
    script.write_text(json.dumps({"replies": [{"text": REPLY}]}))
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "ask",
                str(root / "shapes.py"),
                "Write tests.",
                "--mode",
                "sdet",
                "--json",
                "--backend",
                "scripted",
                "--url",
                str(script),
            ]
        )
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["test_file"]["path"] == str(root / "tests/test_shapes.py")
    assert "def test_area():" in told["test_file"]["text"]
    assert told["text"] == CODE
