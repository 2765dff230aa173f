from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from vivek.llm import special

TOKENS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|im|>",
    "<code>",
    "</code>",
    "  ",
    "   ",
    "      ",
    "\n\n",
    "\n\n\n",
    "ab",
    "a",
)
TEXTS = st.lists(st.sampled_from([*TOKENS, "<", "|>", "im", " ", "\n", "b", "c", "é"]), max_size=30).map(
    "".join
)


def one_after_the_other(text: str, order: Sequence[str]) -> int:
    """As the servers do it: all places of the first token, then those of the second in what is left, and so on."""
    left, found = [text], 0
    for token in order:
        parts = [piece.split(token) for piece in left]
        found += sum(len(part) - 1 for part in parts)
        left = [piece for part in parts for piece in part]
    return found


@given(TEXTS)
def test_the_longest_are_found_first(text: str) -> None:
    longest_first = sorted(TOKENS, key=len, reverse=True)
    assert special.Finder(TOKENS).cut(text)[0] == one_after_the_other(text, longest_first)


@given(TEXTS, st.permutations(TOKENS))
def test_what_comes_first_in_the_vocabulary_is_found_first_where_the_server_does_so(
    text: str, order: list[str]
) -> None:
    finder = special.Finder(special.first_come(order))
    assert finder.cut(text)[0] == one_after_the_other(text, order)


@given(TEXTS)
def test_nothing_of_the_text_is_lost(text: str) -> None:
    found, between = special.Finder(TOKENS).cut(text)
    assert len(between) == found + 1
    assert sum(map(len, between)) <= len(text)
    assert special.Finder(()).cut(text) == (0, [text])


def test_patterns_in_a_tokens_spelling_mean_themselves() -> None:
    assert special.Finder(["a.c", "[x]", "(?:", "\\d"]).cut("abc [x] (?: \\d 5")[0] == 3
