"""From a model's raw reply to the code and the words in it.

Small models are asked for one fenced block; they write prose around it, several blocks, no fence, or stop in
the middle. This finds the code that was meant. It does not make the code fit its place: that is `narrow` and
`fit`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from vivek.edits.indent import dedented, is_blank, margin
from vivek.edits.items import defined_names
from vivek.edits.prose import code_within
from vivek.edits.strings import interiors

_ALIASES = {
    "bash": ("sh", "shell", "zsh", "console"),
    "c": ("h",),
    "cpp": ("c++", "cc", "cxx", "hpp", "c"),
    "go": ("golang",),
    "javascript": ("js", "node", "jsx", "mjs"),
    "javascriptreact": ("js", "jsx", "javascript"),
    "lua": ("luau",),
    "python": ("py", "python3", "pycon", "pyi"),
    "rust": ("rs",),
    "sh": ("bash", "shell", "zsh"),
    "typescript": ("ts", "tsx", "javascript", "js"),
    "typescriptreact": ("tsx", "ts", "typescript", "jsx"),
    "vim": ("viml", "vimscript"),
}
_OPENING = re.compile(r"(?P<lead>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^`]*)$")
_OPENING_AFTER_WORDS = re.compile(r"(?P<words>[^`]*[:.\s])(?P<marks>`{3,})(?P<info>[A-Za-z+#]+)[ \t]*$")
_END_OF_TURN = re.compile(r"(?:<\|(?:im_end|endoftext|eot_id|end)\|>|</s>)\s*\Z")


@dataclass(frozen=True)
class Reply:
    """What a reply holds.

    code: whole lines, each with its newline; None where there is none. words: what stands outside of all
    fences. complete: False where the fence of the code was never closed, so that its end may be missing.
    """

    code: str | None
    words: str
    complete: bool


def extract(reply: str, filetype: str, *, fence_expected: bool = True, old: str = "") -> Reply:
    """The code of a reply and the words around it.

    filetype: Neovim's; a block in this language is preferred, then the longest. old: the code that the reply
    is to replace; where it is given, a block that defines the same names is preferred, and never a mere copy
    of it. fence_expected: without any fence, True takes what looks like code, False takes the whole reply.
    """
    lines = _without_thoughts(_END_OF_TURN.sub("", reply)).replace("\r\n", "\n").split("\n")
    blocks, words = _parted(lines, filetype)
    if not blocks and not fence_expected:
        return Reply(_whole_lines(lines), "", True)
    if not blocks:
        code, words = code_within(lines, filetype)
        return Reply(_whole_lines(code) if code else None, _text(words), True)
    best = max(enumerate(blocks), key=lambda pair: (*_rank(pair[1], filetype, old), pair[0]))[1]
    return Reply(_whole_lines(best.lines), _text(words), best.closed)


@dataclass(frozen=True)
class _Block:
    lines: list[str]
    language: str
    closed: bool


def _whole_lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines).strip()


def _without_thoughts(reply: str) -> str:
    """The reply without `<think>` blocks, an unfinished one included; none is looked for inside a fence."""
    while found := re.search(r"^[ \t]*<think>", reply, re.MULTILINE):
        end = reply.find("</think>", found.end())
        if re.search(r"^[ \t]*(?:`{3}|~{3})", reply[: found.start()], re.MULTILINE):
            break
        reply = reply[: found.start()] + (reply[end + len("</think>") :] if end >= 0 else "")
    thoughts, mark, rest = reply.partition("</think>\n")
    return rest if mark and "```" not in thoughts else reply


def _rank(block: _Block, filetype: str, old: str) -> tuple[bool, bool, int, int]:
    text = _whole_lines(block.lines)
    shared = bool(defined_names(old) & defined_names(text))
    copied = bool(old) and [line.strip() for line in block.lines if line.strip()] == [
        line.strip() for line in old.split("\n") if line.strip()
    ]
    fits = 2 if _speaks(block.language, filetype) else 0 if block.language else 1
    return shared, not copied, fits, len(text)


def _speaks(language: str, filetype: str) -> bool:
    """Whether a fence's language is that of the filetype."""
    return language == filetype or language in _ALIASES.get(filetype, ())


def _parted(lines: Sequence[str], filetype: str) -> tuple[list[_Block], list[str]]:
    """The fenced blocks of a reply, and the lines outside of them."""
    blocks: list[_Block] = []
    words: list[str] = []
    at = 0
    while at < len(lines):
        opening = _OPENING.match(lines[at]) or _OPENING_AFTER_WORDS.match(lines[at])
        if opening is None:
            words.append(lines[at])
            at += 1
            continue
        words += [opening["words"]] if "words" in opening.groupdict() else []
        inside, closed, last = _block(lines, at, opening, filetype)
        if _is_a_lone_closing(opening, blocks, words, inside):
            blocks.append(_Block(words, "", True))
            return blocks, inside
        blocks.append(_Block(inside, _language(opening["info"]), closed))
        at = last + 1
    return blocks, words


def _is_a_lone_closing(
    opening: re.Match[str], blocks: list[_Block], words: list[str], inside: list[str]
) -> bool:
    """Whether the first and only fence ends code whose opening fence the model did not repeat."""
    if blocks or opening["info"].strip() or not any(words):
        return False
    return len(code_within(words, "")[0]) == len(_trim(words)) and not code_within(inside, "")[0]


def _trim(lines: Sequence[str]) -> list[str]:
    kept = [k for k, line in enumerate(lines) if not is_blank(line)]
    return list(lines[kept[0] : kept[-1] + 1]) if kept else []


def _language(info: str) -> str:
    word = re.match(r"[\w+#.-]*", info.strip().lstrip("{."))
    return word[0].lower() if word else ""


def _block(
    lines: Sequence[str], at: int, opening: re.Match[str], filetype: str
) -> tuple[list[str], bool, int]:
    """The lines of the block that opens at line `at`, whether it is closed, and its last line."""
    ends = _closings(lines, at, opening)
    python = filetype == "python" and _speaks(_language(opening["info"]) or filetype, filetype)
    sound = (end for end in ends if not (python and _ends_in_string(lines[at + 1 : end])))
    end = next(sound, ends[0] if ends else None)
    if end is not None:
        return _flush(lines[at + 1 : end], opening), True, end
    inside, closed = _without_half_a_fence(lines[at + 1 :], opening["marks"])
    return _flush(inside, opening), closed, len(lines)


def _closings(lines: Sequence[str], at: int, opening: re.Match[str]) -> list[int]:
    """The lines that may close the block, the likeliest first: those that leave no fence within it open."""
    marks = opening["marks"]
    deepest = len(opening.groupdict().get("lead") or "") + 3
    balanced: list[int] = []
    nested: list[int] = []
    level = 0
    for k in range(at + 1, len(lines)):
        fence = _OPENING.match(lines[k])
        if not fence or not fence["marks"].startswith(marks) or len(fence["lead"]) > deepest:
            continue
        if fence["info"].strip():
            level += 1
        elif level:
            level -= 1
            nested.append(k)
        else:
            balanced.append(k)
    return balanced + nested


def _ends_in_string(lines: Sequence[str]) -> bool:
    """Whether Python would end inside a string that spans lines."""
    return any(inside.stop > len(lines) for inside in interiors("\n".join([*lines, ""]), "python"))


def _without_half_a_fence(lines: Sequence[str], marks: str) -> tuple[list[str], bool]:
    """The lines of a block that nothing closes, and whether it was closed after all: at the end of a line of
    code.

    What a reply that was cut off has of its fence, one or two marks, is no code.
    """
    inside = list(lines)
    while inside and (is_blank(inside[-1]) or inside[-1].strip() in ("`", "``", "~", "~~")):
        inside.pop()
    last = inside[-1].rstrip() if inside else ""
    if last.endswith(marks):
        return [*inside[:-1], last[: -len(marks)].rstrip()], True
    if (fence := _OPENING.match(last)) and fence["marks"] == marks:
        return inside[:-1], True
    return inside, False


def _flush(lines: Sequence[str], opening: re.Match[str]) -> list[str]:
    """The lines without the indentation of their fence, where they all have it."""
    lead = opening.groupdict().get("lead") or ""
    return dedented(lines, lead) if lead and margin(lines).startswith(lead) else list(lines)
