"""A run's folder: going on, refusing, and what a kill leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_tasks import result
from vivek.bench.records import begun, read
from vivek.errors import RequestError

SETTINGS: dict[str, Any] = {"model": "tiny", "seed": 1, "files": {"tiny.jsonl": "ab"}}


def kept(folder: Path, *names: str) -> None:
    with begun(folder, SETTINGS) as records:
        for name in names:
            records.add(result(name, "raw", "pass", code="x = '\ud800é\u2028'\n"))


def test_a_run_goes_on_with_what_it_had(tmp_path: Path) -> None:
    kept(tmp_path, "a", "b")
    with begun(tmp_path, SETTINGS) as records:
        assert records.done() == {("tiny.jsonl", name, "raw", 0) for name in "ab"}
        assert records.results[0] == result("a", "raw", "pass", code="x = '\ud800é\u2028'\n")
    assert len(read(tmp_path).results) == 2


@given(st.integers(min_value=1))
def test_the_line_that_a_kill_tore_is_dropped_and_the_rest_stays(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept(folder, "a", "b")
        lines = folder / "results.jsonl"
        whole = lines.read_bytes()
        last = len(whole) - len(whole.splitlines(keepends=True)[-1])
        lines.write_bytes(whole[: last + cut % (len(whole) - last)])
        kept(folder, "c")
        assert [each["task"] for each in read(folder).results] == ["a", "c"]


def test_other_settings_are_refused_and_named(tmp_path: Path) -> None:
    kept(tmp_path, "a")
    with (
        pytest.raises(RequestError, match=r"seed was 1 and is now 2") as caught,
        begun(tmp_path, {**SETTINGS, "seed": 2}),
    ):
        pytest.fail("it was begun")
    assert "--out" in caught.value.hint
    assert len(read(tmp_path).results) == 1


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        begun(tmp_path, SETTINGS),
        pytest.raises(RequestError, match="at work"),
        begun(tmp_path, SETTINGS),
    ):
        pytest.fail("it was begun twice")
    kept(tmp_path, "a")


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    kept(tmp_path, "a", "b")
    lines = tmp_path / "results.jsonl"
    lines.write_text("{oops\n" + lines.read_text())
    with pytest.raises(RequestError, match="Line 1 of"):
        read(tmp_path)


def test_a_folder_that_holds_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no run"):
        read(tmp_path)
