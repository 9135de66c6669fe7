"""What is not compiled yet, or cannot be: each is refused by its name, at its place."""

from __future__ import annotations

from collections.abc import Iterator

from rulec.compiler.outcome import refusal
from rulec.diagnostics import Finding
from rulec.model.protocols import TCP, UDP
from rulec.policy import ANY, Entry, Policy
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset, Table, line_of
from rulec.syntax.save import saved_on

HELPER_PORTS = {21: "ftp", 69: "tftp", 137: "netbios-ns", 161: "snmp", 1720: "h323", 1723: "pptp", 5060: "sip",
                6566: "sane", 6667: "irc", 10080: "amanda"}  # fmt: skip
"""Ports at which the kernel's helpers listen; what they expect is RELATED and would be cut."""


def of_policy(policy: Policy) -> Iterator[Finding]:
    """Keys of the policy whose work is not done yet."""
    if policy.mode != "notrack":
        yield refusal(policy.source, policy.span("mode"), f"mode {policy.mode} is not compiled yet: only notrack is")
    if policy.fragments != "reassemble":
        yield refusal(policy.source, policy.span("fragments"), "fragments: leave is not compiled yet")
    for entry in policy.hot:
        yield from _of_entry(policy, entry)


def _of_entry(policy: Policy, entry: Entry) -> Iterator[Finding]:
    def no(key: str, message: str, hint: str = "") -> Finding:
        return refusal(policy.source, entry.span(key), f"{entry.name}: {message}", hint)

    if entry.role != "server":
        yield no("role", f"role {entry.role} is not compiled yet: only server is")
        return
    if not set(entry.protocols) <= {TCP, UDP}:
        yield no("protocol", "icmp is not compiled yet: only tcp and udp are")
    for key, value in (("servers", entry.servers), ("clients", entry.clients), ("client-ports", entry.client_ports),
                       ("interface", entry.interface)):  # fmt: skip
        if value is not None:
            yield no(key, f"{key} is not compiled yet")
    if entry.loopback != "tracked":
        yield no("loopback", "loopback: hot is not compiled yet")
    if entry.icmp_errors == "wide":
        yield no("icmp-errors", "icmp-errors: wide is not compiled yet: exact and leave are")
    if entry.ports == ANY:
        yield no("ports", "ports: any is not compiled yet")
    else:
        yield from _of_ports(policy, entry)


def _of_ports(policy: Policy, entry: Entry) -> Iterator[Finding]:
    span = entry.span("ports")
    for low, high in entry.ports:
        for port, helper in HELPER_PORTS.items():
            if low <= port <= high:
                message = (
                    f"{entry.name}: port {port} is that of the {helper} helper, whose expected connections would be cut"
                )
                yield refusal(policy.source, span, message, "leave it tracked")
        if low <= policy.ephemeral[1] and policy.ephemeral[0] <= high and not entry.reserved:
            yield refusal(
                policy.source,
                span,
                f"{entry.name}: {low}-{high} lies among the ports from which this host begins connections,"
                f" and answers to these would be untracked and dropped",
                "reserve the ports (net.ipv4.ip_local_reserved_ports) and say reserved: true",
            )


def of_ruleset(ruleset: Ruleset, own: frozenset[str]) -> Iterator[Finding]:
    """Tables and lines that are not understood yet; ``own`` are raw rules that are ours anyway."""
    if len(ruleset.blocks) != len(ruleset.tables):
        yield _at(ruleset, ruleset.blocks[-1].line, "a table stands twice in this file")
    if "filter" not in ruleset.tables:
        yield refusal(
            ruleset.source, Span(0, 0), "there is no filter table in this file, so it is not known what is open"
        )
    for table in ruleset.tables.values():
        yield from _of_table(ruleset, table, own)


def _of_table(ruleset: Ruleset, table: Table, own: frozenset[str]) -> Iterator[Finding]:
    if table.name == "filter":
        yield from _of_filter(ruleset, table)
        return
    for line in table.lines():
        if table.name != "raw" or not _is_own(ruleset, line, own):
            yield _at(ruleset, line, f"a rule in the table {table.name} is not carried over yet: {_WHY[table.name]}")
            return
    for chain in table.chains.values():
        if chain.policy == "DROP":
            yield _at(ruleset, chain.line, f"the policy DROP in the table {table.name} is not carried over yet")


_WHY = {
    "nat": "untracked packets are never translated, and it may touch a hot flow",
    "raw": "it may decide before the new rules",
    "mangle": "it may depend on the state or the mark of a hot flow",
    "security": "it may depend on the state or the mark of a hot flow",
}


def _is_own(ruleset: Ruleset, line: int, own: frozenset[str]) -> bool:
    return saved_on(ruleset, line) <= own


def _of_filter(ruleset: Ruleset, table: Table) -> Iterator[Finding]:
    for line in table.lines():
        if ruleset.templates[line].line.verb != "APPEND":
            yield _at(
                ruleset,
                line,
                "only rules that are appended (-A) are carried over yet",
                "load the file and save it anew",
            )
            return
    output = table.chains["OUTPUT"]
    if output.policy == "DROP" or output.references:
        line = line_of(output.references[0]) if output.references else output.line
        yield _at(ruleset, line, "OUTPUT is filtered, and what it says to untracked answers is not carried over yet")


def _at(ruleset: Ruleset, line: int, message: str, hint: str = "") -> Finding:
    start = ruleset.source.line_starts[max(line, 1) - 1]
    return refusal(ruleset.source, Span(start, start + len(ruleset.source.line(max(line, 1)))), message, hint)
