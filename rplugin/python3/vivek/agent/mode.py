"""Which mode an ask is worked on in, and what that means: the kind of work and the template of its task.

The user's choice holds; where there is none the instruction's words choose. No model is asked.
"""

from __future__ import annotations

from vivek.agent.method import class_for_method
from vivek.agent.route import choose_route, wants_plan, wants_tests, wants_words
from vivek.agent.state import Route, Target
from vivek.agent.subject import subject_of
from vivek.context.testfiles import is_test_file
from vivek.modes import Mode
from vivek.prompts import render
from vivek.prompts.layout import label
from vivek.request import AskRequest, split_lines

_PLAIN = frozenset({"rewrite", "insert"})
"""The kinds of work whose task has a shorter wording, too."""


def mode_of(request: AskRequest) -> Mode:
    """The mode of an ask, never "auto"."""
    if request.mode != "auto":
        return request.mode
    if not asked_about(request).strip():
        return "coder"
    if wants_tests(request.instruction):
        # The selected test is to be extended, as its lines are a boundary.
        return "coder" if is_test_file(request.path) and request.first is not None else "sdet"
    if wants_plan(request.instruction):
        return "architect"
    return "peer" if wants_words(request.instruction) else "coder"


def route_in(mode: Mode, request: AskRequest) -> Route:
    """The kind of work that a mode means."""
    if mode in ("architect", "peer"):
        return "answer"
    if mode == "sdet":
        return "insert" if is_test_file(request.path) or not request.text.strip() else "tests"
    bounded = request.first is not None or class_for_method(request) is not None
    return choose_route(request.instruction, asked_about(request), bounded=bounded)


def task_in(request: AskRequest, route: Route, target: Target, instruction: str, *, plain: bool) -> str:
    """The end of an executor's prompt: the instruction, and what to reply in this mode."""
    mode, language = mode_of(request), label(request.filetype or "text")
    if mode == "sdet" and route in ("insert", "tests"):
        setting = _setting(request, route, target)
        return render("sdet", instruction=instruction, language=language, setting=setting)
    name: str = "architect" if mode == "architect" and route == "answer" else route
    name = f"{name}_plain" if plain and name in _PLAIN else name
    return render(name, instruction=instruction, language=language)


def asked_about(request: AskRequest) -> str:
    """The text that the instruction's words are about: the selection, else the whole document."""
    if request.first is None or request.last is None:
        return request.text
    return "".join(split_lines(request.text)[request.first - 1 : request.last])


def _setting(request: AskRequest, route: Route, target: Target) -> str:
    """What tests take from where they will stand: the import of what they test, or their neighbours' style."""
    if route == "insert":
        return "Follow the tests that are there." if request.text.strip() else "Make it a complete file."
    framework, statement = framework_of(request), subject_of(request, target).statement
    said = [f"Use {framework}" if framework else "", f"begin with `{statement}`" if statement else ""]
    setting = [" and ".join(part for part in said if part)]
    if request.suite is not None and request.suite.example:
        setting.append("write them as the project's own test above is written")
    if request.filetype != "python":
        setting.append("do not repeat the code")
    return " ".join(f"{part[:1].upper()}{part[1:]}." for part in setting if part)


def framework_of(request: AskRequest) -> str:
    """What the tests of a request are to be written with, in words for a model; "" where that is not known."""
    known = request.suite.framework if request.suite is not None else ""
    if known == "unittest":
        return "unittest (methods of a class that derives from `unittest.TestCase`)"
    return known or ("pytest" if request.filetype == "python" else "")
