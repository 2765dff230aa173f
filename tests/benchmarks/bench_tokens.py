"""How fast tokens are counted: 1 MB of real code, and a million equal characters, for each kind of vocabulary.

Prints seconds of processor time, which other programs on the machine change little. Fails where 1 MB takes longer than LIMIT_SECONDS. It uses the models that are on this machine; those
that are missing are named.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import corpus
import models
from vivek.llm import gguf, splits, tokens, weights

LIMIT_SECONDS = 0.5
MEGABYTE = 1_000_000
RUNS = {"a": "a", "blank": " ", "=": "=", "newline": "\n", "7": "7", "你": "你", "é": "é"}


def main() -> int:
    code = megabyte_of_code()
    print(
        f"{len(code.encode()) / 1e6:.2f} MB of code; processor seconds; the runs are of 1,000,000 characters\n"
    )
    heads = ["build", "code", "again", *RUNS]
    print(f"{'':34}" + "".join(f"{head:>9}" for head in heads) + f"{'tokens':>10}")
    slow = [name for name, metadata in vocabularies() if row(name, metadata, code) > LIMIT_SECONDS]
    if slow:
        print(f"\nSlower than {LIMIT_SECONDS} s for 1 MB: {', '.join(slow)}")
    return len(slow)


def row(name: str, metadata: dict[str, gguf.Value], code: str) -> float:
    """Print one vocabulary's figures; gives the seconds that the code took."""
    encoder, build = timed(lambda: tokens.remember("", metadata))
    assert encoder, f"{name} is not supported"
    count, seconds = timed(lambda: encoder.count(code))
    _, again = timed(lambda: encoder.count(code))
    runs = [timed(lambda run=run: encoder.count(run * 1_000_000))[1] for run in RUNS.values()]  # type: ignore[misc]
    print(
        f"{name:34}" + "".join(f"{figure:9.3f}" for figure in (build, seconds, again, *runs)) + f"{count:10}",
        flush=True,
    )
    return seconds


def timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def megabyte_of_code() -> str:
    parts, size = [], 0
    for path in corpus.files(400):
        parts.append(corpus.text(path))
        size += len(parts[-1].encode("utf-8", "replace"))
        if size >= MEGABYTE:
            return "".join(parts)
    return ("".join(parts) * (MEGABYTE // size + 1))[:MEGABYTE]


def vocabularies() -> list[tuple[str, dict[str, gguf.Value]]]:
    """Each real vocabulary, and the first of them cut in every known way."""
    files = [(model.title, weights.cached_file(model)) for model in (*models.EXTRA, *weights.MODELS)]
    for title, path in files:
        if not path.is_file():
            print(f"({title} is not on this machine)")
    here = [(title, gguf.metadata(path)) for title, path in files if path.is_file()]
    if not here:
        sys.exit("No model is on this machine: make test fetches some.")
    bpe = next((metadata for _, metadata in here if metadata["tokenizer.ggml.model"] == "gpt2"), None)
    kinds = {split: name for name, split in reversed(splits.SPLITS.items())}
    cut = [(f"  cut as {name}", bpe | {"tokenizer.ggml.pre": name}) for name in kinds.values()] if bpe else []
    return [*here, *cut]


if __name__ == "__main__":
    sys.exit(main())
