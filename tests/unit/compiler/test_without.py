"""Hosts that lack a match: what is done instead, and what is refused."""

from __future__ import annotations

import pytest

import rulec
from rulec.compiler.compile import Compiled
from rulec.compiler.without import Lacking, compiled_for
from rulec.errors import InputError, Refused
from rulec.kernel.generations import KERNELS
from rulec.kernel.matches import KNOWN, has_ct, lacking
from rulec.model import Family
from rulec.policy import Policy
from tests.unit.compiler.compiling import KNOWN as ANSWERS
from tests.unit.compiler.compiling import WITH_ERRORS, filtered, policy, server

RULES = filtered(f"{ANSWERS}\n-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT")
LOCAL = RULES.replace("--dport 80", "--dport 80 -m addrtype --dst-type LOCAL")


def stateless(*keys: str) -> Policy:
    head = "\n".join(("mode: stateless", "losses: accept", *keys, ""))
    return policy(server(80), head=head)


def compiled(host: Lacking, wanted: Policy = WITH_ERRORS, text: str = RULES, family: str = "ipv4") -> Compiled:
    return compiled_for(rulec.parse(text, "rules", family), wanted, host)


def refused(host: Lacking, wanted: Policy = WITH_ERRORS, text: str = RULES, family: str = "ipv4") -> list[str]:
    with pytest.raises(Refused) as caught:
        compiled(host, wanted, text, family)
    return [found.message for found in caught.value.findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["u32", "xt_u32"])
def test_without_u32_errors_pass_whatever_they_are_about(name: str) -> None:
    assert "-m u32" in compiled(Lacking()).text
    found = compiled(Lacking([name])).text
    assert "-m u32" not in found
    assert "-A INPUT -p icmp -m icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT" in found


def test_what_u32_tells_otherwise_is_refused() -> None:
    """All protocols but three: there is no second best for that."""
    text = filtered(f"{ANSWERS}\n-A INPUT -m state --state NEW -j ACCEPT").replace(
        ":CHAIN", ":OUTPUT DROP [0:0]\n-A OUTPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\n:CHAIN"
    )
    assert "-m u32" in compiled(Lacking(), stateless("icmp-errors: leave"), text).text
    assert refused(Lacking(["u32"]), stateless(), text) == ["the result needs -m u32, which the host lacks"]


def test_without_addrtype_nothing_tells_own_packets_from_routed_ones() -> None:
    assert refused(Lacking(["addrtype"])) == ["the result needs -m addrtype, which the host lacks"]


def test_what_the_old_ruleset_asks_the_host_has() -> None:
    assert "--dst-type LOCAL -j CT --notrack" in compiled(Lacking(["addrtype"]), text=LOCAL).text


def test_without_socket_fragments_are_left_or_it_is_refused() -> None:
    assert "-m socket" in compiled(Lacking(), stateless(), family="ipv6").text
    told = refused(Lacking(["socket", "u32"]), stateless(), family="ipv6")
    assert told == ["the result needs -m socket, which the host lacks"]
    assert "-m socket" not in compiled(Lacking(["socket"]), stateless("fragments: leave"), family="ipv6").text


def test_a_kernel_lacks_what_came_later() -> None:
    found = {name: sorted(lacking(kernel, Family.IPV6)) for name, kernel in KERNELS.items()}
    old = {name: matches for name, matches in found.items() if matches}
    assert old == {"el5": ["addrtype", "socket", "u32"], "el6": ["addrtype", "socket"]}
    assert sorted(lacking(KERNELS["el5"], Family.IPV4)) == ["socket", "u32"]
    assert {name for name, kernel in KERNELS.items() if not has_ct(kernel)} == {"el5", "el6"}


def test_a_kernel_is_compiled_for() -> None:
    found = compiled(Lacking(kernel=KERNELS["el5"])).text
    assert "-m u32" not in found
    assert "--dst-type LOCAL -j NOTRACK" in found
    assert "--notrack" not in found
    assert refused(Lacking(kernel=KERNELS["el6"]), family="ipv6") == [
        "the result needs -m addrtype, which the host lacks"
    ]
    assert compiled(Lacking(kernel=KERNELS["el7"])) == compiled(Lacking())


def test_only_what_the_compiler_writes_can_be_missing() -> None:
    with pytest.raises(InputError, match=f"--without knows {', '.join(KNOWN)}, and not 'tcp'"):
        Lacking(["tcp"])
