"""Examples and tests of a candidate, on a real project that is installed with ``pip install -e``."""

from __future__ import annotations

import socket
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandboxes import BOTH, digests, needs_namespaces
from vivek.cancel import CancelToken
from vivek.context.ignore import Ignore
from vivek.context.interpreters import python_for
from vivek.errors import RunStoppedError
from vivek.verify.report import Finding
from vivek.verify.verifier import ProjectVerifier, Subject

# A build backend of the project's own, so that nothing need be downloaded.
BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "shop-1.0-py3-none-any.whl", "shop-1.0.dist-info"
    files = {
        "shop.pth": str(Path("src").resolve()) + "\\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\\nName: shop\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nGenerator: shop\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(Path(folder) / name, "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, text)
    return name
"""

PRICE = '''from shop.tax import RATE
from . import tax


def gross(net):
    """The price with tax.

    >>> gross(100)
    120.0
    >>> gross(0)
    0.0
    """
    return net * (1 + RATE)


def per_head(total, heads):
    """per_head(10, 2) == 5"""
    return total / heads
'''

TEST = """import unittest
from shop.price import gross

class TestGross(unittest.TestCase):
    def test_tax_is_added(self):
        self.assertEqual(gross(100), 120)

if __name__ == "__main__":
    unittest.main()
"""

FILES = {
    "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    '[project]\nname = "shop"\nversion = "1.0"\n',
    "backend.py": BACKEND,
    ".gitignore": ".venv/\n",
    "src/shop/__init__.py": "",
    "src/shop/tax.py": "RATE = 0.2\n",
    "src/shop/price.py": PRICE,
    "tests/test_price.py": TEST,
}

Made = Callable[..., ProjectVerifier]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an environment of its own, in which it is installed editable."""
    root = tmp_path_factory.mktemp("verify") / "project"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    venv.create(root / ".venv", symlinks=True)
    python = root / ".venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "-q", "--no-index", "--no-build-isolation", "--editable", str(root)], check=True)
    seen = subprocess.run(
        [python, "-c", "import shop; print(shop.__file__)"], check=True, capture_output=True, cwd="/"
    )
    assert seen.stdout.decode().strip() == str(root / "src/shop/__init__.py")
    return root


@pytest.fixture
def verifier(project: Path) -> Iterator[Made]:
    """Makes the verifier of a file; the project is as it was when the test ends."""
    before = digests(project)

    def make(
        isolate: bool, *, test: str = "", file: str = "src/shop/price.py", original: str | None = None
    ) -> ProjectVerifier:
        needs_namespaces(isolate)
        path = project / file
        text = path.read_text() if original is None else original
        subject = Subject(path, project, text, "python", python_for(project), Ignore(project).excluded)
        return ProjectVerifier(subject, run_examples=True, test=test, isolate=isolate)

    yield make
    assert digests(project) == before


def everything(verifier: ProjectVerifier, text: str) -> tuple[Finding, ...]:
    report = verifier.examples(text, 1, text.count("\n"), CancelToken())
    assert report.ran, report.why_not
    return report.findings


@pytest.mark.parametrize("isolate", BOTH)
def test_examples_see_the_candidate_and_not_what_is_installed(verifier: Made, isolate: bool) -> None:
    made = verifier(isolate)
    assert [one.passed for one in everything(made, PRICE)] == [True, True, True]
    candidate = PRICE.replace("net * (1 + RATE)", "net + (1 + RATE)")
    assert [(one.expression, one.expected, one.got, one.passed) for one in everything(made, candidate)] == [
        ("gross(100)", "120.0", "101.2", False),
        ("gross(0)", "0.0", "1.2", False),
        ("per_head(10, 2)", "5", "5.0", True),
    ]


@pytest.mark.parametrize("isolate", BOTH)
def test_absolute_imports_see_the_candidate(verifier: Made, isolate: bool) -> None:
    made = verifier(isolate, test="{python} -m unittest -q tests/test_price.py", file="src/shop/tax.py")
    assert made.tests("RATE = 0.2\n", CancelToken()).failures == ()
    report = made.tests("RATE = 0.5\n", CancelToken())
    assert (report.ran, report.isolated) == (True, isolate)
    (failure,) = report.failures
    assert "AssertionError: 150.0 != 120" in failure.error


@pytest.mark.parametrize("isolate", BOTH)
def test_a_test_command_finds_the_projects_own_python(verifier: Made, isolate: bool) -> None:
    made = verifier(isolate, test="python tests/test_price.py")
    assert made.tests(PRICE, CancelToken()).failures == ()


@pytest.mark.parametrize("isolate", BOTH)
def test_an_error_names_the_line_of_the_file(verifier: Made, isolate: bool) -> None:
    candidate = PRICE.replace("total / heads", "total / (heads - heads)")
    (failure,) = (one for one in everything(verifier(isolate), candidate) if not one.passed)
    assert failure.error == "ZeroDivisionError: division by zero (line 18: `return total / (heads - heads)`)"
    assert failure.source == "per_head"


@pytest.mark.parametrize("isolate", BOTH)
def test_an_example_that_does_not_end_is_told_and_the_others_go_on(verifier: Made, isolate: bool) -> None:
    candidate = PRICE.replace("    return net", "    while net: pass\n    return net")
    found = everything(verifier(isolate), candidate)
    assert [(one.error, one.passed) for one in found] == [
        ("did not end within 2 s", False),
        ("", True),
        ("", True),
    ]


@pytest.mark.parametrize("status", [0, 3])
@pytest.mark.parametrize("isolate", BOTH)
def test_an_example_that_ends_the_process_is_told_and_the_others_go_on(
    verifier: Made, isolate: bool, status: int
) -> None:
    candidate = PRICE.replace("    return total", f"    import os; os._exit({status})\n    return total")
    found = everything(verifier(isolate), candidate)
    assert [one.passed for one in found] == [True, True, False]
    assert found[2].error == "the process ended before there was a result"


@pytest.mark.parametrize("isolate", BOTH)
def test_a_candidate_that_cannot_be_imported_is_a_finding(verifier: Made, isolate: bool) -> None:
    made = verifier(isolate)
    report = made.examples(PRICE + "\nx = undefined\n", 1, 18, CancelToken())
    (finding,) = report.findings
    assert (report.ran, finding.expression, finding.passed) == (True, "import price", False)
    assert finding.error == "NameError: name 'undefined' is not defined (line 20: `x = undefined`)"


@pytest.mark.parametrize("isolate", BOTH)
def test_what_cannot_be_imported_anyway_says_nothing_of_a_candidate(verifier: Made, isolate: bool) -> None:
    original = PRICE + "\nimport not_installed_anywhere\n"
    made = verifier(isolate, original=original)
    for text in (original, original.replace("1 + RATE", "2 + RATE")):
        report = made.examples(text, 1, 18, CancelToken())
        assert not report.ran
        assert report.why_not.startswith("cannot verify: the file cannot be imported: ModuleNotFoundError")


@pytest.mark.parametrize("isolate", BOTH)
def test_given_examples_are_run_on_another_text(verifier: Made, isolate: bool) -> None:
    from vivek.verify.examples import examples_of

    examples = examples_of(PRICE, 5, 13, "python")
    candidate = PRICE.replace(">>> gross(100)\n    120.0", ">>> gross(100)\n    99").replace(
        "1 + RATE", "1 - RATE"
    )
    report = verifier(isolate).run_examples(candidate, examples, CancelToken())
    assert [(one.expected, one.got) for one in report.findings] == [("120.0", "80.0"), ("0.0", "0.0")]


def test_there_is_no_network_for_an_example(verifier: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        call = f"__import__('socket').create_connection(('127.0.0.1', {server.getsockname()[1]}), 2)"
        failure = everything(verifier(True), PRICE.replace("return total", f"{call}\n    return total"))[2]
    assert not failure.passed
    assert "Error" in failure.error


@pytest.mark.parametrize("isolate", BOTH)
def test_nothing_that_an_example_writes_reaches_the_project(verifier: Made, isolate: bool) -> None:
    candidate = PRICE.replace("    return total", "    open(__file__, 'w').write('spoilt')\n    return total")
    assert [one.passed for one in everything(verifier(isolate), candidate)] == [True, True, True]


def test_without_isolation_a_result_counts_only_for_the_copy(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text(f"__path__ = [{str(package)!r}]\n")
    text = "def f():\n    '''f() == 1'''\n    return 1\n"
    (package / "price.py").write_text(text)
    subject = Subject(package / "price.py", tmp_path, text, "python", Path(sys.executable))
    made = ProjectVerifier(subject, run_examples=True, test="{python} -c pass", isolate=False)
    for report in (made.examples(text, 1, 3, CancelToken()), made.tests(text, CancelToken())):
        assert not report.ran
        assert report.why_not.startswith("cannot verify: ")
        assert report.why_not.endswith(f"not the copy, but {package / 'price.py'}")


def test_pytest_tells_values(project: Path) -> None:
    made = ProjectVerifier(
        Subject(project / "tests/test_price.py", project, "", "python", Path(sys.executable)),
        run_examples=False,
        test="{python} -m pytest -q {file}",
        isolate=False,
    )
    report = made.tests(
        "def test_it():\n    assert len('ab') == 3\n\ndef test_fine():\n    pass\n", CancelToken()
    )
    assert report.ran, report.why_not
    (failure,) = report.failures
    assert (failure.expression, failure.expected, failure.got) == ("len('ab')", "3", "2")
    assert len(report.findings) == 2


BROKEN = "def test_it(:\n"


@pytest.mark.parametrize(
    "test", ["{python} -m pytest -q {file}", "{python} -m pytest --no-such-option", "sh -c 'exit 127'"]
)
@pytest.mark.parametrize("isolate", BOTH)
def test_a_command_that_fails_with_the_users_own_text_says_nothing(
    project: Path, isolate: bool, test: str
) -> None:
    needs_namespaces(isolate)
    subject = Subject(project / "tests/test_price.py", project, BROKEN, "text", Path(sys.executable))
    made = ProjectVerifier(subject, run_examples=False, test=test, isolate=isolate)
    for text in (BROKEN, BROKEN + "\n"):
        report = made.tests(text, CancelToken())
        assert not report.ran
        assert report.why_not.startswith("cannot verify: the test command does not work: ")


@pytest.mark.parametrize("isolate", BOTH)
def test_a_candidate_that_cannot_be_collected_is_a_finding(project: Path, isolate: bool) -> None:
    needs_namespaces(isolate)
    original = "def test_it():\n    pass\n"
    subject = Subject(project / "tests/test_price.py", project, original, "text", Path(sys.executable))
    made = ProjectVerifier(subject, run_examples=False, test="{python} -m pytest -q {file}", isolate=isolate)
    report = made.tests(BROKEN, CancelToken())
    assert report.ran, report.why_not
    assert any("SyntaxError" in failure.error for failure in report.failures)


def test_the_users_own_text_is_tested_once_an_ask(verifier: Made) -> None:
    made = verifier(False, test="{python} -m pytest -q tests")
    first = made.tests(PRICE, CancelToken())
    assert first.ran, first.why_not
    assert made.tests(PRICE, CancelToken()) == first, "the seconds too: it is the same run"


def test_what_is_not_switched_on_is_not_run(project: Path) -> None:
    subject = Subject(project / "src/shop/price.py", project, PRICE, "python", Path("/no/such/python"))
    made = ProjectVerifier(subject, run_examples=False, test="")
    assert made.examples(PRICE, 1, 18, CancelToken()).why_not == "running examples is not switched on"
    assert made.tests(PRICE, CancelToken()).why_not == "no test command is set"


def test_a_python_that_is_not_there_is_told(project: Path) -> None:
    subject = Subject(project / "src/shop/price.py", project, PRICE, "python", Path("/no/such/python"))
    made = ProjectVerifier(subject, run_examples=True, test="'")
    assert made.examples(PRICE, 1, 18, CancelToken()).why_not == (
        "cannot verify: `/no/such/python` cannot be started: there is no such program"
    )
    assert "cannot be read" in made.tests(PRICE, CancelToken()).why_not


def test_a_stop_is_no_report(project: Path) -> None:
    subject = Subject(project / "src/shop/price.py", project, PRICE, "python", Path(sys.executable))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(RunStoppedError):
        ProjectVerifier(subject, run_examples=True, test="").examples(PRICE, 1, 18, cancel)


def test_a_file_without_a_project_sees_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "near.py").write_text("X = 3\n")
    text = "from near import X\n\ndef f():\n    '''f() == 3'''\n    return X\n"
    made = ProjectVerifier(
        Subject(tmp_path / "a.py", None, text, "python", Path(sys.executable)),
        run_examples=True,
        test="",
        isolate=False,
    )
    assert [one.passed for one in everything(made, text)] == [True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["near.py"]
