"""Real model servers for tests, each on a port and in folders of its own: Ollama, and llama.cpp's as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

import wire
from support import need
from vivek.llm import weights

NAME = "qwen2.5-coder:0.5b"
"""The model that all real tests run on."""

CHATML = """TEMPLATE \"\"\"{{ range $i, $_ := .Messages }}{{ $last := eq (len (slice $.Messages $i)) 1 }}<|im_start|>{{ .Role }}
{{ .Content }}{{ if or (ne .Role "assistant") (not $last) }}<|im_end|>
{{ end }}{{ if and $last (ne .Role "assistant") }}<|im_start|>assistant
{{ end }}{{ end }}\"\"\"
PARAMETER stop <|im_end|>
"""
"""What a Modelfile must say of Qwen2.5-Coder, whose template Ollama does not recognise in the file."""


def small_weights() -> Path:
    """The 0.5B's file: that which Vivek finds, or VIVEK_TEST_MODEL_05B names. Skips where there is none."""
    if named := os.environ.get("VIVEK_TEST_MODEL_05B"):
        return Path(named)
    found = weights.find(NAME)
    need(found, f"{NAME} is not installed: vivek install model {NAME}")
    assert found is not None
    return found.path


def ollama_program() -> str:
    """`ollama` on the PATH, or the one that VIVEK_OLLAMA names. Skips where there is none."""
    found = os.environ.get("VIVEK_OLLAMA") or shutil.which("ollama")
    need(found, "no `ollama` on the PATH, and VIVEK_OLLAMA names none")
    return str(found)


class Ollama:
    """A running Ollama with a store and a home of its own. window: what it loads models with where not told."""

    def __init__(self, program: str, store: Path, *, window: int = 2048, port: int | None = None) -> None:
        self.port = port or wire.closed_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._store = store
        self._env = os.environ | {
            "OLLAMA_HOST": f"127.0.0.1:{self.port}",
            "OLLAMA_MODELS": str(store / "models"),
            "OLLAMA_CONTEXT_LENGTH": str(window),
            "HOME": str(store),
        }
        self._log = (store / "serve.log").open("ab")
        self._process = subprocess.Popen(
            [program, "serve"], env=self._env, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self._await_answer(store / "serve.log")

    def create(self, name: str, weights: Path, more: str = CHATML) -> None:
        """Make a model of a GGUF file; `more` are the other lines of its Modelfile."""
        modelfile = self._store / "Modelfile"
        modelfile.write_text(f"FROM {weights}\n{more}")
        self.command("create", name, "-f", str(modelfile))

    def command(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._program, *arguments],
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


SERVE = """
import json, sys, xllamacpp
from vivek.llm.server import parameters
given = json.loads(sys.argv[1])
if given["as_vivek"]:
    params = parameters(given["weights"], given["window"], given["key"])
else:
    params = xllamacpp.CommonParams()
    params.model.path, params.hostnames, params.port = given["weights"], ["127.0.0.1"], 0
    params.n_parallel, params.n_ctx, params.warmup = given["slots"], given["window"] * given["slots"], False
    params.endpoint_metrics, params.api_keys = True, [given["key"]] if given["key"] else []
if not given["speculation"]:
    params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NONE]
for name, value in given["ngram_mod"].items():
    setattr(params.speculative.ngram_mod, name, value)
server = xllamacpp.Server(params)
print("ready", server.listening_address, flush=True)
sys.stdin.read()
"""


class LlamaServer:
    """llama.cpp's own server, as a user starts it. window: tokens for each slot.

    as_vivek: with the parameters of Vivek's embedded one. speculation: whether it drafts, where its parameters have it
    draft at all. ngram_mod: other parameters for that.
    """

    def __init__(
        self,
        weights: Path,
        *,
        window: int = 2048,
        slots: int = 2,
        key: str = "",
        as_vivek: bool = False,
        speculation: bool = True,
        ngram_mod: dict[str, int] | None = None,
    ) -> None:
        given = {
            "weights": str(weights),
            "window": window,
            "slots": slots,
            "key": key,
            "as_vivek": as_vivek,
            "speculation": speculation,
            "ngram_mod": ngram_mod or {},
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdout
        ready = next((line for line in self._process.stdout if line.startswith(b"ready ")), b"")
        assert ready, "llama.cpp's server ended while it loaded"
        self.url = ready.decode().split()[1]

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait(10)
        self._process.stdin.close()
        self._process.stdout.close()
