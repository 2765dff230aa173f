"""What an instruction allows an edit to lose.

It reads words, not meaning, and leans to allowing: a check that cries wolf is worse than none.
"""

from __future__ import annotations

import re

_RENAMES = re.compile(
    r"\b(?:renam\w+|call (?:it|this|them)|name (?:it|this|them)|named|new name|better names?"
    r"|(?:snake|camel)\s?_?case)\b",
    re.IGNORECASE,
)
_REMOVES = re.compile(
    r"\b(?:remov\w+|delet\w+|drop\w*|merg\w+|combin\w+|inlin\w+|mov(?:e|es|ed|ing)|convert\w*|turn\w*"
    r"|transform\w*|split\w*|unif\w+|consolidat\w+|dedup\w*|get rid|collaps\w+|fold|flatten|eliminat\w+|strip|extract|kill|cut"
    r"|port|translat\w+|comment\w* out)\b",
    re.IGNORECASE,
)
_RESHAPES = re.compile(
    r"\b(?:replac\w+|refactor\w*|simplif\w+|rewrit\w+|restructur\w+|reorgani[sz]\w+|clean\w*|chang\w+"
    r"|mak(?:e|ing)|us(?:e|ing)|instead|redesign\w*|switch|migrat\w+|shorten|swap|substitut\w+)\b",
    re.IGNORECASE,
)
_DEFINITIONS = re.compile(
    r"\b(?:functions?|methods?|class(?:es)?|helpers?|wrappers?|propert(?:y|ies)|getters?|setters?|constructors?"
    r"|dataclass(?:es)?|namedtuple|enums?|def|defs|definitions?|dead code|unused|duplicat\w+|overloads?|subclass\w*"
    r"|everything|all|them|these|it|this|interfaces?|structs?|traits?|tests?|code)\b",
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
    named = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", instruction) is not None
    if _RENAMES.search(instruction):
        return True
    if _REMOVES.search(instruction) and (named or _DEFINITIONS.search(instruction)):
        return True
    return bool(_RESHAPES.search(instruction)) and (named or not (alone or used))


def changes_names(instruction: str) -> bool:
    """Whether names that other code uses may go: something is to be renamed, removed or moved."""
    return bool(_RENAMES.search(instruction) or _REMOVES.search(instruction))


def wants_stubs(instruction: str) -> bool:
    """Whether bodies without code are what is asked for."""
    return bool(_STUBS.search(instruction))
