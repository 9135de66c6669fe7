"""What is refused before a rule is looked at: keys of the policy, tables and lines of the ruleset."""

from __future__ import annotations

import pytest

from tests.unit.compiler.compiling import KNOWN, WEB, compiled, filtered, policy, refusals, server

RULES = filtered(f"{KNOWN}\n-A INPUT -p tcp -j ACCEPT\n-A INPUT -p udp -j ACCEPT")


def entry(keys: str) -> str:
    return f"  - {{name: web, {keys}}}\n"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ("role: client, protocol: tcp, ports: 80, client-ports: 1024-65535", "role client is not compiled yet"),
        ("role: forward, protocol: tcp, ports: 80, servers: 192.0.2.1", "role forward is not compiled yet"),
        ("role: server, protocol: icmp", "icmp is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, servers: 192.0.2.1", "servers is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, clients: 192.0.2.0/24", "clients is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, client-ports: 1024-65535", "client-ports is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, interface: eth0", "interface is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, loopback: hot", "loopback: hot is not compiled yet"),
        ("role: server, protocol: tcp, ports: 80, icmp-errors: wide", "icmp-errors: wide is not compiled yet"),
    ],
)
def test_entries(keys: str, why: str) -> None:
    (found,) = refusals(RULES, policy(entry(keys)))
    assert found.line == entry(keys).rstrip("\n")
    assert found.why.startswith(f"web: {why}")


def test_any_port() -> None:
    found = refusals(RULES, policy(entry("role: server, protocol: tcp, ports: any, clients: 192.0.2.0/24")))
    assert [refusal.why for refusal in found] == [
        "web: clients is not compiled yet",
        "web: ports: any is not compiled yet",
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("mode: stateless", "mode stateless is not compiled yet: only notrack is"),
        ("fragments: leave", "fragments: leave is not compiled yet"),
    ],
)
def test_the_whole_policy(line: str, why: str) -> None:
    head = f"{line}\n" if line.startswith("mode") else f"mode: notrack\n{line}\n"
    (found,) = refusals(RULES, policy(server(80), head=head))
    assert (found.line, found.why) == (line, why)


@pytest.mark.parametrize(
    ("port", "helper"),
    [(21, "ftp"), (69, "tftp"), (137, "netbios-ns"), (161, "snmp"), (1720, "h323"), (1723, "pptp"), (5060, "sip"),
     (6566, "sane"), (6667, "irc"), (10080, "amanda")],
)  # fmt: skip
@pytest.mark.parametrize("listed", ["{0}", "{1}-{0}", "{0}-{2}"])
def test_ports_of_helpers(port: int, helper: str, listed: str) -> None:
    (found,) = refusals(RULES, policy(server(listed.format(port, port - 1, port + 1))))
    assert f"port {port} is that of the {helper} helper" in found.why


@pytest.mark.parametrize(
    ("ports", "refused"),
    [
        ("32767", False),
        ("32768", True),
        ("60999", True),
        ("61000", False),
        ("30000-40000", True),
        ("20000-32767", False),
    ],
)
def test_ports_from_which_this_host_begins_connections(ports: str, refused: bool) -> None:
    """A local program that gets such a port would lose its answers, unless the ports are reserved."""
    if not refused:
        compiled(RULES, policy(server(ports)))
        return
    (found,) = refusals(RULES, policy(server(ports)))
    assert "from which this host begins connections" in found.why


def test_range_of_ephemeral_ports_is_the_policys() -> None:
    head = 'mode: notrack\nephemeral: "1024-2000"\n'
    (found,) = refusals(RULES, policy(server(1500), head=head))
    assert "1500-1500 lies among the ports" in found.why
    compiled(RULES, policy(server(40000), head=head))


def test_reserved_ports() -> None:
    result = compiled(RULES, policy(server(40000, more="icmp-errors: leave, reserved: true")))
    assert any("sysctl net.ipv4.ip_local_reserved_ports=40000-40000" in note for note in result.notes)


@pytest.mark.parametrize(
    ("table", "rule", "why"),
    [
        ("nat", "-A POSTROUTING -o eth0 -j MASQUERADE", "untracked packets are never translated"),
        ("nat", "-A PREROUTING -p udp -j ACCEPT", "untracked packets are never translated"),
        ("raw", "-A PREROUTING -p udp -j ACCEPT", "it may decide before the new rules"),
        (
            "raw",
            "-A PREROUTING ! -i lo -p tcp -m tcp --dport 443 -m addrtype --dst-type LOCAL -j CT --notrack",
            "before",
        ),
        ("mangle", "-A FORWARD -j MARK --set-mark 1", "it may depend on the state or the mark"),
        ("security", "-A INPUT -j ACCEPT", "it may depend on the state or the mark"),
    ],
)
def test_rules_of_other_tables(table: str, rule: str, why: str) -> None:
    (found,) = refusals(f"*{table}\n{rule}\nCOMMIT\n{RULES}")
    assert found.line == rule
    assert found.why.startswith(f"a rule in the table {table} is not carried over yet")
    assert why in found.why


@pytest.mark.parametrize("table", ["nat", "raw", "mangle", "security"])
def test_policies_of_other_tables(table: str) -> None:
    """A table without rules is passed, if it drops nothing."""
    (found,) = refusals(f"*{table}\n:OUTPUT DROP [0:0]\nCOMMIT\n{RULES}")
    assert found.line == ":OUTPUT DROP [0:0]"
    compiled(f"*{table}\n:OUTPUT ACCEPT [0:0]\n:CHAIN - [0:0]\nCOMMIT\n{RULES}")


@pytest.mark.parametrize("line", [":OUTPUT DROP [0:0]", "-A OUTPUT -o lo -j ACCEPT", "-A OUTPUT -p icmp -j DROP"])
def test_filtered_output(line: str) -> None:
    (found,) = refusals(RULES.replace("COMMIT", f"{line}\nCOMMIT"))
    assert found.line == line
    assert found.why.startswith("OUTPUT is filtered")


@pytest.mark.parametrize("line", [":FORWARD DROP [0:0]", "-A FORWARD -m state --state ESTABLISHED -j ACCEPT"])
def test_filtered_forward(line: str) -> None:
    """Forwarded flows stay tracked."""
    assert line in compiled(RULES.replace("COMMIT", f"{line}\nCOMMIT")).text.splitlines()


@pytest.mark.parametrize("line", ["-I INPUT -p udp -j DROP", "-I CHAIN -j DROP", "-R INPUT 1 -j ACCEPT"])
def test_commands_other_than_append(line: str) -> None:
    (found,) = refusals(RULES.replace("COMMIT", f"{line}\nCOMMIT"))
    assert (found.line, found.why) == (line, "only rules that are appended (-A) are carried over yet")


def test_a_table_that_stands_twice() -> None:
    assert [found.why for found in refusals(RULES + RULES)] == ["a table stands twice in this file"]


def test_no_filter_table() -> None:
    (found,) = refusals("*mangle\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    assert found.why.startswith("there is no filter table")


def test_all_reasons_are_told_at_once() -> None:
    text = "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n" + RULES.replace("COMMIT", "-A OUTPUT -j DROP\nCOMMIT")
    found = refusals(text, policy(server(80, more="icmp-errors: wide"), server(40000, name="high")))
    assert [refusal.why.split()[0] for refusal in found] == ["web:", "high:", "a", "OUTPUT"]


@pytest.mark.parametrize("rules", ["", "-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT\n-A INPUT -j CHAIN"])
def test_a_ruleset_that_does_not_track(rules: str) -> None:
    """It stays as it is, whatever its rules."""
    text = filtered(rules)
    result = compiled(text, WEB)
    assert result.text == text
    assert result.notes == ("no rule of this file has packets tracked: there is nothing to untrack",)
