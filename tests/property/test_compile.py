"""Random small rulesets and policies: each is compiled and proved, or refused with a reason at its place.

``python -m tests.compile_fuzz --cases 20000`` does the same for longer.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.compile_fuzz.outcome import outcome, random_case

CASES = 1000
SHARE = 50


@pytest.mark.parametrize("first", range(0, CASES, SHARE))
def test_it_is_proved_or_refused(first: int) -> None:
    """What is proved compiles to itself."""
    kinds: Counter[str] = Counter()
    for number in range(first, first + SHARE):
        found = outcome(case := random_case(number))
        assert found.kind != "wrong", f"{case}\n{found.why}"
        kinds[found.kind] += 1
    assert kinds["proved"] >= SHARE // 10
    assert kinds["refused"] >= SHARE // 10
    assert kinds["undecided"] <= SHARE // 10


def test_a_case_is_always_the_same() -> None:
    assert str(random_case(7)) == str(random_case(7)) != str(random_case(8))
