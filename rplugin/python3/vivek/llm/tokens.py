"""Counts tokens exactly as the running model does, from the tokenizer that its own weights carry.

A GGUF file and Ollama's verbose ``/api/show`` hold the same metadata; for byte-level BPE its merges make a
tiktoken encoding, and llama.cpp's split patterns cut the text first. Whatever is not byte-level BPE with a
known pattern (SentencePiece, unigram) gets a counter that says ``exact=False`` and errs on the large side. It
opens no connection.

Known difference: recent llama.cpp takes a literal ``</s>`` in the text for one token even where the
vocabulary does not mark it as special; here it counts as the three or so that older servers make of it, never
fewer.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import regex
import tiktoken

from vivek import paths
from vivek.llm import gguf
from vivek.llm.base import Message, TokenCounter

BYTES_PER_TOKEN = 2.5
"""Of the approximate counter: code has 3 to 4 bytes a token in current vocabularies, so this errs on the
large side."""

MESSAGE_TOKENS = 12
"""What an unknown chat template is taken to add to each message; ChatML adds 5, Llama 3 adds 5."""

_QWEN2 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_LLAMA3 = _QWEN2.replace(r"|\p{N}| ", r"|\p{N}{1,3}| ")
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"

_PATTERNS: dict[str, tuple[str, ...]] = {
    "qwen2": (_QWEN2,),
    "deepseek-r1-qwen": (_QWEN2,),
    "llama-bpe": (_LLAMA3,),
    "llama3": (_LLAMA3,),
    "falcon3": (_LLAMA3,),
    "deepseek-coder": (
        r"[\r\n]",
        r"\s?\p{L}+",
        r"\s?\p{P}+",
        "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
        r"\p{N}",
    ),
    "smollm": (r"\p{N}", _GPT2),
    "starcoder": (r"\p{N}", _GPT2),
    "refact": (r"\p{N}", _GPT2),
    "gpt-2": (_GPT2,),
}
"""How llama.cpp cuts the text before it merges, by ``tokenizer.ggml.pre`` (llama-vocab.cpp): each pattern
cuts the pieces that the one before it left, and what lies between its matches stays a piece."""

_SPECIAL_TYPES = frozenset({2, 3, 4})
"""llama.cpp's token types that are found in the text before anything else: unknown, control, user-defined."""

_FORMAT = 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Vocabulary:
    """A byte-level BPE tokenizer. merged: the bytes that each merge makes, in rank order, without repeats."""

    pre: str
    merged: tuple[bytes, ...]
    special: tuple[str, ...]


def supported(metadata: Mapping[str, Any]) -> bool:
    """Whether the ``tokenizer.ggml.*`` scalars name a tokenizer that can be counted exactly."""
    return metadata.get("tokenizer.ggml.model") == "gpt2" and metadata.get("tokenizer.ggml.pre") in _PATTERNS


def vocabulary(metadata: Mapping[str, Any]) -> Vocabulary | None:
    """The tokenizer in a model's metadata; None where it cannot be counted exactly or is incomplete."""
    merges, tokens = metadata.get("tokenizer.ggml.merges"), metadata.get("tokenizer.ggml.tokens")
    if not supported(metadata) or not merges or not tokens:
        return None
    types = metadata.get("tokenizer.ggml.token_type") or ()
    special = tuple(token for token, kind in zip(tokens, types, strict=False) if kind in _SPECIAL_TYPES)
    merged = dict.fromkeys(_raw(merge.replace(" ", "")) for merge in merges)
    return Vocabulary(metadata["tokenizer.ggml.pre"], tuple(merged), special)


def gguf_counter(path: Path, digest: str) -> TokenCounter:
    """The counter of the model in this GGUF file.

    digest: sha256 (hex) of the file, the key of the cache; "" where it is not known, then nothing is cached.
    Raises ConfigError where the file cannot be read.
    """
    metadata = gguf.metadata(path)
    template = metadata.get("tokenizer.chat_template")
    encoder = cached_encoder(digest) or remember(digest, metadata)
    return counter(encoder, template if isinstance(template, str) else "")


def counter(encoder: Encoder | None, template: str) -> TokenCounter:
    """A counter for prompts under this chat template (its Jinja or Go source); approximate without an
    encoder."""
    return ExactCounter(encoder, template) if encoder else ApproximateCounter()


class Encoder:
    """Counts the tokens of plain text with one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        ranks = {bytes([value]): value for value in range(256)}
        ranks.update((piece, 256 + rank) for rank, piece in enumerate(vocabulary.merged))
        # The pattern takes a piece whole: cutting is done here, because tiktoken's regex engine overflows its
        # stack on a million blanks, and because some vocabularies cut in several steps.
        self._encoding = tiktoken.Encoding(
            "vivek", pat_str=r"(?s:.+)", mergeable_ranks=ranks, special_tokens={}
        )
        self._patterns = [regex.compile(f"({pattern})") for pattern in _PATTERNS[vocabulary.pre]]
        longest_first = sorted(vocabulary.special, key=len, reverse=True)
        self._special = regex.compile("|".join(map(regex.escape, longest_first)) or r"(?!)")

    def count(self, text: str) -> int:
        """Number of tokens; a special token's own spelling counts as one, as the servers read it."""
        text = text.encode("utf-8", "replace").decode("utf-8")
        special = sum(1 for _ in self._special.finditer(text))
        return special + sum(self._count_plain(plain) for plain in self._special.split(text))

    def _count_plain(self, text: str) -> int:
        pieces = [text]
        for pattern in self._patterns:
            pieces = [part for piece in pieces for part in pattern.split(piece) if part]
        lengths: dict[str, int] = {}
        total = 0
        for piece in pieces:
            length = lengths.get(piece)
            if length is None:
                length = lengths[piece] = len(self._encoding.encode_ordinary(piece))
            total += length
        return total


class ExactCounter:
    """Counts as the model does. exact is False where the chat template is one whose additions are not
    known."""

    def __init__(self, encoder: Encoder, template: str) -> None:
        self._encoder = encoder
        self._template = template
        self.exact = is_chatml(template)

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""
        return self._encoder.count(text)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the whole prompt; an unknown template is taken to add MESSAGE_TOKENS a
        message."""
        if self.exact:
            return self.count(chatml(messages, default_system(self._template)))
        return _with_margin(self.count, messages)


class ApproximateCounter:
    """For vocabularies that cannot be counted exactly: one token for every BYTES_PER_TOKEN bytes, rounded
    up."""

    exact = False

    def count(self, text: str) -> int:
        """Number of tokens of the text alone, more likely too large than too small."""
        return int(-(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN))

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the whole prompt; the template is taken to add MESSAGE_TOKENS a message."""
        return _with_margin(self.count, messages)


def _with_margin(count: Callable[[str], int], messages: Sequence[Message]) -> int:
    return sum(count(message.content) + MESSAGE_TOKENS for message in messages) + MESSAGE_TOKENS


def is_chatml(template: str) -> bool:
    """Whether the template is plain ChatML; one that also writes thoughts (Qwen 3) is not."""
    return "<|im_start|>" in template and "<|im_end|>" in template and "think" not in template


def chatml(messages: Sequence[Message], system: str = "") -> str:
    """The prompt that a ChatML template makes. system: what it says where no message has that role first."""
    if system and (not messages or messages[0].role != "system"):
        messages = [Message("system", system), *messages]
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return f"{turns}<|im_start|>assistant\n"


def default_system(template: str) -> str:
    """The system message that a Jinja template adds by itself; "" where it adds none."""
    found = re.search(r"<\|im_start\|>system(?:\\n|\n)([^'\"{<]+)<\|im_end\|>", template)
    return found[1] if found else ""


_encoders: dict[str, Encoder] = {}
"""By digest, for the life of the process: building one takes a quarter of a second."""


def cached_encoder(digest: str) -> Encoder | None:
    """The encoder of these weights from memory or disk; None where neither has it whole."""
    if digest not in _encoders and (stored := _read(digest)):
        _encoders[digest] = Encoder(stored)
    return _encoders.get(digest)


def remember(digest: str, metadata: Mapping[str, Any]) -> Encoder | None:
    """Make the encoder from the metadata and keep it under the digest; None where it is not supported."""
    made = vocabulary(metadata)
    if made is None:
        return None
    encoder = Encoder(made)
    if _DIGEST.fullmatch(digest):
        _encoders[digest] = encoder
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            _write(digest, made)
    return encoder


def _read(digest: str) -> Vocabulary | None:
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        data = _cache_file(digest).read_bytes()
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            return None
        version, pre, merged, special = msgpack.unpackb(data[32:])
    except (OSError, ValueError, TypeError):
        return None
    return Vocabulary(pre, tuple(merged), tuple(special)) if version == _FORMAT and pre in _PATTERNS else None


def _write(digest: str, vocabulary: Vocabulary) -> None:
    body = msgpack.packb([_FORMAT, vocabulary.pre, vocabulary.merged, vocabulary.special])
    target = _cache_file(digest)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.stem)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(body).digest() + body)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _cache_file(digest: str) -> Path:
    return paths.tokenizers_dir() / f"{digest}.msgpack"


def _byte_letters() -> dict[int, str]:
    """GPT-2's spelling of bytes as letters, turned around: code point of the letter -> Latin-1 character of
    the byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [value for value in range(256) if value not in printable]
    return {letter: chr(letter) for letter in printable} | {
        256 + place: chr(value) for place, value in enumerate(others)
    }


_BYTE_LETTERS = _byte_letters()


def _raw(letters: str) -> bytes:
    return letters.translate(_BYTE_LETTERS).encode("latin-1", "replace")
