"""Runs one file of tests and writes a JUnit report: by pytest where the project's Python has it, else by unittest.

It is run as a program of its own by the project's Python, whatever version that is, so it imports nothing of Vivek:
``python -c SOURCE FILE REPORT``. Without pytest a plain function whose name begins with ``test`` is a test, too.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import unittest
from pathlib import Path
from xml.etree import ElementTree


def main(file: str, report: str) -> int:
    """Exit status 0 where all pass."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        import pytest
    except ImportError:
        return _by_unittest(file, report)
    options = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}"]
    return int(pytest.main([*options, file]))


def _by_unittest(file: str, report: str) -> int:
    name = Path(file).stem
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    suite = unittest.TestSuite([unittest.defaultTestLoader.loadTestsFromModule(module)])
    for key, value in sorted(vars(module).items()):
        if key.startswith("test") and inspect.isfunction(value) and not inspect.signature(value).parameters:
            suite.addTest(unittest.FunctionTestCase(value, description=key))
    result = _Report()
    suite.run(result)
    ElementTree.ElementTree(result.root).write(report, encoding="utf-8")
    return 0 if result.wasSuccessful() else 1


class _Report(unittest.TestResult):
    def __init__(self) -> None:
        super().__init__()
        self.root = ElementTree.Element("testsuite")

    def _add(self, test: unittest.TestCase, fault: str = "", message: str = "") -> None:
        by_function = isinstance(test, unittest.FunctionTestCase)
        name = (test.shortDescription() or "") if by_function else test.id().rpartition(".")[2]
        case = ElementTree.SubElement(self.root, "testcase", name=name)
        case.set("classname", "" if by_function else type(test).__name__)
        if fault:
            ElementTree.SubElement(case, fault, message=message)

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        super().addSuccess(test)
        self._add(test)

    def addFailure(self, test: unittest.TestCase, err: object) -> None:  # noqa: N802
        super().addFailure(test, err)  # type: ignore[arg-type]
        self._add(test, "failure", _words(err))

    def addError(self, test: unittest.TestCase, err: object) -> None:  # noqa: N802
        super().addError(test, err)  # type: ignore[arg-type]
        self._add(test, "error", _words(err))


def _words(err: object) -> str:
    kind, value = err[0], err[1]  # type: ignore[index]
    return f"{kind.__name__}: {value}" if str(value) else str(kind.__name__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
