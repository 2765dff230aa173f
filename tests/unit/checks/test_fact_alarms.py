"""How often the facts cry wolf: on code that thousands have read, each rule is to be silent."""

from __future__ import annotations

from benchmarks.bench_facts import measure, sources

MOST = 2.5
"""Hits of a rule for 1,000 functions; `make bench-facts` prints those of the whole library."""


def test_each_rule_is_nearly_silent_on_the_standard_library() -> None:
    functions, hits = measure(sources(10_000)[::9])
    assert functions > 1_000
    rates = {rule: 1000 * len(told) / functions for rule, told in hits.items()}
    print(rates)
    # What pyflakes tells there is true: variables that nobody reads.
    assert rates.pop("pyflakes", 0.0) <= 10
    assert not {rule: hits[rule] for rule, rate in rates.items() if rate > MOST}
