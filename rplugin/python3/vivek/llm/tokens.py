"""Counts tokens exactly as the running model does, from the tokenizer that its own weights carry.

This is the entry to counting. A GGUF file and Ollama's verbose ``/api/show`` hold the same metadata: `vivek.llm.bpe`
counts with byte-level BPE, `vivek.llm.spm` with SentencePiece's, and `vivek.llm.chat_template` knows what the chat
template adds. What is of another kind, or is cut in a way that is not known, gets a counter that says ``exact=False``
and errs on the large side. It opens no connection.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from vivek.errors import VivekError
from vivek.llm import bpe, chat_template, gguf, spm, tables
from vivek.llm.base import Message, TokenCounter
from vivek.llm.bpe import Bpe, BpeEncoder
from vivek.llm.chat_template import ChatTemplate, Measure, Render
from vivek.llm.spm import SentencePiece, SpmEncoder

BYTES_PER_TOKEN = 2.5
"""Of the approximate counter: code has 3 to 4 bytes a token in current vocabularies, so this errs on the
large side."""

MESSAGE_TOKENS = 12
"""What an unknown chat template is taken to add to each message; ChatML adds 5, Llama 3 adds 5."""

_FORMAT = 2

_log = logging.getLogger(__name__)

Vocabulary = Bpe | SentencePiece
Encoder = BpeEncoder | SpmEncoder
_KINDS: Mapping[str, Callable[..., Vocabulary]] = {"Bpe": Bpe, "SentencePiece": SentencePiece}


def supported(metadata: Mapping[str, Any]) -> bool:
    """Whether the ``tokenizer.ggml.*`` scalars name a tokenizer that can be counted exactly."""
    return bpe.supported(metadata) or spm.supported(metadata)


def vocabulary(metadata: Mapping[str, Any]) -> Vocabulary | None:
    """The tokenizer in a model's metadata; None where it cannot be counted exactly or is incomplete."""
    return bpe.read(metadata) or spm.read(metadata)


def encoder(vocabulary: Vocabulary) -> Encoder:
    """What counts with this vocabulary."""
    return BpeEncoder(vocabulary) if isinstance(vocabulary, Bpe) else SpmEncoder(vocabulary)


def gguf_counter(path: Path, digest: str) -> TokenCounter:
    """The counter of the model in this GGUF file.

    digest: sha256 (hex) of the file, the key of the cache; "" where it is not known, then nothing is cached.
    Raises ConfigError where the file cannot be read.
    """
    metadata = gguf.metadata(path)
    template = metadata.get("tokenizer.chat_template")
    made = cached_encoder(digest) or remember(digest, metadata)
    return counter(made, template if isinstance(template, str) else "")


def counter(encoder: Encoder | None, template: str) -> TokenCounter:
    """A counter for prompts under this chat template (its Jinja or Go source); approximate without an
    encoder."""
    if encoder is None:
        return ApproximateCounter()
    return ExactCounter(encoder, chat_template.known(template, encoder.added))


def template_key(digest: str, *template: str) -> str:
    """The key under which `completed` keeps what it learned; "" (nothing is kept) where the digest is not known.

    template: what tells this template from others of the same weights: the kind of server, its source.
    """
    parts = "\0".join([str(_FORMAT), digest, *template])
    return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest() if tables.is_key(digest) else ""


async def completed(counter: TokenCounter, key: str, render: Render, measure: Measure) -> TokenCounter:
    """The counter with a chat template that it does not know learned from the server, which is asked once a key.

    Where the server counts plain text in another way, the counter is approximate. Where the server fails, it stays as
    it was.
    """
    if not isinstance(counter, ExactCounter) or counter.exact:
        return counter
    if kept := _kept_template(counter.encoder, key):
        return ExactCounter(*kept)
    try:
        encoder = await _agreeing(counter.encoder, measure)
        template = await chat_template.learn(render, measure, encoder.count) if encoder else None
    except VivekError as error:
        _log.warning("the chat template could not be learned: %s", error)
        return counter
    if encoder is None:
        return ApproximateCounter()
    if template:
        tables.keep(key, [_FORMAT, encoder is counter.encoder, template.packed()])
    return ExactCounter(encoder, template)


async def _agreeing(encoder: Encoder, measure: Measure) -> Encoder | None:
    if await chat_template.agrees(measure, encoder.count):
        return encoder
    other = encoder.in_listed_order() if isinstance(encoder, SpmEncoder) else None
    return other if other and await chat_template.agrees(measure, other.count) else None


def _kept_template(encoder: Encoder, key: str) -> tuple[Encoder, ChatTemplate] | None:
    match tables.read(key):
        case [version, usual, packed] if version == _FORMAT and (template := chat_template.unpacked(packed)):
            if not usual and isinstance(encoder, SpmEncoder):
                encoder = encoder.in_listed_order()
            return encoder, template
    return None


class ExactCounter:
    """Counts as the model does. exact is False where the chat template is one whose additions are not
    known."""

    def __init__(self, encoder: Encoder, template: ChatTemplate | None) -> None:
        self.encoder = encoder
        self._template = template
        self.exact = template is not None

    def count(self, text: str) -> int:
        """Number of tokens of the text alone."""
        return self.encoder.count(text)

    def count_messages(self, messages: Sequence[Message]) -> int:
        """Number of tokens of the whole prompt; an unknown template, and a known one in a chat of a shape that it
        was not seen with, is taken to add MESSAGE_TOKENS a message."""
        known = self._template.count(messages, self.count) if self._template else None
        return _with_margin(self.count, messages) if known is None else known


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


_encoders: dict[str, Encoder] = {}
"""By digest, for the life of the process: building one takes a quarter of a second."""


def cached_encoder(digest: str) -> Encoder | None:
    """The encoder of these weights from memory or disk; None where neither has it whole."""
    if digest not in _encoders and (kept := _kept(digest)):
        _encoders[digest] = encoder(kept)
    return _encoders.get(digest)


def remember(digest: str, metadata: Mapping[str, Any]) -> Encoder | None:
    """Make the encoder from the metadata and keep it under the digest; None where it is not supported."""
    made = vocabulary(metadata)
    if made is None:
        return None
    ready = encoder(made)
    if tables.is_key(digest):
        _encoders[digest] = ready
        tables.keep(digest, [_FORMAT, type(made).__name__, astuple(made)])
    return ready


def _kept(digest: str) -> Vocabulary | None:
    match tables.read(digest):
        case [version, kind, fields] if version == _FORMAT and kind in _KINDS:
            return _KINDS[kind](*(tuple(field) if isinstance(field, list) else field for field in fields))
    return None
