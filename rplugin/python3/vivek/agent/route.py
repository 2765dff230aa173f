"""What kind of work an instruction asks for, decided from its words alone.

No model is asked: the wording of an instruction settles it nearly always, in no time, and the same way each time.
Where the words leave it open, code is rewritten: a proposal can be rejected with one key.
"""

from __future__ import annotations

import re

from vivek.agent.state import Route

EDIT_WORD = re.compile(
    r"\b(?:add|append|apply|avoid|cache|change|clean|convert|correct|create|define|delete|document|drop|ensure|extend"
    r"|extract|fill|fix|format|generate|guard|handle|implement|improve|inline|insert|introduce|make|merge|modify|move"
    r"|optimi[sz]e|port|raise|reduce|refactor|remove|rename|reorder|replace|restructure|return|reuse|reverse|rewrite"
    r"|shorten|simplify|sort|speed|split|support|swap|switch|tidy|translate|turn|update|use|validate|wrap|write)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"^(?:(?:please|kindly|now|then|and|also|just|ok|okay|hey|hi)\b[\s,]*)+", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:can|could|would|will) you\b|^i(?: would|'d) like\b|^i (?:want|need)\b", re.IGNORECASE
)
_EXPLAIN = re.compile(
    r"^(?:explain|describe|summari[sz]e|clarify|analy[sz]e|outline|tell me|show me (?:how|why|what|where)"
    r"|walk me through|help me understand|give me an? (?:explanation|overview|summary)|discuss|compare)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:what|why|how|who|which|whose|is|are|was|were|does|do|did|has|have|should|shall|am|any)\b"
    r"|^(?:when|where)(?:'s|’s| (?:is|are|was|were|does|do|did|can|could|will|would|should|has|have))\b"
    r"|^(?:when|where)\b.*\?\s*$",
    re.IGNORECASE | re.DOTALL,
)
"""Other clauses with "when" and "where" say on what occasion something is to be done, or goes wrong."""
_INTO_CODE = re.compile(
    r"\b(?:docstring|comments?|inline|in (?:the )?code|type hints?|annotations?)\b", re.IGNORECASE
)
_NEW = re.compile(
    r"^(?:add|write|create|generate|make|define|implement|insert)\s+(?:me\s+)?"
    r"(?:an?|another|a new|new|one more|some|unit|the following)\s+"
    r"(?:(?!(?:to|in|of|for|from|with|on)\b)[\w'`-]+\s+){0,3}?"
    r"(?:function|method|class|test|tests|helper|struct|type|interface|enum|dataclass|script|program|module|example"
    r"|decorator|fixture|constant|main)\b",
    re.IGNORECASE,
)
_TESTS = re.compile(
    r"^(?:(?:add|write|create|generate|draft|implement)\s+(?:me\s+)?(?:(?!(?:to|in|of|for|from|with|that|which)\b)[\w'`-]+\s+){0,3}?"
    r"(?:tests|test(?: cases?| suites?)?|specs)(?=$|[.,:;!]|\s+(?:for|of|that|to|which|covering|here|using|with|and)\b)"
    r"|cover (?:.+ )?(?:with|by) (?:\w+ )?tests\b)",
    re.IGNORECASE,
)
_PLAN = re.compile(
    r"^how (?:best )?(?:should|would|could|can|do|might) (?:i|we|you|one|it|this|that|the [\w ]+?)(?: be)?(?: best)? "
    r"(?:structured?|split|designe?d?|organi[sz]ed?|architect(?:ed)?|refactor(?:ed)?|approach(?:ed)?|divided?"
    r"|break|broken|restructured?|modulari[sz]ed?|la(?:y|id))\b"
    r"|^plan (?:how|the|an?|for|to|out|this|my|our)\b"
    r"|^(?:make|write|draw up|sketch|propose|suggest|give me|outline) (?:me )?(?:an? )?"
    r"(?:[\w-]+ )?(?:plan|architecture|design)\b"
    r"|^what(?:'s|’s| is| would be) (?:the|a) (?:best|good|better|right|clean) "
    r"(?:way to (?:structure|split|design|organi[sz]e|refactor|approach|divide)|structure|design|architecture)\b",
    re.IGNORECASE,
)


def wants_words(instruction: str) -> bool:
    """Whether the instruction asks for an explanation rather than for code.

    >>> wants_words("What does this do?"), wants_words("could you explain this"), wants_words("can you add a test?")
    (True, True, False)
    >>> wants_words("when is it called"), wants_words("when it is empty, return None")
    (True, False)
    """
    bare, requested = bare_of(instruction)
    if _EXPLAIN.search(bare):
        return not _INTO_CODE.search(bare)
    if requested:
        return False
    if _QUESTION.search(bare):
        return not re.match(r"how about\b|do (?:it|this|that|the same)\b", bare, re.IGNORECASE)
    return bare.rstrip().endswith("?") and not EDIT_WORD.search(bare)


def wants_new_code(instruction: str) -> bool:
    """Whether the instruction asks for a definition that is not there yet.

    >>> wants_new_code("Write a function that parses dates"), wants_new_code("add a docstring")
    (True, False)
    """
    return bool(_NEW.search(bare_of(instruction)[0]))


def wants_tests(instruction: str) -> bool:
    """Whether the instruction asks for tests of the code.

    >>> wants_tests("Write unit tests"), wants_tests("add a test parameter"), wants_tests("make the tests pass")
    (True, False, False)
    """
    return bool(_TESTS.search(bare_of(instruction)[0]))


def wants_plan(instruction: str) -> bool:
    """Whether the instruction asks how something should be built rather than what it does.

    >>> wants_plan("How should I split this module?"), wants_plan("how does this split lines?")
    (True, False)
    """
    return bool(_PLAN.search(instruction.strip()) or _PLAN.search(bare_of(instruction)[0]))


def is_open(instruction: str, target: str) -> bool:
    """Whether the words settle nothing: no question, no verb of editing, nothing that belongs in code, and a target
    that is not blank. Such an instruction is rewritten by default.

    >>> is_open("thread safety", "x = 1"), is_open("rename x to y", "x = 1"), is_open("why?", "x = 1")
    (True, False, False)
    """
    bare, _ = bare_of(instruction)
    settled = EDIT_WORD.search(bare) or _INTO_CODE.search(bare) or wants_words(instruction)
    return bool(target.strip()) and not settled


def choose_route(instruction: str, target: str, *, bounded: bool) -> Route:
    """The route for an instruction on a target's text. bounded: the user selected the target."""
    if wants_words(instruction):
        return "answer"
    if not target.strip():
        return "insert"
    if not bounded and wants_new_code(instruction):
        return "insert"
    return "rewrite"


def bare_of(instruction: str) -> tuple[str, bool]:
    """The instruction without its courtesies ("please could you explain" becomes "explain"), and whether it was put
    as a request ("could you", "I want")."""
    bare = _POLITE.sub("", instruction.strip())
    request = _REQUEST.match(bare)
    if request:
        bare = re.sub(r"^\s*(?:to|please)\b", "", bare[request.end() :]).strip()
    return _POLITE.sub("", bare), bool(request)
