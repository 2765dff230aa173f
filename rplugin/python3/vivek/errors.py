"""Every failure that Vivek tells a user about: what happened, and what to do next.

    VivekError
    |- ConfigError                   a setting is unknown, malformed or contradictory
    |- RequestError                  what was asked cannot be worked on (nothing selected, a file that is ignored)
    |- InstallError                  the environment lacks a part
    |  '- DownloadError              a model could not be fetched, or is not what it should be
    |- ContextWindowExceededError    the prompt does not fit, with the numbers
    |- ModelAPIError                 the model's server failed
    |  |- ModelUnreachableError      nothing answers at the address
    |  |- ModelNotFoundError         the server has no such model
    |  |- ModelBusyError             the server takes no more work for now, or still loads
    |  '- ModelConnectionLostError   the connection broke in the middle of a reply
    |- ModelOutputInvalidError       the model answered, but with nothing that can be used
    |- JSONParsingError              a server sent what is not JSON
    |- VerifyUnavailableError        an example or a test cannot be run
    |- ConversationError             the conversations' database cannot be read or written
    '- RunStoppedError               the user stopped the run

It does not retry, log or print: whoever catches an error decides that.
"""

from __future__ import annotations


class VivekError(Exception):
    """A failure with a remedy.

    message: one sentence, what happened. hint: one sentence, what to do next ("" where there is nothing to do).
    partial: text that the model had written when it failed; it stays readable in the scratch buffer.
    """

    def __init__(self, message: str, *, hint: str = "", partial: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.partial = partial

    @property
    def kind(self) -> str:
        """The class name, e.g. ``"ModelNotFoundError"``: what a script can test for."""
        return type(self).__name__

    def plain(self) -> dict[str, str]:
        """The error as plain data, for other programs."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "partial": self.partial}

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(VivekError):
    """A setting is unknown, malformed or contradicts another."""


class RequestError(VivekError):
    """The request cannot be worked on as it was asked."""


class InstallError(VivekError):
    """A part that Vivek needs is missing or does not work."""


class DownloadError(InstallError):
    """A model could not be fetched, or what came has the wrong digest."""


class ContextWindowExceededError(VivekError):
    """The smallest useful prompt is larger than the model's context window."""


class ModelAPIError(VivekError):
    """The model's server answered with an error.

    transient: whether the same call may well succeed a moment later; `vivek.llm.retry` makes it again then.
    retry_after: seconds that the server asks its clients to wait, None where it does not.
    """

    transient = False
    retry_after: float | None = None


class ModelUnreachableError(ModelAPIError):
    """Nothing answers at the server's address."""


class ModelBusyError(ModelAPIError):
    """The server takes no more work for now, or still loads the model."""

    transient = True


class ModelNotFoundError(ModelAPIError):
    """The server, or this machine, does not have the model."""


class ModelConnectionLostError(ModelAPIError):
    """The connection broke before the reply was complete."""

    transient = True


class ModelOutputInvalidError(VivekError):
    """The model's reply holds nothing that can be used."""


class JSONParsingError(VivekError):
    """A server sent something that is not the JSON it should be."""


class VerifyUnavailableError(VivekError):
    """Examples or tests cannot be run here: a program is missing, or the project is too large to copy."""


class ConversationError(VivekError):
    """The conversations' database cannot be read or written."""


class RunStoppedError(VivekError):
    """The user stopped the run."""
