"""How events are gathered on their way to Neovim."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vivek.editor.bridge import encodable, merged

events = st.lists(
    st.one_of(
        st.builds(
            lambda run, text: {"kind": "text", "run": run, "text": text},
            st.sampled_from("ab"),
            st.text(max_size=3),
        ),
        st.builds(
            lambda run, done: {"kind": "progress", "run": run, "done": done},
            st.sampled_from("ab"),
            st.integers(),
        ),
        st.builds(lambda run: {"kind": "node", "run": run}, st.sampled_from("ab")),
    )
)


def texts(batch: list[dict[str, Any]], run: str) -> list[str]:
    """The run's text, cut where a node begins."""
    pieces = [""]
    for event in batch:
        if event["run"] == run and event["kind"] == "text":
            pieces[-1] += event["text"]
        elif event["run"] == run and event["kind"] == "node":
            pieces.append("")
    return pieces


@given(events)
def test_no_text_is_lost_or_moved_past_a_node(batch: list[dict[str, Any]]) -> None:
    for run in "ab":
        assert texts(merged(batch), run) == texts(batch, run)


@given(events)
def test_the_last_progress_of_a_batch_survives(batch: list[dict[str, Any]]) -> None:
    for run in "ab":
        progress = [event for event in batch if event["kind"] == "progress" and event["run"] == run]
        kept = [event for event in merged(batch) if event["kind"] == "progress" and event["run"] == run]
        assert kept[-1:] == progress[-1:]


def test_a_burst_becomes_two_events() -> None:
    batch = []
    for number in range(100):
        batch.append({"kind": "text", "run": "a", "text": "x"})
        batch.append({"kind": "progress", "run": "a", "done": number})
    assert len(merged(batch)) == 2


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


@given(plain)
def test_what_can_be_encoded_stays_as_it_is(value: Any) -> None:
    assert encodable(value) == value


@given(st.text(st.characters(categories=["Cs", "Ll"])))
def test_whatever_a_model_says_can_be_sent(text: str) -> None:
    encodable(text).encode("utf-8", "surrogateescape")


@given(st.text())
def test_a_character_that_came_in_two_halves_is_whole_again(text: str) -> None:
    units = text.encode("utf-16-le")
    halves = "".join(chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2))
    assert encodable({"text": [halves]}) == {"text": [text]}


@given(st.binary())
def test_bytes_of_a_buffer_that_are_no_utf8_stay_as_they_are(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert encodable(text) == text
