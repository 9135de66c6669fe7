"""A second reading of rules, for tests only: a small part of iptables, one packet at a time.

Nothing here comes from rulec: what a rule means is written down anew, as the
manual and the kernel have it, so that a mistake there is not made here again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from tests.unit.compiler import histories_u32 as u32
from tests.unit.compiler.histories_packet import FLAGS, OWN, Packet


class Seen(NamedTuple):
    """A packet at a hook: where it came in, where it leaves, and its state by now."""

    packet: Packet
    iif: str
    oif: str
    state: str


class Condition(NamedTuple):
    """One option of a rule."""

    word: str
    values: tuple[str, ...]
    negated: bool


class Rule(NamedTuple):
    """What a rule asks, and where it sends what matches."""

    conditions: tuple[Condition, ...]
    target: str

    @property
    def asks_state(self) -> bool:
        """Whether the rule has packets tracked, wherever it stands."""
        return any(condition.word in ("--ctstate", "--state") for condition in self.conditions)


class Rules(NamedTuple):
    """A ruleset: rules and policies by table and chain."""

    text: str
    chains: dict[tuple[str, str], tuple[Rule, ...]]
    policies: dict[tuple[str, str], str]

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rules) and self.text == other.text


class Unknown(ValueError):
    """The text says something that this reading does not know."""


# ── reading ──

_ONE_VALUE = frozenset(
    (
        "-i", "-o", "-p", "-s", "-d", "--sport", "--dport", "--ctstate", "--state", "--icmp-type", "--dst-type",
        "--src-type", "--u32",
    )
)  # fmt: skip
_MODULES = frozenset(("tcp", "udp", "icmp", "conntrack", "state", "addrtype", "u32"))
_TARGETS = frozenset(("ACCEPT", "DROP", "RETURN", "NOTRACK", "REJECT", "CT", "LOG"))


@cache
def rules(text: str) -> Rules:
    """A ruleset read from the form of iptables-save; Unknown where it says more than is known here."""
    chains: dict[tuple[str, str], tuple[Rule, ...]] = {}
    policies: dict[tuple[str, str], str] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith(":"):
            name, policy, *_ = line[1:].split()
            chains.setdefault((table, name), ())
            policies[table, name] = policy
        elif line.startswith("-A "):
            _, name, *words = line.split()
            chains[table, name] = (*chains.get((table, name), ()), _rule(words))
    if any(table not in ("raw", "mangle", "filter") for table, _ in chains):
        raise Unknown("a table that is none of raw, mangle and filter")
    _check_targets(chains)
    return Rules(text, chains, policies)


def _check_targets(chains: dict[tuple[str, str], tuple[Rule, ...]]) -> None:
    for (table, _), found in chains.items():
        for rule in found:
            name = rule.target.split(" ")[0]
            if name and name not in _TARGETS and (table, name) not in chains:
                raise Unknown(rule.target)


def _rule(words: list[str]) -> Rule:
    conditions: list[Condition] = []
    negated, target = False, ""
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "!":
            negated = True
            continue
        if word == "-j":
            target = " ".join(reversed(rest))
            break
        conditions += _condition(word, rest, negated)
        negated = False
    return Rule(tuple(conditions), target)


def _condition(word: str, rest: list[str], negated: bool) -> Iterator[Condition]:
    if word == "-m":
        if (module := rest.pop()) not in _MODULES:
            raise Unknown(module)
    elif word in _ONE_VALUE:
        yield Condition(word, (rest.pop(),), negated)
    elif word == "--syn":
        yield Condition("--tcp-flags", ("FIN,SYN,RST,ACK", "SYN"), negated)
    elif word == "--tcp-flags":
        yield Condition(word, (rest.pop(), rest.pop()), negated)
    else:
        raise Unknown(word)


# ── matching ──


def matches(rule: Rule, seen: Seen) -> bool:
    """Whether a rule matches; each of its conditions has to hold."""
    return all(_holds(condition, seen) != condition.negated for condition in rule.conditions) and all(
        _can_look(condition, seen.packet) for condition in rule.conditions
    )


def _can_look(condition: Condition, packet: Packet) -> bool:
    """Ports, flags and types are only looked for in packets that have them, negated or not."""
    if condition.word in ("--sport", "--dport"):
        return packet.about is None
    if condition.word == "--tcp-flags":
        return packet.protocol == "tcp"
    return condition.word != "--icmp-type" or packet.protocol == "icmp"


def _holds(condition: Condition, seen: Seen) -> bool:
    packet, value = seen.packet, condition.values[0]
    match condition.word:
        case "-i" | "-o":
            return (seen.iif if condition.word == "-i" else seen.oif) == value
        case "-p":
            return packet.protocol == value
        case "-s" | "--src-type":
            return _is_address(packet.source, value)
        case "-d" | "--dst-type":
            return _is_address(packet.destination, value)
        case "--sport" | "--dport":
            return _is_port(packet.sport if condition.word == "--sport" else packet.dport, value)
        case "--ctstate" | "--state":
            return seen.state in value.split(",")
        case "--icmp-type":
            return packet.kind == int(value)
        case "--u32":
            return u32.matches(packet, value)
    asked = set(condition.values[0].split(","))
    return {FLAGS[flag] for flag in packet.flags} & asked == set(condition.values[1].split(",")) - {"NONE"}


def _is_address(address: str, value: str) -> bool:
    if value in ("LOCAL", "UNICAST"):
        return (address == OWN) == (value == "LOCAL")
    return address == value.removesuffix("/32")


def _is_port(port: int, value: str) -> bool:
    first, _, last = value.partition(":")
    return int(first) <= port <= int(last or first)


# ── chains ──


class Verdict(NamedTuple):
    """What a table says: ACCEPT, DROP or REJECT, with what REJECT answers; and whether NOTRACK was met."""

    name: str
    answer: str = ""
    notrack: bool = False


def verdict(ruleset: Rules, table: str, chain: str, seen: Seen) -> Verdict:
    """The way of a packet through one base chain."""
    found = _through(ruleset, table, chain, seen)
    return found if found.name else found._replace(name=ruleset.policies.get((table, chain), "ACCEPT"))


def _through(ruleset: Rules, table: str, chain: str, seen: Seen, notrack: bool = False) -> Verdict:
    """The same, with no name where the end of the chain is reached, or RETURN."""
    for rule in ruleset.chains.get((table, chain), ()):
        if not matches(rule, seen):
            continue
        name, _, options = rule.target.partition(" ")
        if name in ("ACCEPT", "DROP"):
            return Verdict(name, "", notrack)
        if name == "REJECT":
            return Verdict(name, options.removeprefix("--reject-with ") or "icmp-port-unreachable", notrack)
        if name == "RETURN":
            break
        if name in ("NOTRACK", "CT"):
            notrack = True
        elif name not in ("", "LOG"):
            found = _through(ruleset, table, name, seen, notrack)
            if found.name:
                return found
            notrack = found.notrack
    return Verdict("", "", notrack)
