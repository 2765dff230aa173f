"""What an OpenAI-compatible server tells of itself and of its models, each kind of server in its own way.

`/v1/models` names the models everywhere. How large the context window is, llama.cpp tells in `/props`, vLLM in
`/v1/models`, LM Studio in `/api/v0/models`, Ollama in `/api/ps`; MLX-LM tells nobody. It asks, and decides nothing:
`vivek.llm.openai` makes the requests of it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Literal

from vivek.llm.weights import parameters_in

Kind = Literal["llama.cpp", "vLLM", "LM Studio", "Ollama", "unknown"]

Get = Callable[[str], Awaitable[Mapping[str, Any] | None]]
"""Asks a path of the server: its JSON object, or None where the server has no such path."""

_WINDOW_FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")
"""Names under which servers tell a model's window in `/v1/models`: vLLM's and those of gateways."""


@dataclass(frozen=True)
class Facts:
    """One model of one server.

    id: its name in requests. window: tokens that prompt and reply share, None where nobody tells. weights: the path of
    its GGUF file on the server's machine. vocabulary: number of its tokens, 0 where not told.
    """

    id: str
    kind: Kind
    window: int | None = None
    parameters: float | None = None
    family: str = ""
    quantization: str = ""
    weights: str = ""
    vocabulary: int = 0

    @property
    def name(self) -> str:
        """The id for people."""
        return shown(self.id)


def shown(id_: str) -> str:
    """A model's id for people: of a file, its name alone.

    >>> shown("/models/coder-7b.gguf"), shown("Qwen/Qwen2.5-Coder-7B")
    ('coder-7b', 'Qwen/Qwen2.5-Coder-7B')
    """
    return PurePosixPath(id_).name.removesuffix(".gguf") if id_.endswith(".gguf") else id_


def entries(listed: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models in an answer of `/v1/models`, those that only embed left out."""
    found = listed.get("data")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return [row for row in rows if isinstance(row.get("id"), str) and "embed" not in row["id"].lower()]


def named(rows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The entry of that name: as it is, as it is shown, without regard to case, or with Ollama's ``:latest``."""
    wanted = {name.lower(), f"{name.lower()}:latest"}
    exact = [row for row in rows if row["id"] == name]
    near = [row for row in rows if wanted & {row["id"].lower(), shown(row["id"]).lower()}]
    return next(iter(exact + near), None)


async def facts(row: Mapping[str, Any], get: Get) -> Facts:
    """All that the server tells of the model in this entry of `/v1/models`. Raises what `get` raises."""
    plain = Facts(row["id"], "unknown", _window(row), parameters_in(PurePosixPath(row["id"]).name))
    if row.get("owned_by") == "vllm":
        return replace(plain, kind="vLLM")
    for ask in (_llama_cpp, _lm_studio, _ollama):
        if found := await ask(plain, row, get):
            return found
    return plain


async def loaded_in_lm_studio(get: Get) -> str | None:
    """The id of the language model that LM Studio has in memory; None where it is not LM Studio or has none."""
    rows = await _lm_studio_rows(get)
    loaded = [row for row in rows if row.get("state") == "loaded" and row.get("type") != "embeddings"]
    return str(loaded[0]["id"]) if loaded else None


async def _llama_cpp(plain: Facts, row: Mapping[str, Any], get: Get) -> Facts | None:
    props = await get("/props") or {}
    settings = props.get("default_generation_settings")
    if not isinstance(settings, dict):
        return None
    meta = row.get("meta") or {}
    return replace(
        plain,
        kind="llama.cpp",
        window=settings.get("n_ctx") or meta.get("n_ctx") or plain.window,
        parameters=meta.get("n_params") or plain.parameters,
        quantization=_quantization(meta.get("ftype") or props.get("model_ftype") or ""),
        weights=props.get("model_path") or "",
        vocabulary=meta.get("n_vocab") or 0,
    )


async def _lm_studio(plain: Facts, row: Mapping[str, Any], get: Get) -> Facts | None:
    rows = await _lm_studio_rows(get)
    if not rows:
        return None
    told = next((entry for entry in rows if entry["id"] == row["id"]), {})
    return replace(
        plain,
        kind="LM Studio",
        window=told.get("loaded_context_length"),
        family=told.get("arch") or "",
        quantization=told.get("quantization") or "",
    )


async def _lm_studio_rows(get: Get) -> list[Mapping[str, Any]]:
    rows = (await get("/api/v0/models") or {}).get("data")
    return [row for row in rows if isinstance(row, dict) and "id" in row] if isinstance(rows, list) else []


async def _ollama(plain: Facts, row: Mapping[str, Any], get: Get) -> Facts | None:
    answer = await get("/api/ps") or {}
    if not isinstance(answer.get("models"), list):
        return None
    loaded: Mapping[str, Any] = next(
        (entry for entry in answer["models"] if entry.get("model") == row["id"]), {}
    )
    details = loaded.get("details") or {}
    return replace(
        plain,
        kind="Ollama",
        window=loaded.get("context_length"),
        family=details.get("family") or "",
        quantization=details.get("quantization_level") or "",
    )


def _window(row: Mapping[str, Any]) -> int | None:
    told = [row[field] for field in _WINDOW_FIELDS if isinstance(row.get(field), int)]
    return told[0] if told else None


def _quantization(ftype: str) -> str:
    """llama.cpp's words in the usual form.

    >>> _quantization("Q4_K - Medium"), _quantization("Q8_0")
    ('Q4_K_M', 'Q8_0')
    """
    found = re.fullmatch(r"(\S+) - (Small|Medium|Large)", ftype)
    return f"{found[1]}_{found[2][0]}" if found else ftype
