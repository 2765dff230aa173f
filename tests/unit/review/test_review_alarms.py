"""How often the static tools cry wolf: of functions that thousands have read, hardly any has an error or a warning."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

from benchmarks.bench_facts import sources
from vivek.cancel import CancelToken
from vivek.review.finding import Finding
from vivek.review.request import ReviewRequest
from vivek.review.static import static_findings

MOST = 0.02
MOST_ERRORS = 0.005
"""Share of the functions. Some of what is found there is really wrong."""


def alarmed(paths: list[Path]) -> tuple[int, list[tuple[Finding, tuple[str, str, int]]]]:
    """(number of functions, each grave finding in one with that function)."""
    count, found = 0, []
    for path in paths:
        text = path.read_text("utf-8", "replace")
        nodes = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        count += len(nodes)
        told: list[Finding] = []
        request = ReviewRequest(run="r", text=text, filetype="python", name=path.name)
        static_findings(request, told.extend, CancelToken())
        for finding in told:
            inside = [node for node in nodes if node.lineno <= finding.line <= (node.end_lineno or 0)]
            if inside and finding.severity in ("error", "warning"):
                found.append((finding, (str(path), inside[-1].name, inside[-1].lineno)))
    return count, found


def test_static_tools_are_nearly_silent_on_the_standard_library() -> None:
    functions, found = alarmed(sources(10_000)[::9])
    assert functions > 1_000
    print(functions, Counter(finding.source for finding, _ in found).most_common())
    grave = {function for finding, function in found if finding.severity == "error"}
    assert len(grave) <= MOST_ERRORS * functions, len(grave)
    assert len({function for _, function in found}) <= MOST * functions
