"""Byte-level BPE: counts tokens with tiktoken, on pieces cut as llama.cpp cuts them.

Known difference: recent llama.cpp takes a literal ``</s>`` in the text for one token even where the
vocabulary does not mark it as special; here it counts as the three or so that older servers make of it, never
fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import regex
import tiktoken

from vivek.llm import special, splits


@dataclass(frozen=True)
class Bpe:
    """A byte-level BPE tokenizer.

    merged: the bytes that each merge makes, in rank order, without repeats. whole: words that are one token
    although no merges make them. absent: bytes that the vocabulary lacks, which vanish from the text. special: in
    the order of the vocabulary. added: how many tokens the server puts around a whole prompt.
    """

    pre: str
    merged: tuple[bytes, ...]
    whole: tuple[bytes, ...]
    absent: bytes
    special: tuple[str, ...]
    added: int = 0


def supported(metadata: Mapping[str, Any]) -> bool:
    """Whether the ``tokenizer.ggml.*`` scalars name a tokenizer of this kind whose splits are known."""
    return metadata.get("tokenizer.ggml.model") == "gpt2" and _pre(metadata) in splits.SPLITS


def _pre(metadata: Mapping[str, Any]) -> str:
    return metadata.get("tokenizer.ggml.pre") or "default"


def read(metadata: Mapping[str, Any]) -> Bpe | None:
    """The tokenizer in the metadata; None where it is of another kind or not complete."""
    merges, tokens = metadata.get("tokenizer.ggml.merges"), metadata.get("tokenizer.ggml.tokens")
    if not supported(metadata) or not merges or not tokens:
        return None
    split = splits.SPLITS[_pre(metadata)]
    marked = special.listed(metadata)
    merged = dict.fromkeys(_raw(merge.replace(" ", "")) for merge in merges)
    plain = {_raw(token) for token in set(tokens).difference(marked)}
    ends = (("tokenizer.ggml.add_bos_token", split.begins), ("tokenizer.ggml.add_eos_token", False))
    return Bpe(
        pre=_pre(metadata),
        merged=tuple(merged),
        whole=tuple(sorted(word for word in plain if len(word) > 1 and word not in merged))
        if split.whole_words
        else (),
        absent=bytes(value for value in range(256) if bytes([value]) not in plain),
        special=marked,
        added=sum(bool(metadata.get(key, usual)) for key, usual in ends),
    )


class BpeEncoder:
    """Counts the tokens of plain text with one vocabulary."""

    def __init__(self, vocabulary: Bpe) -> None:
        self.added = vocabulary.added
        ranks = {bytes([value]): value for value in range(256)}
        ranks.update((piece, 256 + rank) for rank, piece in enumerate(vocabulary.merged))
        # The pattern takes a piece whole: cutting is done here, because tiktoken's regex engine overflows its
        # stack on a million blanks, and because some vocabularies cut in several steps.
        self._encoding = tiktoken.Encoding(
            "vivek", pat_str=r"(?s:.+)", mergeable_ranks=ranks, special_tokens={}
        )
        self._whole = {word.decode("utf-8", "surrogateescape") for word in vocabulary.whole}
        length = special.remembering(self._length)
        for pattern in reversed(splits.SPLITS[vocabulary.pre].patterns):
            length = _cut_first(pattern, length)
        self._count_plain = length
        self._absent = frozenset(vocabulary.absent)  # a byte's rank is its value
        self._special = special.Finder(vocabulary.special)

    def count(self, text: str) -> int:
        """Number of tokens; a special token's own spelling counts as one, as the servers read it."""
        found, plain = self._special.cut(text.encode("utf-8", "replace").decode("utf-8"))
        return found + sum(self._count_plain(part) for part in plain if part)

    def _length(self, piece: str) -> int:
        if piece in self._whole:
            return 1
        made = self._encoding.encode_ordinary(piece)
        return len(made) - sum(token in self._absent for token in made) if self._absent else len(made)


def _cut_first(pattern: str, length: Callable[[str], int]) -> Callable[[str], int]:
    """The length of a piece that is cut by the pattern before its parts are counted."""
    cut = regex.compile(f"({pattern})", regex.V1).split
    return special.remembering(lambda piece: sum(map(length, filter(None, cut(piece)))))


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
