"""What the model is shown of one block, however it is asked about it.

Every question about a block begins with the same messages and differs in its last words alone, so that a server reads
the block once. It asks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivek.edits.fit import presentable
from vivek.llm.base import Message
from vivek.prompts import render
from vivek.prompts.layout import user_message


@dataclass(frozen=True)
class Subject:
    """One block as a model sees it.

    name: the definition's, "" for other lines. code: its lines as the file has them. language: a Neovim filetype. file:
    the file's name without its folders, "" where there is none. sections: (title, text) of what the model reads but is
    not asked about, such as imports.
    """

    name: str
    code: str
    language: str
    file: str = ""
    sections: Sequence[tuple[str, str]] = ()

    def messages(self, task: str) -> list[Message]:
        """The system message, and a user message that shows the block and ends in the task."""
        file = [("File", self.file)] if self.file else []
        shown = [(title, presentable(text)) for title, text in self.sections]
        content = user_message([*file, *shown], presentable(self.code), self.language, [], task)
        return [Message("system", render("system")), Message("user", content)]
