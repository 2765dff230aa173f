"""One switch that stops a run, seen by every thread that works for it.

It only tells; what is under way (a model call, a node of the graph) must look at it or wait on it.
"""

from __future__ import annotations

from concurrent.futures import Future

from vivek.errors import RunStoppedError


class CancelToken:
    """Set once, by any thread; never cleared."""

    def __init__(self) -> None:
        self._future: Future[None] = Future()

    def cancel(self) -> None:
        """Stop the run. A second call does nothing."""
        if not self._future.done():
            self._future.set_result(None)

    @property
    def cancelled(self) -> bool:
        """Whether the run was stopped."""
        return self._future.done()

    @property
    def future(self) -> Future[None]:
        """Done when cancelled: wait on it beside the work itself."""
        return self._future

    def raise_if_cancelled(self) -> None:
        """Raise RunStoppedError where the run was stopped."""
        if self.cancelled:
            raise RunStoppedError("Stopped.")
