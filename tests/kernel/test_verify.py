"""Two rulesets before the real kernel: what compiles well makes no difference, and each fault is named."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

import rulec
from rulec.errors import RulecError
from rulec.host import lab_namespaces, programs
from rulec.host.compare import Report, compare
from rulec.host.trial import Expected, Flow, Left, Trial, stray, whole
from rulec.host.verify import verify_in_kernel
from rulec.model import Family
from rulec.model.protocols import ICMP, ICMPV6, TCP, UDP
from rulec.policy import Policy, read
from rulec.syntax.ruleset import Ruleset

BACKEND = pytest.mark.parametrize("backend", ["legacy", "nft"])
FAMILY = pytest.mark.parametrize("family", Family)

HOT = """
version: 1
mode: {mode}
hot:
  - {{name: hot, {entry}}}
"""
WEB = "role: server, protocol: tcp, ports: [80]"
DNS = "role: server, protocol: udp, ports: [53]"
RESOLVER = 'role: client, protocol: udp, ports: [53], client-ports: "32768-60999"'
MIRROR = 'role: client, protocol: tcp, ports: [80], client-ports: "32768-60999"'

HEAD = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT {output} [0:0]\n"
KNOWN = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"


def filters(family: Family, *rules: str, output: str = "ACCEPT", first: str = "") -> str:
    """A stateful filter, with some rules of its own behind what lets known connections through."""
    text = HEAD.format(output=output) + first
    text += "".join(f"-A {chain} {KNOWN}" for chain in ("INPUT", "FORWARD", "OUTPUT"))
    return text + "".join(f"-A {rule}\n" for rule in rules) + "COMMIT\n"


def errors(family: Family, port: int, side: str = ">>16", chain: str = "INPUT") -> str:
    """Rules for the ICMP errors about packets from a port."""
    number = 17 if port == 53 else 6
    if family is Family.IPV6:
        about = f'-m u32 --u32 "51&0xFF={number}&&88{side}={port}"'
        return "".join(f"-A {chain} -p ipv6-icmp --icmpv6-type {kind} {about} -j ACCEPT\n" for kind in (1, 2, 3, 4))
    about = f'-m u32 --u32 "0>>22&0x3C@14&0xFF={number}&&0>>22&0x3C@8>>22&0x3C@8{side}={port}"'
    return "".join(f"-A {chain} -p icmp --icmp-type {kind} {about} -j ACCEPT\n" for kind in (3, 11, 12))


def raw(*rules: str) -> str:
    return "*raw\n" + "".join(f"-A {rule} -j CT --notrack\n" for rule in rules) + "COMMIT\n"


SERVED = raw("PREROUTING ! -i lo -p tcp --dport 80 -m addrtype --dst-type LOCAL", "OUTPUT ! -o lo -p tcp --sport 80")
NEW = "INPUT -p tcp --dport {} -m conntrack --ctstate NEW -j ACCEPT"
EITHER = "INPUT -p tcp --dport {} -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT"
ANSWERS = (
    "OUTPUT ! -o lo -p tcp --sport 80 ! --tcp-flags SYN,ACK SYN -m conntrack --ctstate UNTRACKED,INVALID -j ACCEPT"
)


def asked(entry: str, mode: str = "notrack") -> Policy:
    found, problems = read(HOT.format(mode=mode, entry=entry), "policy.yaml")
    assert found is not None, problems
    return found


def verified(
    old: str, new: str, entry: str = WEB, family: Family = Family.IPV4, backend: str = "legacy", mode: str = "notrack"
) -> Report:
    before, after = (rulec.parse(text, name, family=family.value) for text, name in ((old, "old"), (new, "new")))
    assert (before.findings, after.findings) == ((), ())
    return verify_in_kernel([before], [after], asked(entry, mode), backend=backend)


# ── sound rulesets ──


@BACKEND
@FAMILY
def test_a_server_that_is_compiled_well(family: Family, backend: str) -> None:
    old = filters(family, NEW.format(22), NEW.format(80), output="DROP")
    new = filters(family, NEW.format(22), EITHER.format(80), ANSWERS, output="DROP", first=errors(family, 80)) + SERVED
    report = verified(old, new, family=family, backend=backend)
    assert report.differences == ()
    assert all("unasked" in line or "no connection" in line for line in report.exposures)
    assert report.exposures
    assert report.skipped == ()
    hot = [new for trial, (old, new) in zip(report.trials, report.outcomes, strict=True) if trial.about == "hot"]
    assert hot
    for outcome in hot:
        assert all(word.startswith("delivered") for word in outcome.steps)
        assert outcome.entries == ()


@BACKEND
@FAMILY
def test_a_ruleset_and_itself(family: Family, backend: str) -> None:
    """Nothing differs, and the whole connections of a server, a client and a router work, with their entries."""
    rules = filters(family, NEW.format(80), "FORWARD -i lan0 -o wan0 -m conntrack --ctstate NEW -j ACCEPT")
    report = verified(rules, rules, "role: server, protocol: tcp, ports: [81]", family, backend)
    assert (report.differences, report.exposures, report.assumptions) == ((), (), ())
    whole_ones = [
        (trial, new)
        for trial, (_, new) in zip(report.trials, report.outcomes, strict=True)
        if trial.about.startswith(("line", "the policy")) and "side" not in trial.about
    ]
    assert {trial.flow.path for trial, _ in whole_ones} == {"input", "output", "forward"}
    for trial, outcome in whole_ones:
        assert all(word.startswith("delivered") for word in outcome.steps), trial
        assert len(outcome.entries) == 1


@BACKEND
def test_a_client_that_is_compiled_well(backend: str) -> None:
    family, asks = Family.IPV4, "OUTPUT -p udp --dport 53 -m conntrack --ctstate NEW{} -j ACCEPT"
    old = filters(family, asks.format(""), output="DROP")
    answer = "INPUT ! -i lo -p udp --sport 53 --dport 32768:60999 -m conntrack --ctstate UNTRACKED -j ACCEPT"
    new = filters(family, asks.format(",UNTRACKED"), answer, output="DROP", first=errors(family, 53, "&0xFFFF"))
    new += raw(
        "PREROUTING ! -i lo -p udp --sport 53 --dport 32768:60999 -m addrtype --dst-type LOCAL",
        "OUTPUT ! -o lo -p udp --sport 32768:60999 --dport 53",
    )
    report = verified(old, new, RESOLVER, backend=backend)
    assert report.differences == ()


def test_both_families_at_once() -> None:
    pairs = []
    for family in Family:
        old = filters(family, NEW.format(80))
        new = filters(family, EITHER.format(80), first=errors(family, 80) if family is Family.IPV4 else "") + SERVED
        pairs.append([rulec.parse(text, family.value, family=family.value) for text in (old, new)])
    olds, news = zip(*pairs, strict=True)
    report = verify_in_kernel(olds, news, asked(WEB))
    assert report.differences
    assert all("packet-too-big" in line and "[2001:db8::" in line for line in report.differences)


# ── faults, each by its name ──


class Fault(NamedTuple):
    """A recipe that is known to fail, and a word of what it does."""

    old: str
    new: str
    said: str
    entry: str = WEB


V4 = Family.IPV4
SERVER = filters(V4, NEW.format(22), NEW.format(80))
MASQUERADE = "*nat\n-A POSTROUTING -o wan0 -j MASQUERADE\nCOMMIT\n"
ROUTER = filters(V4, NEW.format(80), "FORWARD -i lan0 -o wan0 -m conntrack --ctstate NEW -j ACCEPT") + MASQUERADE
CLIENT = filters(V4, "OUTPUT -p tcp --dport 80 -j ACCEPT", output="DROP")
CLIENT_RAW = raw("PREROUTING ! -i lo -p tcp --sport 80", "OUTPUT ! -o lo -p tcp --dport 80")
LIMIT = "-m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name {}"
LIMITED = NEW.format(80).replace(" -j", f" {LIMIT.format('one')} -j")

FAULTS = {
    "nothing admits them": Fault(
        SERVER, SERVER + SERVED, "hot: .* the SYN is delivered under the old ruleset, and lost"
    ),
    "errors are lost": Fault(
        SERVER,
        filters(V4, NEW.format(22), EITHER.format(80)) + SERVED,
        "hot: .* the ICMP error fragmentation-needed to the answerer is delivered .* and lost under the new",
    ),
    "admitted wholesale": Fault(
        filters(V4, f"INPUT -s 10.0.0.0/8 {NEW.format(80)[6:]}"),
        filters(V4, "INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT") + SERVED,
        "hot, not admitted: .* the SYN is lost under the old ruleset, and delivered under the new one",
    ),
    "one leg": Fault(
        SERVER,
        filters(V4, NEW.format(22), EITHER.format(80)) + raw("PREROUTING ! -i lo -p tcp --dport 80"),
        "hot: .*(leaves an entry|fragmentation-needed)",
    ),
    "half of the loopback": Fault(
        SERVER,
        filters(V4, NEW.format(22), EITHER.format(80), first=errors(V4, 80))
        + raw("PREROUTING -p tcp --dport 80", "OUTPUT -p tcp --sport 80"),
        "hot, over the loopback: .* the SYN,ACK is delivered under the old ruleset, and lost under the new one",
    ),
    "flows of others": Fault(
        ROUTER,
        ROUTER.replace("--ctstate NEW ", "--ctstate NEW,UNTRACKED ")
        + raw("PREROUTING -p tcp --dport 80", "OUTPUT -p tcp --sport 80"),
        "hot, to the same port elsewhere: .* in lan0 out wan0: the old ruleset has the SYN delivered on wan0 from 198",
    ),
    "a hole for answers": Fault(
        CLIENT,
        filters(V4, "OUTPUT -p tcp --dport 80 -j ACCEPT", "INPUT -p tcp --sport 80 -j ACCEPT", output="DROP")
        + CLIENT_RAW,
        "hot, from the hot port to another: .*:80 > .*:22 in .* the SYN is lost .* and delivered under the new one",
        MIRROR,
    ),
    "packets are counted": Fault(
        filters(V4, LIMITED),
        filters(V4, LIMITED.replace("NEW", "NEW,UNTRACKED"), first=errors(V4, 80)) + SERVED,
        "hot: .* is delivered under the old ruleset, and lost under the new one",
    ),
    "a redirection to them": Fault(
        SERVER + "*nat\n-A PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80\nCOMMIT\n",
        filters(V4, NEW.format(22), EITHER.format(80), first=errors(V4, 80))
        + "*nat\n-A PREROUTING -p tcp --dport 8081 -j REDIRECT --to-ports 80\nCOMMIT\n"
        + SERVED,
        "line 12: .*:8081 .* the SYN,ACK",
    ),
}


@pytest.mark.parametrize(("name", "backend"), list(zip(FAULTS, cycle(("legacy", "nft")), strict=False)))
def test_a_fault_is_named(name: str, backend: str) -> None:
    fault = FAULTS[name]
    report = verified(fault.old, fault.new, fault.entry, backend=backend)
    assert not report.is_same
    assert any(re.search(fault.said, line) for line in report.differences), "\n".join(report.lines())


@BACKEND
def test_fragments_without_reassembly(backend: str) -> None:
    """Without tracking nobody puts the parts of a large datagram together any more."""
    family = Family.IPV6
    old = filters(family, "INPUT -p udp --dport 53 -m conntrack --ctstate NEW -j ACCEPT")
    new = HEAD.format(output="ACCEPT") + errors(family, 53) + "-A INPUT -p udp --dport 53 -j ACCEPT\nCOMMIT\n"
    report = verified(old, new, DNS, family, backend, "stateless")
    assert any("4000 octets from the asker is delivered" in line for line in report.differences)


# ── trials of one's own ──

ENDS = {
    Family.IPV4: (0xC6336407, 0xC0000201),
    Family.IPV6: ((0x20010DB8 << 96) + 7, (0x20010DB8 << 96) + 1),
}


def nothing(family: Family = V4) -> Ruleset:
    """A ruleset that does nothing."""
    return rulec.parse("*filter\nCOMMIT\n", family=family.value)


def flow(family: Family, protocol: int, port: int = 80, come: str = "eth0", gone: str = "") -> Flow:
    asker, answerer = ENDS[family]
    return Flow(family, protocol, asker, 40000, answerer, port, come, gone)


@BACKEND
@FAMILY
def test_whole_connections_go_through_an_open_host(family: Family, backend: str) -> None:
    """TCP, UDP and echo, to it, from it, through it, and over its loopback; all that is tracked leaves an entry."""
    icmp = ICMP if family is Family.IPV4 else ICMPV6
    ways = (("eth0", ""), ("", "eth0"), ("eth0", "eth1"), ("", ""))
    protocols = ((TCP, 80), (UDP, 80), (icmp, 0))
    flows = [flow(family, protocol, port, *way) for way in ways for protocol, port in protocols]
    trials = [Trial("it", one, whole(one)) for one in flows]
    tracking = rulec.parse("*filter\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n", family=family.value)
    report = compare([nothing(family)], [tracking], trials, backend)
    for one, (untracked, tracked) in zip(flows, report.outcomes, strict=True):
        assert all(word.startswith("delivered") for word in untracked.steps + tracked.steps), one
        assert len(untracked.steps) == len(whole(one))
        state = "ESTABLISHED answered" if one.protocol == TCP else "answered"
        assert (untracked.entries, tracked.entries) == ((), (f"{state}, begun by the asker",)), one


@FAMILY
def test_an_error_about_one_flow_leaves_others_between_two_hosts_alone(family: Family) -> None:
    """That a packet is too big is said of a datagram, while much is sent to the same host over TCP."""
    served = [flow(family, protocol)._replace(asker_port=40001 + number) for number, protocol in enumerate((TCP, UDP))]
    asking = flow(family, TCP)._replace(asker_port=42021).reversed
    trials = [Trial("it", one, whole(one)) for one in (*served, asking)]
    report = compare([nothing(family)], [nothing(family)], trials)
    lost = [
        one for pair in report.outcomes for one in pair if not all(word.startswith("delivered") for word in one.steps)
    ]
    assert lost == []


@BACKEND
@FAMILY
def test_a_lone_packet_is_seen_where_it_is_let_through(family: Family, backend: str) -> None:
    closed = rulec.parse("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", family=family.value)
    kinds = [(TCP, flags) for flags in (0x10, 0x12, 0x11, 0x04, 0x00, 0x29)] + [(UDP, 0)]
    comes = [flow(family, protocol, 80 + number) for number, (protocol, _) in enumerate(kinds)]
    flows = [*comes, *(one.reversed._replace(answerer_port=50000) for one in comes)]
    trials = [Trial("it", one, stray(flags)) for one, (_, flags) in zip(flows, kinds * 2, strict=True)]
    for trial, (old, new) in zip(trials, compare([nothing(family)], [closed], trials, backend).outcomes, strict=True):
        if trial.flow.path == "input":
            assert old.steps[0].startswith("delivered here"), trial
            assert new.steps == ("lost",)
        else:
            assert old == new
            assert old.steps[0].startswith("delivered on eth0"), trial


@BACKEND
@FAMILY
def test_what_is_refused_is_not_lost(family: Family, backend: str) -> None:
    one = flow(family, TCP)
    texts = [
        f"*filter\n-A INPUT -p tcp --dport 80 -j {word}\nCOMMIT\n"
        for word in ("DROP", "REJECT --reject-with tcp-reset")
    ]
    dropped, rejected = (rulec.parse(text, family=family.value) for text in texts)
    plain = rulec.parse("*filter\n-A INPUT -p tcp --dport 80 -j REJECT\nCOMMIT\n", family=family.value)
    for other in (rejected, plain):
        [line] = compare([dropped], [other], [Trial("it", one, whole(one))], backend).differences
        assert line.endswith("the SYN is lost under the old ruleset, and refused under the new one")


@BACKEND
@FAMILY
def test_what_an_error_says_of_a_packet_is_not_the_packet(family: Family, backend: str) -> None:
    plain = rulec.parse("*filter\n-A INPUT -p udp --dport 80 -j REJECT\nCOMMIT\n", family=family.value)
    one = flow(family, UDP)
    [line] = compare([nothing(family)], [plain], [Trial("it", one, stray())], backend).differences
    assert line.endswith("a lone packet is delivered under the old ruleset, and refused under the new one")


def test_witnesses_are_known_to_pass_and_counterexamples_are_not() -> None:
    old, new = (rulec.parse(text, family="ipv4") for text in (SERVER, SERVER.replace("NEW", "NEW,INVALID")))
    named = "tcp 198.51.100.7:40000 > 192.0.2.1:22 rst in eth0"
    policy = asked("role: server, protocol: tcp, ports: [9999]")
    known = verify_in_kernel([old], [new], policy, witnesses=[named])
    assert (known.differences, len(known.exposures)) == ((), 1)
    unknown = verify_in_kernel([old], [new], policy, counterexamples=[named])
    assert (len(unknown.differences), unknown.exposures) == (1, ())
    assert "a lone segment RST is lost under the old ruleset, and delivered" in unknown.differences[0]


@pytest.mark.parametrize(
    ("rule", "named", "told"),
    [
        (
            "FORWARD -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT",
            "icmp 198.51.100.7 > 192.0.2.1 port-unreachable in eth0 out eth1 state INVALID about (tcp * > *:80)",
            "to the answerer is lost under the old ruleset, and delivered under the new one",
        ),
        (
            "OUTPUT -p icmp --icmp-type 3 -m conntrack --ctstate INVALID -j ACCEPT",
            "icmp 192.0.2.1 > 198.51.100.7 port-unreachable out eth0 state INVALID about (udp *:53 > *:40000)",
            "to the answerer is lost under the old ruleset, and delivered under the new one",
        ),
    ],
)
def test_errors_that_counterexamples_name_are_sent(rule: str, named: str, told: str) -> None:
    old, new = (rulec.parse(filters(Family.IPV4, *rules, output="DROP"), family="ipv4") for rules in ((), (rule,)))
    unknown = verify_in_kernel([old], [new], asked(WEB), counterexamples=[named])
    assert [line.endswith(told) for line in unknown.differences] == [True], unknown.differences


@BACKEND
@pytest.mark.skipif(shutil.which("ipset", path=programs.PATH) is None, reason="ipset is not installed")
def test_sets_that_rules_ask_are_made_and_are_empty(backend: str) -> None:
    known = "INPUT -p tcp --dport 80 -m set {} --match-set known {} -j ACCEPT"
    old, new = (
        rulec.parse(filters(Family.IPV4, known.format(*words)), family="ipv4")
        for words in (("", "src"), ("!", "src,dst"))
    )
    one = flow(Family.IPV4, TCP)
    [line] = compare([old], [new], [Trial("it", one, stray(2))], backend).differences
    assert line.endswith("lost under the old ruleset, and delivered under the new one")


def test_hot_flows_may_not_leave_entries_and_others_must() -> None:
    one, other = flow(V4, TCP), flow(V4, TCP, 81)
    trials = [Trial("hot", one, whole(one), Left.NONE), Trial("other", other, whole(other))]
    tracking = rulec.parse("*filter\n-A INPUT -m conntrack --ctstate NEW\nCOMMIT\n", family="ipv4")
    hot, kept = compare([nothing()], [tracking], trials).differences
    assert "a hot flow leaves an entry" in hot
    assert "the old ruleset leaves the entries (none), the new one (ESTABLISHED answered" in kept
    assert compare([tracking], [tracking], [trials[1]]).is_same


def test_what_chance_decides_is_no_difference() -> None:
    spread = "-A INPUT -p tcp --dport {} -m statistic --mode random --probability 0.5 -j DROP\n"
    rules = "*filter\n" + "".join(spread.format(port) for port in range(80, 96)) + "COMMIT\n"
    ruleset = rulec.parse(rules, family="ipv4")
    flows = [flow(V4, TCP, port) for port in range(80, 96)]
    report = compare([ruleset], [ruleset], [Trial("it", one, stray(0x10)) for one in flows])
    assert len(report.differences) < len(flows)
    assert all("the same each time" in line for line in report.skipped)
    assert report.skipped


# ── what cannot be done ──


def test_a_ruleset_that_the_kernel_refuses() -> None:
    text = "*filter\n-A INPUT -j LED --led-trigger-id nowhere\nCOMMIT\n"
    ruleset = rulec.parse(text, "mine.rules", family="ipv4")
    with pytest.raises(RulecError, match=r"mine\.rules: the kernel refuses it, so nothing was verified: .*"):
        compare([ruleset], [ruleset], [])


def test_tools_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulec.host.lab_namespaces.PATH", "/nowhere")
    with pytest.raises(RulecError, match="ip is not installed"):
        compare([], [], [])


def test_a_back_end_that_is_not_installed() -> None:
    with pytest.raises(RulecError, match="iptables-nowhere-restore is not installed"):
        compare([nothing()], [nothing()], [], "nowhere")


def test_without_root_a_user_namespace_will_do() -> None:
    """In a process of its own, which gives its rights away."""
    child = os.fork()
    if not child:
        try:
            os._exit(_as_nobody())
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 2:
        pytest.skip("this kernel gives nobody a user namespace")
    assert code == 0


def _as_nobody() -> int:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: or else its own files in /proc are not its own
    try:
        spaces = lab_namespaces.make()
    except RulecError:
        return 2
    try:
        lab_namespaces.furnish(spaces, ("eth0", "eth1"))
        with lab_namespaces.inside(spaces.here):
            lab_namespaces.load(SERVER, V4, "legacy", "mine")
            lab_namespaces.load(SERVER, V4, "nft", "mine")
            forwards = Path("/proc/sys/net/ipv4/ip_forward").read_text(encoding="utf-8")
    except (RulecError, OSError):
        return 1
    return int(forwards.strip() != "1")


def test_expectations_forgive_nothing_else() -> None:
    one = flow(V4, TCP)
    closed = rulec.parse("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", family="ipv4")
    for expected, forgiven in ((Expected.LESS, True), (Expected.MORE, False)):
        report = compare([nothing()], [closed], [Trial("it", one, whole(one), expected=expected)])
        assert report.is_same == forgiven
