"""How llama.cpp cuts a text into pieces before it merges bytes, by ``tokenizer.ggml.pre``.

The facts are those of llama.cpp (llama-vocab.cpp, unicode.cpp), whose regular expressions know Unicode's classes only
one letter deep: where a tokenizer asks for capitals, llama.cpp takes every letter but a-z. Names that are not
here are not known well enough to be counted exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

_ENDINGS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"

_QWEN2 = rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{_SPACES}"
_LLAMA3 = _QWEN2.replace(r"|\p{N}| ", r"|\p{N}{1,3}| ")
_QWEN35 = (
    rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{_SPACES}"
)
_SEED_CODER = rf"{_ENDINGS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{_SPACES}"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"

_NOT_SMALL, _NOT_CAPITAL = r"[\p{L}--[a-z]]", r"[\p{L}--[A-Z]]"
_OTHER = r"[^\r\n\p{L}\p{N}]?"
_MARKS = rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{_SPACES}"
_TEKKEN = rf"{_OTHER}{_NOT_SMALL}*{_NOT_CAPITAL}+|{_OTHER}{_NOT_SMALL}+{_NOT_CAPITAL}*|\p{{N}}|{_MARKS}"
_GPT4O = (
    rf"{_OTHER}{_NOT_SMALL}*{_NOT_CAPITAL}+{_ENDINGS}?|{_OTHER}{_NOT_SMALL}+{_NOT_CAPITAL}*{_ENDINGS}?"
    rf"|\p{{N}}{{1,3}}|{_MARKS}"
)

_DEEPSEEK_CODER = (
    r"[\r\n]",
    r"\s?\p{L}+",
    r"\s?\p{P}+",
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
    r"\p{N}",
)
_DEEPSEEK_V3 = (
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{_SPACES}",
)


@dataclass(frozen=True)
class Split:
    r"""How one kind of vocabulary is cut.

    patterns: each cuts the pieces that the one before it left, and what lies between its matches stays a piece
    (`regex`, version 1). whole_words: a piece that is in the vocabulary is one token, whatever the merges say.
    begins: a whole prompt gets a token at its beginning where the metadata says nothing of that.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    begins: bool = False


def _same(split: Split, *names: str) -> dict[str, Split]:
    return dict.fromkeys(names, split)


SPLITS: dict[str, Split] = {
    **_same(
        Split((_QWEN2,)),
        "qwen2",
        "deepseek-r1-qwen",
        "stablelm2",
        "megrez",
        "hunyuan",
        "grok-2",
        "solar-open",
    ),
    **_same(Split((_QWEN35,)), "qwen35"),
    **_same(
        Split((_LLAMA3,), whole_words=True, begins=True),
        *("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"),
    ),
    **_same(Split((_LLAMA3,)), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe"),
    **_same(Split(_DEEPSEEK_CODER), "deepseek-coder"),
    **_same(Split(_DEEPSEEK_V3), "deepseek-v3", "hunyuan-dense"),
    **_same(
        Split((r"\p{N}", _GPT2)),
        *("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"),
    ),
    **_same(
        Split((_GPT2,)),
        *("gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4", "mellum"),
    ),
    **_same(Split((_TEKKEN,), whole_words=True, begins=True), "tekken"),
    **_same(Split((_GPT4O,)), "gpt-4o", "llama4", "minimax-m2"),
    **_same(Split((_SEED_CODER,)), "seed-coder"),
}
"""By ``tokenizer.ggml.pre``."""
