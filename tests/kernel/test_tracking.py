"""Whether a rule has packets tracked: what the catalogue says, and what the running kernel does.

A datagram goes over the loopback, and either it has an entry then or not.  Tracking
is switched on for a whole family when the rule is loaded: the datagram itself is
accepted before it meets the rule, which may drop it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rulec
from rulec.analysis.tracking import tracking_facts
from rulec.catalogue.extension import Tracking
from rulec.model import Family
from tests.kernel.conftest import restore
from tests.kernel.network import DISCARD, tracked
from tests.kernel.world import World, Worlds, worlds
from tests.unit.catalogue.examples import Case, of_kind

PASS = f"-p udp --dport {DISCARD} -j ACCEPT"


@pytest.fixture(scope="module", name="worlds")
def furnished_worlds() -> Iterator[Worlds]:
    with worlds("legacy") as made:
        yield made


def said(case: Case) -> bool:
    """Whether rulec says that the example has packets tracked."""
    return bool(tracking_facts(rulec.parse(case.ruleset(), family=case.family.value)).tracks)


@pytest.mark.parametrize("case", of_kind("valid"), ids=str)
def test_every_example(case: Case, worlds: Worlds) -> None:
    """Nothing is tracked before the rule is loaded; with it, what rulec says."""
    world = worlds["legacy", case.family]
    world.sweep()
    assert not tracked(world.ns, case.family)
    if world.load(case, PASS)[0].returncode:
        world.skip_where_lacking(case)
    assert tracked(world.ns, case.family) == said(case)


def first_examples() -> list[Case]:
    """The first example of each extension that has to do with tracking, in each family."""
    found: dict[tuple[str, str, Family], Case] = {}
    for case in of_kind("valid"):
        if case.extension.tracking is not Tracking.NONE:
            found.setdefault((case.role, case.extension.name, case.family), case)
    return list(found.values())


@pytest.mark.parametrize("backend", ["legacy", "nft"])
@pytest.mark.parametrize("case", first_examples(), ids=str)
def test_fresh_namespace(case: Case, backend: str, netns: str) -> None:
    """With both back ends, and for the family of the rule alone."""
    world = World(netns, case.family, backend)
    if world.load(case, PASS)[0].returncode:
        world.skip_where_lacking(case)
    assert {family for family in Family if tracked(netns, family)} == ({case.family} if said(case) else set())


@pytest.mark.parametrize("family", Family)
def test_nat_table_without_nat(family: Family, netns: str) -> None:
    """The table needs the module, and has nothing tracked."""
    text = "*nat\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n"
    facts = tracking_facts(rulec.parse(text, family=family.value))
    assert (facts.tracks, facts.loads, facts.nat_tables) == ((), (), (1,))
    restore(netns, text, family).check_returncode()
    assert not tracked(netns, family)
