from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.llm import spm, tokens
from vivek.llm.spm import SpmEncoder

BLANK = "\u2581"
PIECES = [
    f">{BLANK}",
    "he",
    "ll",
    "hell",
    "hello",
    f"{BLANK}hello",
    f"{BLANK}h",
    "lo",
    "o>",
    f">{BLANK}<",
    "12",
    "éé",
]
LETTERS = [BLANK, *"helo<>12ab", "é"]
SCORES = {piece: -float(rank) for rank, piece in enumerate([*PIECES, *LETTERS])}
SPECIAL = {"<unk>": 2, "<bos>": 3, "<code>": 4, "  ": 4, "    ": 4, "\n\n": 4}
BYTES = [f"<0x{value:02X}>" for value in range(256)]


def metadata(**change: Any) -> dict[str, Any]:
    rows = [(token, 0.0, kind) for token, kind in SPECIAL.items()]
    rows += [(token, 0.0, 6) for token in BYTES]
    rows += [(token, score, 1) for token, score in SCORES.items()]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [token for token, _, _ in rows],
        "tokenizer.ggml.scores": [score for _, score, _ in rows],
        "tokenizer.ggml.token_type": [kind for _, _, kind in rows],
        "tokenizer.ggml.add_space_prefix": False,
        **{f"tokenizer.ggml.{key}": value for key, value in change.items()},
    }


def encoder(**change: Any) -> SpmEncoder:
    made = spm.read(metadata(**change))
    assert made
    return SpmEncoder(made)


def merged_slowly(text: str) -> int:
    """By the definition: join the neighbours whose token has the highest score, the leftmost first, to the end; what is
    no token then counts its bytes."""
    parts = list(text.replace(" ", BLANK))
    while True:
        joined = [left + right for left, right in pairwise(parts)]
        pairs = [(-SCORES[pair], place) for place, pair in enumerate(joined) if pair in SCORES]
        if not pairs:
            return sum(1 if part in SCORES else len(part.encode()) for part in parts)
        _, place = min(pairs)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


PLAIN = encoder(
    tokens=list(SCORES) + BYTES,
    scores=[*SCORES.values(), *[0.0] * 256],
    token_type=[1] * len(SCORES) + [6] * 256,
)


@given(st.text("helo <>12abxé☃", max_size=60))
def test_a_text_is_merged_as_the_definition_says(text: str) -> None:
    assert PLAIN.count(text) == merged_slowly(text)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_counted_never_as_nothing_and_never_beyond_its_bytes(text: str) -> None:
    for made in (PLAIN, ENCODER):
        assert bool(text) <= made.count(text) <= len(text.encode("utf-8", "replace"))
    assert BLANK_FIRST.count(text) <= 1 + len(text.encode("utf-8", "replace")) * 2


ENCODER, BLANK_FIRST = encoder(), encoder(add_space_prefix=True)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("hello hello", 2),
        ("x", 1),  # a byte
        ("☃", 3),
        ("<code>", 1),
        ("hello<code>hello", 3),
        ("a    b", 3),
        ("a\n\n\nb", 4),
        ("> <", 1),  # the one token with a blank inside
    ],
)
def test_pieces_bytes_and_special_tokens_are_counted(text: str, count: int) -> None:
    assert ENCODER.count(text) == count


def test_a_blank_comes_before_the_text_and_after_special_tokens_where_the_model_wants_it() -> None:
    assert BLANK_FIRST.count("hello") == 1
    assert BLANK_FIRST.count("") == 0
    assert BLANK_FIRST.count("a<code>a") == 5
    assert BLANK_FIRST.count("<code>") == 1


def test_ollamas_own_engine_finds_special_tokens_in_the_order_of_the_vocabulary() -> None:
    assert (ENCODER.count("    "), ENCODER.in_listed_order().count("    ")) == (1, 2)
    assert ENCODER.in_listed_order().count("hello<code>") == 2


@pytest.mark.parametrize("letter", ["a", " ", "x", "\n", "é", "☃", BLANK])
def test_a_million_equal_characters_neither_crash_nor_stall(letter: str) -> None:
    assert 0 < ENCODER.count(letter * 1_000_000) <= len(letter.encode()) * 1_000_000


@pytest.mark.parametrize(
    "change",
    [
        {"model": "t5"},
        {"scores": None},
        {"tokens": []},
        {"token_type": [1]},
        {"tokens": ["a"], "scores": [0.0], "token_type": [1]},  # no bytes to fall back on
    ],
)
def test_a_vocabulary_that_is_not_whole_is_not_counted_exactly(change: dict[str, Any]) -> None:
    assert spm.read(metadata(**change)) is None
    assert tokens.remember("", metadata(**change)) is None


@pytest.mark.parametrize(
    ("change", "added"), [({}, 1), ({"add_bos_token": False}, 0), ({"add_eos_token": True}, 2)]
)
def test_what_the_server_puts_around_a_prompt_is_known(change: dict[str, bool], added: int) -> None:
    assert encoder(**change).added == added
