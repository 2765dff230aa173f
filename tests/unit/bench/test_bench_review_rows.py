"""Labelled functions: what a file of them may say, and what is told of one that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vivek.bench.jsonl import chosen
from vivek.bench.reviews.rows import bundled, load
from vivek.errors import RequestError


def written(folder: Path, *rows: dict[str, Any] | str) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("label", "bug"),
    [
        *((label, True) for label in ("bug", "buggy", "BUG", 1, True)),
        *((label, False) for label in ("ok", "correct", "OK", 0, False)),
    ],
)
def test_a_label_may_be_a_word_a_number_or_a_truth(tmp_path: Path, label: object, bug: bool) -> None:
    [row] = load(written(tmp_path, {"before": "x = 1\n", "label": label, "entry": "f"})).rows
    assert row.bug is bug


def test_what_a_row_does_not_say_is_python_about_all_of_the_file(tmp_path: Path) -> None:
    first, second = load(
        written(
            tmp_path,
            {"before": "x", "label": 0, "more": "is passed over"},
            {"before": "y", "label": 1, "filetype": "lua", "id": 7, "entry": "f"},
        )
    ).rows
    assert (first.language, first.entry, first.id) == ("python", "", "line 1")
    assert (second.language, second.entry, second.id) == ("lua", "f", "7")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("{", "Line 1"),
        ({"label": 1}, "before"),
        ({"before": "x"}, "label"),
        ({"before": "x", "label": "?"}, "label"),
    ],
)
def test_a_line_that_is_no_row_is_told_with_its_number(
    tmp_path: Path, row: dict[str, Any] | str, told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        load(written(tmp_path, row))


def test_two_rows_of_one_id_are_refused(tmp_path: Path) -> None:
    row = {"before": "x", "label": 1, "id": "same"}
    with pytest.raises(RequestError, match="the id 'same' twice"):
        load(written(tmp_path, row, row))


def test_twins_are_one_cluster_and_the_choice_goes_by_id() -> None:
    rows = [row for file in bundled() for row in file.rows]
    twins = chosen(rows, "python-roman-*", None)
    assert [row.bug for row in twins] == [False, True]
    assert len({row.cluster for row in twins}) == 1
    assert len(chosen(rows, None, 5)) == 5
    with pytest.raises(RequestError):
        chosen(rows, "nothing*", None)
