"""What is proved has no history that goes wrong: a second reading of rules tries short ones, packet by packet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given, note, settings
from hypothesis import strategies as st

import rulec
from rulec.compiler.compile import compile_ruleset
from rulec.compiler.proof.flows import NOT_FROM_HOT, SERVERS_ONLY_ANSWER
from rulec.compiler.prove import prove
from rulec.errors import Refused
from rulec.policy import Policy, read
from rulec.syntax.ruleset import Ruleset
from tests.unit.compiler.histories import Hot, violations
from tests.unit.compiler.histories_cases import CT, NOTRACK, policy_text
from tests.unit.compiler.histories_packet import BACKEND, OTHER, PEER
from tests.unit.compiler.histories_rules import rules

PORTS = (22, 80, 40000)
ENDS = (f"-s {PEER} ", f"-s {OTHER} ", f"! -s {PEER} ", f"-d {PEER} ", f"-s {BACKEND} ", f"-d {BACKEND} ")
DEVICES = {"INPUT": ("-i lo ", "! -i lo "), "OUTPUT": ("-o lo ", "! -o lo "), "FORWARD": ("",)}
"""Others are not asked for: a flow may change its interface for the proof, and never does in histories."""

PROTOCOLS = ("", "-p icmp ", "-p icmp --icmp-type 3 ", *["-p PROTO "] * 4)
PROTOCOL_PORTS = ("", "--dport 80 ", "--sport 80 ", "--dport 22 ", "--sport 22 ", "--dport 1024:65535 ")
FLAGS = ("", "", "", "--syn ", "! --syn ", "! --tcp-flags SYN,ACK SYN ", "--tcp-flags SYN,ACK SYN ")
STATES = (
    "NEW", "ESTABLISHED", "ESTABLISHED,RELATED", "RELATED", "INVALID", "NEW,ESTABLISHED", "UNTRACKED",
    "NEW,UNTRACKED", "INVALID,UNTRACKED",
)  # fmt: skip
ENDINGS = ("ACCEPT", "ACCEPT", "DROP", "RETURN")
OF_INPUT = (*ENDINGS, "USER", "REJECT", "REJECT --reject-with tcp-reset")
USUAL = {
    "INPUT": ("-i lo -j ACCEPT", f"{CT} ESTABLISHED,RELATED -j ACCEPT", f"-p PROTO --dport 80 {CT} NEW -j ACCEPT"),
    "OUTPUT": ("-o lo -j ACCEPT", f"{CT} ESTABLISHED,RELATED -j ACCEPT", f"-p PROTO --dport 80 {CT} NEW -j ACCEPT"),
    "FORWARD": (f"{CT} ESTABLISHED,RELATED -j ACCEPT", f"-d {BACKEND} -p PROTO --dport 80 {CT} NEW -j ACCEPT"),
}
"""The rules that most chains have."""


class Role(NamedTuple):
    """What is hot, the chains that it concerns, and what the compiler makes for it; ``NO_SYN`` is left out of UDP."""

    hot: Hot
    chains: tuple[str, ...]
    raw: tuple[str, ...]
    answers: tuple[str, ...]


ROLES = (
    Role(
        Hot("server", "tcp", 80),
        ("INPUT", "OUTPUT"),
        (
            "-A PREROUTING ! -i lo -p PROTO --dport 80 -m addrtype --dst-type LOCAL ",
            "-A OUTPUT ! -o lo -p PROTO --sport 80 ",
        ),
        (f"-A OUTPUT ! -o lo -p PROTO --sport 80 NO_SYN {CT} UNTRACKED,INVALID -j ACCEPT",),
    ),
    Role(
        Hot("client", "tcp", 80, clients=(1024, 65535)),
        ("OUTPUT", "INPUT"),
        (
            "-A PREROUTING ! -i lo -p PROTO --sport 80 --dport 1024:65535 -m addrtype --dst-type LOCAL ",
            "-A OUTPUT ! -o lo -p PROTO --sport 1024:65535 --dport 80 ",
        ),
        (f"-A INPUT -p PROTO --sport 80 --dport 1024:65535 NO_SYN {CT} UNTRACKED -j ACCEPT",),
    ),
    Role(
        Hot("forward", "tcp", 80, server=BACKEND),
        ("FORWARD",),
        (f"-A PREROUTING -d {BACKEND} -p PROTO --dport 80 ",
         f"-A PREROUTING -s {BACKEND} -p PROTO --sport 80 -m addrtype ! --dst-type LOCAL "),
        (f"-A FORWARD -s {BACKEND} -p PROTO --sport 80 NO_SYN {CT} UNTRACKED -j ACCEPT",),
    ),
)  # fmt: skip
LEFT_OUT = ("! -i lo ", "! -o lo ", "-m addrtype --dst-type LOCAL ", "-m addrtype ! --dst-type LOCAL ", "NO_SYN ")
"""Words that are forgotten."""


class Pair(NamedTuple):
    """What is hot, and a ruleset before and after."""

    hot: Hot
    old: str
    new: str


def now_and_then(draw: st.DrawFn, of_ten: int) -> bool:
    """Yes so many times of ten; examples shrink to no."""
    return draw(st.integers(0, 9)) >= 10 - of_ten


@st.composite
def other_rules(draw: st.DrawFn, chain: str, protocol: str) -> str:
    """A rule of any kind."""
    hook = "INPUT" if chain == "USER" else chain
    words = [draw(st.sampled_from(group)) for group in (DEVICES[hook], ENDS) if now_and_then(draw, 2)]
    words.append(draw(st.sampled_from(PROTOCOLS)))
    if "PROTO" in words[-1]:
        words += [draw(st.sampled_from(PROTOCOL_PORTS)), draw(st.sampled_from(FLAGS)) if protocol == "tcp" else ""]
    if now_and_then(draw, 7):
        words.append(f"-m conntrack {'! ' if now_and_then(draw, 2) else ''}--ctstate {draw(st.sampled_from(STATES))} ")
    ending = draw(st.sampled_from(OF_INPUT if chain == "INPUT" else ENDINGS))
    if protocol != "tcp" or "-p PROTO " not in words:
        ending = ending.removesuffix(" --reject-with tcp-reset")
    return f"-A {chain} {''.join(words)}-j {ending}"


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """A ruleset, and what a compiler might make of it that does some things right."""
    protocol = draw(st.sampled_from(("tcp", "udp")))
    role = draw(st.sampled_from(ROLES))
    role = role._replace(hot=role.hot._replace(protocol=protocol))
    policies = [f":{chain} {draw(st.sampled_from(('DROP', 'ACCEPT')))} [0:0]" for chain in USUAL]
    old, new = [":USER - [0:0]", *policies], [":USER - [0:0]", *policies]
    for chain in (*USUAL, "USER"):
        found = [f"-A {chain} {rule}" for rule in USUAL.get(chain, ()) if not now_and_then(draw, 2)]
        for _ in range(draw(st.integers(0, 2)) if chain in (*role.chains, "USER") else 0):
            found.insert(draw(st.integers(0, len(found))), draw(other_rules(chain, role.hot.protocol)))
        old += found
        new += draw(rewritten(role, chain, found))
    raw = [draw(forgetting(rule)) + NOTRACK for rule in role.raw if not now_and_then(draw, 1)]
    tables = ["*filter", *old, "COMMIT", ""], ["*filter", *new, "COMMIT", "*raw", *raw, "COMMIT", ""]
    texts = ("\n".join(lines).replace("PROTO", protocol) for lines in tables)
    flags = "! --tcp-flags SYN,ACK SYN -m" if protocol == "tcp" else "-m"
    return Pair(role.hot, *(text.replace("NO_SYN -m", flags) for text in texts))


@st.composite
def rewritten(draw: st.DrawFn, role: Role, chain: str, found: list[str]) -> list[str]:
    """The rules of a chain after the compiler was there, or somebody who forgets things."""
    result = [draw(widened(rule)) for rule in found if not now_and_then(draw, 1)]
    for rule in role.answers:
        if rule.split()[1] == chain and not now_and_then(draw, 2):
            place = draw(st.integers(0, len(result))) if now_and_then(draw, 3) else 0
            result.insert(place, draw(forgetting(rule)))
    if chain in role.chains and now_and_then(draw, 1):
        result.insert(draw(st.integers(0, len(result))), draw(other_rules(chain, role.hot.protocol)))
    return result


@st.composite
def widened(draw: st.DrawFn, rule: str) -> str:
    """UNTRACKED beside NEW, most often; now and then beside another state."""
    if "--ctstate NEW" in rule and "UNTRACKED" not in rule and "ACCEPT" in rule:
        return rule if now_and_then(draw, 1) else rule.replace("--ctstate NEW", "--ctstate NEW,UNTRACKED")
    if now_and_then(draw, 1):
        return rule.replace("--ctstate ESTABLISHED", "--ctstate ESTABLISHED,UNTRACKED")
    return rule


@st.composite
def forgetting(draw: st.DrawFn, rule: str) -> str:
    """A rule, now and then with a word less."""
    for word in LEFT_OUT:
        if word in rule and now_and_then(draw, 1):
            rule = rule.replace(word, "")
    return rule


@given(pairs())
def test_what_is_proved_has_no_bad_history(pair: Pair) -> None:
    old, new = (parsed(text) for text in (pair.old, pair.new))
    found = prove(old, new, policy(pair.hot))
    if found.is_proved:
        note(f"{pair.hot}\n{pair.old}\n{pair.new}\n{found.assumptions}")
        assert bad(pair.hot, pair.old, pair.new, found.assumptions) == []


@settings(max_examples=max(1, settings().max_examples // 3))
@given(pairs(), st.booleans())
def test_what_is_compiled_has_no_bad_history(pair: Pair, errors: bool) -> None:
    hot = pair.hot._replace(errors=errors)
    try:
        found = compile_ruleset(parsed(pair.old), policy(hot))
    except Refused:
        return
    assumptions = found.certificate.assumptions if found.certificate else ()
    note(f"{hot}\n{pair.old}\n{found.text}\n{assumptions}")
    assert bad(hot, pair.old, found.text, assumptions) == []


def bad(hot: Hot, old: str, new: str, assumptions: Iterable[str]) -> list[str]:
    """The histories that go wrong, and not by what is assumed."""
    assumed = {NOT_FROM_HOT, SERVERS_ONLY_ANSWER} & {*assumptions}
    found = violations(rules(old), rules(new), hot, PORTS, (hot.protocol,))
    return [str(each) for each in found if each.part != "reversed" or not assumed]


def policy(hot: Hot) -> Policy:
    """The policy of what is hot."""
    found, problems = read(policy_text(hot), "policy.yaml")
    assert found is not None, problems
    return found


def parsed(text: str) -> Ruleset:
    """A valid ruleset."""
    found = rulec.parse(text, family="ipv4")
    assert found.valid, found.findings
    return found
