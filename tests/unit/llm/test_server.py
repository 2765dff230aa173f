from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import wire
from llama import FakeLlama, alive, kill, until
from vivek import paths
from vivek.errors import ModelAPIError, ModelUnreachableError
from vivek.llm import launcher, memory, server
from vivek.llm.launcher import Settings
from vivek.llm.memory import Need
from vivek.llm.server import Record


@pytest.fixture
def llama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLlama]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fake = FakeLlama(tmp_path, monkeypatch)
    yield fake
    fake.close()


def settings(idle_seconds: float = 60.0, digest: str = "d1") -> Settings:
    return Settings("tiny", Path("tiny.gguf"), digest, 4096, Need(1000, 1000), idle_seconds)


def start(wanted: Settings) -> Record:
    return asyncio.run(launcher.started(wanted))


def running(wanted: Settings) -> Record | None:
    return asyncio.run(launcher.running(wanted))


def place(wanted: Settings) -> Path:
    return server.record_path(wanted.lock)


def test_nothing_runs_before_it_is_started(llama: FakeLlama) -> None:
    assert running(settings()) is None
    assert llama.events("load") == []


def test_a_started_server_is_found_and_not_started_again(llama: FakeLlama) -> None:
    first = start(settings())
    assert running(settings()) == first
    assert start(settings()) == first
    assert len(llama.events("load")) == 1


def test_each_slot_gets_the_whole_context_window(llama: FakeLlama) -> None:
    start(settings())
    [load] = llama.events("load")
    assert (load["slots"], load["context"]) == (2, 2 * 4096)


def test_other_settings_get_a_server_of_their_own(llama: FakeLlama) -> None:
    assert start(settings()).pid != start(settings(digest="d2")).pid


def test_another_window_finds_the_same_server(llama: FakeLlama) -> None:
    wider = replace(settings(), context_window=16384, need=Need(1000, 4000))
    assert start(settings()) == start(wider)
    assert len(llama.events("load")) == 1


def test_a_server_that_is_stopped_is_gone_and_the_next_is_another(llama: FakeLlama) -> None:
    record = start(settings())
    asyncio.run(launcher.stopped(settings(), record))
    assert not alive(record.pid)
    assert running(settings()) is None
    assert start(settings()).pid != record.pid


def test_a_server_that_does_not_end_is_named(llama: FakeLlama, monkeypatch: pytest.MonkeyPatch) -> None:
    record = start(settings())
    monkeypatch.setattr(launcher, "_END_SECONDS", 0.2)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ModelUnreachableError) as caught:
            asyncio.run(launcher.stopped(settings(), record))
    finally:
        os.kill(record.pid, signal.SIGCONT)
    assert f"kill -9 {record.pid}" in caught.value.hint


def test_a_process_that_is_no_server_of_ours_is_left_alone(llama: FakeLlama) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        asyncio.run(launcher.stopped(settings(), Record(other.pid, "http://127.0.0.1:1", "k", "1", 0.0)))
        assert other.poll() is None
        other.kill()


def test_the_record_is_readable_by_the_user_alone(llama: FakeLlama) -> None:
    start(settings())
    assert stat.S_IMODE(place(settings()).stat().st_mode) == 0o600
    assert stat.S_IMODE(paths.runtime_dir().stat().st_mode) == 0o700


def test_the_key_is_needed_and_is_nowhere_on_the_command_line(llama: FakeLlama) -> None:
    record = start(settings())
    assert httpx.get(f"{record.url}/slots", trust_env=False).status_code == 401
    arguments = subprocess.run(["ps", "-o", "args=", "-p", str(record.pid)], capture_output=True, check=True)
    assert record.key.encode() not in arguments.stdout


def test_the_server_is_in_a_session_of_its_own_and_keeps_no_pipe_open(llama: FakeLlama) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    record = start(settings())
    os.close(writer)
    assert os.getsid(record.pid) == record.pid
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""  # the end of the file: nobody else holds the writing end
    os.close(reader)


def test_the_server_outlives_the_process_that_started_it(llama: FakeLlama) -> None:
    script = (
        "import asyncio; from pathlib import Path; from vivek.llm.launcher import Settings, started;"
        "from vivek.llm.memory import Need;"
        "print(asyncio.run(started(Settings('tiny', Path('tiny.gguf'), 'd1', 4096, Need(1, 1), 60.0))).pid)"
    )
    package = str(Path(launcher.__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, os.environ["PYTHONPATH"]])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    record = running(settings())
    assert record is not None
    assert record.pid == int(done.stdout)


def test_clients_that_start_it_at_once_share_one(llama: FakeLlama, tmp_path: Path) -> None:
    llama.load(str(tmp_path / "gate"))

    async def all_at_once() -> list[Record]:
        clients = [asyncio.create_task(launcher.started(settings())) for _ in range(3)]
        while not llama.events("load"):
            await asyncio.sleep(0.01)
        (tmp_path / "gate").touch()
        return await asyncio.gather(*clients)

    records = asyncio.run(all_at_once())
    assert len(set(records)) == 1
    assert len(llama.events("load")) == 1


def test_a_second_process_for_the_same_lock_ends_without_loading(llama: FakeLlama) -> None:
    start(settings())
    command = [sys.executable, "-m", "vivek.llm.server", "--weights", "tiny.gguf", "--context", "1", "--lock"]
    package = str(Path(launcher.__file__).parents[2])
    second = subprocess.run(
        [*command, str(settings().lock)], env=os.environ | {"PYTHONPATH": package}, check=False
    )
    assert second.returncode == server.ALREADY_RUNNING
    assert len(llama.events("load")) == 1


def test_a_killed_server_is_replaced(llama: FakeLlama) -> None:
    first = start(settings())
    kill(first.pid)
    assert place(settings()).exists()
    assert running(settings()) is None
    second = start(settings())
    assert second.pid != first.pid
    assert running(settings()) == second


def test_a_record_whose_lock_nobody_holds_is_never_spoken_to(llama: FakeLlama) -> None:
    async def look() -> int:
        async with wire.serve({"/health": wire.replying({"status": "ok"})}) as other:
            server.write_record(place(settings()), Record(os.getpid(), other.url, "secret", "1", 0.0))
            assert await launcher.running(settings()) is None
            return len(other.requests)

    assert asyncio.run(look()) == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "surplus": 2}'])
def test_a_damaged_record_counts_as_none(llama: FakeLlama, content: str) -> None:
    place(settings()).write_text(content)
    assert running(settings()) is None
    assert start(settings()).pid


def test_a_server_that_lives_but_says_nothing_is_named(
    llama: FakeLlama, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = start(settings())
    monkeypatch.setattr(launcher, "_HEALTH_SECONDS", 0.2)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        with pytest.raises(ModelUnreachableError) as caught:
            running(settings())
    finally:
        os.kill(record.pid, signal.SIGCONT)
    assert f"kill -9 {record.pid}" in caught.value.hint


def test_an_idle_server_takes_its_record_away_and_ends(llama: FakeLlama) -> None:
    record = start(settings(idle_seconds=0.2))
    until(lambda: not alive(record.pid), "the idle server ends")
    assert not place(settings(idle_seconds=0.2)).exists()


def test_a_server_that_answers_is_not_idle_however_long_it_takes(llama: FakeLlama) -> None:
    wanted = settings(idle_seconds=0.3)
    record = start(wanted)
    body = {"messages": [{"role": "user", "content": "hang"}]}

    async def ask_and_wait() -> None:
        async with (
            launcher.client(record) as client,
            client.stream("POST", "/v1/chat/completions", json=body) as response,
        ):
            pieces = response.aiter_bytes()  # held, or the response would be closed with it
            await anext(pieces)
            await asyncio.sleep(4 * wanted.idle_seconds)
            assert await launcher.running(wanted) == record

    asyncio.run(ask_and_wait())
    until(lambda: not alive(record.pid), "the server is idle at last")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_asked_to_end_takes_its_record_away(
    llama: FakeLlama, number: signal.Signals
) -> None:
    record = start(settings())
    os.kill(record.pid, number)
    until(lambda: not alive(record.pid), "the server ends")
    assert not place(settings()).exists()


def test_a_server_whose_record_was_deleted_ends(llama: FakeLlama) -> None:
    wanted = settings(idle_seconds=2.0)
    record = start(wanted)
    began = time.monotonic()
    place(wanted).unlink()
    until(lambda: not alive(record.pid), "the server that nobody can find ends")
    assert time.monotonic() - began < 1.9


def test_a_load_that_fails_tells_the_last_words_and_the_log(llama: FakeLlama) -> None:
    llama.load("fail")
    with pytest.raises(ModelAPIError) as caught:
        start(settings())
    assert "tiny" in caught.value.message
    assert "exit status 1" in caught.value.message
    assert "the tensor is not there" in caught.value.message
    assert str(settings().log) in caught.value.hint
    assert not place(settings()).exists()


def test_a_server_that_is_killed_while_it_loads_is_told_and_the_next_start_works(llama: FakeLlama) -> None:
    llama.load("crash")
    with pytest.raises(ModelAPIError, match="SIGKILL"):
        start(settings())
    llama.load("fail")
    with pytest.raises(ModelAPIError) as caught:
        start(settings())
    assert "about to crash" not in caught.value.message  # the words of this start alone
    llama.load("")
    assert start(settings()) == running(settings())


def test_a_client_that_gives_up_leaves_the_load_to_the_next_one(llama: FakeLlama, tmp_path: Path) -> None:
    llama.load(str(tmp_path / "gate"))

    async def give_up() -> None:
        client = asyncio.create_task(launcher.started(settings()))
        while not llama.events("load"):
            await asyncio.sleep(0.01)
        client.cancel()
        with pytest.raises(asyncio.CancelledError):
            await client

    asyncio.run(give_up())
    assert running(settings()) is None
    (tmp_path / "gate").touch()
    start(settings())
    assert len(llama.events("load")) == 1


def test_what_does_not_fit_in_memory_is_refused_with_the_numbers_before_it_is_loaded(
    llama: FakeLlama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
    wanted = Settings("large", Path("large.gguf"), "d3", 4096, Need(4_700_000_000, 460_000_000, 200_000_000))
    with pytest.raises(ModelAPIError) as caught:
        start(wanted)
    for number in ("5.4 GB", "4.7 GB", "0.5 GB", "2.0 GB"):
        assert number in caught.value.message
    assert llama.events("load") == []


def test_a_large_log_is_begun_anew(llama: FakeLlama) -> None:
    settings().log.write_bytes(b"x" * (2 << 20))
    llama.load("fail")
    with pytest.raises(ModelAPIError, match="the tensor"):
        start(settings())
    assert settings().log.stat().st_size < 1000


def test_modules_in_the_current_folder_are_not_imported(
    llama: FakeLlama, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "psutil.py").write_text("raise SystemExit('the project ran code')")
    monkeypatch.chdir(project)
    assert start(settings()).pid
