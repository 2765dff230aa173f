"""What static tools say, as findings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from vivek.cancel import CancelToken
from vivek.errors import InstallError, RunStoppedError
from vivek.request import Diagnostic
from vivek.review import ruff, static
from vivek.review.finding import Finding
from vivek.review.request import ReviewRequest
from vivek.review.ruff import violations


def found(text: str, filetype: str = "python", **options: Any) -> tuple[list[Finding], list[str]]:
    told: list[Finding] = []
    request = ReviewRequest(run="r", text=text, filetype=filetype, name="a.py", **options)
    troubles = static.static_findings(request, told.extend, CancelToken())
    return told, troubles


def test_what_ruff_finds_has_its_rule_line_and_quote() -> None:
    told, troubles = found("def f(x):\n    if x is 'a':\n        return y\n")
    assert [(one.source, one.line, one.severity, one.quote) for one in told] == [
        ("ruff F632", 2, "error", "    if x is 'a':"),
        ("ruff F821", 3, "error", "        return y"),
    ]
    assert {one.block for one in told} == {"f"}
    assert troubles == []


def test_the_rules_of_vivek_find_what_ruff_does_not() -> None:
    told, _ = found("def f(xs):\n    sorted(xs)\n    return xs\n")
    assert [(one.source, one.severity) for one in told] == [("vivek thrown-away", "warning")]


def test_a_stop_ends_the_rules_before_the_next_function() -> None:
    text = "".join(f"def f{number}(xs):\n    sorted(xs)\n    return xs\n" for number in range(50))
    told: list[list[Finding]] = []
    cancel = CancelToken()

    def tell(findings: Sequence[Finding]) -> None:
        told.append(list(findings))
        cancel.cancel()

    request = ReviewRequest(run="r", text=text, filetype="python", name="a.py")
    with pytest.raises(RunStoppedError):
        static.static_findings(request, tell, cancel)
    assert told == [[]]


def test_a_line_that_says_noqa_is_left_alone() -> None:
    assert found("import os  # noqa: F401\n")[0] == []


def test_the_projects_own_configuration_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ruff.toml").write_text("[lint]\nignore = ['F821']\n")
    monkeypatch.chdir(tmp_path)
    assert [one.source for one in found("x = missing\n")[0]] == ["ruff F821"]


def test_lines_are_those_of_the_file_whatever_ends_them() -> None:
    text = "a = 1\r\nb = '\r'\r\nc = missing\r\n"
    assert [one.line for one in found(text)[0] if one.source == "ruff F821"] == [3]


def test_bytes_that_are_no_utf8_stop_nothing() -> None:
    text = b"# caf\xe9\nx = missing\n".decode("utf-8", "surrogateescape")
    assert [one.line for one in found(text)[0]] == [2]


def test_every_rule_is_one_that_ruff_knows() -> None:
    assert violations("x = 1\n", "a.py") == []


def test_where_ruff_is_missing_pyflakes_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_text: str, _name: str) -> list[ruff.Violation]:
        raise InstallError("ruff cannot be asked: it is not installed.")

    monkeypatch.setattr(static, "violations", gone)
    told, troubles = found("def f():\n    return missing\n")
    assert [(one.source, one.line) for one in told] == [("pyflakes", 2)]
    assert "pyflakes was asked in its place" in troubles[0]
    told, _ = found("def f(:\n")
    assert [(one.source, one.category) for one in told] == [("Python", "syntax")]


def test_a_program_that_is_no_ruff_is_an_install_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "ruff"
    fake.write_text("#!/bin/sh\necho nonsense\n")
    fake.chmod(0o755)
    monkeypatch.setattr(ruff, "_program", lambda: str(fake))
    with pytest.raises(InstallError, match="ruff cannot be asked"):
        violations("x = 1\n", "a.py")


def test_what_a_server_and_ruff_both_say_is_one_finding() -> None:
    told = (
        Diagnostic(1, '"missing" is not defined', "error", "Pyright"),
        Diagnostic(1, 'Import "x" could not be resolved', "warning", "Pyright"),
    )
    sources = [one.source for one in found("x = missing\n", diagnostics=told)[0]]
    assert sources == ["ruff F821", "Pyright"]


def test_two_undefined_names_on_a_line_are_two_findings() -> None:
    told, _ = found("x = one + two\n")
    assert [one.message for one in told] == ["Undefined name `one`.", "Undefined name `two`."]
    assert len({one.key for one in told}) == 2


def test_a_grammar_that_cannot_know_macros_only_warns() -> None:
    [finding] = found("int f( { return 1; }\n", "c")[0]
    assert (finding.severity, finding.category) == ("warning", "syntax")


def test_a_server_that_knows_the_file_is_a_static_tool() -> None:
    assert found("x\n", "zzz")[1] == ["No static tool here knows zzz."]
    assert found("x\n", "zzz", diagnostics=(Diagnostic(1, "odd", "hint", "zls"),))[1] == []


def test_names_that_are_made_at_run_time_are_no_errors() -> None:
    [finding] = found("globals().update(made=1)\n\n\ndef f():\n    return made\n")[0]
    assert (finding.source, finding.severity) == ("ruff F821", "warning")
    many = "".join(f"    n{number}()\n" for number in range(6))
    assert {one.severity for one in found(f"def f():\n{many}")[0]} == {"warning"}
    assert [one.severity for one in found("def f():\n    n1()\n    n1()\n")[0]] == ["error", "error"]
