"""What iptables-restore takes and the kernel refuses at COMMIT.

Extensions that the kernel knows only in some tables, chains or with some
protocols, and chains that jump in a circle.  As in the kernel
(net/ipv4/netfilter/ip_tables.c, mark_source_chains), a chain counts for the
hooks from which packets can come to it, rules behind an unconditional verdict
do not count, and what no base chain reaches is not held against any hook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from rulec.catalogue.extension import Extension, Given
from rulec.model import Family, Rule
from rulec.model.protocols import NAMES
from rulec.syntax.line import Line
from rulec.syntax.ruleset import Chain, Table, line_of
from rulec.syntax.shapes import Template
from rulec.syntax.values import setting_of


class Refusal(NamedTuple):
    """What the kernel refuses: the line, and a sentence."""

    line: int
    message: str


class Loading(NamedTuple):
    """What is known of the lines of a table when it is committed."""

    family: Family
    templates: dict[int, Template]
    jumps: dict[int, str]  # the chain to which the rule of a line jumps
    stops: frozenset[int] | set[int]  # lines whose rule ends the chain for every packet
    rule: Callable[[int], Rule]


def refusals(table: Table, loading: Loading) -> Iterator[Refusal]:
    """Everything in a table that the kernel refuses."""
    hooks, circle = _reach(table, loading)
    if circle is not None:
        yield circle
        return
    for chain in table.chains.values():
        for reference in chain.references:
            line = line_of(reference)
            template = loading.templates[line]
            if template.restricted:
                message = _complaint(table, template, line, hooks.get(line, frozenset()), loading)
                if message:
                    yield Refusal(line, message)


def _reach(table: Table, loading: Loading) -> tuple[dict[int, frozenset[str]], Refusal | None]:
    """The hooks from which packets come to each line, and a jump that closes a circle."""
    hooks: dict[int, set[str]] = {}
    for name in table.builtin:
        done: set[str] = set()
        circle = _walk(table, table.chains[name], name, loading, hooks, done)
        if circle is not None:
            return {}, circle
    return {line: frozenset(found) for line, found in hooks.items()}, None


def _walk(
    table: Table, base: Chain, hook: str, loading: Loading, hooks: dict[int, set[str]], done: set[str]
) -> Refusal | None:
    """Depth first through the jumps; a chain under way that is met again is a circle."""
    under_way = [(base.name, iter(_lines(base, loading)))]
    names = {base.name}
    while under_way:
        name, lines = under_way[-1]
        for line in lines:
            if loading.templates[line].restricted:
                hooks.setdefault(line, set()).add(hook)
            target = loading.jumps.get(line)
            if target in names:
                return Refusal(line, f"{name} jumps to {target}, from which packets come: a circle")
            if target is not None and target not in done and target in table.chains:
                names.add(target)
                under_way.append((target, iter(_lines(table.chains[target], loading))))
                break
        else:
            under_way.pop()
            names.discard(name)
            done.add(name)
    return None


def _lines(chain: Chain, loading: Loading) -> Iterator[int]:
    """The lines of a chain up to a rule that ends it for every packet."""
    for reference in chain.references:
        line = line_of(reference)
        yield line
        if line in loading.stops:
            return


def _complaint(table: Table, template: Template, line: int, hooks: frozenset[str], loading: Loading) -> str:
    for number, owner in enumerate(template.line.owners):
        message = _place_complaint(owner.extension, table.name, hooks)
        if not message and owner.extension.kernel_check is not None:
            message = _kernel_complaint(template, number, table.name, line, hooks, loading)
        if message:
            return f"the {owner.role} {owner.extension.name} {message}"
    return ""


def _place_complaint(extension: Extension, table: str, hooks: frozenset[str]) -> str:
    if extension.tables and table not in extension.tables:
        return f"is for table {' or '.join(extension.tables)}, not for {table}"
    stray = sorted(hooks - set(extension.hooks)) if extension.hooks else []
    if stray:
        return f"is for {', '.join(extension.hooks)}, and packets come here from {', '.join(stray)}"
    return ""


def _kernel_complaint(
    template: Template, number: int, table: str, line: int, hooks: frozenset[str], loading: Loading
) -> str:
    extension = template.line.owners[number].extension
    rule = loading.rule(line)
    parts = [rule.base, *(match.uses for match in rule.matches)]
    uses = (
        rule.target.uses
        if template.line.owners[number].role == "target" and rule.target
        else parts[_part(template.line, number)]
    )
    setting = replace(setting_of(template.line, loading.family), table=table, hooks=hooks, matches=rule.matches)
    try:
        assert extension.kernel_check is not None
        extension.kernel_check(Given(loading.family, uses), setting)
    except ValueError as error:
        return f": {error}"
    return ""


def _part(line: Line, number: int) -> int:
    """Which match of the rule an owner is, from 1."""
    return sum(owner.role == "match" for owner in line.owners[: number + 1])


def protocol_complaint(line: Line, family: Family) -> str:
    """An extension of the line that the kernel takes only with another ``-p``."""
    setting = setting_of(line, family)
    for owner in line.owners:
        protocols = owner.extension.protocols
        if protocols and not setting.speaks(*protocols):
            names = " or ".join(NAMES.get(number, str(number)) for number in protocols)
            return f"the {owner.role} {owner.extension.name} needs -p {names} in the same rule"
    return ""
