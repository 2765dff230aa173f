"""What a model says of a block, however it says it."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from vivek.llm.profiles import PROFILES
from vivek.llm.scripted import ScriptedModel
from vivek.review.finding import CATEGORIES, SEVERITIES
from vivek.review.opinions import MOST_FINDINGS, Said, said_of
from vivek.review.subject import Subject
from vivek.review.units import Unit

CODE = "def f(x):\n    if x:\n        return 1\n\n    return 2"
LINES = CODE.split("\n")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(LINES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["findings", "quote", "problem", "fix", "severity", "category", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
_FINDINGS = st.lists(
    st.fixed_dictionaries(
        {
            "quote": st.sampled_from([*LINES, "return", "nope", ""]) | st.text(max_size=9),
            "problem": st.text(max_size=9),
        }
    ),
    max_size=6,
).map(lambda items: {"findings": items})


def ask(*replies: str) -> Said:
    model = ScriptedModel(*replies)
    subject, unit = Subject("f", CODE, "python"), Unit("f", 11, 15)
    asked = said_of(model, subject, unit, "a.py", profile=PROFILES["small"], bound=False)
    return asyncio.run(asked)


@given(st.one_of(_JSON, _FINDINGS))
def test_whatever_it_says_each_finding_quotes_the_lines_it_names(value: object) -> None:
    said = ask(json.dumps(value), "no")
    assert len(said.findings) + said.ungrounded <= MOST_FINDINGS
    for finding in said.findings:
        assert finding.quote == "\n".join(LINES[finding.line - 11 : finding.end_line - 10])
        assert finding.quote.strip()
        assert 11 <= finding.line <= finding.end_line <= 15
        assert finding.severity in SEVERITIES
        assert finding.category in CATEGORIES
        assert finding.message.strip()


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_it(first: str, second: str) -> None:
    said = ask(first, second)
    assert said.calls
    assert said.findings == () or said.usable


def test_a_line_that_the_model_sees_otherwise_is_found_as_the_file_has_it() -> None:
    line = b'    return "caf\xe9"\r'.decode("utf-8", "surrogateescape")
    model = ScriptedModel(json.dumps({"findings": [{"quote": 'return "caf\ufffd"', "problem": "Odd."}]}))
    subject = Subject("f", f"def f():\r\n{line}", "python")
    asked = said_of(model, subject, Unit("f", 1, 2), "a.py", profile=PROFILES["small"], bound=False)
    [finding] = asyncio.run(asked).findings
    assert (finding.line, finding.quote) == (2, line)


def test_the_prompt_shows_the_block_and_asks_for_quotes() -> None:
    model = ScriptedModel('{"findings": []}')
    subject = Subject("f", CODE, "python", "a.py", (("Imports", "import os"),))
    asyncio.run(
        said_of(
            model,
            subject,
            Unit("f", 1, 5),
            "a.py",
            profile=PROFILES["small"],
            bound=True,
        )
    )
    [[system, user]] = model.prompts
    assert system.content.startswith("You are Vivek")
    assert user.content.startswith(
        f"File: a.py\n\nImports:\n```python\nimport os\n```\n\nThe code block:\n```python\n{CODE}"
    )
    assert "copied exactly from the code block" in user.content
    [sampling] = model.samplings
    assert sampling.schema is not None
    assert sampling.temperature == 0.0
