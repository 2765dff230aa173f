"""What a scripted model says in a review."""

from __future__ import annotations

import json


def said(*findings: tuple[str, str]) -> str:
    """A model's reply: a finding for each (quote, problem)."""
    items = [
        {
            "severity": "error",
            "category": "correctness",
            "quote": quote,
            "problem": problem,
            "fix": "Mend it.",
        }
        for quote, problem in findings
    ]
    return json.dumps({"findings": items})
