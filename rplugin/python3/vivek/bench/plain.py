"""The plain arms: the whole file in one zero-shot prompt, the largest fence of the reply as the new file.

What a user of the bare model would do; so it shares nothing with the agent, not even how a reply is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vivek.bench.task import Task
from vivek.llm.base import Message, Sampling

_NAMES: Mapping[str, tuple[str, str, str]] = {
    "python": ("Python", "python", "python|py"),
    "javascript": ("JavaScript", "javascript", "javascript|js"),
    "typescript": ("TypeScript", "typescript", "typescript|ts"),
    "lua": ("Lua", "lua", "lua"),
    "go": ("Go", "go", "go|golang"),
    "c": ("C", "c", "c"),
    "cpp": ("C++", "cpp", "cpp|c\\+\\+"),
}
"""By filetype: the language's name, the label of its fence, and the labels that models give it."""


def prompt(task: Task) -> list[Message]:
    """The messages of the one call."""
    name, label, _ = _names(task.language)
    return [
        Message("system", f"You are an expert {name} programmer."),
        Message(
            "user",
            f"You are given a {name} program and an instruction. Apply the instruction and reply with the full edited"
            f" program in one ```{label} block.\n\n```{label}\n{task.before.rstrip()}\n```\n\n"
            f"Instruction: {task.instruction}",
        ),
    ]


def sampling(task: Task, temperature: float, top_p: float, seed: int) -> Sampling:
    """How the call is decoded: greedily unless told otherwise, with room for the file and half as much again."""
    most = int(1.5 * len(task.before) / 3) + 300
    return Sampling(max_tokens=most, temperature=temperature, top_p=top_p, seed=seed)


def code_in(reply: str, language: str) -> tuple[str, bool]:
    """The new file in a reply, and whether it stood in a fence as it was asked to."""
    _, label, labels = _names(language)
    fenced = re.findall(rf"```(?:{labels})?\n(.*?)```", reply, re.DOTALL)
    if fenced:
        return max(fenced, key=len), True
    return reply.replace(f"```{label}", "").replace("```", ""), False


def _names(language: str) -> tuple[str, str, str]:
    return _NAMES.get(language, (language, language, re.escape(language)))
