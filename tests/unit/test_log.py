"""The log file: one JSON object a line, rotating, no secrets, shared by several processes."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vivek import log
from vivek.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "logs" / "vivek.log"
    monkeypatch.setenv("VIVEK_LOG", str(path))
    logger = logging.getLogger("vivek")
    kept, logger.handlers = logger.handlers, []
    level, propagate = logger.level, logger.propagate
    yield path
    for handler in logger.handlers:
        handler.close()
    logger.handlers = kept
    logger.setLevel(level)
    logger.propagate = propagate


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_record_is_one_json_object_with_its_extra_values(path: Path) -> None:
    log.configure()
    logging.getLogger("vivek.x").info("two\nlines", extra={"run": "r1", "tokens": 7})
    (entry,) = entries(path)
    assert entry["message"] == "two\nlines"
    assert (entry["level"], entry["logger"], entry["run"], entry["tokens"]) == ("INFO", "vivek.x", "r1", 7)
    assert entry["time"][:2] == "20"


def test_another_handler_on_the_logger_does_not_keep_the_file_from_being_written(path: Path) -> None:
    logging.getLogger("vivek").addHandler(logging.NullHandler())
    log.configure()
    log.configure()
    logging.getLogger("vivek.x").info("once")
    assert [entry["message"] for entry in entries(path)] == ["once"]


def test_half_a_surrogate_pair_is_kept_as_an_escape(path: Path) -> None:
    log.configure()
    logging.getLogger("vivek.x").info("é \ud800")
    assert entries(path)[0]["message"] == "é \ud800"


def test_a_key_never_reaches_the_log_not_even_in_a_traceback(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVEK_API_KEY", "sk-very-secret")
    log.configure()
    failure = ValueError("Bearer sk-very-secret")
    record = {"header": "sk-very-secret"}
    logging.getLogger("vivek.x").error("sent %s", "sk-very-secret", extra=record, exc_info=failure)
    text = path.read_text("utf-8")
    assert "ValueError" in text
    assert "sk-very-secret" not in text


def test_debug_records_are_there_only_at_that_level(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIVEK_LOG_LEVEL", "debug")
    log.configure()
    logging.getLogger("vivek.x").debug("seen")
    logging.getLogger("vivek").setLevel("INFO")
    logging.getLogger("vivek.x").debug("not seen")
    assert [entry["message"] for entry in entries(path)] == ["seen"]


def test_a_level_that_does_not_exist_is_named_with_those_that_do(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIVEK_LOG_LEVEL", "loud")
    with pytest.raises(ConfigError, match=r"loud.*error, warning, info, debug"):
        log.configure()


def test_the_log_can_be_read_by_its_owner_alone(path: Path) -> None:
    log.configure()
    logging.getLogger("vivek.x").info("x")
    assert path.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_stops_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.parent.write_text("a file where a folder should be", encoding="utf-8")
    log.configure()
    logging.getLogger("vivek.x").error("x")
    assert capsys.readouterr().err == ""


def test_several_processes_write_whole_lines_while_the_file_rotates(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import logging, sys\n"
        "from vivek import log\n"
        "log.MAX_BYTES = 20_000\n"
        "log.KEPT = 50\n"
        "log.configure()\n"
        "for i in range(300): logging.getLogger('vivek.x').info('y' * 100, extra={'n': i, 'who': sys.argv[1]})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(who)]) for who in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    files = [file for file in path.parent.iterdir() if file.name.startswith("vivek.log")]
    assert len(files) > 1
    seen = {(entry["who"], entry["n"]) for file in files for entry in entries(file)}
    assert seen == {(str(who), number) for who in range(3) for number in range(300)}
