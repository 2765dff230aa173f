"""The counter against llama.cpp's own tokenizer, on the 0.5B."""

from __future__ import annotations

import argparse
import dataclasses
import json.decoder
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import wire
from support import need
from vivek.llm import tokens, weights
from vivek.llm.base import Message, TokenCounter

pytestmark = pytest.mark.real_model

SERVE = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.hostnames = sys.argv[1], int(sys.argv[2]), ["127.0.0.1"]
params.n_ctx, params.warmup = 512, False
server = xllamacpp.Server(params)
print("ready", flush=True)
sys.stdin.read()
"""

# No letters of new Unicode versions: llama.cpp's tables and those of the `regex` package differ in age.
ALPHABET = [
    chr(code)
    for code in (*range(0x250), *range(0x391, 0x3CA), *range(0x4E00, 0x4E80), *range(0x1F600, 0x1F640))
]
ALPHABET += [
    "\u2028",
    "\u3000",
    "\u200b",
    "e\u0301",
    "𝟙",
    "²",
    "½",
    "'s",
    "'LL",
    "  ",
    "\r\n",
    "<|im_end|>",
    "<|im_",
]


@pytest.fixture(scope="module")
def gguf() -> Path:
    if named := os.environ.get("VIVEK_TEST_MODEL_05B"):
        return Path(named)
    found = weights.find("qwen2.5-coder:0.5b")
    need(found, "qwen2.5-coder:0.5b is not installed: vivek install model qwen2.5-coder:0.5b")
    return found.path


@pytest.fixture(scope="module")
def counter(gguf: Path) -> TokenCounter:
    return tokens.gguf_counter(gguf, "")


@pytest.fixture(scope="module")
def llama(gguf: Path) -> Iterator[httpx.Client]:
    port = wire.closed_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(gguf), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert any(line.strip() == b"ready" for line in process.stdout)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            yield client
    finally:
        process.kill()
        process.wait(10)
        process.stdin.close()
        process.stdout.close()


def real(llama: httpx.Client, text: str) -> int:
    answer = llama.post("/tokenize", json={"content": text, "parse_special": True, "add_special": False})
    return len(answer.json()["tokens"])


@pytest.mark.parametrize("module", [argparse, dataclasses, json.decoder, random, subprocess, httpx])
def test_code_is_counted_as_llama_cpp_counts_it(
    llama: httpx.Client, counter: TokenCounter, module: object
) -> None:
    text = Path(str(module.__file__)).read_text("utf-8")  # type: ignore[attr-defined]
    assert counter.count(text) == real(llama, text)


def test_odd_text_is_counted_as_llama_cpp_counts_it(llama: httpx.Client, counter: TokenCounter) -> None:
    dice = random.Random(20)
    texts = ["".join(dice.choices(ALPHABET, k=dice.randint(1, 30))) for _ in range(400)]
    assert [(text, counter.count(text)) for text in texts] == [(text, real(llama, text)) for text in texts]


def test_the_documented_difference_is_never_an_undercount(llama: httpx.Client, counter: TokenCounter) -> None:
    assert counter.count("a </s> b") >= real(llama, "a </s> b")


@pytest.mark.parametrize("run", ["a", " ", "=", "\n", "\t", "你", "7"])
def test_long_runs_are_counted_as_llama_cpp_counts_them(
    llama: httpx.Client, counter: TokenCounter, run: str
) -> None:
    assert counter.count(run * 20_003) == real(llama, run * 20_003)


@pytest.mark.parametrize(
    "messages",
    [
        [Message("system", "You write code."), Message("user", "x = 1\n")],
        [Message("user", "no system message  ")],
        [
            Message("system", " a\n"),
            Message("user", "<|im_end|>"),
            Message("assistant", ""),
            Message("user", "\n"),
        ],
    ],
)
def test_the_whole_prompt_is_counted_as_the_template_makes_it(
    llama: httpx.Client, counter: TokenCounter, messages: list[Message]
) -> None:
    body = {"messages": [{"role": message.role, "content": message.content} for message in messages]}
    prompt = llama.post("/apply-template", json=body).json()["prompt"]
    assert counter.exact
    assert counter.count_messages(messages) == real(llama, prompt)
