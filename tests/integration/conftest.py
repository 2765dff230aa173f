"""Real servers that several modules share, started when the first test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import real_servers as servers


@pytest.fixture(scope="session")
def gguf() -> Path:
    return servers.small_weights()


@pytest.fixture(scope="session")
def ollama_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ollama")


@pytest.fixture(scope="session")
def ollama_server(gguf: Path, ollama_store: Path) -> Iterator[servers.Ollama]:
    """An Ollama that has the small model."""
    server = servers.Ollama(servers.ollama_program(), ollama_store)
    try:
        server.create(servers.NAME, gguf)
        yield server
    finally:
        server.close()
