"""A ruleset made ready to be walked: chains as lists of steps, and what each chain may do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from rulec.model import VERDICTS, Rule
from rulec.semantics.base import interfaces, macs
from rulec.semantics.effects import CHANGES_NOTHING, CONTINUES
from rulec.semantics.opaque import has_memory
from rulec.syntax import ruleset as syntax
from rulec.syntax.ruleset import Ruleset, Table


class Step(NamedTuple):
    """A rule in its chain: the table it stands in, the line it comes from, and which of the rules of that line it is.

    ``repeats`` counts the equal rules before it in the chain; ``goes_to`` is the
    chain that it jumps or goes to, ``verdict`` ACCEPT, DROP, QUEUE or RETURN, and
    ``extension`` the name of the target extension: empty what it has not.
    ``has_memory`` says whether one of its matches may answer otherwise each time.
    """

    table: str
    line: int
    part: int
    rule: Rule
    repeats: int
    goes_to: str
    verdict: str
    extension: str
    has_memory: bool

    def __hash__(self) -> int:
        return hash((self.table, self.line, self.part))

    @property
    def key(self) -> tuple[str, Rule, int]:
        """What makes it the same rule in another version of the ruleset, wherever it stands in its chain."""
        return self.table, self.rule, self.repeats

    @property
    def chain(self) -> str:
        """The chain that it stands in."""
        return self.rule.chain

    @property
    def is_goto(self) -> bool:
        """Whether the chain that it goes to returns to the caller of this one."""
        return bool(self.rule.target and self.rule.target.goto)


class Chain(NamedTuple):
    """A chain and its rules; ``policy`` is ACCEPT or DROP for base chains, empty for others."""

    name: str
    line: int
    policy: str
    steps: tuple[Step, ...]


class Program:
    """One table of a ruleset."""

    def __init__(self, ruleset: Ruleset, table: Table) -> None:
        self.name = table.name
        self.chains = {chain.name: _chain(ruleset, table, chain) for chain in table.in_order()}

    @cached_property
    def size(self) -> int:
        """How many rules it has."""
        return sum(len(chain.steps) for chain in self.chains.values())

    def __contains__(self, chain: str) -> bool:
        return chain in self.chains

    @cached_property
    def callees(self) -> dict[str, tuple[str, ...]]:
        """The chains that each chain goes to, in the order of its rules."""
        return {
            name: tuple(dict.fromkeys(step.goes_to for step in chain.steps if step.goes_to))
            for name, chain in self.chains.items()
        }

    @cached_property
    def calls(self) -> dict[str, list[Step]]:
        """The rules that go to each chain; nothing of those that none goes to."""
        found: dict[str, list[Step]] = {}
        for step in self.steps():
            if step.goes_to:
                found.setdefault(step.goes_to, []).append(step)
        return found

    def reached_from(self, chains: Iterable[str]) -> frozenset[str]:
        """Some chains, and all to which packets may be sent from there."""
        found: set[str] = set()
        waiting = list(chains)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.callees[name])
        return frozenset(found)

    @cached_property
    def callers_first(self) -> tuple[str, ...]:
        """All chains, each after those that go to it; meaningless where chains go round in circles."""
        order: list[str] = []
        seen: set[str] = set()
        for name in self.chains:
            self._finish(name, seen, order)
        return tuple(reversed(order))

    @cached_property
    def plain(self) -> frozenset[str]:
        """The chains that change nothing in a packet, and call none that do."""
        changing = [name for name, chain in self.chains.items() if any(_changes(step) for step in chain.steps)]
        return frozenset(self.chains) - self.with_callers(changing)

    @cached_property
    def remembering(self) -> frozenset[str]:
        """The chains in which a rule with a memory decides something, or in one that they call."""
        asking = [name for name, chain in self.chains.items() if any(_decides_by_memory(step) for step in chain.steps)]
        return self.with_callers(asking)

    def with_callers(self, names: Iterable[str]) -> frozenset[str]:
        """Some chains, and all from which packets may be sent to them."""
        found = set(names)
        for name in reversed(self.callers_first):
            if not found.isdisjoint(self.callees[name]):
                found.add(name)
        return frozenset(found)

    @cached_property
    def loop(self) -> tuple[str, ...]:
        """Chains that go round in a circle, the first again at the end; empty where there are none."""
        done: set[str] = set()
        for name in self.chains:
            found = self._circle(name, done)
            if found:
                return found
        return ()

    def steps(self) -> Iterator[Step]:
        """All rules."""
        for chain in self.chains.values():
            yield from chain.steps

    def _finish(self, start: str, seen: set[str], order: list[str]) -> None:
        stack = [(start, iter(self.callees[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            name, rest = stack[-1]
            following = next((callee for callee in rest if callee not in seen and callee in self.chains), None)
            if following is None:
                order.append(name)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(self.callees[following])))

    def _circle(self, start: str, done: set[str]) -> tuple[str, ...]:
        path, stack = [start], [iter(self.callees[start])]
        while stack:
            callee = next(stack[-1], None)
            if callee is None:
                done.add(path.pop())
                stack.pop()
            elif callee in path:
                return (*path[path.index(callee) :], callee)
            elif callee not in done and callee in self.chains:
                path.append(callee)
                stack.append(iter(self.callees[callee]))
        return ()


def programs(ruleset: Ruleset) -> dict[str, Program]:
    """The tables of a valid ruleset, by name."""
    return {name: Program(ruleset, table) for name, table in ruleset.tables.items()}


def interface_patterns(tables: Iterable[Program]) -> set[str]:
    """All interface names and patterns of some tables."""
    return {pattern for program in tables for step in program.steps() for pattern in interfaces(step.rule)}


def mac_addresses(tables: Iterable[Program]) -> dict[str, None]:
    """All MAC addresses of some tables, in the order in which they are first named."""
    return {address: None for program in tables for step in program.steps() for address in macs(step.rule)}


def _chain(ruleset: Ruleset, table: Table, chain: syntax.Chain) -> Chain:
    steps: list[Step] = []
    parts: dict[int, int] = {}
    seen: dict[Rule, int] = {}
    for placed in ruleset.rules(chain):
        rule, line = placed
        if rule.counters is not None:
            rule = rule._replace(counters=None)
        part = parts[line] = parts.get(line, -1) + 1
        repeats = seen[rule] = seen.get(rule, -1) + 1
        steps.append(Step(table.name, line, part, rule, repeats, *_ways_on(rule, table), _has_memory(rule)))
    policy = chain.policy or ("ACCEPT" if chain.name in table.builtin else "")
    return Chain(chain.name, chain.line, policy, tuple(steps))


def _ways_on(rule: Rule, table: Table) -> tuple[str, str, str]:
    """The chain that a rule goes to, its verdict, and its target extension; no more than one of them."""
    if rule.target is None:
        return "", "", ""
    name, extends = rule.target.name, rule.target.extends
    if not extends and name in VERDICTS:
        return "", name, ""
    return (name, "", "") if not extends and name in table.chains else ("", "", name)


def _changes(step: Step) -> bool:
    return bool(step.extension) and step.extension not in CHANGES_NOTHING


def _decides_by_memory(step: Step) -> bool:
    return step.has_memory and bool(step.goes_to or step.verdict or step.extension not in ("", *CONTINUES))


def _has_memory(rule: Rule) -> bool:
    return any(has_memory(match) for match in rule.matches)
