"""The model's doubt about a block: where it would write something else, and whom it asks."""

from __future__ import annotations

import asyncio
import math

import pytest

from copyist import Copyist
from vivek.review.doubt import MOST_OTHERS, doubt
from vivek.review.subject import Subject

CODE = '''def least(xs):
    """The least of them.

    >>> least([2, 1])
    1
    """
    found = xs[0]
    for x in xs:
        if x > found:
            found = x
    return found'''
MEANT = CODE.replace("x > found", "x < found")
AT = CODE.index("> found")
SUBJECT = Subject("least", CODE, "python")


def test_the_place_of_a_bug_is_the_most_doubtful_one() -> None:
    model = Copyist(MEANT, unsure={AT: {"<": math.log(0.9), ">": math.log(0.05)}})
    doubted = asyncio.run(doubt(model, SUBJECT))
    assert doubted is not None
    worst = doubted.places[0]
    assert (worst.at, worst.text, worst.rather) == (AT, ">", "<")
    assert doubted.nats == pytest.approx(sum(place.nats for place in doubted.places))
    assert doubted.line == "if x < found:"


def test_what_the_model_would_write_in_other_tokens_is_not_doubted() -> None:
    model = Copyist("seen = 1\n", unsure={0: {"se": -0.1, "seen": -6.0}})
    doubted = asyncio.run(doubt(model, Subject("", "seen = 1\n", "python")))
    assert doubted is not None
    assert doubted.nats < 0.2


def test_a_block_that_the_model_copies_as_it_is_is_hardly_doubted() -> None:
    doubted = asyncio.run(doubt(Copyist(CODE), SUBJECT))
    assert doubted is not None
    assert doubted.nats < 0.2


def test_docstrings_comments_and_blank_lines_are_not_looked_at() -> None:
    code = 'def f(x):\n    """Say."""\n\n    # why\n    return x\n'
    model = Copyist(code.replace("Say", "Cry").replace("why", "how"))
    doubted = asyncio.run(doubt(model, Subject("f", code, "python")))
    assert doubted is not None
    assert not any(place.rather for place in doubted.places)
    assert not any(begun.endswith(("Say", "why", "# ")) for begun in model.begun)


def test_a_place_where_the_model_would_write_a_comment_is_not_doubted() -> None:
    for wish in ("# why\n", "  # why\n"):
        model = Copyist(
            "x = 1" + wish + "." * 20, unsure={5: {wish[:2].rstrip("#") or "#": -0.1, "\n": -5.0}}
        )
        doubted = asyncio.run(doubt(model, Subject("", "x = 1\n", "python")))
        assert doubted is not None
        assert doubted.nats < 0.2


def test_after_some_places_that_the_model_would_write_otherwise_no_more_are_looked_for() -> None:
    code = "a b c d e f g h"
    model = Copyist("A B C D E F G H")
    doubted = asyncio.run(doubt(model, Subject("", code, "python")))
    assert doubted is not None
    assert sum(bool(place.rather) for place in doubted.places) == MOST_OTHERS
    assert len(set(model.begun)) == MOST_OTHERS + 1, "the last one is sure only when the next is known"


@pytest.mark.parametrize("capabilities", [(), ("logprobs",), ("prefill",)])
def test_a_server_that_cannot_is_not_asked(capabilities: tuple[str, ...]) -> None:
    model = Copyist(CODE, capabilities=capabilities)  # type: ignore[arg-type]
    assert asyncio.run(doubt(model, SUBJECT)) is None
    assert model.begun == []


def test_a_server_that_begins_its_reply_anew_has_told_nothing() -> None:
    model = Copyist("```python\n" + CODE)
    assert asyncio.run(doubt(model, Subject("", "x = 1", "python"))) is None
