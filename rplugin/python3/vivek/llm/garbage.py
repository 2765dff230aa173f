"""Recognises, while a reply streams, that nothing good will come of it: loops, another language, echo, refusal.

Pure text: it opens nothing, stops nothing and keeps no reply; whoever feeds it does. Code repeats itself for good
reason, so every limit lies well above what real sources do. They were measured on 2,800 files of Python's library, its
packages, C headers and system files: see each number. Where the prompt itself repeats more, so may the reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import regex

from vivek.llm.base import Message
from vivek.llm.cycles import Circle, Cycles, Kind

Fault = Literal["loop", "language", "echo", "refusal", "empty", "cut"]


@dataclass(frozen=True)
class Garbage:
    """What is wrong with a reply. detail: a sentence for the user."""

    fault: Fault
    detail: str


@dataclass(frozen=True)
class _Limit:
    chars: int
    rounds: float


LIMITS: dict[Kind, _Limit] = {
    "one": _Limit(600, 30),  # measured: 162 characters, a comment's ruler
    "words": _Limit(600, 3),  # measured: 257 characters
    "signs": _Limit(3000, 3),  # measured: 1,383 characters, a table of 0xffffffff
    "counted words": _Limit(2400, 8),  # measured: 1,188 characters in so many rounds
    "counted signs": _Limit(6000, 8),  # measured: 4,013 characters
    "filled words": _Limit(6000, 20),  # measured: 1,383 characters in so many rounds
}
"""How much a reply may repeat: characters, and rounds, both of which must be exceeded."""

PROMPT_SHARE = 1.5
"""A circle may be this many times as long as the longest of its kind in the prompt: a table comes back as a table."""

CUT_SHARE = 0.25
"""Of these limits, where the reply was cut off inside the circle."""

BLANKS = 1000
"""Blank characters in a row; real sources have fewer than 200."""

LONGEST = 1_000_000
"""Characters that no window holds."""

FOREIGN_LETTERS = 30
"""Letters of another script outside of quotes, a sentence or two, of which..."""

FOREIGN_SHARE = 0.5
"""... the words since the first one consist to this share."""

JUMBLE_SCRIPTS = 3
JUMBLE_SHARE = 0.1
"""So many other scripts together make a jumble, where they are this share of the letters."""

ECHO_CHARS = 150
"""The prompt's own prose, in at least two lines, that make a reply an echo, where they are..."""

ECHO_SHARE = 0.7
"""... this share of it."""

_REFUSAL_WITHIN = 240

_SCRIPTS = {
    "Chinese or Japanese": regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}]"),
    "Korean": regex.compile(r"\p{Hangul}"),
    "Cyrillic": regex.compile(r"\p{Cyrillic}"),
    "Arabic": regex.compile(r"\p{Arabic}"),
    "Hebrew": regex.compile(r"\p{Hebrew}"),
    "Thai": regex.compile(r"\p{Thai}"),
    "Devanagari": regex.compile(r"\p{Devanagari}"),
}
_LANGUAGES = {
    "Chinese or Japanese": "chinese|mandarin|cantonese|japanese|kanji|hiragana|katakana",
    "Korean": "korean|hangul",
    "Cyrillic": "cyrillic|russian|ukrainian|bulgarian|serbian|macedonian|belarusian|kazakh|mongolian",
    "Arabic": "arabic|persian|farsi|urdu",
    "Hebrew": "hebrew|yiddish",
    "Thai": "thai",
    "Devanagari": "devanagari|hindi|marathi|nepali|sanskrit",
}
"""Words of a prompt that may well be answered in the script: "explain it in Russian"."""

_LETTER = regex.compile(r"\p{L}")
_NO_ASCII = regex.compile(r"[^\x00-\x7f]")
_QUOTED = regex.compile(r"""(["'`])(?:(?!\1).)*(?:\1|$)""")
_REFUSAL = regex.compile(
    r"""\b(?: (?:I['’]?m|I\ am)\ (?:very\ |really\ )?sorry,?\ (?:but\ )?(?:as|I)\b
          | (?:I['’]?m\ |I\ am\ )?sorry,?\ (?:but\ )?I\ (?:can['’]t|can\ ?not|am\ not\ able|am\ unable|won['’]t)
          | I\ (?:can['’]t|can\ ?not|won['’]t|am\ unable\ to|am\ not\ able\ to)
            \ (?:assist|help|comply|fulfil|do\ (?:that|this))
          | As\ an?\ (?:AI|artificial|large\ language|language)\ )""",
    regex.VERBOSE | regex.IGNORECASE,
)
_TURN = regex.compile(r"<\|(?:im_start|start_header_id)\|>\s*(?:system|user|assistant)?")
_MARKS = " \t#/*->\"'`"


class Watcher:
    """Watches one reply. prompt: what it answers."""

    def __init__(self, prompt: Sequence[Message] = ()) -> None:
        self._loops = _Loops([message.content for message in prompt])
        self._language = _Language("".join(message.content for message in prompt))
        self._lines = _Lines(prompt)
        self._head = ""
        self._chars = self._blanks = 0

    @property
    def has_block(self) -> bool:
        """Whether a fenced block with something in it was closed: what comes after it is not needed."""
        return self._lines.blocks > 0

    def feed(self, piece: str) -> Garbage | None:
        """The next piece of the reply; what is wrong as soon as it shows, None while all may be well."""
        piece = piece[: LONGEST + 1]
        self._chars += len(piece)
        if self._chars > LONGEST:
            return Garbage("loop", "The reply did not come to an end and was stopped.")
        if len(self._head) < _REFUSAL_WITHIN:
            self._head += piece[:_REFUSAL_WITHIN]
            if (found := _REFUSAL.search(self._head)) and "```" not in self._head[: found.start()]:
                return Garbage("refusal", "The model refused to answer.")
        return self._endless_blank(piece) or self._loops.feed(piece) or self._by_lines(piece)

    def end(self, *, cut: bool) -> Garbage | None:
        """The reply has ended. cut: because it had as many tokens as it may have."""
        found = self._by_lines("\n")
        if self._lines.empty and not cut:
            return Garbage("empty", "The model answered with nothing.")
        if cut:
            return found or self._loops.cut() or Garbage("cut", "The reply was cut off before its end.")
        return found or self._lines.echo(at_end=True)

    def _endless_blank(self, piece: str) -> Garbage | None:
        tail = len(piece) - len(piece.rstrip())
        self._blanks = self._blanks + tail if tail == len(piece) else tail
        return (
            Garbage("loop", "The reply was nothing but blanks any more and was stopped.")
            if self._blanks > BLANKS
            else None
        )

    def _by_lines(self, piece: str) -> Garbage | None:
        for line, ended in self._lines.feed(piece):
            if _TURN.match(line) and not self._lines.known(line):
                return Garbage("echo", "The model went on with the conversation by itself and was stopped.")
            if found := self._language.line(line, ended=ended) or self._lines.echo(at_end=False):
                return found
        return None


class _Loops:
    """How long a circle may be, given those of the prompt, which is read through only when it matters."""

    def __init__(self, prompt: Iterable[str]) -> None:
        self._cycles = Cycles()
        self._prompt = prompt
        self._in_prompt: dict[Kind, int] | None = None

    def feed(self, piece: str) -> Garbage | None:
        if any(self._too_long(circle) for circle in self._cycles.feed(piece)):
            return Garbage("loop", "The reply went round in circles and was stopped.")
        return None

    def cut(self) -> Garbage | None:
        """A loop that the end of a reply's tokens ended, which may be a shorter one."""
        if any(self._too_long(circle, CUT_SHARE) for circle in self._cycles.present()):
            return Garbage("loop", "The reply went round in circles until it was cut off.")
        return None

    def _too_long(self, circle: Circle, share: float = 1.0) -> bool:
        limit = LIMITS[circle.kind]
        if circle.chars <= share * limit.chars or circle.rounds < max(3.0, share * limit.rounds):
            return False
        if self._in_prompt is None:
            self._in_prompt = self._measured()
        return circle.chars > PROMPT_SHARE * self._in_prompt.get(circle.kind, 0)

    def _measured(self) -> dict[Kind, int]:
        longest: dict[Kind, int] = {}
        for text in self._prompt:
            for circle in Cycles().feed(text):
                longest[circle.kind] = max(longest.get(circle.kind, 0), circle.chars)
        return longest


class _Language:
    """Letters of scripts that the prompt neither uses nor asks for."""

    def __init__(self, prompt: str) -> None:
        self._foreign = {
            name: script
            for name, script in _SCRIPTS.items()
            if not script.search(prompt)
            and not regex.search(rf"\b(?:{_LANGUAGES[name]})\b", prompt, regex.IGNORECASE)
        }
        self._seen = dict.fromkeys(self._foreign, 0)
        self._letters = dict.fromkeys(self._foreign, 0)
        self._quote = ""

    def line(self, line: str, *, ended: bool) -> Garbage | None:
        """The rest of a line, or where it has not ended a long part of one."""
        text, before = self._quote + line, bool(self._quote)
        self._quote = "" if ended else self._open(text)
        if not (before or _NO_ASCII.search(line) or any(self._seen.values())):
            return None
        plain = _QUOTED.sub("", text)
        letters = len(_LETTER.findall(plain))
        for name, script in self._foreign.items():
            count = len(script.findall(plain))
            if not (count or self._seen[name]):
                continue
            self._seen[name] += count
            self._letters[name] += letters
            if self._seen[name] >= max(FOREIGN_LETTERS, FOREIGN_SHARE * self._letters[name]):
                return Garbage(
                    "language", f"The reply went over into another language ({name}) and was stopped."
                )
        return self._jumble()

    def _jumble(self) -> Garbage | None:
        """Several scripts at once: what a model says that was made too hot."""
        several = [count for count in self._seen.values() if count >= 2]
        enough = max(FOREIGN_LETTERS, JUMBLE_SHARE * max(self._letters.values(), default=0))
        if len(several) >= JUMBLE_SCRIPTS and sum(several) >= enough:
            return Garbage("language", "The reply is a jumble of scripts and was stopped.")
        return None

    @staticmethod
    def _open(text: str) -> str:
        """The quote that the text ends in; "" where it ends outside."""
        quotes = list(_QUOTED.finditer(text))
        if not quotes or quotes[-1].end() < len(text):
            return ""
        last = quotes[-1]
        return str(last[1]) if len(last[0]) == 1 or last[0][-1] != last[1] else ""


class _Lines:
    """The reply by lines: its fences, and what of it stands in the prompt's prose."""

    LONG = 80
    """A line is looked at in parts of this many characters: prose may come without any line ends."""

    def __init__(self, prompt: Sequence[Message]) -> None:
        self._prose = {line for message in prompt for line in _prose(message.content)}
        self._prompt = {line.strip() for message in prompt for line in message.content.split("\n")}
        self._rest = ""
        self._parts: list[str] = []
        self._thinking = False
        self._fence = ""
        self._block_has_code = False
        self._echoed_lines = self._echoed = self._all = 0
        self.blocks = 0
        self.empty = True

    def known(self, line: str) -> bool:
        """Whether the prompt holds this very line."""
        return line.strip() in self._prompt

    def feed(self, piece: str) -> list[tuple[str, bool]]:
        """The lines that the piece completes, and whether each has ended: a long one comes in parts."""
        *whole, self._rest = (self._rest + piece).split("\n")
        lines = [(line, True) for line in whole]
        if len(self._rest) > self.LONG:
            lines.append((self._rest, False))
            self._rest = ""
        for line, ended in lines:
            self._parts.append(line)
            if ended:
                self._note("".join(self._parts))
                self._parts.clear()
        return lines

    def echo(self, *, at_end: bool) -> Garbage | None:
        enough = self._echoed_lines >= 2 and self._echoed >= ECHO_CHARS
        if self._echoed_lines and (enough or at_end) and self._echoed >= ECHO_SHARE * self._all:
            return Garbage("echo", "The reply repeats the request in place of an answer.")
        return None

    def _note(self, line: str) -> None:
        bare = line.strip()
        self._all += len(bare)
        if bare.strip(_MARKS) in self._prose:
            self._echoed_lines += 1
            self._echoed += len(bare)
        if bare.startswith(("```", "~~~")):
            self._toggle(bare)
        elif words := self._said(bare):
            self.empty = False
            self._block_has_code = bool(self._fence and words) or self._block_has_code

    def _toggle(self, bare: str) -> None:
        if not self._fence:
            self._fence, self._block_has_code = bare[:3], False
        elif bare.startswith(self._fence):
            self.blocks += self._block_has_code
            self._fence = ""

    def _said(self, bare: str) -> str:
        """The line without thoughts."""
        if self._thinking:
            _, end, bare = bare.partition("</think>")
            self._thinking = not end
        before, begin, thought = bare.partition("<think>")
        if begin and not self._fence:
            _, end, after = thought.partition("</think>")
            self._thinking = not end
            return (before + after).strip()
        return bare.strip()


def _prose(content: str) -> Iterable[str]:
    """The lines of a message that are sentences of its own, not code in a fence."""
    inside = False
    for line in content.split("\n"):
        bare = line.strip().strip(_MARKS)
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside and len(bare) >= 24 and bare.count(" ") >= 4:
            yield bare
