"""Puts a user message together: what stays the same from ask to ask first, what changes last.

A local model's server keeps the longest common beginning of two prompts and reads only the rest, so the
order here is worth seconds: context, the code, what is said of it, and the task at the very end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_ONE_LINE = frozenset({"File"})
_PLAIN = frozenset({"Diagnostics"})

_LABELS = {"javascriptreact": "jsx", "sh": "bash", "typescriptreact": "tsx"}


def label(filetype: str) -> str:
    """What models call the language of a Neovim filetype; "text" for an empty one.

    >>> label("typescriptreact"), label("lua"), label("")
    ('tsx', 'lua', 'text')
    """
    return _LABELS.get(filetype, filetype) or "text"


def user_message(
    sections: Sequence[tuple[str, str]],
    code: str,
    language: str,
    notes: Sequence[tuple[str, str]],
    task: str,
) -> str:
    """The user message, its parts separated by blank lines; an empty one leaves no trace.

    sections: (title, text) in reading order; "File" becomes one line, "Diagnostics" stays a list, and every
    other text is code and goes into a fence. code: the block that the task is about, "" for none. language:
    the label of fences, a Neovim filetype. notes: (title, text) of what is said of the code, as prose. task: prose.
    """
    parts = [_section(title, text, language) for title, text in sections if text.strip()]
    if code.strip():
        parts.append(f"The code block:\n{fenced(code, language)}")
    parts += [f"{title}:\n{text.rstrip()}" for title, text in notes if text.strip()]
    return "\n\n".join(part for part in (*parts, task) if part)


def fenced(code: str, language: str) -> str:
    """Code in a Markdown fence that is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{label(language)}\n{_ended(code)}{fence}"


def _section(title: str, text: str, language: str) -> str:
    if title in _ONE_LINE:
        return f"{title}: {text.strip()}"
    body = text.strip("\n") if title in _PLAIN else fenced(text, language)
    return f"{title}:\n{body}"


def _ended(code: str) -> str:
    return code if code.endswith("\n") else code + "\n"
