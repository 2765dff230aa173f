"""Measures what Vivek's client costs, what each backend gives, and what n-gram speculation brings and breaks.

Method. All calls are greedy, stream, and run one at a time; medians are told, and ratios of calls that were made side
by side. Times are taken at the client, from the call to the first piece of text and to the last.

- Client: one server answers the same prompt for Vivek's embedded client and for a bare one (httpx and json, nothing
  else), in turns, the first to go changing each round, without prompt cache and drafts, so that both get the same work.
- Backends: Ollama and the embedded server, the same weights, prompts that neither has seen.
- Speculation: two servers with Vivek's parameters, one of them without drafting, get the same prompts in turns:
  rewrites of large functions, answers in words, and then many rewrites of small functions, whose replies are compared.
  The code is the standard library's; a reply is scored by the checks that judge every edit.

Run it with `make bench-llm`, on a machine that does nothing else; ARGS='--quick --model qwen2.5-coder:0.5b' shows in a
few minutes whether it works. It fails where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from rewrites import compare, tasks

from llama import kill_servers
from real_servers import LlamaServer, Ollama
from vivek.llm import completions, launcher, server, weights
from vivek.llm.base import ChatModel, Finished, Message, Sampling, Text
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.ollama import OllamaModel
from vivek.llm.openai import OpenAIModel

FIRST_TOKEN_LIMIT, SPEED_LIMIT = 1.03, 0.97
REWRITE_GAIN, WORDS_LOSS = 1.4, 0.95
COUNTS = {
    "rounds": "pairs of calls of the two clients",
    "blocks": "rewrites of large functions",
    "words": "answers in words",
    "rewrites": "rewrites that are compared",
}
FULL, QUICK = (8, 2, 5, 50), (2, 1, 1, 2)
WINDOW = 8192
KEY = "bench"


@dataclass(frozen=True)
class Timing:
    """One reply. first, total: seconds. tokens: generated. text: the reply."""

    first: float
    total: float
    tokens: int
    text: str

    @property
    def rate(self) -> float:
        """Tokens a second once the first was there."""
        return (self.tokens - 1) / (self.total - self.first) if self.tokens > 1 else 0.0


Ask = Callable[[Sequence[Message], int], Awaitable[Timing]]


def through(model: ChatModel) -> Ask:
    """Asks by way of a Vivek client."""

    async def ask(messages: Sequence[Message], max_tokens: int) -> Timing:
        began, first, pieces, tokens = time.perf_counter(), 0.0, [], 0
        last = 0.0
        async for event in model.stream(messages, Sampling(max_tokens=max_tokens)):
            if isinstance(event, Text):
                last = time.perf_counter() - began
                first = first or last
                pieces.append(event.text)
            if isinstance(event, Finished):
                tokens = event.stats.generated_tokens
        return Timing(first, last, tokens, "".join(pieces))

    return ask


def barely(url: str, key: str) -> Ask:
    """Asks an OpenAI-compatible server with nothing around httpx."""

    async def ask(messages: Sequence[Message], max_tokens: int) -> Timing:
        body = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "seed": 1,
            "stream": True,
            "stream_options": {"include_usage": True},
            "cache_prompt": False,
        }
        headers = {"Authorization": f"Bearer {key}", "Connection": "close"}
        began, first, last, pieces, tokens = time.perf_counter(), 0.0, 0.0, [], 0
        async with (
            httpx.AsyncClient(trust_env=False, verify=False, timeout=None) as client,
            client.stream("POST", f"{url}/v1/chat/completions", json=body, headers=headers) as response,
        ):
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                chunk = json.loads(line[6:])
                if chunk["choices"] and (text := chunk["choices"][0]["delta"].get("content")):
                    last = time.perf_counter() - began
                    first = first or last
                    pieces.append(text)
                if usage := chunk.get("usage"):
                    tokens = usage["completion_tokens"]
        return Timing(first, last, tokens, "".join(pieces))

    return ask


async def side_by_side(
    name: str, asks: Sequence[tuple[Ask, Ask]], prompts: Sequence[list[Message]], max_tokens: int
) -> list[tuple[Timing, Timing]]:
    """Each prompt to both, in turns, the first to go changing each time; a line of progress each."""
    results = []
    for number, (messages, (one, other)) in enumerate(zip(prompts, itertools.cycle(asks), strict=False)):
        if number % 2:
            second = await other(messages, max_tokens)
            first = await one(messages, max_tokens)
        else:
            first = await one(messages, max_tokens)
            second = await other(messages, max_tokens)
        results.append((first, second))
        print(
            f"  {name} {number + 1}/{len(prompts)}: first token {first.first:.2f} and {second.first:.2f} s,"
            f" {first.rate:.1f} and {second.rate:.1f} tokens/s",
            flush=True,
        )
    return results


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def told(name: str, value: float, limit: float, *, at_most: bool = False) -> bool:
    """Print a ratio beside its goal; whether it is met."""
    met = value <= limit if at_most else value >= limit
    print(
        f"  {name}: {value:.3f} (goal: {'at most' if at_most else 'at least'} {limit}; {'met' if met else 'MISSED'})"
    )
    return met


# --- the three questions ------------------------------------------------------------------------------------


async def bench_client(model: LlamaCppModel, plain: LlamaServer, rounds: int) -> bool:
    """Vivek's embedded client against a bare one, both on a server that does not draft.

    With drafts the second to ask would be the faster: the server drafts from what it wrote for the first.
    """
    print("\nVivek's embedded client and a bare one, nothing cached, no drafts", flush=True)
    record = server.Record(0, plain.url, KEY, "", 0.0)
    usual = completions.llama_body

    def uncached(messages: Sequence[Message], sampling: Sampling) -> dict[str, object]:
        return usual(messages, sampling) | {"cache_prompt": False}

    prompts = [task.messages("rewrite") for task in tasks(rounds, 15, 25)]
    with (
        mock.patch.object(completions, "llama_body", uncached),
        mock.patch.object(server, "read_record", return_value=record),
        mock.patch.object(launcher, "held", return_value=True),
    ):
        asks = [(through(model), barely(plain.url, KEY))]
        await asks[0][0](prompts[0], 8)  # the first call pages the weights in
        pairs = await side_by_side("client", asks, prompts, 48)
    first = median([ours.first / bare.first for ours, bare in pairs])
    speed = median([ours.rate / bare.rate for ours, bare in pairs])
    met = told("time to first token, Vivek / bare", first, FIRST_TOKEN_LIMIT, at_most=True)
    return told("tokens/s, Vivek / bare", speed, SPEED_LIMIT) and met


async def bench_backends(embedded: LlamaCppModel, ollama: OllamaModel, rounds: int) -> None:
    """Ollama and the embedded server, the same weights, prompts that are new to both."""
    print("\nOllama and the embedded backend, prompts that are new to both", flush=True)
    prompts = [task.messages("rewrite", f"{n}. ") for n, task in enumerate(tasks(rounds, 15, 25))]
    for model in (embedded, ollama):
        await through(model)([Message("user", "hi")], 1)
    pairs = await side_by_side("Ollama, embedded", [(through(ollama), through(embedded))], prompts, 48)
    for name, index in (("Ollama", 0), ("embedded", 1)):
        first, rate = (
            median([pair[index].first for pair in pairs]),
            median([pair[index].rate for pair in pairs]),
        )
        print(f"  {name}: first token after {first:.2f} s, {rate:.1f} tokens/s")
    first = median([one.first / other.first for one, other in pairs])
    print(f"  Ollama / embedded: first token {first:.2f}, tokens/s", end=" ")
    print(f"{median([one.rate / other.rate for one, other in pairs]):.2f}", flush=True)


async def bench_speculation(asks: tuple[Ask, Ask], blocks: int, words: int, rewrites: int) -> bool:
    """The same prompts with and without drafting: speed of both, and what became of the replies."""
    met = True
    if blocks:
        print("\nn-gram speculation on and off: rewrites of large functions", flush=True)
        large = [task.messages("rewrite") for task in tasks(blocks, 45, 70)]
        pairs = await side_by_side("block", [asks], large, 1024)
        met = told("tokens/s on a block rewrite, on / off", _gain(pairs), REWRITE_GAIN)
    if words:
        print("\nn-gram speculation on and off: answers in words", flush=True)
        asked = tasks(words, 15, 25, ["Explain what this function does."])
        pairs = await side_by_side("words", [asks], [task.messages("answer") for task in asked], 128)
        met = told("tokens/s on words, on / off", _gain(pairs), WORDS_LOSS) and met
    if rewrites:
        print("\nn-gram speculation on and off: many rewrites, compared", flush=True)
        small = tasks(rewrites, 5, 11)
        pairs = await side_by_side("rewrite", [asks], [task.messages("rewrite") for task in small], 384)
        compare(small, [(on.text, off.text) for on, off in pairs])
        print(f"  tokens/s on small rewrites, on / off: {_gain(pairs):.3f}", flush=True)
    return met


def _gain(pairs: Sequence[tuple[Timing, Timing]]) -> float:
    """Median of the ratios of speed; replies of a few tokens tell nothing."""
    return median([on.rate / off.rate for on, off in pairs if min(on.tokens, off.tokens) > 8] or [0.0])


# --- servers ------------------------------------------------------------------------------------------------


@contextmanager
def ollama_with(model: str, file: Path, folder: Path) -> Iterator[OllamaModel | None]:
    """A client of an Ollama that has these weights; None where there is no program."""
    program = os.environ.get("VIVEK_OLLAMA") or shutil.which("ollama")
    if not program:
        yield None
        return
    folder.mkdir()
    running = Ollama(program, folder, window=WINDOW)
    try:
        running.create(model, file)
        yield OllamaModel(model, running.url, context_window=WINDOW)
    finally:
        running.close()


@contextmanager
def llama_server(file: Path, *, drafts: bool) -> Iterator[LlamaServer]:
    """A server with Vivek's parameters, with or without drafting."""
    running = LlamaServer(file, window=WINDOW, key=KEY, as_vivek=True, speculation=drafts)
    try:
        yield running
    finally:
        running.close()


async def measure(options: argparse.Namespace, file: Path, digest: str, folder: Path) -> bool:
    """All parts that are wanted; whether every goal was met."""
    met = True
    embedded = LlamaCppModel(file, name=options.model, digest=digest, context_window=WINDOW)
    if "client" in options.parts:
        with llama_server(file, drafts=False) as plain:
            met = await bench_client(embedded, plain, options.rounds)
    if "backends" in options.parts:
        with ollama_with(options.model, file, folder / "ollama") as ollama:
            if ollama is None:
                print("\nThere is no `ollama` on the PATH, and VIVEK_OLLAMA names none: it is not compared.")
            else:
                await bench_backends(embedded, ollama, max(2, options.rounds // 2))
    kill_servers()
    if "speculation" in options.parts:
        with llama_server(file, drafts=True) as on, llama_server(file, drafts=False) as off:
            asks = through(OpenAIModel(on.url, key=KEY)), through(OpenAIModel(off.url, key=KEY))
            for ask in asks:
                await ask([Message("user", "hi")], 1)
            met = await bench_speculation(asks, options.blocks, options.words, options.rewrites) and met
    return met


def main() -> int:
    parts = ("client", "backends", "speculation")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=weights.DEFAULT)
    for name, text in COUNTS.items():
        parser.add_argument(f"--{name}", type=int, help=text)
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--quick", action="store_true", help="a few calls of each kind")
    options = parser.parse_args()
    for name, few in zip(COUNTS, QUICK if options.quick else FULL, strict=True):
        setattr(options, name, few if getattr(options, name) is None else getattr(options, name))
    found = weights.find(options.model)
    if found is None:
        print(f"The weights of {options.model} are not here: run `vivek install model {options.model}`.")
        return 1
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        stack.enter_context(mock.patch.dict(os.environ, XDG_STATE_HOME=str(folder / "state")))
        stack.callback(kill_servers)
        print(f"{options.model}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
        met = asyncio.run(measure(options, found.path, found.digest, folder))
    print(
        f"\n{'All goals met' if met else 'A goal was MISSED'}; {(time.monotonic() - began) / 60:.1f} minutes."
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
