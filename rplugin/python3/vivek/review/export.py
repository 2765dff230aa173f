"""A review as a file: Markdown, JSON or SARIF, by the file's extension, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from vivek.atomic import replace
from vivek.errors import RequestError
from vivek.review.finding import Review
from vivek.review.markdown import markdown
from vivek.review.sarif import sarif

EXTENSIONS = (".md", ".markdown", ".json", ".sarif")


def rendered(review: Review, extension: str, *, name: str, filetype: str, root: Path) -> str:
    """The text of a report. extension: one of EXTENSIONS. name, filetype: of what was reviewed. root: as for `sarif`.

    Raises RequestError for another extension.
    """
    kind = extension.lower()
    if kind in (".md", ".markdown"):
        return markdown(review, name, filetype)
    if kind == ".json":
        return json.dumps(review.report(), indent=2) + "\n"
    if kind == ".sarif":
        return json.dumps(sarif(review, root), indent=2) + "\n"
    raise RequestError(
        f"A review cannot be written as {extension or 'a file without an extension'}.",
        hint=f"Name a file that ends in {', '.join(EXTENSIONS)}.",
    )


def write(path: Path, text: str) -> None:
    """Put the text into a file, in one step. Raises RequestError where it cannot be written."""
    try:
        replace(path.resolve(), text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise RequestError(
            f"{path} cannot be written: {error.strerror}.",
            hint="Name a file in a folder that can be written.",
        ) from error
