"""Recipes for getting rid of connection tracking: what each line does, as it was measured."""

from __future__ import annotations

import pytest

from rulec.host.modules.recipe import Does, Played, is_recipe, play
from rulec.kernel.generations import KERNELS
from rulec.source import Source

FLUSH = "iptables -F\niptables -t nat -F\n"
WORKS, PARTLY, NOTHING, FAILS, HARMS, HANGS, LOADS, UNKNOWN = (
    Does.WORKS, Does.PARTLY, Does.NOTHING, Does.FAILS, Does.HARMS, Does.HANGS, Does.LOADS, Does.UNKNOWN,
)  # fmt: skip


def played(text: str, kernel: str = "6.x", needed: frozenset[str] = frozenset()) -> Played:
    return play(Source("recipe", text), KERNELS[kernel], needed)


def last(text: str, kernel: str = "6.x") -> Does:
    return played(text, kernel).verdicts[-1].does


@pytest.mark.parametrize(
    ("line", "kernel", "does"),
    [
        ("blacklist nf_conntrack", "6.x", NOTHING),
        ("blacklist nf_conntrack", "el7", NOTHING),
        ("blacklist nf-conntrack", "6.x", NOTHING),
        ("blacklist ip_conntrack", "el5", NOTHING),
        ("blacklist nf_conntrack_ipv4", "el7", HANGS),
        ("blacklist nf_conntrack_ipv6", "el8", HANGS),
        ("blacklist nf_conntrack_ipv4", "6.x", NOTHING),  # is not there
        ("blacklist iptable_nat", "6.x", NOTHING),
        ("blacklist nf_nat", "6.x", NOTHING),
        ("blacklist xt_conntrack", "6.x", PARTLY),
        ("blacklist xt_CT", "6.x", PARTLY),
        ("blacklist xt_NOTRACK", "6.x", NOTHING),
        ("blacklist xt_NOTRACK", "el7", NOTHING),
        ("blacklist pcspkr", "6.x", UNKNOWN),
        ("install nf_conntrack /bin/false", "6.x", WORKS),
        ("install ip_conntrack /bin/false", "el5", WORKS),
        ("install nf_conntrack /bin/true", "6.x", HARMS),
        ("install nf_conntrack /sbin/modprobe --ignore-install nf_conntrack", "6.x", UNKNOWN),
        ("install iptable_nat /bin/false", "6.x", PARTLY),
        ("install nft_chain_nat /bin/true", "6.x", PARTLY),
        ("install xt_conntrack /bin/false", "6.x", PARTLY),
        ("options nf_conntrack enable_hooks=1", "6.x", HARMS),
        ("options nf_conntrack max=0", "6.x", NOTHING),
        ('echo "blacklist nf_conntrack" >> /etc/modprobe.d/blacklist.conf', "6.x", NOTHING),
        ("modprobe nf_conntrack", "6.x", LOADS),
        ("modprobe openvswitch", "6.x", HARMS),
        ("modprobe nf_conntrack_ipv4", "el7", HARMS),
        ('IPTABLES_MODULES="ip_conntrack_netbios_ns"', "el5", HARMS),
        ('IPTABLES_MODULES="nf_conntrack_ftp"', "6.x", LOADS),
        ("conntrack -L", "6.x", HARMS),
        ("iptables -t nat -L", "6.x", HARMS),
        ("iptables -t nat -nvL", "6.x", HARMS),
        ("sysctl -w net.netfilter.nf_conntrack_max=0", "6.x", NOTHING),
        ("modprobe -r --remove-holders nf_conntrack", "6.x", PARTLY),
        ("rmmod -f nf_conntrack", "6.x", HARMS),
        ("reboot", "6.x", UNKNOWN),
    ],
)
def test_lines(line: str, kernel: str, does: Does) -> None:
    (verdict,) = played(line, kernel).verdicts
    assert verdict.does is does, verdict.why


def test_both_state_matches_are_known_to_be_named() -> None:
    alone, both = (
        played(text).verdicts[0].why
        for text in ("blacklist xt_state\n", "blacklist xt_state\nblacklist xt_conntrack\n")
    )
    assert "loaded through xt_conntrack all the same" in alone
    assert "fail to load; NAT, NOTRACK" in both


def test_order_counts() -> None:
    """The holders first; and the core falls last."""
    wrong = played(f"{FLUSH}rmmod nf_conntrack\nrmmod xt_conntrack\n")
    assert [verdict.does for verdict in wrong.verdicts[2:]] == [FAILS, WORKS]
    assert "in use by xt_conntrack" in wrong.verdicts[2].why
    assert wrong.left == ("nf_conntrack",)
    right = played(f"{FLUSH}rmmod xt_conntrack\nrmmod nf_conntrack\n")
    assert [verdict.does for verdict in right.verdicts[2:]] == [WORKS, WORKS]
    assert right.left == ()


def test_rules_hold_modules_until_they_are_flushed() -> None:
    assert last("rmmod xt_conntrack") is PARTLY
    assert last(f"{FLUSH}rmmod xt_conntrack") is WORKS
    assert last("service iptables stop\nrmmod xt_conntrack", "el6") is WORKS


def test_the_old_recipe_stops_at_the_first_name() -> None:
    """As measured: xt_NOTRACK is not found, so that xt_CT and xt_conntrack remain."""
    text = "modprobe -r xt_NOTRACK nf_conntrack_netbios_ns nf_conntrack_ipv4 xt_state; modprobe -r nf_conntrack\n"
    found = play(Source("recipe", text), KERNELS["6.x"], frozenset(("xt_conntrack", "xt_CT")))
    assert [verdict.does for verdict in found.verdicts] == [NOTHING, FAILS]
    assert {"xt_CT", "xt_conntrack", "nf_conntrack"} <= set(found.left)


def test_the_old_recipe_works_where_it_was_written() -> None:
    text = f"{FLUSH}modprobe -r xt_NOTRACK ip_conntrack_netbios_ns xt_state\nmodprobe -r ip_conntrack\n"
    found = played(text, "el5")
    assert [verdict.does for verdict in found.verdicts] == [WORKS] * 4
    assert found.left == ()


def test_rmmod_goes_on_and_modprobe_stops() -> None:
    assert played(f"{FLUSH}rmmod nf_nat xt_conntrack iptable_nat").left == ("nf_conntrack", "nf_nat")
    stopped = played(f"{FLUSH}modprobe -r nf_nat xt_conntrack iptable_nat")
    assert stopped.left == ("iptable_nat", "nf_conntrack", "nf_nat", "xt_conntrack")


def test_all_in_one_command_stops_at_the_first() -> None:
    assert last(f"{FLUSH}modprobe -r nf_conntrack xt_conntrack nf_nat") is FAILS


@pytest.mark.parametrize("line", ["# rmmod xt_state", "", "   "])
def test_comments_are_no_commands(line: str) -> None:
    found = played(f"{line}\nrmmod xt_CT\n")
    assert [(verdict.line, verdict.text) for verdict in found.verdicts] == [(2, "rmmod xt_CT")]


@pytest.mark.parametrize(
    "line", ["# sudo rmmod xt_state", "sudo rmmod xt_state", "$ rmmod xt_state", "# rmmod xt_state"]
)
def test_prompts_are_none_of_the_command(line: str) -> None:
    (verdict,) = played(line).verdicts
    assert (verdict.text, verdict.does) == ("rmmod xt_state", PARTLY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rmmod xt_state", True),
        ("blacklist nf_conntrack", True),
        ("install nf_conntrack /bin/true", True),
        ('IPTABLES_MODULES=""', True),
        ("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n", False),
        ("-A INPUT -m comment --comment blacklist -j DROP", False),
    ],
)
def test_what_a_recipe_is(text: str, expected: bool) -> None:
    assert is_recipe(text) is expected
