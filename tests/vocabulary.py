"""Qwen2.5-Coder's tokenizer for tests without weights: real merges, exact for the words that prompts and tests use."""

from __future__ import annotations

from pathlib import Path

from vivek.llm import tokens

MERGES = Path(__file__).parent / "data" / "qwen2.5-coder-merges.txt"


def qwen_encoder() -> tokens.Encoder:
    """The encoder; words that it has no merges for count as more tokens than they have."""
    merges = MERGES.read_text(encoding="utf-8").rstrip("\n").split("\n")[1:]
    vocabulary = tokens.vocabulary(
        {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "qwen2",
            "tokenizer.ggml.merges": merges,
            "tokenizer.ggml.tokens": ["<|im_start|>", "<|im_end|>"],
            "tokenizer.ggml.token_type": [3, 3],
        }
    )
    assert vocabulary is not None
    return tokens.encoder(vocabulary)
