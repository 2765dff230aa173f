"""What came of one task under one arm, as plain data: a line of a run's folder."""

from __future__ import annotations

from typing import Any, TypedDict

from vivek.bench.recording import RecordedCall


class Result(TypedDict):
    """What came of one task under one arm, as it is kept.

    status: `pass`, `fail`, `syntax` or `timeout`, `skipped` where the task cannot be run here; detail: the complaint.
    code: the new file. well_formed: whether the reply held code as it was asked for. changed_outside: None where the
    task has no target. error: the kind of the failure that the ask ended in, "" for none. seconds: of asking, not of
    the tests. peak_bytes: the most memory that the model's server took meanwhile, None where it is not known. about:
    the route, iterations, score and failed checks of an ask.
    """

    file: str
    task: str
    cluster: str
    arm: str
    repeat: int
    status: str
    detail: str
    isolated: bool
    code: str
    well_formed: bool
    unchanged: bool
    lost_symbols: int
    changed_outside: int | None
    error: str
    seconds: float
    peak_bytes: int | None
    about: dict[str, Any]
    calls: list[RecordedCall]
