"""One folder for all toolchains, so that Go compiles its library once."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toolchain_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("toolchains")
