"""Names that an edit brought and nobody uses: variables and imports, as pyflakes finds them. Advice only.

Python only. What was unused before, or outside of the new code, is not the edit's business.
"""

from __future__ import annotations

from collections import Counter

from pyflakes import messages

from vivek.checks.edit import ADVICE_WEIGHT, Check, Edit, failed, listed, passed
from vivek.checks.names import pyflakes

NAME = "uses what it defines"

_KINDS = (messages.UnusedVariable, messages.UnusedImport)


def check_unused(edit: Edit) -> Check:
    """Fails for variables and imports that are new and never used."""
    if edit.tree_after is None or edit.tree_before is None:
        return passed(NAME, ADVICE_WEIGHT)
    after = [message for message in pyflakes(edit.tree_after) if isinstance(message, _KINDS)]
    if not after:
        return passed(NAME, ADVICE_WEIGHT)
    known = Counter(_key(each) for each in pyflakes(edit.tree_before) if isinstance(each, _KINDS))
    new: list[str] = []
    for message in after:
        known[_key(message)] -= 1
        if known[_key(message)] < 0 and edit.after_first <= message.lineno <= edit.after_last:
            new.append(str(message.message_args[0]))
    if not new:
        return passed(NAME, ADVICE_WEIGHT)
    it = "it" if len(new) == 1 else "them"
    return failed(
        NAME, ADVICE_WEIGHT, f"{listed(new)} {'is' if it == 'it' else 'are'} never used: leave {it} out."
    )


def _key(message: messages.Message) -> tuple[type[messages.Message], str]:
    return type(message), str(message.message_args[0])
