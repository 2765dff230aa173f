"""One review, start to end: static tools, then examples, then the model block by block, each finding told as it comes.

It puts the parts together and keeps what they find, so that a stop or a server that dies loses nothing. Which model
answers, where events go and what is run is for the session to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivek.agent.budget import usable_of
from vivek.agent.surroundings import surroundings
from vivek.cancel import CancelToken
from vivek.context.packer import pack
from vivek.errors import RunStoppedError, VivekError
from vivek.llm.base import ChatModel, Loading, ModelInfo, Queued, Reading, StreamEvent, TokenCounter
from vivek.llm.loop import ModelLoop
from vivek.llm.profiles import Profile
from vivek.request import line_count
from vivek.review import calibration
from vivek.review.examples import Tried, finding_of, tried
from vivek.review.finding import EXAMPLE, SEVERITIES, BlockReview, Finding, Review, Skipped
from vivek.review.heard import HeardModel
from vivek.review.merging import twin_of
from vivek.review.opinions import AGAIN_TOKENS, REPLY_TOKENS, question
from vivek.review.reading import Reader, read
from vivek.review.request import ReviewRequest
from vivek.review.static import static_findings
from vivek.review.subject import Subject
from vivek.review.summary import summary_of
from vivek.review.units import Unit, ordered, units_of
from vivek.verify.report import Verifier

CONTEXT_TOKENS = 300
"""Cap on what is shown beside a block; it is read anew for each."""

_EVIDENCE = {calibration.DOUBT, calibration.EXAMPLES_PASSED, calibration.EXAMPLES_FAILED}
"""Signals that say something of a block; the others alone are its looks."""

Event = dict[str, Any]
Range = tuple[int, int]


@dataclass(frozen=True)
class Opened:
    """A model that was chosen and answers."""

    model: ChatModel
    info: ModelInfo
    counter: TokenCounter
    profile: Profile


@dataclass(frozen=True)
class Ports:
    """What a review reaches the world through.

    ranges: the lines to review, None for all. changed: those that are new (1-based), for the order of blocks. open:
    chooses the model; called where one is wanted, after everything else. refusal: why no model may see the file, ""
    where one may. dismissed: keys of findings that are not told.
    """

    request: ReviewRequest
    ranges: Sequence[Range] | None
    changed: Collection[int]
    open: Callable[[], Opened]
    refusal: str
    dismissed: Collection[str]
    verifier: Verifier | None
    loop: ModelLoop
    cancel: CancelToken
    send: Callable[[Event], None]


def review(ports: Ports) -> Review:
    """The review, as far as it came: a stop, or a model that fails, ends it with what was found by then.

    Raises RunStoppedError where it was stopped before anything was begun.
    """
    ports.cancel.raise_if_cancelled()
    running = _Running(ports)
    try:
        running.look()
    except RunStoppedError:
        running.stop()
    except VivekError as error:
        running.fail(error)
    return running.result()


@dataclass
class _Running:
    """What was found so far."""

    ports: Ports
    findings: list[Finding] = field(default_factory=list)
    folded: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    blocks: list[BlockReview] = field(default_factory=list)
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    dismissed: int = 0
    ungrounded: int = 0
    block: int = 0  # the one that the model is at, from 1 on
    complete: bool = True
    error: dict[str, str] | None = None

    def __post_init__(self) -> None:
        self.lines = self.ports.request.text.split("\n")

    def look(self) -> None:
        """All steps in turn. Raises VivekError where the model fails, RunStoppedError."""
        self._static()
        request = self.ports.request
        pieces = [unit for unit in units_of(request.text, request.filetype) if self._wanted(unit)]
        self.units = ordered(pieces, request.text, request.filetype, self.ports.changed)
        outcomes = self._examples()
        if not request.ask_model or not self.units:
            return
        if self.ports.refusal:
            self._skip_units(self.units, self.ports.refusal)
            return
        self._ask(self.ports.open(), outcomes)

    def fail(self, error: VivekError) -> None:
        """End with a failure of the model: what it has not read is told as such."""
        self.complete = False
        self.error = error.plain()
        self._skip_units(self._left(), f"The model failed: {error.message}")
        self._send(kind="notice", text=f"{error.message} {error.hint}".strip())

    def stop(self) -> None:
        """End where the user stopped it: what the model has not read is told as such."""
        self.complete = False
        if self.ports.request.ask_model:
            self._skip_units(self._left(), "The review was stopped before it.")

    def result(self) -> Review:
        """What there is."""
        summary = summary_of(self.findings, self.blocks, read=len(self.blocks), of=len(self.units))
        return Review(
            findings=_by_line(self.findings),
            folded=_by_line(self.folded),
            skipped=tuple(self.skipped),
            dismissed=self.dismissed,
            ungrounded=self.ungrounded,
            blocks=tuple(self.blocks),
            calls=tuple(self.calls),
            complete=self.complete,
            summary=summary,
            error=self.error,
        )

    def _static(self) -> None:
        self._progress("checking")
        for trouble in static_findings(self.ports.request, self._take_facts, self.ports.cancel):
            self._skip(None, trouble)

    def _take_facts(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if self._inside(finding):
                self._take(finding)
        self.ports.cancel.raise_if_cancelled()

    def _examples(self) -> list[Tried]:
        """The outcomes of the units' examples, where they may be run; the failed ones are findings."""
        if self.ports.verifier is None:
            return []
        self._progress("checking")
        request = self.ports.request
        outcomes, troubles = tried(request, self.units, self.ports.verifier, self.ports.cancel)
        for one in outcomes:
            if not one.outcome.passed:
                self._take(finding_of(one, request))
        for trouble in troubles:
            self._skip(None, trouble)
        return outcomes

    def _ask(self, opened: Opened, outcomes: Sequence[Tried]) -> None:
        for number, unit in enumerate(self.units):
            self.block = number + 1
            self._progress("reviewing", number, len(self.units))
            signals = self._signals(unit, outcomes)
            subject = self._subject(unit, opened)
            if not self._fits(subject, opened):
                self._skip(unit, "It does not fit into the model's context window.")
                continue
            self._ask_about(unit, subject, signals, opened)
        self._progress("reviewing", len(self.units), len(self.units))

    def _ask_about(self, unit: Unit, subject: Subject, signals: dict[str, float], opened: Opened) -> None:
        reader = Reader(
            HeardModel(opened.model, self._hear),
            opened.profile,
            self.ports.request.name,
            bound="schema" in opened.info.capabilities,
        )
        found = self.ports.loop.run(read(reader, subject, unit, signals), self.ports.cancel)
        self.calls += found.calls
        self.ungrounded += found.ungrounded
        if not found.usable:
            self._skip(unit, "The model's reply was no list of findings.")
        for finding in found.findings:
            self._take_opinion(finding)
        known = found.signals.keys() & _EVIDENCE or found.signals[calibration.STATIC]
        suspicion = found.suspicion if known else None
        self.blocks.append(BlockReview(unit.name, unit.first, unit.last, suspicion, found.signals))

    def _take_opinion(self, finding: Finding) -> None:
        """A finding of the model: merged with what is known already, or else shown or folded as it is believed."""
        if twin_of(finding, [*self.findings, *self.folded]) is None and self._inside(finding):
            self._take(finding, folded=finding.confidence < calibration.SHOWN_FROM)

    def _take(self, finding: Finding, *, folded: bool = False) -> None:
        if finding.key in self.ports.dismissed:
            self.dismissed += 1
            return
        (self.folded if folded else self.findings).append(finding)
        self._send(kind="finding", finding=finding.event(), folded=folded)

    def _signals(self, unit: Unit, outcomes: Sequence[Tried]) -> dict[str, float]:
        own = [one.outcome.passed for one in outcomes if one.unit == unit]
        grave = sum(
            unit.first <= one.line <= unit.last
            and one.severity in ("error", "warning")
            and one.source != EXAMPLE
            for one in self.findings
        )
        signals = {calibration.LINES: float(unit.last - unit.first + 1), calibration.STATIC: float(grave)}
        if own:
            signals[calibration.EXAMPLES_PASSED] = float(sum(own))
            signals[calibration.EXAMPLES_FAILED] = float(len(own) - sum(own))
        return signals

    def _subject(self, unit: Unit, opened: Opened) -> Subject:
        request = self.ports.request
        target = {"first": unit.first, "last": unit.last, "name": unit.name}
        parts = surroundings(request.text, request.filetype, target, "rewrite")  # type: ignore[arg-type]
        packed = pack(parts, CONTEXT_TOKENS, opened.counter.count)
        return Subject(
            name=unit.name,
            code="\n".join(self.lines[unit.first - 1 : unit.last]),
            language=request.filetype,
            file=request.path.name if request.path else "",
            sections=tuple((part.name, part.text) for part in packed.parts),
        )

    def _fits(self, subject: Subject, opened: Opened) -> bool:
        usable = usable_of(opened.info.context_window, exact=opened.counter.exact)
        needed = opened.counter.count_messages(question(subject))
        return needed + 2 * REPLY_TOKENS + AGAIN_TOKENS <= usable

    def _wanted(self, unit: Unit) -> bool:
        return self.ports.ranges is None or unit.touches(self.ports.ranges)

    def _inside(self, finding: Finding) -> bool:
        ranges = self.ports.ranges
        return ranges is None or Unit("", finding.line, finding.end_line).touches(ranges)

    def _left(self) -> list[Unit]:
        """The units that were neither read nor skipped."""
        done = {(one.first, one.last) for one in self.blocks} | {
            (one.line, one.end_line) for one in self.skipped
        }
        return [unit for unit in self.units if (unit.first, unit.last) not in done]

    def _skip_units(self, units: Sequence[Unit], reason: str) -> None:
        """Tell of units that were not read; neighbours in one, for a long file has hundreds."""
        chosen = set(units)
        run: list[Unit] = []
        for unit in [*sorted(self.units, key=lambda one: one.first), None]:
            if unit in chosen:
                run.append(unit)
            elif run:
                self._skip(Unit("", run[0].first, run[-1].last), reason)
                run = []

    def _skip(self, unit: Unit | None, reason: str) -> None:
        """Lines that were not looked at; None for the whole file."""
        request = self.ports.request
        first, last = (unit.first, unit.last) if unit else (1, max(line_count(request.text), 1))
        self.skipped.append(Skipped(request.name, first, last, reason))

    def _hear(self, event: StreamEvent) -> None:
        if isinstance(event, Loading):
            self._progress("loading")
        elif isinstance(event, Reading) and event.done < event.total:
            self._progress("reading", event.done, event.total)
        elif isinstance(event, Reading):
            self._progress("reviewing", self.block - 1, len(self.units))
        elif isinstance(event, Queued):
            self._progress("queued", ahead=event.ahead)

    def _progress(self, phase: str, done: int = 0, total: int = 0, *, ahead: int = 0) -> None:
        at = {"block": self.block, "blocks": len(self.units)} if self.block else {}
        self._send(kind="progress", phase=phase, done=done, total=total, ahead=ahead, **at)

    def _send(self, **event: Any) -> None:
        self.ports.send({**event, "run": self.ports.request.run})


def _by_line(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: (finding.line, SEVERITIES.index(finding.severity))))
