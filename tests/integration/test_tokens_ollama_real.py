"""The counters against what a real Ollama reads, for models whose chat template is learned from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import corpus
import models
from real_servers import Ollama, ollama_program
from vivek import paths
from vivek.llm import tokens
from vivek.llm.base import Finished, Message, Sampling
from vivek.llm.ollama import OllamaModel

pytestmark = pytest.mark.real_model

WINDOW = 2048
GEMMA, SMOLLM2 = "gemma3:270m", "smollm2:135m"
TEMPLATES = {
    GEMMA: (
        models.GEMMA3,
        """{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "assistant" }}<start_of_turn>model
{{ .Content }}<end_of_turn>
{{ else }}<start_of_turn>user
{{ .Content }}<end_of_turn>
{{ if $last }}<start_of_turn>model
{{ end }}{{ end }}{{ end }}""",
    ),
    SMOLLM2: (
        models.SMOLLM2,
        """{{ if .System }}<|system|>
{{ .System }}<|end|>
{{ end }}{{ if .Prompt }}<|user|>
{{ .Prompt }}<|end|>
{{ end }}<|assistant|>
{{ .Response }}<|end|>
""",
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ollama]:
    real = Ollama(ollama_program(), tmp_path_factory.mktemp("ollama"))
    try:
        for name, (model, template) in TEMPLATES.items():
            real.create(name, models.extra(model), f'TEMPLATE """{template}"""\n')
        yield real
    finally:
        real.close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setattr(tokens, "_encoders", {})


SYSTEM = Message("system", "You write code.")
CODE = "def f(x):\n        y = [x]\n\n\n\t\treturn  y  # é 你好 →"
CHATS = [
    [SYSTEM, Message("user", CODE)],
    [Message("user", "no system message")],
    [SYSTEM, Message("user", CODE), Message("assistant", "ok\n"), Message("user", "\n  again\n")],
]


async def read(model: OllamaModel, chat: list[Message]) -> int:
    async for event in model.stream(chat, Sampling(max_tokens=1)):
        if isinstance(event, Finished):
            return event.stats.prompt_tokens
    raise AssertionError("the reply had no end")


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_count_is_the_one_that_the_server_makes(server: Ollama, name: str) -> None:
    async def differences() -> list[tuple[int, int]]:
        model = OllamaModel(name, server.url, context_window=WINDOW)
        counter = await model.counter()
        assert counter.exact
        files = [corpus.text(path)[:600] for path in corpus.files(2)]
        chats = [*CHATS, *([SYSTEM, Message("user", text)] for text in files)]
        both = [(counter.count_messages(chat), await read(model, chat)) for chat in chats]
        again = OllamaModel(name, server.url, context_window=WINDOW)
        kept = await again.counter()
        assert [kept.count_messages(chat) for chat in chats] == [ours for ours, _ in both]
        await model.aclose()
        await again.aclose()
        return [pair for pair in both if pair[0] != pair[1]]

    assert asyncio.run(asyncio.wait_for(differences(), 280)) == []
