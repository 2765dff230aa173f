"""What came of one row under one arm, as plain data: a line of a run's folder."""

from __future__ import annotations

from typing import Any, TypedDict

from vivek.bench.recording import RecordedCall


class Judged(TypedDict):
    """What came of one row under one arm, as it is kept.

    repeat: 0. alarm: whether a finding of severity error or warning stands in the definition. suspicion: the
    calibrated probability of a bug, None where nothing tells it. score: by which rows are ranked: the suspicion, or
    else the confidence of what stands, at least what is suspected of a function of which nothing is known. signals:
    by name. findings, folded: as a review reports them. strange: how many of them quote what is not at their place in
    the file, which must be none. ungrounded: the model's that were dropped for that. incomplete: why the review did
    not come to its end, "" where it did.
    """

    file: str
    task: str
    cluster: str
    language: str
    arm: str
    repeat: int
    bug: bool
    alarm: bool
    suspicion: float | None
    score: float
    signals: dict[str, float]
    findings: list[dict[str, Any]]
    folded: list[dict[str, Any]]
    strange: int
    ungrounded: int
    incomplete: str
    seconds: float
    calls: list[RecordedCall]
