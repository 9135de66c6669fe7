"""The examples of the catalogue, loaded by the real iptables, with both back ends.

An example is skipped, with the reason, where the running kernel does not have its extension.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rulec
from rulec.model import Family
from tests.kernel.world import Worlds, worlds
from tests.unit.catalogue.examples import Case, of_kind

BACKENDS = ("legacy", "nft")

NFT_LOADS = {
    "-m limit --limit-burst 0",
    "-m limit --limit 1/day --limit-burst 5",
    "! -p tcp -m tcp --dport 80",
    "! -p udp -m udp --dport 53",
    "-p tcp -j TCPMSS --set-mss 1460",
    "-p tcp ! --syn -j TCPMSS --set-mss 1460",
    "-p tcp --tcp-flags SYN,RST RST -j TCPMSS --set-mss 1460",
    "-j TRACE",
}
"""Rules that only the legacy back end refuses: nft writes them in its own words, or does not look at the rest."""

NFT_DOES_NOT_READ = {
    "-m tcp --dport 80",
    "-p udp -m tcp --dport 80",
    "-m udp --dport 53",
    "-p tcp -m udp --dport 53",
}
"""Rules that the nft back end does not read: it looks for the protocol before it asks the kernel."""

NFT_SAVES = {
    "-p tcp -m tcp --sport 1024:65535 ! --dport 0:16": "-p tcp -m tcp --sport 1024:65535 --dport 17:65535",
    "-p tcp -m tcp": "-p tcp",
    "-p udp -m udp": "-p udp",
    "-j NFLOG --nflog-range 4294967295": "-j NFLOG",
}
"""What the nft back end makes of rules that the legacy one saves so."""


@pytest.fixture(scope="module", name="worlds")
def furnished_worlds() -> Iterator[Worlds]:
    with worlds(*BACKENDS) as made:
        yield made


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", of_kind("valid"), ids=str)
def test_valid_loads(backend: str, case: Case, worlds: Worlds) -> None:
    """It loads, and is saved as the example says."""
    world = worlds[backend, case.family]
    done, _ = world.load(case)
    if done.returncode:
        world.skip_where_lacking(case)
    assert done.returncode == 0, done.stderr
    assert world.rules()[-1] == f"-A {case.example.chain} {saved(case, backend)}"


def saved(case: Case, backend: str) -> str:
    """What iptables-save prints of an example, behind the chain."""
    legacy = case.example.saved or case.example.rule
    return NFT_SAVES.get(legacy, legacy) if backend == "nft" else legacy


@pytest.mark.parametrize("case", of_kind("invalid"), ids=str)
def test_invalid_is_not_read(case: Case, worlds: Worlds) -> None:
    """``--test`` is enough to see it, and names the line."""
    done = worlds["legacy", case.family].test(case.ruleset())
    assert done.returncode == 2
    assert "Error occurred at line: 2" in done.stderr


@pytest.mark.parametrize("case", of_kind("refused"), ids=str)
def test_refused_fails_at_commit(case: Case, worlds: Worlds) -> None:
    """``--test`` takes it, and loading fails at the line of the COMMIT."""
    world = worlds["legacy", case.family]
    assert world.test(case.ruleset()).returncode == 0
    done, line = world.load(case)
    assert done.returncode == 1
    assert f"line {line + 1} failed" in done.stderr
    world.skip_where_lacking(case)


@pytest.mark.parametrize("case", of_kind("refused"), ids=str)
def test_refused_by_nft(case: Case, worlds: Worlds) -> None:
    """The other back end refuses the same rules, but for those listed, and names the line of the rule."""
    world = worlds["nft", case.family]
    done, line = world.load(case)
    if case.example.rule in NFT_LOADS:
        assert done.returncode == 0
    elif case.example.rule in NFT_DOES_NOT_READ:
        assert f"Error occurred at line: {line}" in done.stderr
    else:
        assert f"line {line}: RULE_APPEND failed" in done.stderr
        world.skip_where_lacking(case)


@pytest.mark.parametrize("family", Family)
def test_saved_forms_are_read(family: Family, worlds: Worlds) -> None:
    """What iptables-save prints is valid for iptables-restore where it is for rulec."""
    forms = [form for form in saved_forms(family) if is_valid(form, family)]
    done = worlds["legacy", family].test("".join(forms))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("family", Family)
def test_misprinted_forms_are_not_read(family: Family, worlds: Worlds) -> None:
    """What iptables-save prints and rulec calls invalid is a fault of iptables-save."""
    forms = [form for form in saved_forms(family) if not is_valid(form, family)]
    assert forms
    assert [form for form in forms if worlds["legacy", family].test(form).returncode != 2] == []


def saved_forms(family: Family) -> list[str]:
    """What iptables-save prints of each valid example, as a ruleset of its own."""
    cases = [case for case in of_kind("valid") if case.family is family]
    return [f"*{case.example.table}\n{case.saved}\nCOMMIT\n" for case in cases]


def is_valid(text: str, family: Family) -> bool:
    return rulec.parse(text, family=family.value).valid
