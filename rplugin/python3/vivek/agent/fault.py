"""Whether an instruction reports a fault, decided from its words alone: by that word, or by what the code does wrong.

It matters where an attempt changes nothing, and for what the model gets to see: facts about faults help none who wants
a feature.
"""

from __future__ import annotations

import re

from vivek.agent.route import EDIT_WORD, bare_of, wants_words

_REPAIR = re.compile(
    r"\b(?:fix(?:es|ed)?|bugs?|buggy|debug|wrong|wrongly|incorrect(?:ly)?|broken|crash(?:es|ed)?|fail(?:s|ed|ing)?|repair"
    r"|mend|correct|mistakes?|faults?|off[- ]by[- ]one|should(?:n't| not)? (?:be|give|return|raise))\b",
    re.IGNORECASE,
)

_ORDER = re.compile(
    r"^(?:accept|allow|assign|build|call|check|collect|compute|count|do|don't|don’t|escape|expose|find|give|ignore|keep|let"
    r"|limit|log|memoi[sz]e|pass|prefer|print|put|read|reject|require|save|set|show|skip|start|stop|store|strip|throw|try"
    r"|type|work)\b",
    re.IGNORECASE,
)
"""Verbs that an order begins with, beside those of editing."""

_DOES = (
    r"(?:corrupts|cuts|drops|duplicates|forgets|freezes|hangs|ignores|leaks|leaves|loses|mangles|messes|misses|overflows"
    r"|overwrites|raises|refuses|skips|swallows|throws|truncates)\b"
)
_DENIED = r"(?:does|do|did|is|are|was|were|wo|ca|can)(?:n't|n’t|not| not)\b(?! (?:exist|yet|there))"
_SYMPTOM = re.compile(
    rf"\b{_DOES}|\bblows up\b|\bgets? lost\b|\bgoes missing\b"
    r"|\b(?:adds|computes|counts|gets|gives|has|keeps|prints|puts|returns|says|shows|takes|writes|yields)\b.*"
    r"\b(?:even|garbage|instead|nonsense|nothing|odd|rather|strange|too|twice|unexpected|weird)\b"
    r"|\b(?:already|never|sometimes|still) \w+s\b"
    r"|\b(?:is|are) (?:too|longer|shorter|larger|smaller|missing|off)\b",
    re.IGNORECASE | re.DOTALL,
)
"""What a report of a fault says of the code, where it does not call it one. Its verbs are in the third person: those of
an order ("skip empty lines") are none."""
_DENIAL = re.compile(rf"\b{_DENIED}", re.IGNORECASE)
_WISH = re.compile(r"\b(?:should|must|needs? to|has to)\b", re.IGNORECASE)
_SUBJECT = re.compile(
    rf"^[\w.`]+(?:\([^)]*\))?\s+(?:{_DOES}|{_DENIED}|(?:already|never|sometimes|still|always)\b)",
    re.IGNORECASE,
)
"""An instruction that begins with a function's name, which may be a verb: "split loses empty fields"."""


def wants_repair(instruction: str) -> bool:
    """Whether the instruction asks for a fault to be mended: by that word, or by what the code does.

    >>> wants_repair("Fix bugs in mean."), wants_repair("it is wrong for 0"), wants_repair("add a docstring")
    (True, True, False)
    >>> wants_repair("parse loses the last field"), wants_repair("skip what raises an error")
    (True, False)
    """
    return bool(_REPAIR.search(instruction)) or _complains(instruction)


def _complains(instruction: str) -> bool:
    """Whether the words say what the code does wrong, rather than what to do."""
    bare, requested = bare_of(instruction)
    orders = (EDIT_WORD.match(bare) or _ORDER.match(bare)) and not _SUBJECT.match(bare)
    if requested or orders or wants_words(instruction):
        return False
    denied = _DENIAL.search(bare) and not _WISH.search(bare)
    return bool(denied or _SYMPTOM.search(bare))
