"""Whether a model fits in this machine's memory, before it is loaded.

The estimate is for main memory. It knows nothing of a GPU's own: what is put there only leaves more room.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from vivek.errors import ModelAPIError

BUFFERS_BYTES = 256 << 20
"""What llama.cpp needs beside weights and KV cache. Measured with the 1.5B: 120 MB,
less with smaller models."""

_LEAST_RESERVE = 1 << 30
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

_KV_ELEMENT_BYTES = 2
"""llama.cpp keeps keys and values as 16-bit floats."""


@dataclass(frozen=True)
class Need:
    """Bytes that a loaded model takes."""

    weights: int
    kv_cache: int
    buffers: int = BUFFERS_BYTES

    @property
    def total(self) -> int:
        """The sum."""
        return self.weights + self.kv_cache + self.buffers


def kv_bytes_per_token(metadata: Mapping[str, Any]) -> int:
    """Bytes of keys and values for one token in all layers; 0 where the metadata does not tell.

    Models with window or recurrent layers take less.
    """
    prefix = metadata.get("general.architecture")
    layers = metadata.get(f"{prefix}.block_count")
    heads = metadata.get(f"{prefix}.attention.head_count")
    if not isinstance(layers, int) or not heads:
        return 0
    # Ollama leaves long lists out (null): then every head counts, which errs on the large side.
    all_heads = _each_layer(metadata.get(f"{prefix}.attention.head_count_kv") or heads, layers)
    size = metadata.get(f"{prefix}.embedding_length", 0) // max(_each_layer(heads, layers))
    key = metadata.get(f"{prefix}.attention.key_length", size)
    value = metadata.get(f"{prefix}.attention.value_length", size)
    return int(sum(all_heads) * (key + value) * _KV_ELEMENT_BYTES)


def available() -> int:
    """Bytes that can be taken without pushing other programs out."""
    return int(psutil.virtual_memory().available)


def spare() -> int:
    """Bytes that a context window may be chosen for.

    What is available, less a quarter of the machine's memory: that is left to the editor, its language servers and
    whatever else runs.
    """
    return available() - max(_LEAST_RESERVE, _all() // 4)


def _all() -> int:
    return int(psutil.virtual_memory().total)


def has_gpu() -> bool:
    """Whether this machine has a GPU with memory of its own: NVIDIA's, AMD's or WSL's driver (Apple's share)."""
    return any(Path(device).exists() for device in _GPU_DEVICES)


def refuse_if_short(name: str, need: Need) -> None:
    """Raise ModelAPIError, with the numbers, where the model does not fit now."""
    free = available()
    if need.total > free:
        parts = f"weights {gigabytes(need.weights)}, context {gigabytes(need.kv_cache)}"
        raise ModelAPIError(
            f"{name} does not fit in memory: it needs {gigabytes(need.total)} ({parts}, buffers"
            f" {gigabytes(need.buffers)}), and {gigabytes(free)} are available.",
            hint="Close other programs, or choose a smaller model.",
        )


def gigabytes(size: int) -> str:
    """The size in words, e.g. ``"1.9 GB"``."""
    return f"{size / 1e9:.1f} GB"


def physical_cores() -> int:
    """Cores that this process may use; two threads of one core only get in each other's way when decoding."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def _each_layer(value: int | list[int], layers: int) -> list[int]:
    return value if isinstance(value, list) else [value] * layers
