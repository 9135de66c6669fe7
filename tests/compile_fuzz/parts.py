"""What the compiler puts in for a reason: one small ruleset for each part of its rules, without which it goes wrong.

A part that only makes sure of what another does already has no such ruleset:
``! -i lo`` in PREROUTING, since what went out over the loopback keeps its state
and NOTRACK leaves it alone (measured), and the state beside a u32 test or behind
the ports of answers that nothing but raw makes UNTRACKED.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import NamedTuple
from unittest.mock import patch

import rulec
from rulec.compiler.certificate import Certificate, Failure
from rulec.compiler.compile import compile_ruleset
from rulec.compiler.prove import prove
from rulec.errors import Refused
from rulec.model import Family
from rulec.policy import Policy, read
from rulec.syntax.ruleset import Ruleset

KNOWN = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
NEW = "-m conntrack --ctstate NEW"
FLAGS = "! --tcp-flags SYN,ACK SYN "
LOCAL = "-m addrtype --dst-type LOCAL "
BEHIND = "-m addrtype ! --dst-type LOCAL "


def ruleset(*rules: str, output: str = "ACCEPT", lo: bool = True, before: str = "") -> str:
    """A stateful filter with some rules of its own."""
    lines = [
        f":{chain} {policy} [0:0]" for chain, policy in (("INPUT", "DROP"), ("FORWARD", "DROP"), ("OUTPUT", output))
    ]
    for chain, link in (("INPUT", "-i"), ("OUTPUT", "-o"), ("FORWARD", "")):
        if chain != "OUTPUT" or output == "DROP":
            lines += [f"-A {chain} {link} lo -j ACCEPT"] if lo and link else []
            lines.append(f"-A {chain} {KNOWN}")
    return before + "\n".join(("*filter", *lines, *rules, "COMMIT", ""))


def table(name: str, *rules: str) -> str:
    """Another table."""
    chains = ("PREROUTING", "OUTPUT") if name != "nat" else ("PREROUTING", "OUTPUT", "POSTROUTING")
    return "\n".join((f"*{name}", *(f":{chain} ACCEPT [0:0]" for chain in chains), *rules, "COMMIT", ""))


def entry(keys: str, mode: str = "notrack") -> Policy:
    """A policy of one entry."""
    policy, problems = read(f"version: 1\nmode: {mode}\nhot:\n  - {{name: hot, {keys}}}\n", "policy.yaml")
    assert policy is not None, problems
    return policy


LEAVE = "icmp-errors: leave"
WEB = entry(f"role: server, protocol: tcp, ports: [80], {LEAVE}")
WITH_ERRORS = entry("role: server, protocol: tcp, ports: [80]")
RANGE = 'client-ports: "32768-60999"'
OPEN = f"-A INPUT -p tcp -m tcp --dport 80 {NEW} -j ACCEPT"
ONE = f"-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 80 {NEW} -j ACCEPT"
LIMIT = "-m hashlimit --hashlimit-upto 5/min --hashlimit-mode srcip --hashlimit-name web"


class Host(NamedTuple):
    """A ruleset, and what is to be hot."""

    text: str
    policy: Policy


HOSTS = {
    "server": Host(ruleset(ONE, "-A INPUT -p tcp -j REJECT --reject-with tcp-reset", output="DROP"), WITH_ERRORS),
    "router": Host(ruleset(OPEN, f"-A FORWARD -i eth1 -o eth0 {NEW} -j ACCEPT"), WEB),
    "narrow": Host(ruleset(OPEN), entry("role: server, protocol: tcp, ports: [80], clients: [198.51.100.0/24]")),
    "limited": Host(ruleset(f"-A INPUT -p tcp -m tcp --dport 80 {LIMIT} {NEW} -j ACCEPT"), WEB),
    "looped": Host(ruleset(OPEN, lo=False), entry(f"role: server, protocol: tcp, ports: [80], loopback: hot, {LEAVE}")),
    "client": Host(
        ruleset(f"-A OUTPUT -p tcp -m tcp --dport 443 {NEW} -j ACCEPT", output="DROP"),
        entry(f"role: client, protocol: tcp, ports: [443], {RANGE}"),
    ),
    "resolver": Host(
        ruleset(f"-A OUTPUT -d 198.51.100.7 -p udp -m udp --dport 53 {NEW} -j ACCEPT", output="DROP"),
        entry(f"role: client, protocol: udp, ports: [53], {RANGE}, {LEAVE}"),
    ),
    "forward": Host(
        ruleset(
            f"-A FORWARD -d 10.1.2.3 -p tcp -m tcp --dport 80 {NEW} -j ACCEPT",
            f"-A OUTPUT -p tcp -m tcp --dport 80 {NEW} -j ACCEPT",
            output="DROP",
        ),
        entry(f"role: forward, protocol: tcp, ports: [80], servers: [10.1.2.3], {LEAVE}"),
    ),
    "stateless": Host(
        ruleset("-A INPUT -p udp -m udp --dport 53 -j ACCEPT", "-A FORWARD -p udp -m udp --dport 53 -j ACCEPT",
                "-A FORWARD -p udp -m udp --sport 53 -j ACCEPT", output="DROP"),
        entry(f"role: forward, protocol: udp, ports: [53], servers: [10.1.2.3], {LEAVE}", "stateless"),
    ),
}  # fmt: skip


class Part(NamedTuple):
    """A word of a rule that the compiler adds, or the whole rule where there is none.

    ``line`` is what the line begins with, and ``has`` something in it; ``fails``
    is the part of the proof that fails without it.
    """

    host: str
    line: str
    has: str
    word: str
    fails: str


PARTS = (
    Part("server", "-A INPUT -s", "UNTRACKED", ",UNTRACKED", "kept"),
    Part("server", "-A OUTPUT -d", "UNTRACKED", "", "kept"),
    Part("server", "-A OUTPUT -d", "UNTRACKED", "-d 198.51.100.0/24 ", "opened"),
    Part("server", "-A OUTPUT -d", "UNTRACKED", FLAGS, "opened"),
    Part("server", "-A OUTPUT ! -o lo", "RST RST", "", "kept"),
    Part("server", "-A OUTPUT ! -o lo", "RST RST", "--sport 80 ", "frame"),
    Part("server", "-A INPUT", "--icmp-type 3 ", "", "kept"),
    Part("server", "-A INPUT", "--icmp-type 11 ", "", "kept"),
    Part("server", "-A INPUT", "--icmp-type 12 ", "", "kept"),
    Part("server", "-A INPUT", "--icmp-type 3 ", "&&0>>22&0x3C@8>>22&0x3C@8>>16=80", "frame"),
    Part("server", "-A PREROUTING", "notrack", "", "closed"),
    Part("server", "-A OUTPUT", "notrack", "", "closed"),
    Part("server", "-A OUTPUT", "notrack", "! -o lo ", "closed"),
    Part("router", "-A PREROUTING", "notrack", LOCAL, "closed"),
    Part("router", "-A PREROUTING", "notrack", "--dport 80 ", "closed"),
    Part("router", "-A OUTPUT", "notrack", "--sport 80 ", "closed"),
    Part("narrow", "-A INPUT", "--icmp-type 3 ", "&&0>>22&0x3C@24=0xc6336400:0xc63364ff", "frame"),
    Part("narrow", "-A PREROUTING", "notrack", "-s 198.51.100.0/24 ", "closed"),
    Part("narrow", "-A OUTPUT", "notrack", "-d 198.51.100.0/24 ", "closed"),
    Part("limited", "-A INPUT", FLAGS, "", "kept"),
    Part("limited", "-A INPUT", FLAGS, FLAGS, "opened"),
    Part("looped", "-A INPUT -i lo", "UNTRACKED", "", "kept"),
    Part("looped", "-A INPUT -i lo", "UNTRACKED", FLAGS, "opened"),
    Part("looped", "-A OUTPUT -o lo", "notrack", "", "closed"),
    Part("looped", "-A OUTPUT -o lo", "notrack", "-o lo ", "closed"),
    Part("client", "-A INPUT", "--sport 443", "", "kept"),
    Part("client", "-A INPUT", "--sport 443", FLAGS, "opened"),
    Part("client", "-A OUTPUT", "NEW,UNTRACKED", ",UNTRACKED", "kept"),
    Part("client", "-A OUTPUT", "notrack", "", "closed"),
    Part("client", "-A OUTPUT", "notrack", "! -o lo ", "closed"),
    Part("client", "-A OUTPUT", "notrack", "--sport 32768:60999 ", "closed"),
    Part("client", "-A PREROUTING", "notrack", "", "closed"),
    Part("client", "-A PREROUTING", "notrack", "--dport 32768:60999 ", "closed"),
    Part("resolver", "-A INPUT", "--sport 53", "-s 198.51.100.7/32 ", "opened"),
    Part("resolver", "-A PREROUTING", "notrack", LOCAL, "opened"),
    Part("forward", "-A FORWARD", FLAGS, "", "kept"),
    Part("forward", "-A FORWARD", FLAGS, FLAGS, "opened"),
    Part("forward", "-A PREROUTING -d", "notrack", "", "closed"),
    Part("forward", "-A PREROUTING -s", "notrack", "", "closed"),
    Part("forward", "-A PREROUTING -s", "notrack", BEHIND, "closed"),
    Part("forward", "-A PREROUTING -d", "notrack", "-d 10.1.2.3/32 ", "closed"),
    Part("stateless", "-A PREROUTING", "-m socket", "", "kept"),
)


class Guard(NamedTuple):
    """What a guard refuses, and the part of the proof that fails where it is left out."""

    name: str
    host: Host
    fails: str


def _nat(*rules: str) -> str:
    return ruleset(OPEN, "-A FORWARD -j ACCEPT", before=table("nat", *rules))


def _behind(*rules: str) -> str:
    return HOSTS["forward"].text + table("nat", *rules)


def _on(port: int, keys: str = "") -> Policy:
    return entry(f"role: server, protocol: tcp, ports: [{port}], {LEAVE}{keys}")


FTP = table("raw", "-A PREROUTING -p tcp -m tcp --dport 80 -j CT --helper ftp")
EXPECTED = "-A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT"
MARKS = table("mangle", "-A PREROUTING -p tcp -m tcp --dport 80 -j CONNMARK --restore-mark --nfmask 1 --ctmask 1")
MANY = "-A INPUT -p tcp -m tcp --dport 80 -m connlimit --connlimit-above 3 -j DROP"
BYTES = "-A INPUT -p tcp -m connbytes --connbytes 0: --connbytes-dir both --connbytes-mode bytes -j DROP"
REPLIED = "-A INPUT -m conntrack --ctreplsrc 192.0.2.1 -j DROP"
REDIRECT = "-A PREROUTING -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 80"
FEW = f"-A INPUT -p udp -m udp --dport 53 -m limit --limit 5/min {NEW} -j ACCEPT"
OUTSIDE = "-s 203.0.113.0/24"
SYNS = table("raw", f"-A PREROUTING {OUTSIDE} -p tcp -m tcp --dport 80 --syn -j CT --notrack")
PROXY = f"-A INPUT {OUTSIDE} -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY"
TRANSPARENT = table("mangle", "-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8080 --tproxy-mark 1")
WHOLESALE = "-A INPUT -m conntrack --ctstate RELATED,UNTRACKED -j ACCEPT"

GUARDED = (
    Guard("ephemeral port", Host(ruleset(ONE.replace("80", "40000")), _on(40000)), "kept"),
    Guard("helper port", Host(ruleset(EXPECTED, ONE.replace("80", "21")), _on(21)), "kept"),
    Guard("helper", Host(ruleset(OPEN, before=FTP), WEB), "kept"),
    Guard("connection match", Host(ruleset(MANY, OPEN), WEB), "effects"),
    Guard("connection match", Host(ruleset(BYTES, OPEN), WEB), "opened"),
    Guard("connection option", Host(ruleset(REPLIED, OPEN), WEB), "opened"),
    Guard("connection target", Host(ruleset(OPEN, before=MARKS), WEB), "kept"),
    Guard("SYNPROXY", Host(ruleset(PROXY, OPEN, before=SYNS), WEB), "kept"),
    Guard("TPROXY", Host(ruleset(OPEN, before=TRANSPARENT), WEB), "closed"),
    Guard("other interface", Host(ruleset(OPEN), _on(80, ", interface: eth0")), "closed"),
    Guard("rewritten", Host(_behind("-A POSTROUTING -o eth0 -j MASQUERADE"), HOSTS["forward"].policy), "closed"),
    Guard("rewritten into", Host(_nat(REDIRECT), WEB), "closed"),
    Guard("limit", Host(ruleset(FEW), entry(f"role: server, protocol: udp, ports: [53], {LEAVE}")), "kept"),
    Guard("wholesale", Host(ruleset(ONE, WHOLESALE), WEB), "opened"),
)

OF_CAUTION = {
    "one table each": "nothing can be asked of such a file",
    "filter table": "with nothing that has packets tracked the text stays as it was: most likely it is half a ruleset",
    "ipvs": "nobody has tried it: no kernel at hand has it",
    "state in raw": "a rule for INVALID is widened and right (measured); one for UNTRACKED is refused as wholesale",
    "exemption in raw": "both rulesets are right: the policy says hot, the rule says not, nobody knows what is meant",
}
"""The guards that nothing is wrong without."""


class Broken(NamedTuple):
    """Rulesets before and after, without something that is needed, and what the proof says of them."""

    old: Ruleset
    new: Ruleset
    policy: Policy
    failures: tuple[Failure, ...]


@cache
def _compiled(host: str) -> str:
    text, policy = HOSTS[host]
    return compile_ruleset(read_ruleset(text), policy).text


def without_part(part: Part) -> Broken:
    """A ruleset compiled, and a part of it left out."""
    old, policy, lines = read_ruleset(HOSTS[part.host].text), HOSTS[part.host].policy, _compiled(part.host).splitlines()
    found = [line for line in lines if line.startswith(part.line) and part.has in line and part.word in line]
    assert found, f"nothing to leave out in\n{_compiled(part.host)}"
    assert found[0] not in old.source.text
    changed = [
        line.replace(part.word, "") if line == found[0] else line for line in lines if part.word or line != found[0]
    ]
    new = read_ruleset("\n".join((*changed, "")))
    return Broken(old, new, policy, prove(old, new, policy).failures)


def without_guard(guard: Guard) -> Broken | None:
    """What the compiler makes without a guard; None where it refuses for another reason before it has anything."""
    old, policy = read_ruleset(guard.host.text), guard.host.policy
    made: list[Broken] = []

    def noted(before: Ruleset, new: Ruleset, wanted: Policy, memory: int) -> Certificate:
        certificate = prove(before, new, wanted, memory)
        made.append(Broken(before, new, wanted, certificate.failures))
        return certificate

    with patch("rulec.compiler.compile.prove", noted), suppress(Refused):
        compile_ruleset(old, policy, unguarded=frozenset((guard.name,)))
    return made[-1] if made else None


def read_ruleset(text: str) -> Ruleset:
    """A valid ruleset of IPv4."""
    found = rulec.parse(text, "rules", Family.IPV4.value)
    assert found.valid, found.findings
    return found
