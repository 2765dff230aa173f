"""Where a quote stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivek.review.grounding import place_of

LINES = ["def f(x):", "    if x:", "        return 1", "", "    return 2"]

_TEXTS = st.lists(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=12), max_size=8)


def test_a_whole_line_is_found_whatever_its_edges() -> None:
    assert place_of("return 1", LINES) == (3, 3)
    assert place_of("\t return 1  \n", LINES) == (3, 3)
    assert place_of("`return 1`", LINES) == (3, 3)
    assert place_of("```python\nreturn 1\n```", LINES) == (3, 3)


def test_several_lines_are_found_together() -> None:
    assert place_of("if x:\n    return 1", LINES) == (2, 3)
    assert place_of("if x:\n    return 2", LINES) is None


def test_a_whole_line_comes_before_a_piece_of_an_earlier_one() -> None:
    assert place_of("total += x", ["if ok: total += x", "total += x"]) == (2, 2)
    assert place_of("total +=", ["if ok: total += x", "total += x"]) == (1, 1)


def test_what_is_nowhere_or_could_be_anywhere_has_no_place() -> None:
    for quote in ("return 3", "", "   ", "\n\n", "x", "```", "def g(x):", "return 1 # sure"):
        assert place_of(quote, LINES) is None, quote


@given(_TEXTS, st.data())
def test_every_line_that_is_not_blank_is_found_where_an_equal_one_stands(
    lines: list[str], data: st.DataObject
) -> None:
    filled = [line for line in lines if line.strip() and not line.strip().startswith("```")]
    if not filled:
        return
    quote = data.draw(st.sampled_from(filled))
    place = place_of(quote, lines)
    assert place is not None
    assert lines[place[0] - 1].strip() == quote.strip()


@given(st.text(max_size=30), _TEXTS)
def test_a_place_holds_the_quote(quote: str, lines: list[str]) -> None:
    place = place_of(quote, lines)
    if place is not None:
        assert 1 <= place[0] <= place[1] <= len(lines)
        shown = "\n".join(line.strip() for line in lines[place[0] - 1 : place[1]])
        first = next(
            line.strip() for line in quote.split("\n") if line.strip() and not line.strip().startswith("```")
        )
        assert first.strip("`").strip() in shown
