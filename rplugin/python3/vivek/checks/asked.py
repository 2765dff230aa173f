"""What an instruction allows an edit to lose.

It reads words, not meaning, and leans to allowing: a check that cries wolf is worse than none.
"""

from __future__ import annotations

import re

_RENAMES = re.compile(
    r"\b(?:renam\w+|call (?:it|this|them)|name (?:it|this|them)|named|new name|better names?"
    r"|(?:chang|alter)\w+ (?:[\w`']+ ){0,4}?names?"
    r"|(?:snake|camel)\s?_?case)\b",
    re.IGNORECASE,
)
_REMOVING = (
    r"\b(?:remov\w+|delet\w+|drop\w*|merg\w+|combin\w+|inlin\w+|mov(?:e|es|ed|ing)|convert\w*|turn\w*"
    r"|transform\w*|split\w*|unif\w+|consolidat\w+|dedup\w*|get rid of|collaps\w+|fold|flatten|eliminat\w+"
    r"|strip|extract|kill|cut|port|translat\w+|comment\w* out)\b"
)
_DEFINING = (
    r"(?:functions?|methods?|class(?:es)?|helpers?|wrappers?|propert(?:y|ies)|getters?|setters?|constructors?"
    r"|dataclass(?:es)?|namedtuple|enums?|defs?|definitions?|overloads?|subclass\w*|interfaces?|structs?|traits?"
    r"|tests?)\b"
)
_ALL_OF_IT = (
    r"(?:it|this|that|these|them|all|everything)(?=\W*$|[.,;!]|\s+(?:and|please|entirely|completely|as)\b)"
)
_IN = r"(?:from|in|of|to|into|within|inside|on|at|for|with|by)"
_REMOVES = re.compile(_REMOVING, re.IGNORECASE)
_REMOVES_DEFINITIONS = re.compile(
    rf"{_REMOVING}.*\b(?:{_DEFINING}|it|this|them|these|everything|code|unused\b|duplicat)",
    re.IGNORECASE | re.DOTALL,
)
_REMOVES_JUST_THAT = re.compile(
    rf"{_REMOVING}\s+(?:(?!{_IN}\b)[\w`'-]+\s+){{0,3}}?(?<!\w)(?:{_DEFINING}|{_ALL_OF_IT})", re.IGNORECASE
)
_RESHAPES = re.compile(
    r"\b(?:replac\w+|refactor\w*|simplif\w+|rewrit\w+|restructur\w+|reorgani[sz]\w+|clean\w*|chang\w+"
    r"|mak(?:e|ing)|us(?:e|ing)|instead|redesign\w*|switch|migrat\w+|shorten|swap|substitut\w+)\b",
    re.IGNORECASE,
)
_STUBS = re.compile(
    r"\b(?:todos?|fixme|stubs?|stubbed|skeleton|scaffold\w*|placeholders?|boilerplate|template|outline|draft"
    r"|abstract\w*|interfaces?|protocols?|overloads?|signatures?|no-?op|empty|disabl\w+|not\s?implemented\w*"
    r"|pass|ellips[ie]s|declarations?|header|mock\w*|comment out|elide|\.pyi)\b|\.\.\.",
    re.IGNORECASE,
)


def may_lose(instruction: str, name: str, *, alone: bool, used: bool) -> bool:
    """Whether the instruction lets a definition go.

    name: its plain name. alone: it is all that the target defines. used: the text after still uses it.
    """
    if _RENAMES.search(instruction):
        return True
    word = rf"(?<!\w){re.escape(name)}(?!\w)"
    place = rf"\b{_IN}\s+(?:the\s+)?(?:function\s+|method\s+|class\s+)?[`'\"]?{word}"
    named = bool(re.search(word, instruction) and not re.search(place, instruction))
    removes = _REMOVES_JUST_THAT if alone else _REMOVES_DEFINITIONS
    if removes.search(instruction) or (named and _REMOVES.search(instruction)):
        return True
    return bool(_RESHAPES.search(instruction)) and (named or not (alone or used))


def changes_names(instruction: str) -> bool:
    """Whether names that other code uses may go: something is to be renamed, removed or moved."""
    return bool(_RENAMES.search(instruction) or _REMOVES.search(instruction))


def wants_stubs(instruction: str) -> bool:
    """Whether bodies without code are what is asked for."""
    return bool(_STUBS.search(instruction))
