"""From a reply that repeats more than it was asked for to what replaces the target alone.

Small models like to return the class around a method, the whole file around a function, or a function
followed by an example of its use. This takes out the target, by the names that it defines. It does not mend,
indent or merge, and it leaves a reply alone where it cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from vivek.edits.indent import dedented, indentation, is_blank, margin, text_line
from vivek.edits.items import (
    Item,
    assigned_names,
    defined_name,
    defined_names,
    is_comment,
    items_by_lines,
)
from vivek.edits.matching import runs
from vivek.edits.parsing import parsing
from vivek.edits.python_items import items_of
from vivek.edits.strings import interior_lines

_NOUNS = (
    r"(?:function|method|class|classe|helper|test|constant|variable|enum|interface|struct|overload|property|propertie"
    r"|decorator|def|wrapper|subclass|exception|dataclass|protocol|fixture|type alias)(?:s|es)?"
)
_ASKS_FOR_DEFINITIONS = re.compile(
    r"\b(?:add|write|create|introduce|extract|split|generate|insert|append|define|make|new|another|move)\b\s+"
    r"(?:(?!(?:to|in|of|for|from|the|this|that|into|with|on)\b)[\w`'\"-]+\s+){0,4}?[`'\"]?" + _NOUNS + r"\b"
    r"|\b(?:extract|split|factor out|break (?:it |this )?up)\b",
    re.IGNORECASE,
)
_ASKS_FOR_STATEMENTS = re.compile(
    r"\b(?:examples?|usage|demo|main|__main__|call(?:s|ing)? (?:it|this)|prints?|run|invoke|tests?|asserts?"
    r"|exports?|register|script|entry ?point|instantiate)\b",
    re.IGNORECASE,
)


def narrow(
    new: str, old: str, filetype: str, *, before: str = "", after: str = "", instruction: str = ""
) -> str:
    """What of the reply `new` replaces the target `old`: its definitions and the new helpers that they use.

    before, after: the file's text around the target; a definition that is there is not a new helper, and
    where the target is a few lines within a function they tell those lines apart. instruction: what was
    asked; examples of use and new definitions stay where it asks for such. Imports that the kept code uses
    stay in front. The reply is returned as it is where nothing need go, or where it is in doubt.
    """
    target = items_of(old, filetype)
    wanted = _names(target or [])
    new = parsing(new, wanted) if filetype == "python" else new
    reply = items_of(new, filetype)
    if not wanted:
        return _between(new, old, before, after)
    if target is None or reply is None:
        return new
    scope = _scope(new, reply, wanted, _header(before, old), filetype)
    if scope is None:
        return new
    taken = _Known.around(old, target, before, after, filetype)
    kept = _chosen(scope, taken, _Asked.by(instruction))
    if scope.outer is None and len(kept) == len(scope.items) and not taken.repeats(kept, scope.lines):
        return new
    return _written(scope, kept, taken.comments)


def _imported(found: Sequence[Item]) -> frozenset[str]:
    return frozenset().union(*({*item.names, *item.uses} for item in found if item.kind == "import"))


def _names(found: Sequence[Item]) -> set[str]:
    return {name for item in found if item.kind == "definition" for name in item.names}


@dataclass(frozen=True)
class _Scope:
    """The part of the reply where the target is: its lines and items; `outer`: the imports in front of it."""

    lines: list[str]
    items: list[Item]
    wanted: set[str]
    outer: list[str] | None
    outer_items: list[Item]


@dataclass(frozen=True)
class _Known:
    """What was there before: the target's items, the names it used, the names defined around it.

    imported: those that imports give, in the target and around it. told: whether anything is known of the text around
    the target. comments: the lines of comments in it, stripped.
    """

    items: list[Item]
    used: frozenset[str]
    elsewhere: Collection[str]
    imported: frozenset[str]
    told: bool
    comments: frozenset[str]

    @classmethod
    def around(cls, old: str, target: list[Item], before: str, after: str, filetype: str) -> _Known:
        indented = margin(old.split("\n"))
        around = f"{before}\n{after}"
        elsewhere = defined_names(around, indented) | assigned_names(around, indented)
        used = frozenset().union(*(item.uses for item in target))
        comments = {line.strip() for line in around.split("\n") if is_comment(line)}
        mine = {line.strip() for line in old.split("\n")}
        told = bool(around.strip())
        imported = _imported([*target, *items_by_lines(around, filetype)])
        return cls(target, used, elsewhere - _names(target), imported, told, frozenset(comments - mine))

    def repeats(self, kept: Sequence[Item], lines: Sequence[str]) -> bool:
        """Whether an item begins with a comment that stands around the target already."""
        return any(lines[item.first].strip() in self.comments for item in kept)

    def has(self, kind: str) -> bool:
        return any(item.kind == kind for item in self.items)

    def binds(self, item: Item) -> bool:
        return any(name in known.names for known in self.items for name in item.names)

    def lacks(self, item: Item) -> bool:
        """Whether nothing gives the names a meaning, though they may be used."""
        given = [name for name in item.names if _last(name) in self.imported or name in self.elsewhere]
        return not given and not self.binds(item)

    def is_new(self, item: Item) -> bool:
        return not any(_last(name) in self.used or name in self.elsewhere for name in item.names)


def _header(before: str, old: str) -> str:
    """The line that begins the definition around the target; "" where there is none."""
    depth = len(margin(old.split("\n")))
    lines = before.split("\n") if depth else []
    return next(
        (line for line in reversed(lines) if len(indentation(line)) < depth and defined_name(line)), ""
    )


def _scope(new: str, reply: list[Item], wanted: set[str], header: str, filetype: str) -> _Scope | None:
    lines = new.split("\n")
    around = defined_name(header) or ""
    here = _Scope(lines, reply, wanted, None, []) if wanted <= _names(reply) else None
    if here and around not in _names(reply):
        return here
    inside = _inside(lines, reply, wanted, around, filetype)
    if inside is None and here is None:
        inside = _renamed(lines, reply, wanted, around, filetype)
    if inside is None:
        return here
    body, found, names = inside
    return _Scope(body, found, names, lines, [item for item in reply if item.kind == "import"])


def _inside(
    lines: list[str], outer: list[Item], wanted: set[str], around: str, filetype: str
) -> tuple[list[str], list[Item], set[str]] | None:
    """The one block inside the reply's definitions that defines all that is wanted.

    Of several, the one in a definition called `around`.
    """
    hits = []
    for item in outer:
        if item.kind != "definition" or item.body is None:
            continue
        body = lines[item.body[0] : item.body[1]]
        found = items_of("\n".join(body), filetype)
        if found is None:
            continue
        here = wanted <= _names(found)
        hit = (body, found, wanted) if here else _inside(body, found, wanted, around, filetype)
        hits += [(hit, around in item.names)] if hit else []
    best = hits if len(hits) == 1 else [each for each in hits if each[1]]
    return best[0][0] if len(best) == 1 else None


def _renamed(
    lines: list[str], reply: list[Item], wanted: set[str], around: str, filetype: str
) -> tuple[list[str], list[Item], set[str]] | None:
    """The body of an enclosing class repeated around as many definitions as are wanted, by other names."""
    outer = [item for item in reply if item.kind == "definition"]
    if len(outer) != 1 or outer[0].body is None or outer[0].names[0] != around:
        return None
    body = lines[outer[0].body[0] : outer[0].body[1]]
    found = items_of("\n".join(body), filetype)
    names = _names(found or [])
    if found is None or len(names) != len(wanted):
        return None
    return body, found, names


@dataclass(frozen=True)
class _Asked:
    """What the instruction asks for beside a change of the target."""

    words: str
    definitions: bool
    statements: bool

    @classmethod
    def by(cls, instruction: str) -> _Asked:
        return cls(
            instruction,
            bool(_ASKS_FOR_DEFINITIONS.search(instruction)),
            bool(_ASKS_FOR_STATEMENTS.search(instruction)),
        )

    def names(self, item: Item) -> bool:
        return any(re.search(rf"\b{re.escape(_last(name))}\b", self.words) for name in item.names)


def _chosen(scope: _Scope, known: _Known, asked: _Asked) -> list[Item]:
    """The items of the scope that stay, in order."""
    every = dict(enumerate(scope.items))
    kept = {k for k, item in every.items() if _stays(item, scope.wanted, known, asked)}
    kept -= _repeated(scope, known)
    while added := {k for k, item in every.items() if k not in kept and _serves(item, scope, kept, known)}:
        kept |= added
    kept |= {k for k, item in every.items() if item.kind == "comment" and _comment_stays(k, scope, kept)}
    return [every[k] for k in sorted(kept)]


def _stays(item: Item, wanted: set[str], known: _Known, asked: _Asked) -> bool:
    """Whether an item stays for what it is, whatever uses it."""
    if wanted & set(item.names):
        return True
    if item.kind == "definition":
        if asked.names(item) and known.lacks(item):
            return True
        return (asked.definitions or asked.names(item)) and known.is_new(item)
    if item.kind == "value":
        return known.binds(item) or asked.statements
    if item.kind == "import":
        return known.has("import")
    return item.kind == "other" and (known.has("other") or asked.statements)


def _repeated(scope: _Scope, known: _Known) -> set[int]:
    """Of several definitions of a name that the target had once: all but the one that takes its place."""
    dropped: set[int] = set()
    for name in scope.wanted:
        were = [item for item in known.items if name in item.names and item.kind == "definition"]
        same = [k for k, item in enumerate(scope.items) if name in item.names and item.kind == "definition"]
        if len(were) != 1 or len(same) < 2:
            continue
        alike = [k for k in same if scope.items[k].form == were[0].form]
        dropped |= set(same) - {alike[-1]} if alike else set()
    return dropped


def _serves(item: Item, scope: _Scope, kept: set[int], known: _Known) -> bool:
    """Whether what is kept uses the item, and the item was not there before."""
    if item.kind not in ("definition", "value", "import") or scope.wanted & set(item.names):
        return False
    used = frozenset().union(*(scope.items[k].uses for k in kept))
    if item.kind == "import":
        return any(name in used for name in item.names or item.uses)
    if item.kind == "value" and scope.outer is not None and not known.told:
        return False
    return known.is_new(item) and any(_last(name) in used for name in item.names)


def _comment_stays(k: int, scope: _Scope, kept: set[int]) -> bool:
    """A comment that stands alone goes with the item below it, or at the end with the one above."""
    below = next((n for n in range(k + 1, len(scope.items)) if scope.items[n].kind != "comment"), None)
    if below is not None:
        return below in kept
    above = next((n for n in range(k - 1, -1, -1) if scope.items[n].kind != "comment"), None)
    return above is None or above in kept


def _last(name: str) -> str:
    return re.split(r"[.:]", name)[-1]


def _written(scope: _Scope, kept: list[Item], known: Collection[str]) -> str:
    """The kept items with the blank lines above each, flush left where they come out of a block.

    known: comments that the file has around the target already; they are not said again above an item.
    """
    text: list[str] = []
    for item in kept:
        first = item.first
        while first < item.last and scope.lines[first].strip() in known:
            first += 1
        above = item.first
        while text and above and is_blank(scope.lines[above - 1]):
            above -= 1
        text += [*scope.lines[above : item.first], *scope.lines[first : item.last]]
    if scope.outer is None:
        return "\n".join(text) + "\n"
    used = frozenset().union(*(item.uses for item in kept))
    imports = [
        line
        for item in scope.outer_items
        if any(name in used for name in item.names or item.uses)
        for line in scope.outer[item.first : item.last]
    ]
    flush = dedented(text, margin(text, interior_lines("\n".join(text))))
    return "\n".join([*imports, *([""] if imports else []), *flush]) + "\n"


def _between(new: str, old: str, before: str, after: str) -> str:
    """Where the reply repeats the definition around a target that defines nothing: the lines in its place.

    The place is known by the lines right above and right below the target, which the reply must have kept.
    """
    above, below = _enclosing(old, before, after)
    lines = new.split("\n")
    head = next((k for k, line in enumerate(lines) if above and line.strip() == above[0].strip()), None)
    if head is None:
        return new
    around = [line.strip() for line in [*above, *old.rstrip("\n").split("\n"), *below]]
    same = _same(around, [line.strip() for line in lines[head:]])
    first = same.get(text_line(above, reverse=True))
    if first is None:
        return new
    start = head + first + 1
    end = _body_end(lines, start, head)
    if (place := text_line(below)) is not None:
        kept = same.get(len(around) - len(below) + place)
        end = -1 if kept is None else head + kept
    return "\n".join(lines[start:end]) + "\n" if end > start else new


def _enclosing(old: str, before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines of the definition around the target, from its header: those above it and those below."""
    header = _header(before, old)
    if not header:
        return [], []
    head, tail = before.rstrip("\n").split("\n"), after.rstrip("\n").split("\n")
    place = len(head) - 1 - head[::-1].index(header)
    return head[place:], tail[: _body_end([header, *tail], 1, 0) - 1]


def _body_end(lines: Sequence[str], start: int, head: int) -> int:
    """Where, from `start` on, the lines that lie deeper than the line `head` end."""
    depth = len(indentation(lines[head]))
    for k in range(start, len(lines)):
        if not is_blank(lines[k]) and len(indentation(lines[k])) <= depth:
            return k
    return len(lines)


def _same(old: list[str], new: list[str]) -> dict[int | None, int]:
    return {run.old + k: run.new + k for run in runs(old, new) for k in range(run.size)}
