"""A name in place of another throughout a piece of code, what is quoted left alone. It knows no scopes."""

from __future__ import annotations

import re

_QUOTED = r"\"{3}.*?\"{3}|'{3}.*?'{3}|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"
_COMMENTS = {"python": r"#[^\n]*", "sh": r"#[^\n]*", "ruby": r"#[^\n]*", "lua": r"--[^\n]*"}


def renamed(text: str, old: str, new: str, filetype: str) -> str:
    """The text with one name for another; members of that name, strings and comments stay.

    >>> renamed("area = shop.area('area')  # area", "area", "room", "python")
    "room = shop.area('area')  # area"
    """
    comment = _COMMENTS.get(filetype, r"//[^\n]*")
    pattern = re.compile(rf"{_QUOTED}|{comment}|(?<![\w.$])(?P<name>{re.escape(old)})(?![\w$])", re.DOTALL)
    return pattern.sub(lambda match: new if match["name"] else match[0], text)
