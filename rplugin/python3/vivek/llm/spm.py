"""SentencePiece vocabularies (Gemma, Llama 2, CodeLlama, Mistral): counts tokens with the `sentencepiece` library.

The library gets the model's own pieces and scores. Finding special tokens and putting a blank before the text are
done here, as llama.cpp does them, which leaves the library plain text without either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from vivek.llm import special

_BLANK = "\u2581"
_NORMAL, _UNKNOWN, _BYTE = 1, 2, 6
_BPE = 2
"""Of sentencepiece_model.proto: types of pieces, which are llama.cpp's token types too, and the type of model."""

_MERGED_TYPES = frozenset({1, 5})
"""llama.cpp's token types that take part in merging: normal, and unused, which it does not leave out."""

_BYTES = frozenset(f"<0x{value:02X}>" for value in range(256))


@dataclass(frozen=True)
class SentencePiece:
    """A tokenizer of SentencePiece's kind.

    model: a serialized ModelProto of the pieces that merge. sticky: the characters behind which a blank may stand
    inside a token. blank_first: whether a blank is put before the text, and before what follows a special token.
    special, added: as in `vivek.llm.bpe.Bpe`.
    """

    model: bytes
    sticky: str
    special: tuple[str, ...]
    blank_first: bool
    added: int = 1


def supported(metadata: Mapping[str, Any]) -> bool:
    """Whether the ``tokenizer.ggml.*`` scalars name a tokenizer of this kind."""
    return metadata.get("tokenizer.ggml.model") == "llama"


def read(metadata: Mapping[str, Any]) -> SentencePiece | None:
    """The tokenizer in the metadata; None where it is of another kind or not complete."""
    tokens = metadata.get("tokenizer.ggml.tokens") or ()
    scores = metadata.get("tokenizer.ggml.scores") or ()
    types = metadata.get("tokenizer.ggml.token_type") or ()
    if not supported(metadata) or not tokens or not len(tokens) == len(scores) == len(types):
        return None
    pieces = {
        token: score
        for token, score, kind in zip(tokens, scores, types, strict=True)
        if kind in _MERGED_TYPES and token
    }
    if not pieces or not _BYTES.issubset(tokens):
        return None
    sticky = {before for piece in pieces for before, after in pairwise(piece) if after == _BLANK != before}
    ends = (("tokenizer.ggml.add_bos_token", True), ("tokenizer.ggml.add_eos_token", False))
    return SentencePiece(
        model=_proto({piece: score for piece, score in pieces.items() if piece not in _BYTES}),
        sticky="".join(sorted(sticky)),
        special=special.listed(metadata),
        blank_first=bool(metadata.get("tokenizer.ggml.add_space_prefix", True)),
        added=sum(bool(metadata.get(key, usual)) for key, usual in ends),
    )


def _proto(pieces: Mapping[str, float]) -> bytes:
    from sentencepiece import sentencepiece_model_pb2  # 30 ms, once in a vocabulary's life

    proto: Any = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]  # made at run time
    proto.trainer_spec.model_type = _BPE
    proto.trainer_spec.byte_fallback = True
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    proto.normalizer_spec.escape_whitespaces = True
    proto.pieces.add(piece=_unused_name(pieces), score=0, type=_UNKNOWN)
    for name in sorted(_BYTES):
        proto.pieces.add(piece=name, score=0, type=_BYTE)
    for piece, score in pieces.items():
        proto.pieces.add(piece=piece, score=score, type=_NORMAL)
    return bytes(proto.SerializeToString())


def _unused_name(pieces: Mapping[str, float]) -> str:
    name = "<unk>"
    while name in pieces:
        name = f"<{name}>"
    return name


class SpmEncoder:
    """Counts the tokens of plain text with one vocabulary."""

    def __init__(self, vocabulary: SentencePiece) -> None:
        from sentencepiece import SentencePieceProcessor

        self.added = vocabulary.added
        self._vocabulary = vocabulary
        processor = SentencePieceProcessor()
        processor.LoadFromSerializedProto(vocabulary.model)
        self._length = special.remembering(lambda word: len(processor.EncodeAsIds(word)))
        self._special = special.Finder(vocabulary.special)
        # No merge reaches over a place where no token has these two characters side by side, so a text can be cut
        # there: words repeat, and each needs to be counted but once.
        behind = re.escape(vocabulary.sticky + _BLANK)
        self._words = re.compile(f"(?<=[^{behind}])(?={_BLANK})")

    def in_listed_order(self) -> SpmEncoder:
        """The same for a server that looks for special tokens in the order of the vocabulary, as Ollama's own
        engine does, which then cuts four blanks into two and two though there is a token for four."""
        other = copy(self)
        other._special = special.Finder(special.first_come(self._vocabulary.special))
        return other

    def count(self, text: str) -> int:
        """Number of tokens; a special token's own spelling counts as one, as the servers read it."""
        found, plain = self._special.cut(text.encode("utf-8", "replace").decode("utf-8"))
        return found + sum(self._count_plain(part) for part in plain if part)

    def _count_plain(self, text: str) -> int:
        text = (_BLANK if self._vocabulary.blank_first else "") + text.replace(" ", _BLANK)
        return sum(map(self._length, self._words.split(text)))
