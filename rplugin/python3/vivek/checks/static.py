"""The review of an edit by tools alone: every check in turn, and one score of them all.

It knows what was before and what is after, not how the edit came to be. Checks lean to silence: a false alarm
costs another call of a slow model, and may cost a right answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from vivek.checks.changed import check_changed
from vivek.checks.definitions import check_definitions
from vivek.checks.edit import Check, Edit
from vivek.checks.imports import check_lost_imports
from vivek.checks.indentation import check_indentation
from vivek.checks.names import check_names
from vivek.checks.outside import check_lines, check_others
from vivek.checks.parameters import check_parameters
from vivek.checks.placeholders import check_placeholders
from vivek.checks.size import check_size
from vivek.checks.syntax import check_syntax
from vivek.checks.unused import check_unused

__all__ = ["Check", "review", "score"]


def review(
    before: str,
    after: str,
    *,
    filetype: str,
    first: int,
    last: int,
    after_last: int,
    instruction: str,
    after_first: int | None = None,
) -> list[Check]:
    """All checks of an edit, passed and failed, the gravest first.

    before, after: whole files. first, last: the target in `before` (1-based, inclusive; last = first - 1
    where it is empty). after_first, after_last: what stands in its place in `after`; after_first is `first`
    unless told.
    """
    start = first if after_first is None else after_first
    edit = Edit(before, after, filetype, first, last, start, after_last, instruction)
    checks = [
        check_syntax(edit),
        check_changed(edit),
        check_placeholders(edit),
        check_definitions(edit),
        check_parameters(edit),
        *(check_names(edit) if filetype == "python" else [check_lost_imports(edit)]),
        check_lines(edit),
        check_others(edit),
        check_size(edit),
        check_indentation(edit),
        check_unused(edit),
    ]
    return sorted(checks, key=lambda check: -check.weight)


def score(checks: Iterable[Check]) -> float:
    """How good an edit is, in [0, 1]: 1 less the weights of all failed checks.

    So it is at most 0.2 where the code does not parse (weight 0.8), 0.3 where nothing changed (0.7), 0.5
    where there are placeholders for code (0.5), and 0.55, below the threshold of 0.6, for a lost definition,
    a call that fits no more, a name left undefined, an import lost, a line outside of the target changed, or
    nothing but comments changed where code was to be mended (0.45). A strange size, other indentation, a
    change of another definition or a name undefined in an annotation alone (0.2) leaves 0.8; advice (0.05),
    such as on a name that nothing uses, 0.95.
    """
    return round(max(0.0, 1.0 - sum(check.weight for check in checks if not check.passed)), 3)
