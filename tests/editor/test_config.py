"""setup(): what is right holds, what is wrong is named."""

from __future__ import annotations

import re
from typing import Any

import pytest

from neovim_child import Editor


def setup(editor: Editor, lua_table: str) -> list[str]:
    """The faults that setup() finds."""
    return list(editor.lua(f"return require('vivek.config').setup({lua_table})"))


def config(editor: Editor) -> Any:
    return editor.lua("return require('vivek.config').get()")


def test_everything_has_a_default_without_setup(nvim: Editor) -> None:
    found = config(nvim)
    assert found["backend"] == "auto"
    assert found["keys"]["next"] == "]v"
    assert found["scratch"] == {"split": "right", "size": 0.4}
    assert found["context"] == {"history": "recent"}
    assert "model" not in found


def test_a_setting_leaves_its_neighbours_at_their_defaults(nvim: Editor) -> None:
    assert (
        setup(nvim, "{ model = 'qwen2.5-coder:7b', keys = { apply = 'ga' }, scratch = { size = 0.5 } }") == []
    )
    found = config(nvim)
    assert found["model"] == "qwen2.5-coder:7b"
    assert (found["keys"]["apply"], found["keys"]["next"]) == ("ga", "]v")
    assert found["scratch"] == {"split": "right", "size": 0.5}


def test_keys_can_be_left_out_all_or_one(nvim: Editor) -> None:
    assert setup(nvim, "{ keys = false }") == []
    assert config(nvim)["keys"] is False
    assert setup(nvim, "{ keys = { next = false } }") == []
    assert config(nvim)["keys"]["next"] is False


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("{ modle = 'x' }", ['"modle"', 'Did you mean "model"?']),
        ("{ Backend = 'auto' }", ['"Backend"', 'Did you mean "backend"?']),
        ("{ scratch = { sise = 1 } }", ['"scratch.sise"', 'Did you mean "size"?']),
        ("{ temperature = 1 }", ['"temperature"', "There are: backend, model, url"]),
        ("{ 'auto' }", ['"1"']),
        ("{ model = 7 }", ['"model"', "string", "7"]),
        ("{ backend = 'olama' }", ['"backend"', 'Did you mean "ollama"?']),
        ("{ scratch = { size = 3 } }", ['"scratch.size"', "between 0.1 and 0.9"]),
        ("{ context = { history = 'recnt' } }", ['"context.history"', 'Did you mean "recent"?']),
        ("{ keys = true }", ['"keys"', "table or false"]),
        ("{ trusted = { 1 } }", ['"trusted"', "string[]"]),
        ("{ profiles = { 'medium' } }", ['"profiles["1"]"', "a table under a name", "medium"]),
        ("{ profiles = { ['qwen*'] = 'small' } }", ['"profiles["qwen*"]"', '"small"']),
        (
            "{ profiles = { ['qwen*'] = { iteration = 2 } } }",
            ['"profiles["qwen*"].iteration"', '"iterations"'],
        ),
        ("{ profiles = { q = { iterations = 7 } } }", ['"profiles["q"].iterations"', "between 1 and 3"]),
        ("{ profiles = { q = { base = 'smal' } } }", ['"profiles["q"].base"', 'Did you mean "small"?']),
        ("{ profiles = { q = { plan = 1 } } }", ['"profiles["q"].plan"', "boolean"]),
        ("'auto'", ["a table", "'auto'"]),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_right(nvim: Editor, given: str, named: list[str]) -> None:
    (fault,) = setup(nvim, given)
    for words in named:
        assert words.replace("'auto'", '"auto"') in fault
    assert fault in nvim.messages().replace("\n", " ")


def test_profiles_go_along_with_every_run_as_they_were_given(nvim: Editor) -> None:
    given = "{ profiles = { ['qwen*'] = { base = 'medium', iterations = 2, plan = false }, ['a:1b'] = {} } }"
    assert setup(nvim, given) == []
    assert nvim.lua("return require('vivek.config').for_run()")["profiles"] in (
        {"qwen*": {"base": "medium", "iterations": 2, "plan": False}, "a:1b": empty} for empty in ({}, [])
    )


def test_a_wrong_setting_does_not_take_the_right_ones_along(nvim: Editor) -> None:
    faults = setup(nvim, "{ backend = 'olama', model = 'm', scratch = { size = 9, split = 'below' } }")
    assert len(faults) == 2
    found = config(nvim)
    assert (found["backend"], found["model"]) == ("auto", "m")
    assert found["scratch"] == {"split": "below", "size": 0.4}


def test_changing_the_returned_settings_of_one_call_leaves_the_defaults_alone(nvim: Editor) -> None:
    nvim.lua("require('vivek.config').get().keys.next = 'x'")
    setup(nvim, "{}")
    assert config(nvim)["keys"]["next"] == "]v"


def test_only_folders_that_the_user_named_are_trusted(nvim: Editor) -> None:
    mine = nvim.home / "mine"
    (mine / "src").mkdir(parents=True)
    (nvim.home / "mine-not").mkdir()
    (nvim.home / "link").symlink_to(mine)
    nvim.lua("require('vivek').setup({ trusted = { ... } })", str(mine))

    def trusts(path: object) -> bool:
        return bool(nvim.lua("return require('vivek.config').trusts(...)", str(path)))

    assert trusts(mine)
    assert trusts(mine / "src" / "a.py")
    assert trusts(nvim.home / "link" / "src")
    assert not trusts(nvim.home / "mine-not")
    assert not trusts(nvim.home)


def test_a_folder_whose_name_looks_like_a_trusted_one_is_not_trusted(nvim: Editor) -> None:
    nvim.lua("vim.env.OWN = 'mine'; require('vivek').setup({ trusted = { ... } })", str(nvim.home / "mine"))
    for name in ("mine", "$OWN"):
        (nvim.home / name).mkdir()
    trusts = "return require('vivek.config').trusts(...)"
    assert nvim.lua(trusts, str(nvim.home / "mine"))
    assert not nvim.lua(trusts, str(nvim.home / "$OWN"))


def test_the_help_tells_of_every_option_in_lines_that_fit(nvim: Editor) -> None:
    lines = nvim.lua("return require('vivek.config.help').lines()")
    tags = re.findall(r"\*vivek-config-([\w.]+)\*", "\n".join(lines))
    assert tags[:3] == ["backend", "model", "url"]
    assert "keys.apply_all" in tags
    assert "profiles.NAME.iterations" in tags
    assert len(tags) == len(set(tags))
    assert max(map(len, lines)) <= 78
