"""What each model failed lately, and the simpler way in which one that keeps failing is asked.

It is kept in memory, for the life of the process: the next start gives every model a fresh chance. It judges no edit;
it counts what the checks say.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from vivek.llm.base import ModelInfo
from vivek.llm.profiles import Profile

RUNNING = 3
"""So many asks in a row that fail one check make a habit, and as many without a failed check end it. One or two may be
the code's fault; a choice, not a measurement."""


class TrackRecord:
    """The models' habits; asks may come from several threads.

    An ask counts as failing a check where all its attempts did, so that asking again was of no use.
    """

    def __init__(self) -> None:
        self._models: dict[str, _Habits] = {}
        self._lock = threading.Lock()

    def adapted(self, info: ModelInfo, profile: Profile) -> tuple[Profile, str]:
        """The profile to use now, and a sentence for the user, "" except for the first time that it is another one."""
        with self._lock:
            habits = self._of(info)
            if not habits.failing:
                return profile, ""
            news = "" if habits.told else _news(info.name, habits.failing)
            habits.told = True
        return simpler(profile), news

    def add(self, info: ModelInfo, attempts: Sequence[Collection[str]]) -> None:
        """Note an ask: the names of the checks that each of its attempts failed."""
        if not attempts:
            return
        always = set.intersection(*map(set, attempts))
        with self._lock:
            self._of(info).add(always)

    def _of(self, info: ModelInfo) -> _Habits:
        return self._models.setdefault(info.digest or info.name, _Habits())


def simpler(profile: Profile) -> Profile:
    """The profile without what costs a struggling model attention: a plain task, one attempt less, no opinions."""
    return replace(profile, plain=True, plan=False, verdict=False, iterations=max(1, profile.iterations - 1))


@dataclass
class _Habits:
    """failing: the check that made the habit, "" where there is none. clean: asks in a row that failed no check."""

    in_a_row: dict[str, int] = field(default_factory=dict)
    failing: str = ""
    clean: int = 0
    told: bool = False

    def add(self, failed: Collection[str]) -> None:
        self.in_a_row = {name: self.in_a_row.get(name, 0) + 1 for name in sorted(failed)}
        self.clean = 0 if failed else self.clean + 1
        if self.clean >= RUNNING:
            self.failing = ""
        elif not self.failing:
            self.failing = next((name for name, times in self.in_a_row.items() if times >= RUNNING), "")


def _news(name: str, check: str) -> str:
    return (
        f"{name} failed the check `{check}` in {RUNNING} asks in a row: from now on it gets a shorter prompt and fewer "
        "attempts. Smaller selections or a larger model may help."
    )
