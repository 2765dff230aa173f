"""Fetches a known model's weights: source after source, kept when stopped, accepted by their sha256 alone.

It asks nobody: whether a download is wanted has been decided by whoever calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vivek import paths
from vivek.cancel import CancelToken
from vivek.errors import DownloadError
from vivek.llm import weights
from vivek.llm.sources import Job, Progress, Source, SourceFailed, all_sources
from vivek.llm.weights import MODELS, KnownModel, Weights

__all__ = ["Progress", "download", "fetch"]

_LOCK_POLL_SECONDS = 0.2


def download(
    name: str, progress: Callable[[Progress], None] = lambda _: None, cancel: CancelToken | None = None
) -> Weights:
    """Make the model's weights be here, and tell where; where they already are, nothing is fetched.

    progress: called in this thread, many times a second. Raises DownloadError, RunStoppedError.
    """
    if found := weights.find(name):
        return found
    model = weights.known(name)
    if model is None:
        raise _unknown(name)
    return fetch(model, all_sources(), progress, cancel or CancelToken())


def fetch(
    model: KnownModel, sources: Sequence[Source], progress: Callable[[Progress], None], cancel: CancelToken
) -> Weights:
    """Fetch one model from the first source that has it. Raises DownloadError, RunStoppedError."""
    try:
        job = Job(model, paths.models_dir(), progress, cancel)
        with _locked(job):
            return _already_here(model) or _first_that_works(sources, job)
    except OSError as error:
        raise DownloadError(
            f"The folder of the models cannot be used: {error}.",
            hint="Make it writable, or name another place with XDG_CACHE_HOME.",
        ) from error


@contextmanager
def _locked(job: Job) -> Iterator[None]:
    """Hold the model's lock inside the block, after whoever downloads it now. Raises RunStoppedError."""
    lock = FileLock(job.folder / f"{job.model.file}.lock")
    while not lock.is_locked:
        job.cancel.raise_if_cancelled()
        try:
            lock.acquire(timeout=_LOCK_POLL_SECONDS)
        except Timeout:
            job.report(Progress("waiting", "another download of this model", 0, job.model.bytes))
    try:
        yield
    finally:
        lock.release()


def _already_here(model: KnownModel) -> Weights | None:
    file = weights.cached_file(model)
    if not file.is_file() or (digest := weights.digest(file)) not in model.sha256:
        return None
    return _weights(model, digest)


def _first_that_works(sources: Sequence[Source], job: Job) -> Weights:
    failures: list[str] = []
    for source in sources:
        try:
            found = _accept(source.fetch(job), source, job)
        except SourceFailed as failure:
            failures.append(f"{source.name}: {failure}.")
        else:
            for other in sources:
                other.discard(job)
            return found
    raise DownloadError(
        f"{job.model.title} could not be fetched. " + " ".join(failures),
        hint=f"Run the same command again to go on: what has been fetched is kept in {job.folder}.",
    )


def _accept(whole: Path, source: Source, job: Job) -> Weights:
    """Rename the file into place if it is the model; delete it, and what it was made of, if it is not."""

    def each(done: int) -> None:
        job.cancel.raise_if_cancelled()
        job.report(Progress("verifying", source.name, done, job.model.bytes))

    digest, expected = weights.sha256(whole, each), job.model.sha256[0]
    if digest != expected:
        source.discard(job)
        raise SourceFailed(
            f"the file is not this model and was deleted: its sha256 is {digest}, not {expected}"
        )
    file = weights.cached_file(job.model)
    whole.replace(file)
    weights.keep_digest(file, digest)
    return _weights(job.model, digest)


def _weights(model: KnownModel, digest: str) -> Weights:
    return Weights(weights.cached_file(model), digest, model.name, "Vivek's model folder", model.parameters)


def _unknown(name: str) -> DownloadError:
    names = ", ".join(model.name for model in MODELS)
    return DownloadError(
        f"Vivek does not know where to fetch `{name}`.",
        hint=f"It can fetch {names}; with Ollama, `ollama pull {name}`.",
    )
