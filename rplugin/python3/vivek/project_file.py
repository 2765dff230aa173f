"""A project's own settings, ``.vivek/config.toml``: what Vivek may run there.

It turns the file's text into settings, and never reads the file: whether to believe it is for the editor to ask, with
``vim.secure.read``. A cloned repository is not the user.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomli

from vivek.errors import ConfigError

NAME = ".vivek/config.toml"


@dataclass(frozen=True)
class Verify:
    """What may be run on a candidate. test: a command such as ``pytest -q {file}``, "" for none. root: the project's
    folder where it is known by its settings file, None where it is for the file's path to tell."""

    run_examples: bool = False
    test: str = ""
    root: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is switched on."""
        return self.run_examples or bool(self.test)


def project_settings(text: str, root: Path) -> Verify:
    """What the text of a project's settings file switches on. Raises ConfigError."""
    try:
        values = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise _wrong(f"is no TOML: {error}") from error
    kinds = {"run_examples": (bool, "true or false"), "test": (str, "text")}
    for name, value in values.items():
        if name not in kinds:
            raise _wrong(f"has no setting {name!r}; there are {', '.join(kinds)}")
        kind, told = kinds[name]
        if not isinstance(value, kind):
            raise _wrong(f"has {name} = {value!r}, which must be {told}")
    return Verify(values.get("run_examples", False), values.get("test", "").strip(), root)


def _wrong(what: str) -> ConfigError:
    return ConfigError(f"{NAME} {what}.", hint="See :help vivek-verify.")
