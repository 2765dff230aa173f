"""Real models, as a user has them: the embedded one, a real Ollama, and any model that `make real MODEL=` names.

What a small model writes is its own affair; what these hold it to is that the way there and back works.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support import need
from vivek.llm import weights

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900)]

SMALL = "qwen2.5-coder:0.5b"
CODE = (
    "import os\n\n\ndef total(numbers):\n    t = 0\n    for n in numbers:\n        t = t + n\n    return t\n"
)


def vivek(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vivek.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=800, check=False)


def ask(folder: Path, where: str, instruction: str, *options: str) -> dict[str, Any]:
    done = vivek(folder, "ask", where, instruction, "--json", *options)
    assert done.stdout, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def options() -> list[str]:
    """The model under test: the one that VIVEK_REAL_MODEL names, else the embedded 0.5B."""
    named = os.environ.get("VIVEK_REAL_MODEL")
    if named:
        return ["--model", named, *(["--backend", "embedded"] if weights.is_path(named) else [])]
    need(weights.find(SMALL), f"{SMALL} is not installed: vivek install model {SMALL}")
    return ["--model", SMALL, "--backend", "embedded"]


def test_a_selection_is_rewritten_within_its_bounds(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.py").write_text(CODE)
    report = ask(tmp_path, "a.py:4-8", "Add a docstring that says what the function does.", *options)
    assert report["error"] is None
    assert report["route"] == "rewrite"
    ast.parse(report["text"])
    assert report["text"].startswith("import os\n")
    assert report["edits"]
    call = report["calls"][0]
    assert call["prompt_tokens"] > 50
    assert call["generated_tokens"] > 5
    assert 0 < call["first_token_ms"] <= call["total_ms"]


def test_an_explanation_is_words(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.py").write_text(CODE)
    report = ask(tmp_path, "a.py:4-8", "Explain this function in one sentence.", *options)
    assert report["answer"]
    assert report["edits"] == []
    assert report["text"] == CODE


def test_the_second_ask_on_the_same_lines_reads_from_the_prefix_cache(
    tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "a.py").write_text(CODE)
    ask(tmp_path, "a.py:4-8", "Explain this function in one sentence.", *options)
    cached = ask(tmp_path, "a.py:4-8", "Explain the loop in one sentence.", *options)["calls"][0][
        "cached_tokens"
    ]
    assert cached is None or cached > 20


def test_write_changes_the_file(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.py").write_text(CODE)
    done = vivek(tmp_path, "ask", "a.py:4-8", "Rename the parameter numbers to values.", "--write", *options)
    assert done.returncode in (0, 1)
    changed = (tmp_path / "a.py").read_text()
    assert (changed != CODE) == (done.returncode == 0)
    assert changed.startswith("import os\n")
