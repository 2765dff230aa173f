"""The reviews that an editor had lately, so that the last report can be written into a file without a second review."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

from vivek.context.project import find_root
from vivek.errors import RequestError
from vivek.review.export import rendered, write
from vivek.review.finding import Review
from vivek.review.markdown import markdown
from vivek.review.request import ReviewRequest

MOST = 16
"""Reviews that are kept; the oldest goes first."""


class Reports:
    """The last reviews by their run. From any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[ReviewRequest, Review]] = OrderedDict()
        self._lock = Lock()

    def keep(self, request: ReviewRequest, review: Review) -> dict[str, Any]:
        """Keep a review; gives its report for the editor: the JSON one with each finding's key, and the Markdown."""
        with self._lock:
            self._kept[request.run] = request, review
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return {
            **review.report(),
            "findings": [finding.event() for finding in review.findings],
            "folded": [finding.event() for finding in review.folded],
            "markdown": markdown(review, _name(request), request.filetype),
        }

    def write(self, run: str, path: Path) -> None:
        """Write a run's report into a file, in the format that its extension names.

        Raises RequestError where the review is not kept, the format is unknown, or the file cannot be written.
        """
        with self._lock:
            kept = self._kept.get(run)
        if kept is None:
            raise RequestError("There is no such review any more.", hint="Review the file again.")
        request, review = kept
        root = find_root(request.path or request.cwd) or request.cwd
        text = rendered(review, path.suffix, name=_name(request), filetype=request.filetype, root=root)
        write(path, text)


def _name(request: ReviewRequest) -> str:
    return request.path.name if request.path else "the buffer"
