"""What of an Ollama server and its models bites later, each told in one sentence with the command that mends it.

Pure: it reads what the server's pages say (`/api/show`, `/api/ps`, `/api/version`) and asks nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TRUNCATES_UNTIL = (0, 12, 6)
"""The first Ollama whose chats obey `truncate: false` and `shift: false`: 0.12.5's request type has neither field
(api/types.go of both releases)."""

LOGPROBS_FROM = (0, 12, 11)
"""The first Ollama whose chats tell log-probabilities."""


def at_least(version: str, wanted: tuple[int, int, int]) -> bool:
    """Whether a server's version is that or newer. 0.0.0, a build of one's own, is; what is no version is not.

    >>> at_least("0.13.0", (0, 12, 11)), at_least("0.12.6", (0, 12, 11)), at_least("", (0, 12, 11))
    (True, False, False)
    """
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    own = tuple(map(int, numbers.groups())) if numbers else None
    return own is not None and (own >= wanted or own == (0, 0, 0))


def template_warning(show: Mapping[str, Any]) -> str | None:
    """What to tell of a model without a chat template, from the answer of ``/api/show``; None if it has
    one."""
    if show.get("renderer") or re.sub(r"\s", "", show.get("template") or "") not in ("{{.Prompt}}", ""):
        return None
    return (
        "This model has no chat template in Ollama, so it cannot tell instructions from code and answers "
        "badly. Add TEMPLATE and PARAMETER stop to its Modelfile and run `ollama create` again, or take a "
        "model from Ollama's library, e.g. `ollama pull qwen2.5-coder:1.5b`."
    )


def version_warning(version: str) -> str | None:
    """What to tell of a server that is too old, from the ``version`` of ``/api/version``; None of any other.

    A version that is not three numbers (a build of one's own) is taken to be new enough.
    """
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if not numbers or (own := tuple(map(int, numbers.groups()))) >= TRUNCATES_UNTIL or own == (0, 0, 0):
        return None
    first = ".".join(map(str, TRUNCATES_UNTIL))
    return (
        f"This Ollama is {version}; before {first} it cuts prompts that are too long without a word, so update it with "
        "`curl -fsSL https://ollama.com/install.sh | sh` (macOS: `brew upgrade ollama`)."
    )


def reload_warning(name: str, loaded: int, wanted: int) -> str | None:
    """What to tell of a model that another program has loaded with too small a window; None of any other.

    loaded, wanted: tokens of the window.
    """
    if wanted <= loaded:
        return None
    return (
        f"`{name}` is loaded with a context window of {loaded} tokens, too few to edit code in: it is loaded anew with"
        f" {wanted}. Start Ollama with OLLAMA_CONTEXT_LENGTH={wanted}, and other programs will use the same."
    )


def window_warning(name: str, running: Mapping[str, Any], wanted: int) -> str | None:
    """What to tell of a model that was loaded with a smaller window than was asked for; None of any other.

    running: the model's entry in ``/api/ps``. wanted: tokens.
    """
    window = running.get("context_length") or 0
    if not 0 < window < wanted:
        return None
    return (
        f"Ollama runs {name} with a context window of {window} tokens where {wanted} were asked for, so longer prompts "
        f"are refused; unload it with `ollama stop {name}` and ask again."
    )


def gpu_warning(name: str, running: Mapping[str, Any]) -> str | None:
    """What to tell of a model of which a part runs on the CPU beside a GPU; None of any other.

    running: the model's entry in ``/api/ps``.
    """
    size, on_gpu = running.get("size") or 0, running.get("size_vram") or 0
    if not 0 < on_gpu < size:
        return None
    return (
        f"Only {100 * on_gpu // size} % of {name} is in the GPU's memory, which makes it several times slower; see "
        "what else is there with `ollama ps` and unload it with `ollama stop NAME`, set `context.window` to less than "
        f"{running.get('context_length') or 0} tokens, or choose a smaller model."
    )
