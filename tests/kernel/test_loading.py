"""What modules need of connection tracking: what rulec says, and what the modules of a kernel say."""

from __future__ import annotations

import pytest

from rulec.kernel.generations import CURRENT
from rulec.kernel.loading import needs, removal, whole
from rulec.kernel.modules import needs_conntrack
from tests.kernel.test_tracking_modules import dependencies


def test_all_that_is_needed_is_known() -> None:
    wrong = {}
    for name, needed in dependencies().items():
        if needs_conntrack(name):
            expected = {name} | {other for other in needed if needs_conntrack(other)}
            if whole([name], CURRENT) != expected:
                wrong[name] = (sorted(whole([name], CURRENT) - expected), sorted(expected - whole([name], CURRENT)))
    assert wrong == {}


def test_all_go_in_that_order() -> None:
    """Each module when no other that is left needs it."""
    there = {name for name in dependencies() if needs_conntrack(name)}
    order = removal(there, CURRENT)
    assert set(order) == there
    for number, name in enumerate(order):
        assert [other for other in order[number + 1 :] if name in dependencies()[other]] == []


@pytest.mark.parametrize("name", ["xt_limit", "nf_defrag_ipv4", "x_tables"])
def test_others_need_none_of_it(name: str) -> None:
    assert needs(name, CURRENT) == ()
