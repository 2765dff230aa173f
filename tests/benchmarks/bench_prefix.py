"""Measures how much of the prefix that two calls share comes from the server's prompt cache.

Method. The asks are real: session, planner and prompts as they are, on a copy of the sample project. Three pairs of
calls, each begun on lines that no earlier pair touched:

- repair: the reply is cut after a few tokens, so the executor asks again with the reply and the complaint.
- follow-up: a second instruction on the same lines, in the same conversation.
- same file: another block of the same file.

What the two share is the longest common prefix of the tokens that the server held after the first call (prompt and
reply) and those of the second prompt, by the server's own tokenizer and chat template. On the embedded backend the
server tells how many tokens came from its cache; the benchmark fails below 98 %. Ollama does not tell: there the
times until the first token stand side by side.

Run it with `make bench-prefix`; ARGS='--model qwen2.5-coder:0.5b --backend embedded' for a quick look.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from llama import kill_servers
from real_servers import Ollama
from vivek import paths
from vivek import session as sessions
from vivek.cancel import CancelToken
from vivek.config import Settings
from vivek.errors import VivekError
from vivek.llm import select, server, weights
from vivek.llm.base import CallStats, ChatModel, Finished, Message, Sampling, StreamEvent, Text
from vivek.request import AskRequest

SAMPLE = Path(__file__).resolve().parents[2] / "try" / "bookshop"
LEAST_SHARE = 0.98
REPAIR_TOKENS, OTHER_TOKENS = 12, 48
"""Replies are cut: what is measured is the reading. A reply of 12 tokens is never whole code, so it is repaired."""


@dataclass(frozen=True)
class Ask:
    """Lines of a file of the sample project, and what to do with them."""

    file: str
    first: int
    last: int
    instruction: str


PAIRS: dict[str, tuple[int, Sequence[Ask]]] = {
    "repair": (REPAIR_TOKENS, [Ask("bookshop/stock.py", 16, 34, "Add a method that puts copies back.")]),
    "follow-up": (
        OTHER_TOKENS,
        [
            Ask("bookshop/invoice.py", 7, 18, "Explain how the total is computed."),
            Ask("bookshop/invoice.py", 7, 18, "And what happens if a title is not in stock?"),
        ],
    ),
    "same file": (
        OTHER_TOKENS,
        [
            Ask("bookshop/stock.py", 25, 27, "Explain this method."),
            Ask("bookshop/stock.py", 29, 34, "Explain this method."),
        ],
    ),
}


@dataclass
class Call:
    """One call as the server saw it."""

    messages: Sequence[Message]
    reply: str = ""
    stats: CallStats | None = None


@dataclass
class Recorder:
    """A ChatModel that keeps what passes through it, and caps the replies."""

    model: ChatModel
    calls: list[Call]
    max_tokens: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[StreamEvent, None]:
        call = Call(list(messages))
        self.calls.append(call)
        capped = replace(sampling, max_tokens=min(self.max_tokens, sampling.max_tokens))
        async for event in self.model.stream(messages, capped):
            if isinstance(event, Text):
                call.reply += event.text
            if isinstance(event, Finished):
                call.stats = event.stats
            yield event


@dataclass
class Bench:
    """Runs asks through a session on one backend, and keeps the calls that they make."""

    settings: Settings
    project: Path
    calls: list[Call] = field(default_factory=list)

    def pair(self, name: str) -> tuple[Call, Call]:
        """The two calls of a pair."""
        max_tokens, asks = PAIRS[name]
        self.calls.clear()

        async def recording(*wanted: Any) -> select.Choice:
            choice = await select.choose(*wanted)
            return replace(choice, model=Recorder(choice.model, self.calls, max_tokens))

        with mock.patch.object(sessions, "choose", recording):
            session = sessions.Session()
            try:
                for number, ask in enumerate(asks):
                    self._ask(session, ask, f"{name}-{number}")
            finally:
                session.close()
        return self.calls[0], self.calls[1]

    def _ask(self, session: sessions.Session, ask: Ask, run: str) -> None:
        path = self.project / ask.file
        request = AskRequest(
            run=run,
            instruction=ask.instruction,
            text=path.read_text("utf-8"),
            filetype="python",
            path=path,
            first=ask.first,
            last=ask.last,
            cwd=self.project,
            settings=self.settings,
        )
        try:
            session.ask(request, lambda _: None, CancelToken())
        except VivekError as error:  # a reply that was cut need not be usable
            if len(self.calls) < 2:
                print(f"    ({error})")


Tokenize = Callable[[Call, bool], list[int]]


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


@contextmanager
def embedded_tokenizer() -> Iterator[Tokenize]:
    """Tokens by the embedded server that runs: of a call's prompt, and with its reply behind it."""
    [place] = paths.runtime_dir().glob("*.json")
    record = server.read_record(place)
    assert record is not None
    headers = {"Authorization": f"Bearer {record.key}", "Connection": "close"}
    with httpx.Client(base_url=record.url, headers=headers, trust_env=False, timeout=60) as client:

        def tokenize(call: Call, with_reply: bool) -> list[int]:
            plain = [{"role": message.role, "content": message.content} for message in call.messages]
            prompt = client.post("/apply-template", json={"messages": plain}).json()["prompt"]
            text = prompt + call.reply if with_reply else prompt
            body = {"content": text, "add_special": True, "parse_special": True}
            return list(client.post("/tokenize", json=body).json()["tokens"])

        yield tokenize


def bench_embedded(model: str, project: Path) -> bool:
    """Print what of each shared prefix came from the cache; whether it was enough everywhere."""
    bench = Bench(Settings("embedded", model), project)
    print(f"\nembedded, {model}\n")
    print("  pair       prompt 1  prompt 2  shared  from cache   share   first token, ms: 1st      2nd")
    enough = True
    for name in PAIRS:
        first, second = bench.pair(name)
        assert first.stats
        assert second.stats
        with embedded_tokenizer() as tokenize:
            shared = common(tokenize(first, True), tokenize(second, False))
        cached = second.stats.cached_tokens or 0
        share = min(1.0, cached / shared)
        enough = enough and share >= LEAST_SHARE
        print(
            f"  {name:10}{first.stats.prompt_tokens:9}{second.stats.prompt_tokens:10}{shared:8}{cached:12}{share:8.1%}"
            f"{first.stats.first_token_ms:24.0f}{second.stats.first_token_ms:9.0f}",
            flush=True,
        )
    return enough


def bench_ollama(model: str, project: Path, url: str) -> None:
    """Print how long the first token took in both calls of each pair."""
    bench = Bench(Settings("ollama", model, url), project)
    print(f"\nOllama at {url}, {model} (it does not tell what came from its cache)\n")
    print("  pair       prompt 1  prompt 2   first token, ms: 1st      2nd")
    for name in PAIRS:
        first, second = bench.pair(name)
        assert first.stats
        assert second.stats
        print(
            f"  {name:10}{first.stats.prompt_tokens:9}{second.stats.prompt_tokens:10}"
            f"{first.stats.first_token_ms:24.0f}{second.stats.first_token_ms:9.0f}",
            flush=True,
        )


@contextmanager
def own_ollama(model: str, store: Path) -> Iterator[str | None]:
    """The URL of an Ollama that has the model; None where there is no program or no weights for it."""
    program = os.environ.get("VIVEK_OLLAMA") or shutil.which("ollama")
    found = weights.find(model)
    if not program or not found:
        yield None
        return
    store.mkdir()
    running = Ollama(program, store, window=8192)
    try:
        running.create(model, found.path)
        yield running.url
    finally:
        running.close()


def fresh_project(folder: Path) -> Path:
    """A copy of the sample project that no conversation is about: a backend must not be told of another's asks."""
    return Path(shutil.copytree(SAMPLE, folder / "bookshop"))


def warm(settings: Settings) -> None:
    """Load the model, so that no pair pays for it."""

    async def load() -> None:
        choice = await select.choose(settings.backend, settings.model, settings.url)
        async for _ in choice.model.stream([Message("user", "hi")], Sampling(max_tokens=1)):
            pass
        await choice.model.aclose()

    asyncio.run(load())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=weights.DEFAULT)
    parser.add_argument("--backend", choices=["embedded", "ollama", "both"], default="both")
    options = parser.parse_args()
    enough = True
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        stack.enter_context(mock.patch.dict(os.environ, XDG_STATE_HOME=str(folder / "state")))
        stack.callback(kill_servers)
        if options.backend != "ollama":
            warm(Settings("embedded", options.model))
            enough = bench_embedded(options.model, fresh_project(folder / "embedded"))
        if options.backend != "embedded":
            url = stack.enter_context(own_ollama(options.model, folder / "ollama"))
            if url is None:
                print("\nThere is no `ollama` on the PATH (or VIVEK_OLLAMA), or no weights to give it.")
            else:
                warm(Settings("ollama", options.model, url))
                bench_ollama(options.model, fresh_project(folder / "asked"), url)
    print(
        f"\n{'All' if enough else 'NOT all'} shared prefixes came from the cache for {LEAST_SHARE:.0%} or more."
    )
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
