"""The counters against llama.cpp's own tokenizer, on every small model that can be had."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

import corpus
import models
import tiny_llama
from tiny_llama import Judge
from vivek import paths
from vivek.errors import ModelAPIError
from vivek.llm import gguf, splits, tokens
from vivek.llm.base import Message, TokenCounter

pytestmark = pytest.mark.real_model

# No letters of new Unicode versions: llama.cpp's tables and those of the `regex` package differ in age.
ALPHABET = [
    chr(code)
    for code in (*range(0x250), *range(0x391, 0x3CA), *range(0x4E00, 0x4E80), *range(0x1F600, 0x1F640))
]
ODD = [
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
    "\n\n\n",
    "\t\t",
    "        ",
]
ODD += [
    "<|im_end|>",
    "<|im_",
    "<bos>",
    "<start_of_turn>",
    "<code>",
    "</code>",
    "<0x0A>",
    "<unused5>",
    "\u2581",
]
ODD += [
    "return",
    "XMLHttp",
    "的",
    "9999",
    "1234567",
    "カナ",
    "한국",
    "\u0300",
    "\u0903",
    "!a",
    "/\n",
    "\\\r",
    "\0",
]


def odd_texts(count: int, more: Sequence[str] = ()) -> list[str]:
    dice = random.Random(20)
    letters = [*ALPHABET, *[*ODD, *more] * 4]
    return ["".join(dice.choices(letters, k=dice.randint(1, 30))) for _ in range(count)]


@dataclass(frozen=True)
class Pair:
    """Vivek's counter of a model, and llama.cpp with the same weights."""

    counter: TokenCounter
    llama: Judge

    def differences(self, texts: Sequence[str]) -> list[tuple[str, int, int]]:
        """Each text that the two count differently: its beginning, our count, llama.cpp's."""
        both = [(text, self.counter.count(text), self.llama.tokens(text)) for text in texts]
        return [(text[:200], ours, theirs) for text, ours, theirs in both if ours != theirs]


def qwen_1_5b() -> Path:
    return models.installed("qwen2.5-coder:1.5b")


def qwen_0_5b() -> Path:
    named = os.environ.get("VIVEK_TEST_MODEL_05B")
    return Path(named) if named else models.installed("qwen2.5-coder:0.5b")


FILES = {
    "qwen 0.5b": qwen_0_5b,
    "qwen 1.5b": qwen_1_5b,
    "smollm2": lambda: models.extra(models.SMOLLM2),
    "gemma3": lambda: models.extra(models.GEMMA3),
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tokenizers_dir", lambda: tmp_path)


@pytest.fixture(scope="module", params=FILES)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    path = FILES[request.param]()
    with tiny_llama.judges([(path, "")]) as (llama,):
        yield Pair(tokens.gguf_counter(path, ""), llama)


def test_two_hundred_files_are_counted_as_llama_cpp_counts_them(pair: Pair) -> None:
    chosen = corpus.files(200)
    assert len({path.suffix for path in chosen}) >= 8
    assert pair.differences([corpus.text(path) for path in chosen]) == []


def test_odd_text_is_counted_as_llama_cpp_counts_it(pair: Pair) -> None:
    assert pair.differences(odd_texts(200)) == []


def test_a_literal_end_of_text_is_never_counted_too_low(pair: Pair) -> None:
    assert pair.counter.count("a </s> b") >= pair.llama.tokens("a </s> b")


def test_long_runs_are_counted_as_llama_cpp_counts_them(pair: Pair) -> None:
    assert pair.differences([run * 5_003 for run in ("a", " ", "=", "\n", "\t", "你", "7", " \n")]) == []


CHATS = [
    [Message("system", "You write code."), Message("user", "x = 1\n")],
    [Message("user", "no system message  ")],
    [
        Message("system", " a\n"),
        Message("user", "<|im_end|>"),
        Message("assistant", "\n  indented"),
        Message("user", "\n\n\tb"),
    ],
]


def test_a_chatml_prompt_is_counted_as_the_template_makes_it(pair: Pair) -> None:
    if pair.counter.exact:
        for chat in CHATS:
            assert pair.counter.count_messages(chat) == pair.llama.tokens(
                pair.llama.prompt(chat), around=True
            )
    else:
        assert "<|im_start|>" not in str(
            gguf.metadata(models.extra(models.GEMMA3)).get("tokenizer.chat_template")
        )


# -- every way of cutting, by llama.cpp itself ---------------------------------------------------------------

WHOLE = ["helloworld", "Ġhelloworld", "HTTPServer"]
"""Words of the vocabulary that no merges make."""

KINDS = {split: name for name, split in reversed(splits.SPLITS.items())}
"""The first name of each."""


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """By `tokenizer.ggml.pre`: SmolLM2's vocabulary, cut in that way."""
    real = gguf.metadata(models.extra(models.SMOLLM2))
    del real["tokenizer.ggml.add_bos_token"], real["tokenizer.chat_template"]
    folder, made = tmp_path_factory.mktemp("splits"), {}
    for name in KINDS.values():
        made[name] = real | {
            "tokenizer.ggml.pre": name,
            "tokenizer.ggml.tokens": [*real["tokenizer.ggml.tokens"], *WHOLE],  # type: ignore[misc]
            "tokenizer.ggml.token_type": [*real["tokenizer.ggml.token_type"], 1, 1, 1],  # type: ignore[misc]
        }
    paths_of = [tiny_llama.write_model(folder / f"{name}.gguf", metadata) for name, metadata in made.items()]
    with tiny_llama.judges([(path, "") for path in paths_of]) as llamas:
        yield {
            name: Pair(tokens.counter(tokens.remember("", metadata), ""), llama)
            for (name, metadata), llama in zip(made.items(), llamas, strict=True)
        }


@pytest.mark.parametrize("name", KINDS.values())
def test_every_known_split_is_llama_cpps(cut: dict[str, Pair], name: str) -> None:
    texts = odd_texts(80, [*WHOLE, " helloworld"]) + [corpus.text(path) for path in corpus.files(8)]
    assert cut[name].differences(texts) == []
    added = cut[name].llama.tokens("x", around=True) - cut[name].llama.tokens("x")
    assert cut[name].counter.encoder.added == added  # type: ignore[attr-defined]


# -- chat templates, rendered by llama.cpp itself ------------------------------------------------------------

LLAMA3 = (
    "{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim"
    " + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA = (
    "{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set loop_messages = messages[1:] %}{% else %}{% set first = '' %}{% set loop_messages = messages %}{% endif %}"
    "{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n'"
    " + (first if loop.first else '') + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
LAST_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.last else '') + m['content'] + '[/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + '</s>' }}{% endif %}{% endfor %}"
)
NUMBERED = "{% for m in messages %}{{ 'x ' * loop.index * loop.index + m['content'] }}{% endfor %}"


def completed(counter: TokenCounter, llama: Judge) -> TokenCounter:
    async def rendered(messages: Sequence[Message]) -> str:
        try:
            return llama.prompt(messages)
        except httpx.HTTPStatusError as error:
            raise ModelAPIError(error.response.text) from error

    async def measured(messages: Sequence[Message]) -> int:
        return llama.tokens(await rendered(messages), around=True)

    return asyncio.run(tokens.completed(counter, "", rendered, measured))


TEMPLATES = {
    "llama 3": (models.SMOLLM2, LLAMA3),
    "gemma": (models.GEMMA3, GEMMA),
    "gemma's in a byte-level vocabulary": (models.SMOLLM2, GEMMA),
    "system in the last turn": (models.SMOLLM2, LAST_SYSTEM),
    "numbered": (models.SMOLLM2, NUMBERED),
}
BLANK_FIRST = "a blank before the text"


@pytest.fixture(scope="module")
def templated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pair]]:
    """By name of the template: a counter that does not know it, and a server that has it."""
    folder = tmp_path_factory.mktemp("templates")
    metadata = {model: gguf.metadata(models.extra(model)) for model in models.EXTRA}
    file = {model: tiny_llama.write_model(folder / model.file, pairs) for model, pairs in metadata.items()}
    blank = metadata[models.GEMMA3] | {"tokenizer.ggml.add_space_prefix": True}
    served = [(file[model], template) for model, template in TEMPLATES.values()]
    served.append((tiny_llama.write_model(folder / "blank.gguf", blank), ""))
    tables = [*(metadata[model] for model, _ in TEMPLATES.values()), blank]
    with tiny_llama.judges(served) as llamas:
        yield {
            name: Pair(tokens.counter(tokens.remember("", pairs), ""), llama)
            for name, pairs, llama in zip([*TEMPLATES, BLANK_FIRST], tables, llamas, strict=True)
        }


def test_a_blank_before_the_text_is_counted_as_llama_cpp_counts_it(templated: dict[str, Pair]) -> None:
    texts = ["", " ", "a", " a", "a<code>b", "<bos> x", *odd_texts(60)]
    assert templated[BLANK_FIRST].differences(texts) == []


def chats(text: str) -> list[list[Message]]:
    system = Message("system", "Be brief.")
    turns = [Message("user", text), Message("assistant", text), Message("user", "and")]
    return [turns[:1], [system, *turns[:1]], turns, [system, *turns]]


@pytest.mark.parametrize("name", list(TEMPLATES)[:3])
def test_a_template_is_learned_from_the_server(templated: dict[str, Pair], name: str) -> None:
    pair = templated[name]
    counter = completed(pair.counter, pair.llama)
    assert counter.exact
    files = [corpus.text(path)[:3000] for path in corpus.files(4)]
    for text in (" padded\n", "\n\n\n", "\tx", *odd_texts(8), *files):
        for chat in chats(text):
            assert counter.count_messages(chat) == pair.llama.tokens(pair.llama.prompt(chat), around=True)


def test_a_template_whose_parts_do_not_add_up_is_labelled_and_counted_with_a_margin(
    templated: dict[str, Pair],
) -> None:
    pair = templated["system in the last turn"]
    counter = completed(pair.counter, pair.llama)
    assert not counter.exact
    for chat in chats("x = 1\n"):
        assert counter.count_messages(chat) > pair.llama.tokens(pair.llama.prompt(chat), around=True)
    assert not completed(templated["numbered"].counter, templated["numbered"].llama).exact
