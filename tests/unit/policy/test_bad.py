"""Bad policies: what is said, and at which line and column."""

from __future__ import annotations

import pytest

from rulec.diagnostics import Severity
from rulec.policy import SLUG, read
from rulec.policy.document import DEEPEST, LONGEST
from tests.unit.policy.cases import TOP, WEB, said

BASE = "name: a, role: server, protocol: tcp, ports: 80"
KNOWN = "is neither a port nor the name of a known service"
NO_NAME = "name: a name is one line of printable characters, without blanks at its ends"
NO_INTERFACE = "is not the name of an interface, such as eth0 or eth+ (at most 15 characters)"
HOST_NAME = "is a host name, which may mean another address tomorrow: write the address"
NO_ADDRESS = "is not an address; write one such as 192.0.2.10, 192.0.2.0/24, 2001:db8::1 or 192.0.2.10-192.0.2.20"

# ── one key of an entry ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "written", "message"),
    [
        ("ports", "http,https", f"ports: 'http,https' {KNOWN}; did you mean https?"),
        ("ports", "htps", f"ports: 'htps' {KNOWN}; did you mean https?"),
        ("ports", "HTTP", f"ports: 'HTTP' {KNOWN}; did you mean http?"),
        ("ports", "qqqq", f"ports: 'qqqq' {KNOWN}"),
        ("ports", "080", f"ports: '080' {KNOWN}"),
        ("ports", "0x50", f"ports: '0x50' {KNOWN}"),
        ("ports", "-80", f"ports: '-80' {KNOWN}"),
        ("ports", "0", "ports: there is no port 0: ports go from 1 to 65535"),
        ("ports", "65536", "ports: there is no port 65536: ports go from 1 to 65535"),
        ("ports", "90-80", "ports: the range 90-80 runs backwards: write 80-90"),
        ("ports", '"80:90"', "ports: a range of ports has a dash here: write 80-90"),
        ("ports", "[]", "ports: the list is empty: name something"),
        ("ports", "", "ports has no value: fill it in"),
        ("ports", "{from: 80}", "ports: a port or a range of ports is wanted, and this is a mapping"),
        ("ports", "[any, 80]", "ports: any stands alone: write ports: any, or delete any from the list"),
        ("protocol", "tpc", "protocol: 'tpc' must be tcp, udp or icmp; did you mean tcp?"),
        ("protocol", "icmpv6", "protocol: 'icmpv6' must be tcp, udp or icmp; did you mean icmp?"),
        ("protocol", "6", "protocol: '6' must be tcp, udp or icmp"),
        ("protocol", "[tcp, tcp]", "protocol: tcp stands twice: delete one"),
        ("protocol", "[tcp, icmp]", "protocol: icmp has no ports and stands alone: give it an entry of its own"),
        ("role", "sever", "role: 'sever' must be server, client or forward; did you mean server?"),
        ("role", "[server]", "role: this must be server, client or forward"),
        ("reserved", "yes", "reserved: 'yes' must be true or false"),
        ("reserved", "True", "reserved: 'True' must be true or false; did you mean true?"),
        ("families", "ip4", "families: 'ip4' must be ipv4 or ipv6; did you mean ipv4?"),
        ("families", "[ipv4, ipv4]", "families: ipv4 stands twice: delete one"),
        ("loopback", "warm", "loopback: 'warm' must be tracked or hot"),
        ("icmp-errors", "exactly", "icmp-errors: 'exactly' must be exact, wide or leave; did you mean exact?"),
        (
            "client-ports",
            "any",
            "client-ports: any is for ports only, and stands alone: leave client-ports out, or write the range",
        ),
        ("interface", "lo", "interface: lo is not for interface: the key loopback says what becomes of looped packets"),
        ("interface", '"!eth0"', f"interface: '!eth0' {NO_INTERFACE}"),
        ("interface", "e" * 16, f"interface: '{'e' * 16}' {NO_INTERFACE}"),
        ("interface", "[eth0]", "interface: the name of one interface is wanted, and this is a list"),
        ("name", '"a\\nb"', NO_NAME),
        ("name", '" a"', NO_NAME),
        ("name", "a" * 65, "name: a name has at most 64 characters, and this one has 65"),
        ("name", "[a]", "name: a name is wanted, and this is a list"),
    ],
)
def test_value(key: str, written: str, message: str) -> None:
    others = {"name": "a", "role": "server", "protocol": "tcp", "ports": "80"} | {key: "0"}
    first = "".join(f"    {other}: {value}\n" for other, value in others.items() if other != key)
    column = len(f"    {key}: ") + 1 if written else len("    ") + 1
    text = f"{TOP}  -\n{first}    {key}: {written}\n"
    assert said(text) == [f"{4 + len(others)}:{column} {message}"]


def test_the_item_of_a_list_is_named() -> None:
    text = f"{TOP}  - name: a\n    role: server\n    protocol: [tcp, upd]\n"
    text += '    ports:\n      - 80\n      - htps\n      - ""\n'
    assert said(text) == [
        "6:21 protocol: 'upd' must be tcp, udp or icmp; did you mean udp?",
        f"9:9 ports: 'htps' {KNOWN}; did you mean https?",
        "10:9 ports has an empty item: fill it in",
    ]


@pytest.mark.parametrize("key", ["servers", "clients"])
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("www.example.org", f"'www.example.org' {HOST_NAME}"),
        ("web-1", f"'web-1' {HOST_NAME}"),
        ("10.1", f"'10.1' {NO_ADDRESS}"),
        ("192.0.2.256", f"'192.0.2.256' {NO_ADDRESS}"),
        ('"2001:db8:::1"', f"'2001:db8:::1' {NO_ADDRESS}"),
        ("fe80::1%eth0", f"'fe80::1%eth0' {NO_ADDRESS}"),
        ("192.0.2.0/33", "'33' is not the length of a prefix: write a number from 0 to 32"),
        ("192.0.2.0/255.255.255.0", "'255.255.255.0' is not the length of a prefix: write a number from 0 to 32"),
        ("2001:db8::/129", "'129' is not the length of a prefix: write a number from 0 to 128"),
        ("192.0.2.10/24", "192.0.2.10/24 has bits set behind the prefix: write 192.0.2.0/24, or 192.0.2.10 alone"),
        ("192.0.2.9-192.0.2.1", "the range 192.0.2.9-192.0.2.1 runs backwards: write 192.0.2.1-192.0.2.9"),
        ("192.0.2.9-2001:db8::1", "'192.0.2.9-2001:db8::1' begins in one family and ends in the other"),
        ("192.0.2.9-20", f"'20' {NO_ADDRESS}"),
    ],
)
def test_address(key: str, written: str, message: str) -> None:
    other = "  - name: b\n    role: server\n    protocol: udp\n    ports: 1\n"
    text = f"{TOP}  - {{{BASE}}}\n{other}    {key}:\n      - {written}\n"
    assert said(text) == [f"10:9 {key}: {message}"]


# ── what keys ask of each other ──────────────────────────────────────────────────────────────────

HAVE = {
    "name": "a name of its own, such as `name: web`",
    "role": "`role: server`, `role: client` or `role: forward`",
    "protocol": "`protocol: tcp`, `udp`, `[tcp, udp]` or `icmp`",
}
LACKS_PORTS = (
    "'a' lacks ports, which it must have for tcp and udp: add the server's ports, such as `ports: [80, https]`"
)
LACKS_SERVERS = (
    "'a' lacks servers, which it must have in role forward:"
    " add the addresses that the host routes to, such as `servers: [192.0.2.10]`"
)
LACKS_CLIENT_PORTS = (
    "'a' lacks client-ports, which it must have in role client:"
    ' add the local ports that it asks from, such as `client-ports: "32768-60999"`'
)
WHOLE_HOST = "ports: any would untrack everything in mode notrack: name servers or clients that narrow it"


@pytest.mark.parametrize(
    ("keys", "messages"),
    [
        ("role: server, protocol: tcp, ports: 80", [f"5 the entry lacks name, which it must have: add {HAVE['name']}"]),
        ("name: a, protocol: tcp, ports: 80", [f"5 'a' lacks role, which it must have: add {HAVE['role']}"]),
        ("name: a, role: server", [f"5 'a' lacks protocol, which it must have: add {HAVE['protocol']}"]),
        ("name: a, role: server, protocol: tcp", [f"5 {LACKS_PORTS}"]),
        ("name: a, role: server, protocol: [tcp, udp]", [f"5 {LACKS_PORTS}"]),
        ("name: a, role: forward, protocol: tcp, ports: 80", [f"5 {LACKS_SERVERS}"]),
        ("name: a, role: forward, protocol: icmp", [f"5 {LACKS_SERVERS}"]),
        ("name: a, role: client, protocol: udp, ports: 53", [f"5 {LACKS_CLIENT_PORTS}"]),
        ("name: a, role: client, protocol: udp", [f"5 {LACKS_PORTS}", f"5 {LACKS_CLIENT_PORTS}"]),
        ("name: a, role: client, protocol: icmp", []),
        (
            "name: a, role: client, protocol: icmp, ports: 1, client-ports: 2",
            [
                "45 icmp has no ports: delete ports, or change the protocol",
                "55 icmp has no ports: delete client-ports, or change the protocol",
            ],
        ),
        (
            "name: a, role: client, protocol: icmp, interface: eth0",
            ["45 interface says where requests arrive, and those of a client leave this host: delete it"],
        ),
        ("name: a, role: server, protocol: tcp, ports: any", [f"51 {WHOLE_HOST}"]),
        ("name: a, role: server, protocol: tcp, ports: 1-65535", [f"51 {WHOLE_HOST}"]),
        ("name: a, role: server, protocol: tcp, ports: any, clients: 0.0.0.0/0", [f"51 {WHOLE_HOST}"]),
        ("name: a, role: server, protocol: tcp, ports: any, clients: [0.0.0.0/0, 2001:db8::1]", [f"51 {WHOLE_HOST}"]),
        ("name: a, role: server, protocol: tcp, ports: any, clients: [0.0.0.0/1, 128.0.0.0/1]", [f"51 {WHOLE_HOST}"]),
        ("name: a, role: server, protocol: tcp, ports: any, clients: 0.0.0.0/0, servers: 192.0.2.1", []),
        ("name: a, role: server, protocol: tcp, ports: 2-65535", []),
        (
            'name: a, role: server, protocol: tcp, ports: 80, servers: "2001:db8::1", families: [ipv4]',
            ["89 families leaves IPv6 out, and servers has such addresses: add ipv6, or delete them"],
        ),
        (
            'name: a, role: server, protocol: tcp, ports: 80, servers: "2001:db8::1", clients: 192.0.2.1',
            [
                "88 servers has IPv6 addresses and clients has none, so they meet nobody:"
                " add some to clients, or delete them from servers",
                "64 clients has IPv4 addresses and servers has none, so they meet nobody:"
                " add some to servers, or delete them from clients",
            ],
        ),
    ],
)
def test_keys_together(keys: str, messages: list[str]) -> None:
    assert sorted(said(f"{TOP}  - {{{keys}}}\n")) == sorted(f"4:{message}" for message in messages)


@pytest.mark.parametrize("mode", ["stateless", "notrck"])
def test_any_stands_alone_but_in_notrack(mode: str) -> None:
    text = TOP.replace("notrack", mode) + "  - {name: a, role: server, protocol: tcp, ports: any}\n"
    assert not any("untrack everything" in message for message in said(text))


def test_a_wrong_address_is_no_missing_one() -> None:
    found = said(TOP + "  - {name: a, role: server, protocol: tcp, ports: any, clients: example.org}\n")
    assert [message.split(" is ")[0] for message in found] == ["4:65 clients: 'example.org'"]


def test_a_name_stands_once() -> None:
    text = TOP + WEB + "  - name: web\n    role: server\n    protocol: tcp\n    ports: 81\n"
    assert said(text) == ["5:11 the name 'web' stands twice: give each entry its own"]
    first = read(text, "p")[1][0].labels[1]
    assert (first.line, first.column, first.text) == (4, 12, "the first")


# ── the whole file ───────────────────────────────────────────────────────────────────────────────

LACKS = {
    "version": "the policy lacks version: add `version: 1`",
    "mode": "the policy lacks mode: add `mode: notrack` or `mode: stateless`",
    "hot": "the policy lacks hot: add `hot:` and below it a list of entries",
}


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("", ["1:1 the policy is empty: it must have version, mode and hot"]),
        ("# nothing\n", ["1:1 the policy is empty: it must have version, mode and hot"]),
        ("''", ["1:1 a policy must be a mapping with version, mode and hot"]),
        ("web", ["1:1 a policy must be a mapping with version, mode and hot"]),
        ("- web\n", ["1:1 a policy must be a mapping with version, mode and hot"]),
        ("{}", [f"1:1 {message}" for message in LACKS.values()]),
        ("mode: notrack\nhot:\n" + WEB, [f"1:1 {LACKS['version']}"]),
        ("version: 1\nhot:\n" + WEB, [f"1:1 {LACKS['mode']}"]),
        ("version: 1\nmode: notrack\n", [f"1:1 {LACKS['hot']}"]),
        ("version: 2\nmode: notrack\nhot:\n" + WEB, ["1:10 version: '2' must be 1"]),
        (
            TOP.replace("notrack", "no-track") + WEB,
            ["2:7 mode: 'no-track' must be notrack or stateless; did you mean notrack?"],
        ),
        (TOP + WEB + "modes: x\n", ["5:1 unknown key 'modes'; did you mean mode?"]),
        (TOP + WEB + "ports: 80\n", ["5:1 ports stands in the wrong place: it belongs to an entry of hot"]),
        (
            TOP + "  - {name: a, role: server, protocol: icmp, dialect: ct}\n",
            ["4:45 dialect stands in the wrong place: it belongs at the top"],
        ),
        (
            TOP + "  - {name: a, role: server, protocol: icmp, client_ports: 1}\n",
            ["4:45 unknown key 'client_ports'; did you mean client-ports?"],
        ),
        (TOP + "  - {name: a, role: server, protocol: icmp, qqqq: 1}\n", ["4:45 unknown key 'qqqq'"]),
        (TOP + "  - web\n", ["4:5 an entry of hot must be a mapping with name, role and protocol"]),
        (TOP + "  -\n" + WEB, ["4:4 hot has an empty item: fill it in"]),
        ("version: 1\nmode: notrack\nhot: []\n", ["3:6 hot: the list is empty: name something"]),
        ("version: 1\nmode: notrack\nhot:\n", ["3:1 hot has no value: fill it in"]),
        (
            "version: 1\nmode: notrack\nhot:\n  web: server\n",
            ["3:1 hot must be a list of entries, each beginning with `- name:`"],
        ),
        (
            'ephemeral: "60999-32768"\n' + TOP + WEB,
            ["1:12 ephemeral: the range 60999-32768 runs backwards: write 32768-60999"],
        ),
        ('ephemeral: "32768 60999"\n' + TOP + WEB, [f"1:12 ephemeral: '32768 60999' {KNOWN}"]),
    ],
)
def test_file(text: str, messages: list[str]) -> None:
    assert said(text) == messages


# ── YAML ─────────────────────────────────────────────────────────────────────────────────────────

NOT_YAML = "this is not YAML as a policy needs it:"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "version: 1\nmode: [notrack\n",
            [f"3:1 {NOT_YAML} while parsing a flow sequence, expected ',' or ']', but got '<stream end>'"],
        ),
        (
            "version: 1\n\tmode: notrack\n",
            [
                f"2:1 {NOT_YAML} while scanning for the next token, found character '\\t' that cannot start any token;"
                " indent with blanks"
            ],
        ),
        (
            "version: 1\nmode: a: b\n",
            [f"2:8 {NOT_YAML} mapping values are not allowed here; put a word with : in it into quotes"],
        ),
        (
            "a: [::1]\n",
            [
                f"1:5 {NOT_YAML} while parsing a flow node, expected the node content, but found ':';"
                " put a word with : in it into quotes"
            ],
        ),
        (
            "a: %b\n",
            [
                f"1:4 {NOT_YAML} while scanning for the next token, found character '%' that cannot start any token;"
                " put a word with % in it into quotes"
            ],
        ),
        ("a: 1\n---\nb: 1\n", [f"2:1 {NOT_YAML} expected a single document in the stream, but found another document"]),
        ("a: \x07\n", ["1:4 the character U+0007 may not stand in YAML: delete it"]),
        ("a: b\nb: \udcff\n", ["2:4 the byte 0xff is not UTF-8: save the file as UTF-8"]),
        ('a: "\\UFFFFFFFF"\n', [f"1:7 {NOT_YAML} a number in it is out of all bounds"]),
        ("%YAML " + "9" * 5000 + ".1\n--- a\n", [f"1:7 {NOT_YAML} a number in it is out of all bounds"]),
        ("[" * 10_000, [f"1:{DEEPEST + 1} {NOT_YAML} nested more than {DEEPEST} levels deep"]),
        ("- " * 10_000, [f"1:{2 * DEEPEST + 1} {NOT_YAML} nested more than {DEEPEST} levels deep"]),
        ("a" * (LONGEST + 1), [f"1:1 the file has {LONGEST + 1} characters; a policy may have {LONGEST}"]),
    ],
)
def test_not_yaml(text: str, messages: list[str]) -> None:
    assert said(text) == messages


ALIAS = "aliases are not read in a policy: write out what *{} stands for"
TAG = "tags are not read in a policy: delete the word that begins with !"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (TOP + WEB + "mode: stateless\n", ["5:1 'mode' stands twice: keep one of the two"]),
        (
            TOP + "  - {name: a, role: server, protocol: icmp, role: client}\n",
            ["4:45 'role' stands twice: keep one of the two"],
        ),
        (TOP + WEB + "? [a]\n: b\n", ["5:3 a key must be one word, and this is a list or a mapping"]),
        (TOP + "  - {name: a, role: server, protocol: tcp, ports: !!int 80}\n", [f"4:51 {TAG}"]),
        (TOP + "  - !entry {name: a, role: server, protocol: icmp}\n", [f"4:5 {TAG}"]),
        (TOP + WEB + "  - {name: b, role: server, protocol: tcp, ports: *p}\n", [f"5:51 {ALIAS.format('p')}"]),
        (TOP + "  - &a {name: a, role: server, protocol: icmp}\n  - *a\n", [f"5:5 {ALIAS.format('a')}"]),
        (
            TOP + '  - {name: "\\ud800", role: server, protocol: icmp}\n',
            ["4:12 '\\ud800' holds half a character: write it whole"],
        ),
    ],
)
def test_yaml_that_a_policy_has_no_use_for(text: str, messages: list[str]) -> None:
    assert said(text) == messages


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 50)]
    assert any(ALIAS.format("a0") in message for message in said("\n".join(lines)))


# ── a finding ────────────────────────────────────────────────────────────────────────────────────


def test_a_finding_says_what_it_is() -> None:
    found, findings = read("version: 1\nmode: notrak\nhot:\n" + WEB, "lab.yaml")
    assert found is None
    assert len(findings) == 1
    assert findings[0].message == "mode: 'notrak' must be notrack or stateless; did you mean notrack?"
    assert (findings[0].slug, findings[0].severity) == (SLUG, Severity.ERROR)
    assert (findings[0].place.source.name, findings[0].line, findings[0].column) == ("lab.yaml", 2, 7)
    assert (findings[0].end_line, findings[0].end_column) == (2, 13)


def test_one_bad_entry_does_not_hide_the_next() -> None:
    """All at once: in the top, in lists, between keys and between entries."""
    text = (
        "version: 3\nmode: notrack\nhot:\n"
        "  - {name: a, role: server, protocol: tcp, ports: [80, nope]}\n"
        "  - {name: b, role: forward, protocol: tcp, ports: 80}\n"
        "  - {name: c, role: server, protocol: udp, ports: 53}\n"
        "  - {name: c, role: server, protocol: udp, ports: 53, loopback: hot}\n"
    )
    assert [message.split(" ")[0] for message in said(text)] == ["1:10", "4:56", "5:5", "7:12", "7:65"]


def test_long_texts_are_cut() -> None:
    assert len(said(TOP + f"  - {{name: a, role: {'x' * 5000}, protocol: icmp}}\n")[0]) < 200
