"""Chooses the model that answers: Ollama's, the embedded one, an OpenAI-compatible server's, or a script; and says why.

It loads nothing and downloads nothing: it asks Ollama what it has, and looks for weights on this machine.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vivek.errors import ConfigError, ModelNotFoundError, ModelUnreachableError, VivekError
from vivek.llm import memory, transport, weights
from vivek.llm.base import ChatModel
from vivek.llm.llamacpp import LlamaCppModel
from vivek.llm.ollama import OllamaModel
from vivek.llm.ollama_store import InstalledModel, host_url, list_models, loaded_models, pick_installed
from vivek.llm.openai import OpenAIModel
from vivek.llm.scripted import ScriptedModel
from vivek.llm.weights import Weights, parameters_in

AUTO_SECONDS = 1.0
"""How long `auto` waits for Ollama to tell what it has."""

SMALL_PARAMETERS = 3e9
"""Below this a notice says what to expect."""


@dataclass(frozen=True)
class Choice:
    """The model that answers. reason: why it is this one, one clause. notices: what the user should know."""

    model: ChatModel
    backend: str
    name: str
    reason: str
    notices: tuple[str, ...] = ()


async def choose(
    backend: str, model: str | None = None, url: str | None = None, window: int | None = None
) -> Choice:
    """The model that answers under these settings; the caller closes it.

    backend: ``"auto"`` (which never takes an OpenAI-compatible server), ``"ollama"``, ``"embedded"``, ``"openai"`` or
    ``"scripted"``. model: a name or, embedded, the path of a GGUF file; None leaves it to Vivek. url: Ollama's address
    (None: OLLAMA_HOST, or its usual one), or the OpenAI-compatible server's; for a script, its path.
    window: tokens of the context window, None for what fits in memory; a server that others start keeps its own.

    Raises ModelNotFoundError, ModelUnreachableError, ModelAPIError, ConfigError.
    """
    if backend == "auto":
        return await _auto(model, _ollama_url(url), window)
    if backend == "ollama":
        address = _ollama_url(url)
        return await _from_ollama(model, address, await list_models(address), window)
    if backend == "embedded":
        return await _embedded(model, "the `embedded` backend is set", window)
    if backend == "openai":
        return await _openai(model, url)
    if backend == "scripted":
        return _scripted(url)
    raise ConfigError(
        f"There is no backend `{backend}`.", hint="Choose auto, ollama, embedded, openai or scripted."
    )


async def describe(
    backend: str, model: str | None = None, url: str | None = None, window: int | None = None
) -> str:
    """Which model would answer, why, and whether it is loaded; a few lines. Raises as `choose`."""
    choice = await choose(backend, model, url, window)
    try:
        lines = [f"{choice.name} ({choice.backend}) would answer: {choice.reason}.", *choice.notices]
        if isinstance(choice.model, LlamaCppModel):
            lines.append(await choice.model.state())
        return "\n".join(lines)
    finally:
        await choice.model.aclose()


async def _auto(model: str | None, url: str, window: int | None) -> Choice:
    if model and weights.is_path(model):
        return await _embedded(model, "`model` is the path of a file", window)
    try:
        models = await asyncio.wait_for(list_models(url), AUTO_SECONDS)
        return await _from_ollama(model, url, models, window)
    except asyncio.TimeoutError:
        without = f"Ollama at {url} gave no answer within {AUTO_SECONDS:.0f} second"
    except ModelUnreachableError:
        without = f"nothing answers for Ollama at {url}"
    except VivekError as error:
        without = error.message.rstrip(".")
    try:
        return await _embedded(model, without, window)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(
            f"No model can answer: {without}, and {_small_first(error.message)}", hint=_ways_out(model)
        ) from error


async def _from_ollama(
    name: str | None, url: str, models: Sequence[InstalledModel], window: int | None
) -> Choice:
    found = _named(name, models, url) if name else await _picked(models, url)
    reason = f"Ollama at {url} has it" if name else f"it is the best that Ollama at {url} has and that fits"
    model = OllamaModel(found.name, url, context_window=window)
    try:
        warnings = await model.warnings()
    except BaseException:
        await model.aclose()
        raise
    small = _small(found.name, parameters_in(found.parameters) or parameters_in(found.name))
    return Choice(model, "ollama", found.name, reason, tuple(filter(None, [leaves(url), *warnings, small])))


def _named(name: str, models: Sequence[InstalledModel], url: str) -> InstalledModel:
    for model in models:
        if model.name.lower() in (name.lower(), f"{name.lower()}:latest"):
            return model
    raise ModelNotFoundError(
        f"Ollama at {url} has no model `{name}`.", hint=f"Fetch it with `ollama pull {name}`."
    )


async def _picked(models: Sequence[InstalledModel], url: str) -> InstalledModel:
    # What fits can be told of this machine alone.
    free = memory.available() if transport.is_loopback(url) else None
    loaded = await loaded_models(url)
    if found := pick_installed(models, free, loaded):
        return found
    if too_large := pick_installed(models, None):
        raise ModelNotFoundError(
            f"Ollama at {url} has {too_large.name}, but it does not fit in the memory that is free.",
            hint="Close other programs, choose a smaller model, or name one with `model` to use it anyway.",
        )
    listed = ", ".join(model.name for model in models) or "none at all"
    raise ModelNotFoundError(
        f"Ollama at {url} has no model that is known to edit code well (it has {listed}).",
        hint=f"Run `ollama pull {weights.DEFAULT}`, or name another with `model`.",
    )


async def _embedded(model: str | None, because: str, window: int | None) -> Choice:
    found = await asyncio.to_thread(_weights, model)
    reason = f"{because}; its weights are in {found.place}"
    if found.place == weights.GIVEN_PATH:
        reason = f"{because}; its sha256 is {found.digest}"
    notice = _small(found.name, found.parameters)
    chosen = LlamaCppModel(found.path, name=found.name, digest=found.digest, context_window=window)
    return Choice(chosen, "embedded", found.name, reason, tuple(filter(None, [notice])))


def _weights(model: str | None) -> Weights:
    """Those of the named model, or of the default one, or of any known one. Raises ModelNotFoundError."""
    if found := weights.find(model or weights.DEFAULT):
        return found
    if model is None and (others := weights.installed()):
        return others[0]
    if model and weights.is_path(model):
        raise ModelNotFoundError(
            f"There is no file that can be read at `{model}`.", hint="Correct `model`, or leave it out."
        )
    name = model or weights.DEFAULT
    raise ModelNotFoundError(f"The weights of {name} are not on this machine.", hint=_install_hint(model))


async def _openai(name: str | None, url: str | None) -> Choice:
    if not url:
        raise ConfigError(
            "The openai backend needs the server's address.",
            hint='Give it as `url`, e.g. "http://127.0.0.1:8080", or as --url on the command line.',
        )
    model = OpenAIModel(url, name)
    try:
        info, warnings = await model.info(), await model.warnings()
    except BaseException:
        await model.aclose()
        raise
    reason = f"the server at {model.url} {'has it' if name else 'lists it first, or alone'}"
    notices = filter(None, [leaves(model.url), *warnings, _small(info.name, info.parameters)])
    return Choice(model, "openai", info.name, reason, tuple(notices))


def leaves(url: str) -> str | None:
    """What to know of a server that is not on this machine; None for one that is."""
    if transport.is_loopback(url):
        return None
    scheme, _, rest = url.partition("://")
    open_wire = ", unencrypted" if scheme == "http" else ""
    return f"Your code is sent to {rest.partition('/')[0]}{open_wire}."


def _scripted(script: str | None) -> Choice:
    if not script:
        raise ConfigError("The scripted backend needs a script.", hint="Give the JSON file's path as `url`.")
    model = ScriptedModel.from_file(Path(script))
    return Choice(model, "scripted", model.name, f"it follows {script}")


def _install_hint(model: str | None) -> str:
    if model is None:
        return "Run `:VivekInstall model` in Neovim, or `vivek install model` in a shell."
    if weights.known(model):
        return f"Run `:VivekInstall model {model}` in Neovim, or `vivek install model {model}` in a shell."
    names = " and ".join(row.name for row in weights.MODELS)
    return f"Vivek can fetch {names}; for another, set `model` to the path of its GGUF file."


def _ways_out(model: str | None) -> str:
    if model and weights.is_path(model):
        return _install_hint(None)
    pull = f"Run `ollama pull {model or weights.DEFAULT}` where Ollama is installed."
    return f"{pull} Without it: {_install_hint(model)}"


def _small(name: str, parameters: float | None) -> str | None:
    """What to expect of a small model; None for a larger one, or where the size is not known."""
    if parameters is None or parameters >= SMALL_PARAMETERS:
        return None
    return (
        f"{name} is a small model ({parameters / 1e9:.1f}B parameters): good at short, concrete changes to"
        " one function, unreliable beyond. Read each hunk. A 7B solves about twice as many tasks."
    )


def _ollama_url(url: str | None) -> str:
    return host_url(url or os.environ.get("OLLAMA_HOST"))


def _small_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
