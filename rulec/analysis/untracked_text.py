"""What the rules of the raw table say, whichever packets meet them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.analysis.untracked import Spot, is_notrack
from rulec.catalogue.values.addresses import pairs
from rulec.model import Rule
from rulec.semantics.program import Program
from rulec.syntax.ruleset import Ruleset, line_of

_MANAGED = {
    "DOCKER": "Docker", "KUBE-": "Kubernetes", "f2b-": "fail2ban", "fail2ban-": "fail2ban", "ufw-": "ufw",
    "ufw6-": "ufw", "cali-": "Calico", "LIBVIRT_": "libvirt", "CILIUM_": "Cilium", "ANTREA-": "Antrea",
    "FLANNEL-": "flannel", "NETAVARK": "Podman", "CNI-": "CNI", "INPUT_ZONES": "firewalld",
    "PREROUTING_ZONES": "firewalld", "FORWARD_ZONES": "firewalld", "IN_public": "firewalld", "PRE_public": "firewalld",
}  # fmt: skip
"""How the names of chains begin that a program writes and rewrites by itself."""


_MOST_NAMED = 3


def rules(ruleset: Ruleset, table: str) -> Iterator[tuple[Rule, int]]:
    """The rules of a table, and their lines."""
    if ruleset.valid and table in ruleset.tables:
        for chain in ruleset.tables[table].chains.values():
            yield from ruleset.rules(chain)


def notrack_rules(ruleset: Ruleset) -> Iterator[tuple[Rule, int]]:
    """The rules that leave packets untracked; each line once."""
    seen = set()
    for rule, line in rules(ruleset, "raw"):
        if is_notrack(rule) and line not in seen:
            seen.add(line)
            yield rule, line


def state_matches(ruleset: Ruleset, table: str) -> Iterator[tuple[Rule, int, str]]:
    """The rules of a table that ask for the state of a connection, and the name of the match."""
    for rule, line in _rules_that_say(ruleset, table, ("state", "conntrack")):
        for match in rule.matches:
            if match.name == "state" or any(use.option == "--ctstate" for use in match.uses):
                yield rule, line, match.name


def _rules_that_say(ruleset: Ruleset, table: str, words: tuple[str, ...]) -> Iterator[tuple[Rule, int]]:
    """The rules of a table with one of some words in their lines; only these are taken apart."""
    chains = ruleset.tables[table].chains.values() if ruleset.valid and table in ruleset.tables else ()
    for line in dict.fromkeys(line_of(reference) for chain in chains for reference in chain.references):
        text = ruleset.source.line(line)
        if any(word in text for word in words):
            yield from ((rule, line) for rule in ruleset.rules_on(line))


def wrong_directions(ruleset: Ruleset) -> Iterator[Spot]:
    """NOTRACK rules in OUTPUT from addresses that are others' in PREROUTING; ``others`` says so."""
    peers = {}
    for rule, line in notrack_rules(ruleset):
        if rule.chain == "PREROUTING":
            peers.update(dict.fromkeys(_sources(rule), line))
    for rule, line in notrack_rules(ruleset):
        if rule.chain == "OUTPUT":
            for source in _sources(rule):
                if source in peers:
                    yield Spot(line, (peers[source],))


def _sources(rule: Rule) -> Iterator[tuple[int, int]]:
    source = rule.option("--source")
    if source is not None and not source.negated:
        for address, mask in pairs(source.value):
            if mask and address >> 24 != 127 and address != 1:
                yield address & mask, mask


def managed(ruleset: Ruleset) -> Iterator[Spot]:
    """Programs that write chains of the ruleset: the lines where these are declared, and the name."""
    found: dict[str, list[int]] = {}
    for table in ruleset.tables.values():
        for chain in table.chains.values():
            program = next((name for prefix, name in _MANAGED.items() if chain.name.startswith(prefix)), None)
            if program is not None:
                found.setdefault(program, []).append(chain.line or table.line)
    for program, lines in found.items():
        first, *others = sorted(set(lines))
        yield Spot(first, tuple(others[:_MOST_NAMED]), program)


def states_in_raw(ruleset: Ruleset) -> Iterator[Spot]:
    """The rules of the table raw that ask for the state of a connection."""
    for line in dict.fromkeys(line for _, line, _ in state_matches(ruleset, "raw")):
        yield Spot(line)


def old_targets(ruleset: Ruleset) -> Iterator[Spot]:
    """The rules with the target NOTRACK."""
    for rule, line in notrack_rules(ruleset):
        if rule.target is not None and rule.target.name == "NOTRACK":
            yield Spot(line)


def old_states(ruleset: Ruleset) -> Iterator[Spot]:
    """The rules with the match state, and whether it is negated: ``detail`` is "! " then."""
    seen = set()
    for table in ruleset.tables:
        for rule, line, name in state_matches(ruleset, table):
            if name == "state" and line not in seen:
                seen.add(line)
                match = rule.match("state")
                yield Spot(line, detail="! " if match and match.uses[0].negated else "")


def raw_before_filter(ruleset: Ruleset) -> Iterator[Spot]:
    """The line of the table raw, where the table filter stands behind it and asks for what is untracked."""
    tables = ruleset.tables
    is_first = "raw" in tables and "filter" in tables and tables["raw"].line < tables["filter"].line
    if is_first and any("UNTRACKED" in value for value in _states(ruleset, "filter")):
        yield Spot(tables["raw"].line, (tables["filter"].line,))


def _states(ruleset: Ruleset, table: str) -> Iterator[tuple[str, ...]]:
    """The states that the rules of a table ask for."""
    for rule, _, _ in state_matches(ruleset, table):
        for match in rule.matches:
            yield from (use.value for use in match.uses if use.option in ("--state", "--ctstate"))


def puts_together(ruleset: Ruleset) -> Iterator[Spot]:
    """The rules that have fragments put together, though they track nothing (xt_socket.c, xt_TPROXY.c)."""
    text = ruleset.source.text
    for table in ruleset.tables if "socket" in text or "TPROXY" in text else ():
        for rule, line in rules(ruleset, table):
            proxies = rule.target is not None and rule.target.extends and rule.target.name == "TPROXY"
            if proxies or rule.match("socket") is not None:
                yield Spot(line)


def outputs_in_prerouting(ruleset: Ruleset) -> Iterator[Spot]:
    """The NOTRACK rules that ask for an output interface in a chain that PREROUTING calls."""
    raw = Program(ruleset, ruleset.tables["raw"])
    called = raw.reached_from(["PREROUTING"] if "PREROUTING" in raw else [])
    for rule, line in notrack_rules(ruleset):
        if rule.chain in called and rule.option("--out-interface") is not None:
            yield Spot(line)


def mirrored_rule(ruleset: Ruleset, line: int, role: str) -> Iterator[str]:
    """The rule for the other direction, empty where a chain of its own holds this one."""
    text = ruleset.source.line(line)
    is_base = ruleset.rules_on(line)[0].chain in ("PREROUTING", "OUTPUT")
    yield mirrored(text, role) if is_base else ""


def mirrored(text: str, role: str) -> str:
    """The rule for the other direction, as far as one rule's words say it."""
    words = " ".join(word for word in re.split(r"[ \t]+", text.strip()) if word)
    words = re.sub(r"^\[\d+:\d+\] ", "", words)
    parts = [_MIRRORED.get(word, word) for word in words.split(" ")]
    if len(parts) > 1 and parts[0] == "-A":
        chains = ("PREROUTING", "OUTPUT")
        other = {chains[0]: chains[1], chains[1]: chains[0]}.get(parts[1], parts[1])
        parts[1] = parts[1] if role == "forward" else other
    if role == "forward":
        parts = _without_interface(parts)
    return " ".join(parts)


def _without_interface(words: list[str]) -> list[str]:
    """By which interface answers come is not said by that of the requests."""
    found = list(words)
    for place, word in enumerate(words):
        if word in ("-o", "--out-interface", "-i", "--in-interface"):
            negated = place > 0 and words[place - 1] == "!"
            found[place - negated : place + 2] = [""] * (2 + negated)
    return [word for word in found if word]


_ENDS = (
    ("-s", "-d"), ("--src", "--dst"), ("--source", "--destination"), ("--sport", "--dport"),
    ("--source-port", "--destination-port"), ("--sports", "--dports"), ("--source-ports", "--destination-ports"),
    ("-i", "-o"), ("--in-interface", "--out-interface"), ("--src-type", "--dst-type"), ("--src-range", "--dst-range"),
)  # fmt: skip
_MIRRORED = {**dict(_ENDS), **{other: one for one, other in _ENDS}}
