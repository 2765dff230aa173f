from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.llm.base import Message, Reading
from vivek.llm.pace import Countdown, Speeds, fresh_share


@pytest.fixture
def speeds(tmp_path: Path) -> Speeds:
    return Speeds(tmp_path / "speeds.json")


def test_a_speed_is_known_to_the_next_session(speeds: Speeds, tmp_path: Path) -> None:
    assert speeds.known("embedded", "ab") is None
    speeds.learn("embedded", "ab", 1000, 10.0, exact=True)
    assert Speeds(tmp_path / "speeds.json").known("embedded", "ab") == 100.0
    assert speeds.known("ollama", "ab") is None
    assert speeds.known("embedded", "cd") is None


def test_new_measurements_move_the_average(speeds: Speeds) -> None:
    speeds.learn("embedded", "ab", 1000, 10.0, exact=True)
    speeds.learn("embedded", "ab", 1000, 5.0, exact=True)
    assert speeds.known("embedded", "ab") == pytest.approx(130.0)


def test_a_prompt_that_was_hardly_read_tells_nothing(speeds: Speeds) -> None:
    speeds.learn("embedded", "ab", 10, 0.001, exact=True)
    speeds.learn("embedded", "ab", 1000, 0.0, exact=True)
    assert speeds.known("embedded", "ab") is None


def test_what_came_from_a_cache_that_is_not_told_is_not_taken_for_speed(speeds: Speeds) -> None:
    speeds.learn("ollama", "ab", 1400, 0.35, exact=False)
    speeds.learn("ollama", "ab", 1400, 40.0, exact=False)
    assert speeds.known("ollama", "ab") == 35.0
    speeds.learn("ollama", "ab", 1400, 0.35, exact=False)
    assert speeds.known("ollama", "ab") == 35.0


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'{"ollama:ab": "fast"}', b'{"ollama:ab": -1}', b"\xff"]
)
def test_a_file_that_is_damaged_is_no_speed_and_is_written_anew(
    speeds: Speeds, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "speeds.json").write_bytes(content)
    assert speeds.known("ollama", "ab") is None
    speeds.learn("ollama", "ab", 100, 1.0, exact=True)
    assert speeds.known("ollama", "ab") == 100.0


def test_a_folder_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Speeds(tmp_path / "file" / "speeds.json").learn("ollama", "ab", 100, 1.0, exact=True)


def test_the_file_does_not_grow_for_ever(speeds: Speeds) -> None:
    for number in range(60):
        speeds.learn("ollama", str(number), 100, 1.0, exact=True)
    assert speeds.known("ollama", "0") is None
    assert speeds.known("ollama", "59") == 100.0


def test_without_a_speed_there_is_no_estimate() -> None:
    countdown = Countdown(None)
    assert countdown.heard(Reading(0, 1000), 0.0).seconds_left is None
    assert countdown.tick(1.0) is None


def test_the_estimate_counts_down_and_not_below_zero() -> None:
    countdown = Countdown(100.0)
    assert countdown.tick(0.0) is None
    assert countdown.heard(Reading(0, 1000), 5.0) == Reading(0, 1000, 10.0)
    assert countdown.tick(8.0) == Reading(0, 1000, 7.0)
    assert countdown.tick(50.0) == Reading(0, 1000, 0.0)


def test_what_the_server_has_in_its_cache_is_not_waited_for() -> None:
    assert Countdown(100.0, share=0.1).heard(Reading(0, 1000), 0.0).seconds_left == pytest.approx(1.0)


def test_the_servers_own_progress_is_believed_over_what_was_measured_before() -> None:
    countdown = Countdown(1000.0)
    countdown.heard(Reading(500, 1000), 0.0)
    left = countdown.heard(Reading(600, 1000), 2.0).seconds_left
    assert left == pytest.approx(400 / 50)
    assert countdown.live
    assert countdown.measured(99.0) == (100, 2.0)


def test_without_progress_the_whole_reading_is_the_measure() -> None:
    countdown = Countdown(None, share=0.5)
    countdown.heard(Reading(0, 1000), 10.0)
    assert countdown.measured(20.0) == (500, 10.0)
    assert not countdown.live


def test_a_longer_prompt_is_new_from_where_it_differs() -> None:
    first = [Message("system", "x" * 500), Message("user", "y" * 500)]
    assert fresh_share([], first) == 1.0
    assert fresh_share(first, first) == 0.0
    assert 0.3 < fresh_share(first, [*first, Message("assistant", "z" * 500)]) < 0.4
    assert fresh_share([Message("user", "a")], first) > 0.9


@given(st.floats(0.1, 1e4), st.floats(0, 1), st.integers(0, 10**6), st.floats(0, 1e6), st.floats(0, 1e6))
def test_an_estimate_is_never_negative(
    speed: float, share: float, total: int, at: float, later: float
) -> None:
    countdown = Countdown(speed, share)
    assert (countdown.heard(Reading(0, total), at).seconds_left or 0.0) >= 0
    again = countdown.tick(at + later)
    assert again is not None
    assert (again.seconds_left or 0.0) >= 0
