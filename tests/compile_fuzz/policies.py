"""Random policies: every role, and every key that a policy may have."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.model import Family
from rulec.policy import Policy, read
from tests.compile_fuzz.words import WORDS, Draw

ROLES = ("server", "client", "forward")


def random_policy(draw: Draw, family: Family) -> Policy:
    """A policy without errors."""
    while True:
        policy, problems = read(_text(draw, family), "policy.yaml")
        if policy is not None and not problems:
            return policy


def _text(draw: Draw, family: Family) -> str:
    mode = draw.early("notrack", "notrack", "stateless")
    entries = [_entry(draw, family, number) for number in range(draw.random.choice((1, 1, 2)))]
    return "\n".join(("version: 1", f"mode: {mode}", *_head(draw, mode), "hot:", *entries, ""))


def _head(draw: Draw, mode: str) -> Iterator[str]:
    if draw.often(2):
        yield f"dialect: {draw.of('ct', 'notrack')}"
    if draw.often(1):
        yield f"fragments: {draw.of('reassemble', 'leave')}"
    if draw.often(1):
        yield 'ephemeral: "49152-65535"'
    if mode == "stateless" and draw.often(6):
        yield "losses: accept"


def _entry(draw: Draw, family: Family, number: int) -> str:
    role, protocol = draw.early("server", "client", "forward"), draw.early("tcp", "udp", "[tcp, udp]", "icmp")
    keys = [f"name: hot{number}", f"role: {role}", f"protocol: {protocol}", *_keys(draw, family, role, protocol)]
    return f"  - {{{', '.join(keys)}}}"


def _keys(draw: Draw, family: Family, role: str, protocol: str) -> Iterator[str]:
    words = WORDS[family]
    if protocol != "icmp":
        yield f"ports: {_ports(draw, protocol)}"
        if role == "client":
            yield f'client-ports: "{draw.early("32768-60999", "1024-65535")}"'
    if role == "forward" or draw.often(0.7):
        yield f"servers: [{words.own if role == 'server' else words.behind if role == 'forward' else words.others}]"
    if draw.often(1):
        yield f"clients: [{words.own if role == 'client' else draw.of(words.others, words.other)}]"
    if draw.often(0.6) and role != "client":
        yield "interface: eth0"
    if draw.often(0.5):
        yield "reserved: true"
    if draw.often(1) and role != "forward":
        yield "loopback: hot"
    if draw.often(4):
        yield f"icmp-errors: {draw.early('leave', 'exact', 'wide')}"
    yield f"families: [{'ipv4' if family is Family.IPV4 else 'ipv6'}]"


def _ports(draw: Draw, protocol: str) -> str:
    port = draw.port("udp" if protocol == "udp" else "tcp")
    other = draw.port("udp" if protocol == "udp" else "tcp")
    return draw.early(f"[{port}]", f"[{port}]", f"[{port}, {other}]", f'["{port}-{port + 9}"]', "any")
