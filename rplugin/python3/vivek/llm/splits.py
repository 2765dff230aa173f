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


_CASED = (
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-"
    "\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1"
    "\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-"
    "\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15"
    "\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d"
    "\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb"
    "\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d"
    "\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183"
    "\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b"
    "\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-"
    "\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb"
    "\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943"
)
"""Letters that are capital or small, as DeepSeek-LLM's tokenizer lists them."""

_DEEPSEEK_LLM = (
    r"[\r\n]",
    rf"\s?[{_CASED}]+",
    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001\u3002]+",
    r"\s+\Z",
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+",
    r"\p{N}+",
)
_DEFAULT = (r"[\p{P}$+<=>\^~|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]")


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
    **_same(Split(_DEEPSEEK_LLM), "deepseek-llm"),
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
    **_same(Split(_DEFAULT), "default"),
    **_same(Split((_SEED_CODER,)), "seed-coder"),
}
"""By ``tokenizer.ggml.pre``; a model that does not tell is cut in the default way."""
