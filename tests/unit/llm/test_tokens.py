from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivek import paths
from vivek.errors import ConfigError
from vivek.llm import chat_template, gguf, tokens
from vivek.llm.base import Message

# Merges in GPT-2's spelling (Ġ is a blank, Ċ a newline), in rank order.
MERGES = ["h e", "l l", "he ll", "hell o", "Ġ hello", "1 2", "12 3", "123 4", "Ġ 1", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ"]
MERGES += [
    "Ġ Ċ",
    "+ =",
    "= =",
    "== ==",
    "' s",
    "' S",
    "Ã ©",
    "Ġ +=",
    ") Ċ",
    "< /",
    "Ġ (",
    "a b",
    "ab c",
    "b c",
]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|im|>"]
BYTES = [
    chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100), *range(0x100, 0x144))
]
CHATML = r"{% for m in messages %}{{'<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n'}}{% endfor %}"
DIGEST = hashlib.sha256(b"weights").hexdigest()


def metadata(pre: str = "qwen2", merges: Sequence[str] = MERGES) -> dict[str, Any]:
    letters = [merge.replace(" ", "") for merge in merges]
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": pre,
        "tokenizer.ggml.merges": list(merges),
        "tokenizer.ggml.tokens": [*BYTES, *letters, *SPECIAL],
        "tokenizer.ggml.token_type": [1] * len(BYTES + letters) + [3, 3, 4],
    }


def encoder(pre: str = "qwen2", merges: Sequence[str] = MERGES) -> tokens.Encoder:
    made = tokens.vocabulary(metadata(pre, merges))
    assert made
    return tokens.encoder(made)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)
    monkeypatch.setattr(tokens, "_encoders", {})
    return tmp_path


def gguf_file(path: Path, pairs: dict[str, Any]) -> Path:
    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text.encode())) + text.encode()

    def value(item: Any) -> bytes:
        if isinstance(item, str):
            return struct.pack("<I", 8) + string(item)
        if isinstance(item, bool):
            return struct.pack("<I?", 7, item)
        if isinstance(item, float):
            return struct.pack("<Id", 12, item)
        if isinstance(item, int):
            return struct.pack("<IQ", 10, item)
        if isinstance(item[0], str):
            return struct.pack("<IIQ", 9, 8, len(item)) + b"".join(map(string, item))
        return struct.pack(f"<IIQ{len(item)}i", 9, 5, len(item), *item)

    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs))
    path.write_bytes(head + b"".join(string(key) + value(item) for key, item in pairs.items()))
    return path


@pytest.mark.parametrize(
    ("pre", "text", "count"),
    [
        ("qwen2", "hello hello", 2),
        ("qwen2", "1234", 4),
        ("llama-bpe", "1234", 2),  # 123, 4
        ("smollm", "1234", 4),
        ("gpt-2", "1234", 1),
        ("gpt-2", " 1234", 2),  # "Ġ 1" loses to "1 2" by rank: Ġ, 1234
        ("deepseek-coder", "1234", 4),
        ("qwen2", "    hello", 3),  # the last blank goes with the word: ĠĠ, Ġ, Ġhello
        ("qwen2", "(\u00e9)", 3),
        ("qwen2", "x +=\n", 3),
        ("gpt-2", "x +=\n", 3),
        ("deepseek-coder", "x +=\n", 3),
        ("qwen2", "a'S", 2),
        ("gpt-2", "a'S", 3),
        ("qwen2", ")\n", 1),
        ("gpt-2", ")\n", 2),
        ("qwen2", " \n", 1),
        ("smollm", "  1", 2),
        ("gpt-2", "  1", 2),
        ("qwen2", "", 0),
    ],
)
def test_text_is_cut_as_llama_cpp_cuts_it(pre: str, text: str, count: int) -> None:
    assert encoder(pre).count(text) == count


def merged_slowly(piece: bytes, ranks: dict[bytes, int]) -> int:
    """Byte-level BPE by its definition: merge the pair of lowest rank, the leftmost first, to the end."""
    parts = [bytes([value]) for value in piece]
    while True:
        joined = [left + right for left, right in pairwise(parts)]
        pairs = [(ranks[pair], place) for place, pair in enumerate(joined) if pair in ranks]
        if not pairs:
            return len(parts)
        _, place = min(pairs)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]


@given(st.text("abchello", max_size=60))
def test_a_word_is_merged_as_the_definition_says(word: str) -> None:
    ranks = {merge.replace(" ", "").encode(): rank for rank, merge in enumerate(MERGES) if merge.isascii()}
    assert encoder().count(word) == merged_slowly(word.encode(), ranks)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_counted_never_as_nothing_and_never_beyond_its_bytes(text: str) -> None:
    for counter in (ENCODERS[pre] for pre in ENCODERS):
        assert bool(text) <= counter.count(text) <= len(text.encode("utf-8", "replace"))


ENCODERS = {pre: encoder(pre) for pre in ("qwen2", "llama-bpe", "deepseek-coder", "smollm", "gpt-2")}


def test_special_tokens_count_as_one_wherever_they_stand() -> None:
    made = encoder()
    assert made.count("<|im_start|>") == 1
    assert made.count("hello<|im_end|>hello") == 3
    assert made.count("<|im|>") == 1
    assert made.count("<|im_end") == len("<|im_end")


@pytest.mark.parametrize("letter", ["a", " ", "=", "\n", "7", "你", "\t"])
@pytest.mark.parametrize("pre", ["qwen2", "deepseek-coder", "smollm"])
def test_a_million_equal_characters_neither_crash_nor_stall(letter: str, pre: str) -> None:
    count = ENCODERS[pre].count(letter * 1_000_000)
    assert 0 < count <= len(letter.encode()) * 1_000_000


def test_a_long_run_is_counted_exactly() -> None:
    assert encoder().count("=" * 100_000) == 25_000
    assert encoder().count("=" * 100_003) == 25_002


def test_the_chatml_prompt_is_counted_with_its_tokens() -> None:
    counter = tokens.counter(encoder(), CHATML)
    assert counter.exact
    messages = [Message("system", "hello"), Message("user", "hello hello")]
    turns = "<|im_start|>system\nhello<|im_end|>\n<|im_start|>user\nhello hello<|im_end|>\n"
    prompt = f"{turns}<|im_start|>assistant\n"
    assert chat_template.chatml(messages) == prompt
    assert counter.count_messages(messages) == counter.count(prompt)


def test_the_templates_own_system_message_counts_where_none_is_sent() -> None:
    jinja = CHATML + r"{{- '<|im_start|>system\nYou are Qwen.<|im_end|>\n' }}"
    with_default, without = (tokens.counter(encoder(), source) for source in (jinja, CHATML))
    ask = [Message("user", "hello")]
    both = [Message("system", "You are Qwen."), *ask]
    assert with_default.count_messages(ask) == without.count_messages(both)
    system = [Message("system", "hello"), *ask]
    assert with_default.count_messages(system) == without.count_messages(system)


@pytest.mark.parametrize("template", ["", "[INST] {{ .Prompt }} [/INST]", CHATML + "<think>\n\n</think>"])
def test_an_unknown_template_is_labelled_and_counted_with_a_margin(template: str) -> None:
    counter = tokens.counter(encoder(), template)
    messages = [Message("system", "hello"), Message("user", "hello")]
    assert not counter.exact
    assert counter.count("hello") == 1
    assert counter.count_messages(messages) == 2 + 3 * tokens.MESSAGE_TOKENS


@pytest.mark.parametrize(
    "change",
    [
        {"tokenizer.ggml.model": "llama"},
        {"tokenizer.ggml.pre": "never-heard-of"},
        {"tokenizer.ggml.merges": None},
        {"tokenizer.ggml.tokens": []},
    ],
)
def test_a_vocabulary_of_another_kind_is_counted_approximately(change: dict[str, Any]) -> None:
    assert tokens.vocabulary(metadata() | change) is None
    counter = tokens.counter(tokens.remember(DIGEST, metadata() | change), CHATML)
    assert not counter.exact
    assert counter.count("") == 0
    assert counter.count("é" * 5) == 4
    assert counter.count("\ud800" * 5) == 2
    assert counter.count_messages([Message("user", "abcde")]) == 2 + 2 * tokens.MESSAGE_TOKENS


def test_the_tables_are_kept_on_disk_by_digest(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tokens.cached_encoder(DIGEST) is None
    made = tokens.remember(DIGEST, metadata())
    assert made
    assert tokens.cached_encoder(DIGEST) is made
    monkeypatch.setattr(tokens, "_encoders", {})
    stored = tokens.cached_encoder(DIGEST)
    assert stored
    assert stored is not made
    assert stored.count("hello<|im_end|> 1234") == made.count("hello<|im_end|> 1234") == 7
    assert [file.name for file in own_cache.iterdir()] == [f"{DIGEST}.msgpack"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_cache_is_made_anew(own_cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    tokens.remember(DIGEST, metadata())
    (file,) = own_cache.iterdir()
    whole = file.read_bytes()
    flipped = whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    file.write_bytes({"cut": whole[:-5], "flip": flipped, "empty": b"", "other": b"x" * 100}[damage])
    monkeypatch.setattr(tokens, "_encoders", {})
    assert tokens.cached_encoder(DIGEST) is None
    assert tokens.remember(DIGEST, metadata())
    assert file.read_bytes() == whole


@pytest.mark.parametrize("digest", ["", "../../etc/x", "abc", DIGEST.upper()])
def test_only_a_digest_names_a_file(own_cache: Path, digest: str) -> None:
    assert tokens.remember(digest, metadata())
    assert list(own_cache.iterdir()) == []
    assert tokens.cached_encoder(digest) is None


def test_a_cache_that_cannot_be_written_does_no_harm(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: own_cache / "gone")
    made = tokens.remember(DIGEST, metadata())
    assert made
    assert made.count("hello") == 1


def test_a_gguf_file_gives_its_counter(tmp_path: Path) -> None:
    pairs = metadata() | {"tokenizer.chat_template": CHATML, "a.size": 5, "a.scale": 0.5, "a.bos": False}
    path = gguf_file(tmp_path / "m.gguf", pairs)
    assert gguf.metadata(path) == pairs
    counter = tokens.gguf_counter(path, DIGEST)
    assert counter.exact
    assert counter.count(" hello") == 1


def test_a_gguf_file_without_a_template_gives_an_inexact_counter(tmp_path: Path) -> None:
    assert not tokens.gguf_counter(gguf_file(tmp_path / "m.gguf", metadata()), "").exact


def test_a_missing_or_broken_gguf_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.gguf"):
        gguf.metadata(tmp_path / "none.gguf")
    broken = tmp_path / "broken.gguf"
    for content in (b"", b"GGUF", b"GGML" + b"\0" * 40, b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60)):
        broken.write_bytes(content)
        with pytest.raises(ConfigError, match=r"broken\.gguf"):
            gguf.metadata(broken)


def test_every_cut_of_a_gguf_file_is_noticed(tmp_path: Path) -> None:
    whole = gguf_file(tmp_path / "m.gguf", {"a": "text", "b": [1, 2], "c": ["x", "yz"]})
    data, part = whole.read_bytes(), tmp_path / "broken.gguf"
    for end in range(len(data)):
        part.write_bytes(data[:end])
        with pytest.raises(ConfigError):
            gguf.metadata(part)


@given(st.binary(max_size=300))
def test_no_garbage_crashes_the_gguf_reader(garbage: bytes) -> None:
    path = paths.tokenizers_dir() / "garbage.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 3) + garbage)
    with suppress(ConfigError):
        assert len(gguf.metadata(path)) <= 3
