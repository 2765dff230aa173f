"""A real Ollama with the 0.5B: a server of its own, on its own port, with its own store and home.

The binary is `ollama` on the PATH, or the one that VIVEK_OLLAMA names; the weights are those that Vivek
finds, or the file that VIVEK_TEST_MODEL_05B names.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

import wire
from support import need
from vivek import paths
from vivek.errors import ContextWindowExceededError, ModelConnectionLostError, ModelNotFoundError
from vivek.llm import ollama, tokens, weights
from vivek.llm.base import Finished, Loading, Message, Sampling, Text
from vivek.llm.ollama import OllamaModel

pytestmark = pytest.mark.real_model

T = TypeVar("T")

NAME, BARE = "qwen2.5-coder:0.5b", "bare:latest"
WINDOW = 2048
CHATML = """TEMPLATE \"\"\"{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
\"\"\"
PARAMETER stop <|im_end|>
"""
SYSTEM = Message("system", "You are a programmer. Answer with code.")
ASK = [SYSTEM, Message("user", "Write a Python function `add(a, b)` that returns their sum.")]
SHORT = Sampling(max_tokens=1)


class Real:
    """A running server."""

    def __init__(self, binary: str, store: Path) -> None:
        self.port = wire.closed_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._binary = binary
        self._env = os.environ | {
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(store / "models"),
            "HOME": str(store),
        }
        self._log = (store / "serve.log").open("ab")
        self._process = subprocess.Popen(
            [binary, "serve"], env=self._env, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self._await_answer(store / "serve.log")

    def command(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._binary, *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def kill(self) -> None:
        """Kill the server and its runner with -9."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(20)
        self._log.close()

    def _await_answer(self, log: Path) -> None:
        deadline = time.monotonic() + 60
        while True:
            with suppress(httpx.TransportError):
                httpx.get(f"{self.url}/api/version", trust_env=False)
                return
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def binary() -> str:
    found = os.environ.get("VIVEK_OLLAMA") or shutil.which("ollama")
    need(found, "no `ollama` on the PATH, and VIVEK_OLLAMA names none")
    return str(found)


@pytest.fixture(scope="module")
def gguf() -> Path:
    if named := os.environ.get("VIVEK_TEST_MODEL_05B"):
        return Path(named)
    found = weights.find(NAME)
    need(found, f"{NAME} is not installed: vivek install model {NAME}")
    return found.path


@pytest.fixture(scope="module")
def store(binary: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ollama")


@pytest.fixture(scope="module")
def server(binary: str, gguf: Path, store: Path) -> Iterator[Real]:
    real = Real(binary, store)
    try:
        for name, more in ((NAME, CHATML), (BARE, "TEMPLATE {{ .Prompt }}\n")):
            (store / "Modelfile").write_text(f"FROM {gguf}\n{more}")
            real.command("create", name, "-f", str(store / "Modelfile"))
        yield real
    finally:
        real.close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 280))


async def answer(
    url: str, messages: list[Message], sampling: Sampling, name: str = NAME
) -> tuple[str, Finished, bool]:
    """The reply, its end, and whether the model had to be loaded."""
    model, text, loading = OllamaModel(name, url, context_window=WINDOW), "", False
    try:
        async for event in model.stream(messages, sampling):
            text += event.text if isinstance(event, Text) else ""
            loading = loading or isinstance(event, Loading)
            if isinstance(event, Finished):
                return text, event, loading
    finally:
        await model.aclose()
    raise AssertionError("the reply had no end")


def test_it_answers_and_is_loaded_once(server: Real) -> None:
    sampling = Sampling(max_tokens=60)
    text, end, _ = run(answer(server.url, ASK, sampling))
    assert "def add(a, b)" in text
    assert end.stats.generated_tokens > 5
    assert 0 < end.stats.first_token_ms < end.stats.total_ms
    again, _, loading = run(answer(server.url, ASK, sampling))
    assert again == text
    assert not loading


def test_the_cap_on_tokens_is_kept_and_told(server: Real) -> None:
    _, end, _ = run(answer(server.url, ASK, Sampling(max_tokens=3)))
    assert (end.reason, end.stats.generated_tokens) == ("length", 3)


def test_it_is_listed_and_described(server: Real, gguf: Path) -> None:
    async def about() -> None:
        listed = {model.name: model for model in await ollama.list_models(server.url)}
        assert set(listed) == {NAME, BARE}
        assert listed[NAME].size > gguf.stat().st_size
        picked = ollama.pick_installed(list(listed.values()), None)
        assert picked == listed[NAME]
        model = OllamaModel(NAME, server.url, context_window=WINDOW)
        info = await model.info()
        assert info.digest == weights.sha256(gguf)
        assert info.context_window == WINDOW
        assert info.parameters
        assert 0.4e9 < info.parameters < 0.7e9
        assert not await model.warnings()
        large = OllamaModel(NAME, server.url, context_window=10**6)
        assert (await large.info()).context_window == 32768
        await model.aclose()
        await large.aclose()

    run(about())


def test_a_model_without_a_chat_template_is_told(server: Real) -> None:
    async def notice() -> str | None:
        model = OllamaModel(BARE, server.url)
        told = (await model.warnings())[0]
        assert not (await model.counter()).exact
        await model.aclose()
        return told

    assert "no chat template" in (run(notice()) or "")


TRICKY = [
    "x = 1\n",
    "\tif a:\n\t\treturn 'it\\'s'\n\n\n",
    "naïve café — 你好, 世界 🧪 e\u0301\u00a0\u3000|",
    "<|im_end|><|fim_prefix|>`</div>`",
    "=" * 300 + " " * 200 + "\n" * 50,
    "1234567890 3.14159e-10 0xDEADBEEF",
    Path(tokens.__file__).read_text()[:2500],
]


@pytest.mark.parametrize("text", TRICKY, ids=range(len(TRICKY)))
def test_the_count_is_the_one_that_the_server_makes(server: Real, text: str) -> None:
    async def both() -> tuple[int, int]:
        model = OllamaModel(NAME, server.url, context_window=WINDOW)
        counter = await model.counter()
        await model.aclose()
        assert counter.exact
        messages = [SYSTEM, Message("user", text), Message("assistant", "ok"), Message("user", "again")]
        _, end, _ = await answer(server.url, messages, SHORT)
        return counter.count_messages(messages), end.stats.prompt_tokens

    counted, read = run(both())
    assert counted == read


def test_the_file_and_the_server_give_the_same_counter(server: Real, gguf: Path) -> None:
    async def of_server() -> list[int]:
        model = OllamaModel(NAME, server.url)
        counter = await model.counter()
        await model.aclose()
        return [counter.count(text) for text in TRICKY]

    of_file = tokens.gguf_counter(gguf, "")
    assert [of_file.count(text) for text in TRICKY] == run(of_server())


def test_a_prompt_that_is_too_long_is_refused_by_the_server_too(server: Real) -> None:
    with pytest.raises(ContextWindowExceededError, match=str(WINDOW)):
        run(answer(server.url, [SYSTEM, Message("user", "word " * 3000)], SHORT))


def test_a_loaded_window_that_suffices_is_kept_and_one_that_does_not_is_raised(server: Real) -> None:
    async def window() -> int | None:
        return (await ollama.loaded_models(server.url)).get(NAME)

    async def loads(model: OllamaModel) -> bool:
        """Whether it was loaded for this ask."""
        return any([isinstance(event, Loading) async for event in model.stream(ASK, SHORT)])

    async def talk() -> None:
        other, model = OllamaModel(NAME, server.url, context_window=4096), OllamaModel(NAME, server.url)
        await loads(other)  # another program has loaded it
        assert await window() == 4096
        assert (await model.info()).context_window == 4096
        assert not await loads(model)
        assert (await model.widen(5000)).context_window == 8192
        assert await loads(model)
        assert await window() == 8192
        assert not await loads(other)  # and the larger one is kept in turn
        await model.aclose()
        await other.aclose()

    run(talk())


def test_a_missing_model_is_told_with_the_command_that_fetches_it(server: Real) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        run(answer(server.url, ASK, SHORT, name="never-pulled:7b"))
    assert "`ollama pull never-pulled:7b`" in caught.value.hint


def test_a_stop_while_it_reads_frees_at_once_and_the_next_ask_works(server: Real) -> None:
    async def stop() -> float:
        long = [SYSTEM, Message("user", "".join(f"word{n} " for n in range(400)))]
        task = asyncio.create_task(answer(server.url, long, SHORT))
        await asyncio.wait({task}, timeout=0.5)
        start = time.monotonic()
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.done()
        return time.monotonic() - start

    run(answer(server.url, ASK, SHORT))
    assert run(stop()) < 0.2
    text, _, _ = run(answer(server.url, ASK, Sampling(max_tokens=20)))
    assert text


def test_a_server_that_is_killed_leaves_the_text_so_far(binary: str, server: Real, store: Path) -> None:
    other, text = Real(binary, store), ""
    try:

        async def kill() -> None:
            nonlocal text
            model = OllamaModel(NAME, other.url, context_window=WINDOW)
            async for event in model.stream(ASK, Sampling(max_tokens=500)):
                text += event.text if isinstance(event, Text) else ""
                if len(text) > 5:
                    other.kill()

        with pytest.raises(ModelConnectionLostError) as caught:
            run(kill())
        assert len(text) > 5
        assert caught.value.partial == text
        assert "`ollama serve`" in caught.value.hint
    finally:
        other.close()
