"""How an instruction names a mode."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import RequestError
from vivek.modes import MODES, Mode, addressed, mode_named
from vivek.request import AskRequest


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("@architect how would you split this?", ("how would you split this?", "architect")),
        ("  @peer: why?", ("why?", "peer")),
        ("@sdet", ("", "sdet")),
        ("@coder\tuse a set", ("use a set", "coder")),
        ("@auto explain", ("explain", "auto")),
        ("why @peer?", ("why @peer?", "auto")),
        ("@property for both", ("@property for both", "auto")),
        ("@dataclass(frozen=True) instead", ("@dataclass(frozen=True) instead", "auto")),
        ("@peer.review the code", ("@peer.review the code", "auto")),
        ("@peers", None),
        ("@architekt split it", None),
        ("@Architect split it", None),
    ],
)
def test_a_mode_at_the_beginning_is_taken_off(instruction: str, expected: tuple[str, str] | None) -> None:
    if expected is None:
        with pytest.raises(RequestError, match=r"There is no mode .* Did you mean (peer|architect)\?"):
            addressed(instruction, "auto")
    else:
        assert addressed(instruction, "auto") == expected


@given(st.sampled_from(MODES), st.sampled_from([" ", "  ", "\n", ": ", ", "]), st.text(min_size=1))
def test_what_follows_a_mode_is_left_as_it_is(mode: Mode, between: str, rest: str) -> None:
    instruction, found = addressed(f"@{mode}{between}{rest}", "coder")
    assert found == mode
    assert rest.endswith(instruction)
    assert rest.strip() == instruction.strip()


@given(st.text().filter(lambda text: not text.lstrip().startswith("@")), st.sampled_from(MODES))
def test_an_instruction_that_names_no_mode_is_left_as_it_is(instruction: str, mode: Mode) -> None:
    assert addressed(instruction, mode) == (instruction, mode)


@given(st.text())
def test_after_an_at_sign_stands_a_mode_or_something_like_one_or_else_the_users_own_words(text: str) -> None:
    with suppress(RequestError):
        instruction, mode = addressed(f"@{text}", "auto")
        assert f"@{text}".endswith(instruction)
        assert instruction == f"@{text}" or text.startswith(mode)


def test_an_unknown_mode_is_an_error_that_names_the_nearest_or_all() -> None:
    assert mode_named(None) == mode_named("") == "auto"
    with pytest.raises(RequestError, match=r"no mode 'sdt'\. Did you mean sdet\?"):
        mode_named("sdt")
    with pytest.raises(RequestError, match="There are auto, coder, architect, peer, sdet"):
        mode_named("x")


def test_an_ask_of_the_editor_has_the_mode_of_its_instruction_before_the_one_that_is_sent() -> None:
    payload = {"run": "1", "instruction": "@peer why?", "lines": ["x"], "mode": "sdet"}
    request = AskRequest.from_editor(payload)
    assert (request.instruction, request.mode) == ("why?", "peer")
    assert AskRequest.from_editor({**payload, "instruction": "why?"}).mode == "sdet"
    with pytest.raises(RequestError, match="empty"):
        AskRequest.from_editor({**payload, "instruction": "@peer "})
