"""Settings as Lua sends them, and what of them is refused before a model is started."""

from __future__ import annotations

import pytest

from vivek.cancel import CancelToken
from vivek.config import Settings, settings
from vivek.errors import ConfigError
from vivek.request import AskRequest
from vivek.session import Session


def test_profiles_come_as_tables_of_plain_values() -> None:
    given = {"profiles": {"qwen*": {"iterations": 2}, "empty": []}}
    assert settings(given).profiles == {"qwen*": {"iterations": 2}, "empty": {}}


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_an_empty_lua_table_is_no_profile(nothing: object) -> None:
    assert settings({"profiles": nothing}).profiles == {}


@pytest.mark.parametrize("wrong", ["small", [1], {"qwen*": "small"}, {"qwen*": [1]}])
def test_what_is_no_table_of_tables_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="'profiles' must be a table of tables"):
        settings({"profiles": wrong})


def test_a_wrong_profile_is_told_before_any_model_is_looked_for() -> None:
    wrong = Settings("scripted", url="/no/such/script", profiles={"*": {"temprature": 1}})
    request = AskRequest(run="1", instruction="fix it", text="x = 1\n", settings=wrong, stored=False)
    session = Session()
    events: list[object] = []
    try:
        with pytest.raises(ConfigError, match="temprature"):
            session.ask(request, events.append, CancelToken())
        assert session.health(wrong, request.cwd)[0]["ok"] is False
        assert "temprature" in session.health(wrong, request.cwd)[0]["text"]
    finally:
        session.close()
    assert events == []
