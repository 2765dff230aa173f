"""Reads the metadata at the head of a GGUF file: names, sizes, the tokenizer's tables.

It is no general GGUF library: it reads no tensors and writes nothing. (PyPI `gguf` does all that, but takes
seconds on the 150,000-entry tables of a tokenizer, and needs numpy.) Format: ggml's docs/gguf.md, versions 2
and 3.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from vivek.errors import ConfigError

Value = int | float | bool | str | list[int] | list[float] | list[bool] | list[str]

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def metadata(path: Path) -> dict[str, Value]:
    """Every key and value before the tensors, e.g. ``{"general.architecture": "qwen2", ...}``.

    Raises ConfigError where the file cannot be read or is no GGUF.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Head(data).pairs()
    except OSError as error:
        raise ConfigError(f"`{path}` cannot be read: {error.strerror or error}.", hint=_HINT) from error
    except (ValueError, KeyError, struct.error) as error:
        raise ConfigError(f"`{path}` is not a whole GGUF file.", hint=_HINT) from error


def quantization(metadata: Mapping[str, object]) -> str:
    """The file's quantisation in llama.cpp's words, e.g. ``"Q4_K_M"``; "" where it does not tell.

    >>> quantization({"general.file_type": 15}), quantization({})
    ('Q4_K_M', '')
    """
    kind = metadata.get("general.file_type")
    return _FILE_TYPES.get(kind, "") if isinstance(kind, int) else ""


_FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"},
    **{12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"},
    **{19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"},
    **{26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"},
    **{36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4"},
}
"""``general.file_type``: `llama_ftype` of llama.cpp's ``llama.h``."""


class _Head:
    """A cursor over the file's first bytes; struct.error marks the end of a file that is too short."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = 0

    def pairs(self) -> dict[str, Value]:
        if self._data[:4] != b"GGUF":
            raise ValueError("no magic number")
        self._at = 4
        version, _tensors, count = self._scalars("IQQ")
        if version not in (2, 3):
            raise ValueError(f"version {version}")
        return dict(self._pair() for _ in range(count))

    def _pair(self) -> tuple[str, Value]:
        key = self._string()
        (kind,) = self._scalars("I")
        return key, self._value(kind)

    def _value(self, kind: int) -> Value:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            item, count = self._scalars("IQ")
            return self._strings(count) if item == _STRING else list(self._many(_SCALARS[item], count))
        (value,) = self._scalars(_SCALARS[kind])
        return cast(Value, value)

    def _many(self, code: str, count: int) -> tuple[Any, ...]:
        if count * struct.calcsize(code) > len(self._data):
            raise ValueError("an array longer than the file")
        return self._scalars(f"{count}{code}")

    def _scalars(self, codes: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + codes, self._data, self._at)
        self._at += struct.calcsize("<" + codes)
        return values

    def _strings(self, count: int) -> list[str]:
        if count * 8 > len(self._data):
            raise ValueError("an array longer than the file")
        return [self._string() for _ in range(count)]

    def _string(self) -> str:
        (size,) = _LENGTH.unpack_from(self._data, self._at)
        start, self._at = self._at + 8, self._at + 8 + size
        if self._at > len(self._data):
            raise ValueError("a string longer than the file")
        return self._data[start : self._at].decode("utf-8", "surrogateescape")


_LENGTH = struct.Struct("<Q")
_HINT = "Give the path of a model in GGUF form, downloaded completely."
