"""Which profile a model gets, by its size and by what the user says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek.errors import ConfigError
from vivek.llm.base import ModelInfo
from vivek.llm.profiles import PROFILES, Profiles, size_of


def model(name: str, parameters: float | None = None) -> ModelInfo:
    return ModelInfo(name, "ollama", "", 8192, parameters)


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        (0.49e9, "small"),
        (1.54e9, "small"),
        (4.3e9, "small"),
        (7.6e9, "medium"),
        (14.77e9, "medium"),
        (15.7e9, "large"),
        (32.8e9, "large"),
    ],
)
def test_the_number_of_parameters_chooses_the_profile(parameters: float, size: str) -> None:
    assert size_of(model("any", parameters)) == size


@pytest.mark.parametrize(
    ("name", "size"),
    [("qwen2.5-coder:7b", "medium"), ("mixtral:8x7b", "large"), ("smollm2:135m", "small"), ("mine", "small")],
)
def test_where_the_server_does_not_tell_the_name_does_and_else_it_is_small(name: str, size: str) -> None:
    assert Profiles({}).of(model(name)) == PROFILES[size]  # type: ignore[index]


def test_every_first_attempt_is_greedy_and_may_copy() -> None:
    assert {profile.temperature for profile in PROFILES.values()} == {0.0}
    assert {profile.repeat_penalty for profile in PROFILES.values()} == {1.0}
    assert all(0.4 <= profile.retry_temperature <= 0.7 for profile in PROFILES.values())


def test_a_small_model_is_asked_for_no_plan_and_no_verdict() -> None:
    assert not PROFILES["small"].plan
    assert not PROFILES["small"].verdict


def test_a_glob_sets_fields_on_the_base_it_names() -> None:
    profiles = Profiles({"qwen2.5-coder:*": {"base": "medium", "iterations": 2}})
    profile = profiles.of(model("qwen2.5-coder:1.5b", 1.5e9))
    assert (profile.name, profile.plan, profile.iterations) == ("medium", True, 2)
    assert profiles.of(model("llama3:8b", 8e9)) == PROFILES["medium"]


def test_the_more_exact_pattern_wins_field_by_field() -> None:
    profiles = Profiles(
        {
            "qwen:7b": {"iterations": 1},
            "*": {"iterations": 3, "plan": True, "retry_temperature": 0.7},
            "qwen:*": {"iterations": 2, "retry_temperature": 0.6},
        }
    )
    profile = profiles.of(model("qwen:7b", 7e9))
    assert (profile.iterations, profile.retry_temperature, profile.plan) == (1, 0.6, True)


def test_the_order_of_the_table_does_not_matter() -> None:
    pairs: list[tuple[str, dict[str, object]]] = [("*a*", {"iterations": 1}), ("*b*", {"iterations": 2})]
    for order in (pairs, pairs[::-1]):
        assert Profiles(dict(order)).of(model("ab")).iterations == 2


@pytest.mark.parametrize("pattern", ["Mine", "mine:latest", "m?ne", "[m]ine"])
def test_names_match_in_either_case_and_with_ollamas_latest(pattern: str) -> None:
    assert Profiles({pattern: {"iterations": 1}}).of(model("mine:latest")).iterations == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"temprature": 0.1}, ["'qwen*'", "'temprature'", "Did you mean 'temperature'?"]),
        ({"zzz": 1}, ["'zzz'", "There are: base, temperature"]),
        ({"base": "tiny"}, ["'base'", "small, medium, large"]),
        ({"iterations": 9}, ["'iterations'", "less than or equal to 3"]),
        ({"iterations": "2"}, ["'iterations'", "integer"]),
        ({"temperature": -1}, ["'temperature'", "greater than or equal to 0"]),
        ({"plan": "yes"}, ["'plan'", "boolean"]),
    ],
)
def test_a_wrong_field_is_named_with_what_is_right(fields: dict[str, object], named: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        Profiles({"qwen*": fields})
    for words in named:
        assert words in str(caught.value)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_pattern_and_any_name_give_a_profile(pattern: str, name: str) -> None:
    overrides: dict[str, dict[str, Any]] = {pattern: {"iterations": 1}}
    assert Profiles(overrides).of(model(name)).iterations in (1, 3)
