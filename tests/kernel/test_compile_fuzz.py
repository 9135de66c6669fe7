"""Random rulesets and policies that are proved: the kernel sees no difference but those that are told.

``python -m tests.compile_fuzz --kernel --cases 1000`` does the same for longer.
"""

from __future__ import annotations

from itertools import islice

import pytest

from tests.compile_fuzz.kernel import held_against, proved

CASES = 6
"""For each back end."""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["legacy", "nft"])
def test_the_kernel_sees_no_difference(backend: str) -> None:
    for one in islice(proved(0 if backend == "legacy" else 5000), CASES):
        report = held_against(one, backend)
        assert report.differences == (), f"{one}\n" + "\n".join(report.lines())
        assert report.trials
