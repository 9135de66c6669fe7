"""What a good policy says, once it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.model import Family
from rulec.policy import ANY, AddressRange, read
from rulec.source import Span
from tests.unit.policy.cases import TOP, WEB, entry, policy

V4, V6 = Family.IPV4, Family.IPV6

EVERY_KEY = """\
version: 1
mode: stateless
losses: accept
dialect: notrack
fragments: leave
ephemeral: "10000-20000"
icmp-errors: wide
loopback: hot
hot:
  - name: front
    role: forward
    protocol: [udp, tcp]
    ports: [8443, https, "9000-9009"]
    servers: [203.0.113.7]
    clients: ["10.0.0.0/8"]
    client-ports: "1024-65535"
    interface: eth1
    families: [ipv4, ipv6]
    reserved: true
    loopback: tracked
    icmp-errors: leave
"""


def test_every_key_is_read() -> None:
    found = policy(EVERY_KEY)
    assert (found.version, found.mode, found.losses, found.dialect) == (1, "stateless", "accept", "notrack")
    assert (found.fragments, found.ephemeral) == ("leave", (10000, 20000))
    assert (found.icmp_errors, found.loopback, len(found.hot)) == ("wide", "hot", 1)
    front = found.hot[0]
    assert (front.name, front.role, front.protocols) == ("front", "forward", (6, 17))
    assert front.ports == ((443, 443), (8443, 8443), (9000, 9009))
    assert front.servers == (AddressRange(V4, 0xCB007107, 0xCB007107),)
    assert front.clients == (AddressRange(V4, 10 << 24, (11 << 24) - 1),)
    assert (front.client_ports, front.interface, front.reserved) == (((1024, 65535),), "eth1", True)
    assert (front.families, front.loopback, front.icmp_errors) == ((V4,), "tracked", "leave")


def test_what_is_left_out_has_its_default() -> None:
    found = policy(TOP + WEB)
    assert (found.losses, found.dialect, found.fragments) == ("refuse", "ct", "reassemble")
    assert (found.ephemeral, found.icmp_errors, found.loopback) == ((32768, 60999), "exact", "tracked")
    web = found.hot[0]
    assert (web.servers, web.clients, web.client_ports, web.interface) == (None, None, None, None)
    assert (web.families, web.reserved, web.loopback, web.icmp_errors) == ((V4, V6), False, "tracked", "exact")


def test_entries_inherit_from_the_top() -> None:
    web = policy("loopback: hot\nicmp-errors: leave\n" + TOP + WEB).hot[0]
    assert (web.loopback, web.icmp_errors) == ("hot", "leave")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("80", ((80, 80),)),
        ('"80"', ((80, 80),)),
        ("domain", ((53, 53),)),
        ("[443, 80]", ((80, 80), (443, 443))),
        ('["8000-8010", 8011, 8005, 9000]', ((8000, 8011), (9000, 9000))),
        ("[ftp-data, ftp]", ((20, 21),)),
        ("8000 - 8010", ((8000, 8010),)),
        ("65535", ((65535, 65535),)),
    ],
)
def test_ports(written: str, read_as: tuple[tuple[int, int], ...]) -> None:
    assert entry(f"name: a, role: server, protocol: tcp, ports: {written}").ports == read_as


@pytest.mark.parametrize("written", ["any", "[any]", "1-65535", "[1-100, 101-65535]"])
def test_any_port(written: str) -> None:
    assert entry(f"name: a, role: server, protocol: tcp, ports: {written}", "stateless").ports == ANY
    assert entry(f"name: a, role: server, protocol: tcp, ports: {written}, servers: 192.0.2.1").ports == ANY


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("192.0.2.10", [(V4, 0xC000020A, 0xC000020A)]),
        ("192.0.2.0/24", [(V4, 0xC0000200, 0xC00002FF)]),
        ("192.0.2.10-192.0.2.20", [(V4, 0xC000020A, 0xC0000214)]),
        ("[192.0.2.128/25, 192.0.2.0/25]", [(V4, 0xC0000200, 0xC00002FF)]),
        ("0.0.0.0/0", [(V4, 0, 2**32 - 1)]),
        ('"::1"', [(V6, 1, 1)]),
        (
            '["2001:db8::/32", 192.0.2.1]',
            [(V4, 0xC0000201, 0xC0000201), (V6, 0x20010DB8 << 96, (0x20010DB9 << 96) - 1)],
        ),
        ('"2001:db8::1-2001:db8::ff"', [(V6, (0x20010DB8 << 96) + 1, (0x20010DB8 << 96) + 255)]),
    ],
)
def test_addresses(written: str, read_as: list[tuple[Family, int, int]]) -> None:
    found = entry(f"name: a, role: forward, protocol: tcp, ports: 80, servers: {written}")
    assert found.servers == tuple(read_as)
    assert found.families == tuple(dict.fromkeys(family for family, *_ in read_as))


@pytest.mark.parametrize(
    ("keys", "families"),
    [
        ("families: ipv6", (V6,)),
        ("families: [ipv6, ipv4]", (V4, V6)),
        ("families: [ipv4, ipv6], clients: 192.0.2.1", (V4,)),
        ('servers: ["2001:db8::1"], clients: ["2001:db8::2"]', (V6,)),
    ],
)
def test_families_follow_the_addresses(keys: str, families: tuple[Family, ...]) -> None:
    assert entry(f"name: a, role: server, protocol: tcp, ports: 80, {keys}").families == families


def test_echo_has_no_ports() -> None:
    echo = entry("name: ping, role: client, protocol: icmp")
    assert (echo.protocols, echo.ports, echo.client_ports) == ((1,), (), None)


def test_scalars_stay_text() -> None:
    """YAML 1.1 would make these a number of minutes, a truth value, octal eight and nothing."""
    assert [entry(f"name: {name}, role: server, protocol: icmp").name for name in ("22:30", "no", "010", "~")] == [
        "22:30",
        "no",
        "010",
        "~",
    ]


def test_anchors_that_nobody_uses_are_fine() -> None:
    assert entry("name: &a web, role: server, protocol: tcp, ports: &b [80]").ports == ((80, 80),)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_spans_lead_to_the_text(newline: str, mark: str) -> None:
    found = policy(mark + EVERY_KEY.replace("\n", newline))
    front, text = found.hot[0], found.source.text

    def at(span: Span) -> str:
        return text[span.start : span.end]

    assert at(front.span("ports")) == '[8443, https, "9000-9009"]'
    assert at(front.span("client-ports")) == at(front.span("client_ports")) == '"1024-65535"'
    assert at(front.span("name")) == at(front.span()) == "front"
    assert (at(found.span("mode")), at(found.span("hot")), at(found.span("icmp_errors"))) == (
        "stateless",
        "hot",
        "wide",
    )
    assert found.source.position(front.span("ports").start)[0] == 13


def test_span_of_what_nobody_wrote() -> None:
    found = policy(TOP + WEB)
    assert found.hot[0].span("loopback") == found.hot[0].span("name")
    assert found.span("losses") == found.span("hot")


def test_span_of_a_block_is_its_key() -> None:
    found = policy(TOP + "  - name: a\n    role: server\n    protocol: tcp\n    ports:\n      - 80\n      - 443\n")
    span = found.hot[0].span("ports")
    assert found.source.text[span.start : span.end] == "ports"


def test_place_and_spans_are_not_compared() -> None:
    assert policy(TOP + WEB) == policy("# the same\n" + TOP + WEB.replace("80", '"80"'))
    assert policy(TOP + WEB) != policy(TOP + WEB.replace("80", "81"))
    assert hash(policy(TOP + WEB)) == hash(policy(TOP + WEB))


def test_a_policy_is_frozen() -> None:
    with pytest.raises(AttributeError):
        policy(TOP + WEB).mode = "stateless"  # type: ignore[misc]


READY = (
    "dns-server",
    "forwarded-backend",
    "memcached",
    "ntp",
    "resolver-client",
    "syslog",
    "web",
    "well-known-recipe",
)


def test_the_ready_policies_are_these(root: Path) -> None:
    assert tuple(sorted(path.stem for path in (root / "policies").glob("*.yaml"))) == READY


@pytest.mark.parametrize("name", READY)
def test_ready_policies_are_read(name: str, root: Path) -> None:
    path = root / "policies" / f"{name}.yaml"
    found, findings = read(path.read_text(encoding="utf-8"), path.name)
    assert (found is not None, findings) == (True, [])


def test_what_the_ready_policies_are_about(root: Path) -> None:
    def about(name: str) -> set[tuple[str, tuple[int, ...], tuple[tuple[int, int], ...]]]:
        text = (root / "policies" / f"{name}.yaml").read_text(encoding="utf-8")
        return {(entry.role, entry.protocols, entry.ports) for entry in policy(text).hot}

    assert about("web") == {("server", (6,), ((80, 80), (443, 443)))}
    assert about("dns-server") == {("server", (6, 17), ((53, 53),))}
    assert about("resolver-client") == {("client", (6, 17), ((53, 53),))}
    assert about("memcached") == {("server", (6, 17), ((11211, 11211),))}
    assert about("ntp") == {("server", (17,), ((123, 123),))}
    assert about("syslog") == {("server", (6, 17), ((514, 514),)), ("server", (6,), ((6514, 6514),))}
    assert about("forwarded-backend") == {("forward", (6,), ((80, 80), (443, 443)))}
    ports = {ports for _, _, ports in about("well-known-recipe")}
    assert ports == {((80, 80),), ((22, 22),), ((21, 21),), ((11211, 11211),), ((60000, 60100),)}
