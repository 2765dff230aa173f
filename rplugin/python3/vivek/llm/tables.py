"""Keeps tables that are dear to make on disk, one msgpack file a key: vocabularies, learned chat templates.

It knows nothing of what is in them. A file that is damaged, or of another version, counts as missing.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack

from vivek import paths

_KEY = re.compile(r"[0-9a-f]{64}")
_CHECKSUM_BYTES = 32


def is_key(key: str) -> bool:
    """Whether something can be kept under it: a sha256 in lower-case hex."""
    return _KEY.fullmatch(key) is not None


def read(key: str) -> Any:
    """What was kept under the key (a sha256 in hex); None where there is nothing whole."""
    if not is_key(key):
        return None
    try:
        data = _file(key).read_bytes()
        if hashlib.sha256(data[_CHECKSUM_BYTES:]).digest() != data[:_CHECKSUM_BYTES]:
            return None
        return msgpack.unpackb(data[_CHECKSUM_BYTES:])
    except (OSError, ValueError):
        return None


def keep(key: str, value: Any) -> None:
    """Keep the value, made of what msgpack knows, under the key; nothing is kept where that is no sha256.

    A cache that cannot be written costs time, nothing else: then this does nothing.
    """
    if is_key(key):
        body = msgpack.packb(value)
        with suppress(OSError):
            _write(_file(key), hashlib.sha256(body).digest() + body)


def _write(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.stem)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _file(key: str) -> Path:
    return paths.tokenizers_dir() / f"{key}.msgpack"
