"""llama.cpp as a judge of token counts: servers that only tokenize, and model files that hold little but a tokenizer."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import wire
from vivek.llm.base import Message

_SERVE = """
import json, sys, xllamacpp
servers = []
for path, port, template in json.loads(sys.argv[1]):
    params = xllamacpp.CommonParams()
    params.model.path, params.port, params.hostnames = path, port, ["127.0.0.1"]
    params.n_ctx, params.n_parallel, params.warmup = 512, 1, False
    params.no_extra_bufts, params.fit_params = True, False  # no rearranging of weights that nobody uses
    params.chat_template = template
    servers.append(xllamacpp.Server(params))
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Judge:
    """A llama.cpp server."""

    http: httpx.Client

    def tokens(self, text: str, *, around: bool = False) -> int:
        """Number of tokens of the text. around: with what is put around a whole prompt."""
        body = {"content": text, "parse_special": True, "add_special": around}
        return len(self.http.post("/tokenize", json=body).raise_for_status().json()["tokens"])

    def prompt(self, messages: Sequence[Message]) -> str:
        """What the chat template makes of the messages. Raises HTTPStatusError where it refuses them."""
        body = {"messages": [{"role": message.role, "content": message.content} for message in messages]}
        return str(self.http.post("/apply-template", json=body).raise_for_status().json()["prompt"])


@contextmanager
def judges(models: Sequence[tuple[Path, str]]) -> Iterator[list[Judge]]:
    """A server for each model file and chat template ("" for the file's own), all in one process."""
    ports = [wire.closed_port() for _ in models]
    specs = [[str(path), port, template] for (path, template), port in zip(models, ports, strict=True)]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE, json.dumps(specs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    clients = [
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) for port in ports
    ]
    try:
        assert any(line.strip() == b"ready" for line in process.stdout), "llama.cpp did not load the models"
        yield [Judge(client) for client in clients]
    finally:
        for client in clients:
            client.close()
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


_WIDTH = 32
_ALIGNMENT = 32
_F32, _F16 = 0, 1


def write_model(path: Path, tokenizer: Mapping[str, Any]) -> Path:
    """The smallest llama that loads, all of its weights zero, with these ``tokenizer.*`` keys of a real model."""
    words = len(tokenizer["tokenizer.ggml.tokens"])
    pairs: dict[str, Any] = {
        "general.architecture": "llama",
        "llama.block_count": 1,
        "llama.context_length": 512,
        "llama.embedding_length": _WIDTH,
        "llama.feed_forward_length": _WIDTH,
        "llama.attention.head_count": 1,
        "llama.attention.head_count_kv": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": _WIDTH,
        "llama.vocab_size": words,
        **{key: value for key, value in tokenizer.items() if key.startswith("tokenizer.") and value != []},
    }
    square = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    tensors: list[tuple[str, tuple[int, ...], int]] = [
        ("token_embd.weight", (_WIDTH, words), _F16),
        ("output_norm.weight", (_WIDTH,), _F32),
        ("blk.0.attn_norm.weight", (_WIDTH,), _F32),
        ("blk.0.ffn_norm.weight", (_WIDTH,), _F32),
        *((f"blk.0.{name}.weight", (_WIDTH, _WIDTH), _F16) for name in square),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    head += b"".join(_string(key) + _value(value) for key, value in pairs.items())
    end = 0
    for name, shape, kind in tensors:
        head += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, end)
        size = (4 if kind == _F32 else 2) * _WIDTH * (shape[1] if len(shape) > 1 else 1)
        end += -(-size // _ALIGNMENT) * _ALIGNMENT
    with path.open("wb") as file:
        file.write(head)
        file.truncate(-(-len(head) // _ALIGNMENT) * _ALIGNMENT + end)
    return path


def _value(value: Any) -> bytes:
    if isinstance(value, list):
        kind, data = _SCALARS[type(value[0])](value)
        return struct.pack("<IIQ", 9, kind, len(value)) + data
    if type(value) is int:
        return struct.pack(
            "<II", 4, value
        )  # llama.cpp wants its own numbers unsigned, those of arrays signed
    kind, data = _SCALARS[type(value)]([value])
    return struct.pack("<I", kind) + data


_SCALARS: dict[type, Callable[[list[Any]], tuple[int, bytes]]] = {
    bool: lambda values: (7, struct.pack(f"<{len(values)}?", *values)),
    int: lambda values: (5, struct.pack(f"<{len(values)}i", *values)),
    float: lambda values: (6, struct.pack(f"<{len(values)}f", *values)),
    str: lambda values: (8, b"".join(map(_string, values))),
}
"""GGUF's number of each type, and its bytes."""


def _string(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(data)) + data
