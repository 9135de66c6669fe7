"""What is refused before anything is planned: each guard bites, and does not bite beside its mark."""

from __future__ import annotations

import pytest

import rulec
from rulec.analysis.forwarded import NOT_OF_THIS_HOST
from rulec.compiler.compile import compile_ruleset
from rulec.compiler.guards import GUARDS
from rulec.compiler.proof.helped import NOT_BY_PORT
from rulec.errors import Refused, Undecided
from rulec.policy import Policy
from tests.unit.compiler.compiling import KNOWN, WEB, compiled, filtered, policy, refusals, server

FIRST = "-A INPUT -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT"
RULES = filtered(f"{KNOWN}\n{FIRST}")
LEAVE = "icmp-errors: leave"


def table(name: str, *rules: str) -> str:
    return "\n".join([f"*{name}", ":PREROUTING ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", *rules, "COMMIT", ""])


def nat(*rules: str) -> str:
    return table("nat", ":POSTROUTING ACCEPT [0:0]", ":CHAIN - [0:0]", *rules)


def entry(keys: str) -> Policy:
    return policy(f"  - {{name: web, {LEAVE}, {keys}}}\n")


NEEDED = ("filter table", "one table each")
"""Without these nothing can be asked at all."""

HIGH = policy(server(8080))
CLIENT = entry("role: client, protocol: udp, ports: [53], client-ports: '32768-60999'")
ROUTER = entry("role: forward, protocol: tcp, ports: [80], servers: [192.0.2.10]")
ROUTED = (
    "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
    "-A FORWARD -d 192.0.2.10/32 -p tcp -m tcp --dport 80 -m state --state NEW -j ACCEPT\nCOMMIT\n"
)
HIGH_RULES = RULES.replace("80", "8080")

TO_LOCAL = "-A PREROUTING -m addrtype --dst-type LOCAL -j CHAIN"
TO_OTHERS = "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.2:8080"
REDIRECTED = "-A CHAIN -p tcp -m tcp --dport 1:99 -j REDIRECT --to-ports 99"
FROM_OTHERS = "-A PREROUTING -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.0.0.2:80"
FROM_PORT = "-A PREROUTING -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 80"
MASQUERADED = "-A POSTROUTING -o eth1 -j MASQUERADE"
BYTES = "-A INPUT -m connbytes --connbytes 9: --connbytes-dir both --connbytes-mode bytes -j DROP"
CLUSTER = "-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 1 -j ACCEPT"
PROXY = "-A INPUT -p tcp -m tcp --dport 80 -m state --state INVALID,UNTRACKED -j SYNPROXY"
RELATED = "-A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT"
FTP = filtered(f"{RELATED}\n{KNOWN}\n{FIRST}").replace("80", "21")
NARROW = policy(server(80, more=f"{LEAVE}, interface: eth0"))


def before(rule: str) -> str:
    return filtered(f"{rule}\n{KNOWN}\n{FIRST}")


def behind(rule: str) -> str:
    return filtered(f"{KNOWN}\n{rule}\n{FIRST}")


def raw(*rules: str) -> str:
    return table("raw", *rules) + RULES


def mangle(*rules: str) -> str:
    return table("mangle", *rules) + RULES


BITES = [
    ("helper port", FTP, policy(server(21)), "the rule asks for what a helper expects"),
    ("ephemeral port", RULES.replace("80", "40000"), policy(server(40000)), "begins connections"),
    ("one table each", RULES + RULES, WEB, "stands twice"),
    ("filter table", table("mangle"), WEB, "no filter table"),
    ("helper", raw("-A PREROUTING -p tcp -m tcp --dport 80 -j CT --helper ftp"), WEB, "a connection helper reads"),
    ("helper", behind("-A INPUT -m helper --helper ftp -j ACCEPT"), WEB, "a connection helper reads"),
    ("connection match", before("-A INPUT -p tcp -m connlimit --connlimit-above 9 -j DROP"), WEB, "-m connlimit"),
    ("connection match", before("-A INPUT -m connmark --mark 1 -j DROP"), WEB, "-m connmark"),
    ("connection match", before("-A INPUT -m connlabel --label 1 -j DROP"), WEB, "-m connlabel"),
    ("connection match", before(BYTES), WEB, "-m connbytes"),
    ("connection match", before(CLUSTER), WEB, "-m cluster"),
    ("connection option", behind("-A INPUT -m conntrack --ctstatus ASSURED -j ACCEPT"), WEB, "--ctstatus"),
    ("connection option", behind("-A INPUT -m conntrack --ctstate NEW --ctexpire 9 -j DROP"), WEB, "--ctexpire"),
    ("connection option", behind("-A INPUT -m conntrack --ctreplsrc 192.0.2.1 -j DROP"), WEB, "--ctreplsrc"),
    ("connection target", mangle("-A PREROUTING -j CONNMARK --restore-mark"), WEB, "CONNMARK keeps"),
    ("SYNPROXY", before(PROXY), WEB, "SYNPROXY"),
    ("TPROXY", mangle("-A PREROUTING -p tcp -j TPROXY --on-port 81"), WEB, "TPROXY"),
    ("ipvs", before("-A INPUT -m ipvs --ipvs -j ACCEPT"), WEB, "-m ipvs"),
    ("state in raw", raw("-A PREROUTING -m state --state NEW -j DROP"), WEB, "the rule asks in raw for the state"),
    ("exemption in raw", raw("-A PREROUTING -s 192.0.2.0/24 -j ACCEPT"), WEB, "the rule lets some"),
    ("exemption in raw", raw("-A PREROUTING -i eth1 -j RETURN"), WEB, "the rule lets some"),
    ("other interface", RULES, NARROW, "the rule admits the same flow on other interfaces than eth0"),
    ("rewritten", nat(TO_OTHERS) + RULES, WEB, "DNAT rewrites"),
    ("rewritten", nat(TO_LOCAL, REDIRECTED) + RULES, WEB, "REDIRECT rewrites"),
    ("rewritten", nat("-A PREROUTING -d 192.0.2.0/24 -j NETMAP --to 10.0.0.0/24") + RULES, WEB, "NETMAP rewrites"),
    ("rewritten", nat("-A POSTROUTING -o eth1 -j SNAT --to-source 198.51.100.1") + ROUTED, ROUTER, "SNAT rewrites"),
    ("rewritten", nat(MASQUERADED) + ROUTED, ROUTER, "MASQUERADE rewrites"),
    ("rewritten into", nat(FROM_PORT) + RULES, WEB, "the answers to what REDIRECT"),
    ("rewritten into", nat(FROM_OTHERS) + RULES, WEB, "the answers to what DNAT"),
    ("rewritten into", nat(MASQUERADED) + RULES, CLIENT, "the answers to what MASQUERADE"),
    ("rewritten into", nat(MASQUERADED) + HIGH_RULES, HIGH, "the answers to what MASQUERADE"),
]


@pytest.mark.parametrize(("guard", "text", "wanted", "why"), BITES)
def test_it_bites(guard: str, text: str, wanted: Policy, why: str) -> None:
    if wanted is CLIENT:
        text = text.replace("COMMIT\n*filter", "COMMIT\n*filter\n:OUTPUT ACCEPT [0:0]")
    assert any(why in found.why for found in refusals(text, wanted))


def test_every_guard_is_tested() -> None:
    assert {guard for guard, *_ in BITES} == GUARDS


@pytest.mark.parametrize(("guard", "text", "wanted", "why"), [case for case in BITES if case[0] not in NEEDED])
def test_left_out_it_says_nothing(guard: str, text: str, wanted: Policy, why: str) -> None:
    """What is refused then is refused for another reason, most often by the proof."""
    found = outcome(text, wanted, guard)
    assert not any(f"web: {why}" in str(finding) for finding in found)


def forwarding(network: str, *rules: str) -> str:
    return RULES.replace("COMMIT", "\n".join([f"-A FORWARD -d {network} -j ACCEPT", *rules, "COMMIT"]))


def test_an_address_to_which_forward_alone_has_a_rule_is_taken_for_another_hosts() -> None:
    """What is sent to an address of this host is never forwarded."""
    told = compiled(nat(FROM_OTHERS) + forwarding("10.0.0.2/32"))
    assert told.certificate is not None
    assert NOT_OF_THIS_HOST in told.certificate.assumptions
    assert f"assumed: {NOT_OF_THIS_HOST}" in told.notes
    assert refusals(nat(FROM_OTHERS) + forwarding("10.0.0.0/24"), WEB)
    assert refusals(nat(FROM_OTHERS) + forwarding("10.0.0.2/32", "-A INPUT -d 10.0.0.2/32 -j ACCEPT"), WEB)


def test_what_this_host_sends_to_a_hot_port_needs_no_assumption() -> None:
    """Where it were its own, the answers would come over the loopback, which stays tracked."""
    told = compiled(nat(FROM_OTHERS.replace("PREROUTING", "OUTPUT")) + RULES)
    assert told.certificate is not None
    assert NOT_OF_THIS_HOST not in told.certificate.assumptions
    assert not any("assumed: no address" in note for note in told.notes)


def test_a_port_of_a_helper_that_nothing_asks_for_is_no_matter_on_new_kernels() -> None:
    """Whether an old kernel gives it a helper is not in the ruleset, and so it is assumed that it does not."""
    told = compiled(RULES.replace("80", "21"), policy(server(21)))
    assert f"assumed: {NOT_BY_PORT}ftp at tcp/21" in told.notes
    assert compiled(FTP.replace("helper ftp", "helper sane"), policy(server(21))).certificate
    assert not any("helper" in note for note in compiled(RULES).notes)


def asking(rule: str) -> str:
    """A rule for what this host asks, behind that for its answers."""
    rules = f"{KNOWN.replace('INPUT', 'OUTPUT')}\n-A OUTPUT {rule}\nCOMMIT"
    return RULES.replace(":CHAIN", ":OUTPUT ACCEPT [0:0]\n:CHAIN").replace("COMMIT", rules)


def outcome(text: str, wanted: Policy, *unguarded: str) -> tuple[object, ...]:
    """Why it is refused with some guards left out; nothing where it is compiled, or undecided."""
    try:
        compile_ruleset(rulec.parse(text, "rules", "ipv4"), wanted, memory=64 << 20, unguarded=frozenset(unguarded))
    except Refused as refused:
        return refused.findings
    except Undecided:
        return ()
    return ()


@pytest.mark.parametrize(
    "text",
    [
        nat("-A PREROUTING -p udp -j DNAT --to-destination 10.0.0.2") + RULES,
        nat("-A POSTROUTING -o eth1 -j MASQUERADE") + RULES,
        nat("-A PREROUTING -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.0.0.2:8080") + RULES,
        nat("-A OUTPUT -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.0.0.2:8080") + RULES,
        raw("-A PREROUTING -p udp -j ACCEPT", "-A PREROUTING -p tcp -m tcp --dport 81 -j CT --helper ftp"),
        raw("-A OUTPUT -p tcp -m tcp --dport 21 -j CT --helper ftp"),
        table("raw", "-A PREROUTING -i lo -j ACCEPT", "-A PREROUTING -s 192.0.2.1 -j DROP") + RULES,
        table("mangle", "-A PREROUTING -p udp -j CONNMARK --restore-mark") + RULES,
        filtered(f"{KNOWN}\n{FIRST}\n-A INPUT -p tcp -m connlimit --connlimit-above 9 -j DROP"),
        filtered(f"{KNOWN}\n-A INPUT -i lo -m ipvs --ipvs -j ACCEPT\n{FIRST}"),
        asking("-p tcp -m tcp --syn -m connlimit --connlimit-above 9 -j DROP"),
        asking("-m state --state NEW -j CONNMARK --set-mark 7"),
    ],
)  # fmt: skip
def test_other_flows_are_no_matter(text: str) -> None:
    assert "--notrack" in compiled(text).text


def test_a_refusal_says_where_and_what_to_do() -> None:
    with pytest.raises(Refused) as caught:
        compiled(nat("-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 81") + RULES)
    (found,) = caught.value.findings
    rule, asked = found.labels  # type: ignore[attr-defined]
    assert (rule.line, asked.source.name) == (6, "policy.yaml")
    assert found.hint  # type: ignore[attr-defined]
    assert found.witness.startswith("tcp ")  # type: ignore[attr-defined]


def test_all_or_nothing() -> None:
    """One entry that cannot be had is enough."""
    wanted = policy(server(80), server(40000, name="other"))
    assert len(refusals(RULES, wanted)) == 1
