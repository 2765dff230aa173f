"""The words that Vivek says to a model, kept in text files, and the one function that fills them in.

`vivek.prompts.layout` puts the user message together. Nothing here knows a model, counts tokens or looks at
code.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from string import Template

NAMES = (
    "system",
    "rewrite",
    "rewrite_plain",
    "insert",
    "insert_plain",
    "answer",
    "architect",
    "sdet",
    "repair",
    "diagnose",
    "anew",
    "plan",
    "verdict",
    "again",
    "review",
    "mend",
)
"""The templates: one system message for all calls; a task for each kind of work, in two cases also a plainer one; what
is said of a failed attempt; the planner's and the reviewer's questions, and what is said of an answer that is
none; what is asked of a block under review, for words and for probabilities."""


def render(name: str, **values: str) -> str:
    """The text of a template, its ``$names`` replaced. Values go in as they are: a ``$`` in code is just a
    ``$``.

    Raises LookupError for a template that does not exist, TypeError where a value is missing or is not
    wanted.
    """
    if name not in NAMES:
        raise LookupError(f"There is no prompt template {name!r}; there are: {', '.join(NAMES)}.")
    template = _template(name)
    wanted = _fields(template)
    if wanted != set(values):
        raise TypeError(f"The prompt template {name!r} takes {sorted(wanted)}, not {sorted(values)}.")
    return template.substitute(values)


@cache
def _template(name: str) -> Template:
    return Template(resources.files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip())


def _fields(template: Template) -> set[str]:
    matches = template.pattern.finditer(template.template)
    return {found for match in matches if (found := match["named"] or match["braced"])}
