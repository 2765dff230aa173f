"""What a project does not want to hear of again."""

from __future__ import annotations

from pathlib import Path

import pytest

from review_helpers import said
from vivek.errors import RequestError
from vivek.review.dismissed import dismiss, dismissed_keys

KEYS = [f"{number:016x}" for number in (3, 1, 2)]


def test_what_is_dismissed_stands_in_a_text_file_in_order(tmp_path: Path) -> None:
    for key in KEYS:
        file = dismiss(tmp_path, tmp_path / "src" / "a.py", key, "ruff F821: Undefined\nname.")
    lines = file.read_text().split("\n")
    assert file == tmp_path / ".vivek" / "dismissed"
    assert [line for line in lines if not line.startswith("#")] == [
        f"{key} src/a.py ruff F821: Undefined name." for key in sorted(KEYS)
    ] + [""]
    assert dismissed_keys(tmp_path) == set(KEYS)


def test_a_finding_is_dismissed_once_and_other_lines_stay(tmp_path: Path) -> None:
    file = dismiss(tmp_path, tmp_path / "a.py", KEYS[0], "x")
    file.write_text(f"# ours\n\nnot a key\n{KEYS[2]} b.py\n")
    for _ in range(2):
        dismiss(tmp_path, tmp_path / "a.py", KEYS[0], "x")
    assert file.read_text() == f"# ours\n\nnot a key\n{KEYS[2]} b.py\n{KEYS[0]} a.py x\n"


def test_outside_of_a_project_there_is_no_place_for_it(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="in no project"):
        dismiss(None, tmp_path / "a.py", KEYS[0], "x")


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the key of no finding"):
        dismiss(tmp_path, tmp_path / "a.py", "../../x", "x")


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / ".vivek").mkdir()
    (tmp_path / ".vivek" / "dismissed").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match="is a link"):
        dismiss(tmp_path, tmp_path / "a.py", KEYS[0], "x")
    assert not (tmp_path / "elsewhere").exists()


def test_a_dismissed_finding_is_not_told_until_its_line_changes(reviewer) -> None:
    (reviewer.folder / "pyproject.toml").write_text("")
    text = "def f():\n    return missing\n"
    [finding] = reviewer.review(text, ask_model=False).findings
    dismiss(reviewer.folder, reviewer.folder / "a.py", finding.key, finding.message)
    reviewer.events.clear()
    moved = "# a comment\n\n\ndef f():\n        return   missing\n"
    review = reviewer.review(moved, ask_model=False)
    assert (review.findings, review.dismissed) == ((), 1)
    assert "finding" not in reviewer.kinds()
    changed = reviewer.review(text.replace("missing", "missing + 1"), ask_model=False)
    assert (len(changed.findings), changed.dismissed) == (1, 0)


def test_a_finding_of_the_model_is_dismissed_however_it_is_worded(reviewer) -> None:
    (reviewer.folder / "pyproject.toml").write_text("")
    text = "def f(x):\n    return x\n"
    reviewer.model.enqueue(said(("return x", "It is wrong.")))
    [finding] = reviewer.review(text).folded
    dismiss(reviewer.folder, reviewer.folder / "a.py", finding.key, "")
    reviewer.model.enqueue(said(("  return x ", "This returns something else.")))
    review = reviewer.review(text)
    assert (review.folded, review.dismissed) == ((), 1)
