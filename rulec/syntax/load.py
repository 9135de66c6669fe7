"""What iptables-restore takes and the kernel refuses at COMMIT.

Extensions that the kernel knows only in some tables, chains or with some
protocols, and chains that jump in a circle.  As in the kernel
(net/ipv4/netfilter/ip_tables.c, mark_source_chains), a chain counts for the
hooks from which packets can come to it, rules behind an unconditional verdict
do not count, and what no base chain reaches is not held against any hook.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Extension, Given, Setting
from rulec.model import Family
from rulec.syntax.ruleset import Chain, Table
from rulec.syntax.shapes import Template, unquoted
from rulec.syntax.values import matches_of, protocol_complaint, setting_of, uses_of


class Refusal(NamedTuple):
    """What the kernel refuses: the line, and a sentence."""

    line: int
    message: str


class Loading(NamedTuple):
    """What is known of the lines of a table when it is committed.

    ``words`` are the arguments of extensions on lines where the kernel looks at
    them, as the template's ``kernel_holes`` count them.
    """

    family: Family
    templates: dict[int, Template]
    jumps: dict[int, str]  # the chain to which the rule of a line jumps
    stops: set[int]  # lines whose rule ends the chain for every packet
    words: dict[int, tuple[str, ...]]


class _Stretch(NamedTuple):
    """What counts of a chain: jumps and restricted rules up to one that ends it for every packet.

    ``behind`` are the restricted rules after that one.
    """

    jumps: list[tuple[int, str]]
    restricted: list[int]
    behind: list[int]


def refusals(table: Table, loading: Loading) -> Iterator[Refusal]:
    """Everything in a table that the kernel refuses."""
    stretches = {name: _stretch(chain, table, loading) for name, chain in table.chains.items()}
    hooks: dict[str, set[str]] = {}
    for base in table.builtin:
        reached, circle = _reached(base, stretches)
        if circle is not None:
            yield circle
            return
        for name in reached:
            hooks.setdefault(name, set()).add(base)
    known: _Known = {}
    for name, stretch in stretches.items():
        yield from _refused(table.name, stretch.restricted, frozenset(hooks.get(name, ())), loading, known)
        yield from _refused(table.name, stretch.behind, frozenset(), loading, known)


_Known = dict[tuple[Template, frozenset[str], tuple[str, ...]], str]
"""What the kernel has against a template in a place with certain words; asked once."""


def _refused(table: str, lines: list[int], hooks: frozenset[str], loading: Loading, known: _Known) -> Iterator[Refusal]:
    for line in lines:
        key = (loading.templates[line], hooks, loading.words.get(line, ()))
        if key not in known:
            known[key] = _complaint(table, loading.family, *key)
        if known[key]:
            yield Refusal(line, known[key])


def _stretch(chain: Chain, table: Table, loading: Loading) -> _Stretch:
    found = _Stretch([], [], [])
    restricted = found.restricted
    templates, jumps = loading.templates, loading.jumps
    for reference in chain.references:
        line = reference if isinstance(reference, int) else reference.line
        if templates[line].restricted:
            restricted.append(line)
        if restricted is found.restricted:
            if line in jumps and jumps[line] in table.chains:
                found.jumps.append((line, jumps[line]))
            elif line in loading.stops:
                restricted = found.behind
    return found


def _reached(base: str, stretches: dict[str, _Stretch]) -> tuple[set[str], Refusal | None]:
    """The chains to which packets come from a base chain, and a jump that closes a circle.

    Depth first: a chain under way that is met again is a circle.
    """
    under_way = [(base, iter(stretches[base].jumps))]
    names, reached = {base}, {base}
    while under_way:
        name, jumps = under_way[-1]
        for line, target in jumps:
            if target in names:
                return reached, Refusal(line, f"{name} jumps to {target}, from which packets come: a circle")
            if target not in reached:
                names.add(target)
                reached.add(target)
                under_way.append((target, iter(stretches[target].jumps)))
                break
        else:
            under_way.pop()
            names.discard(name)
    return reached, None


def _complaint(table: str, family: Family, template: Template, hooks: frozenset[str], words: tuple[str, ...]) -> str:
    """What the kernel has against a rule of this template in such a place, with these words."""
    if complaint := protocol_complaint(template.line, family):
        return complaint
    for number, owner in enumerate(template.line.owners):
        message = _place_complaint(owner.extension, table, hooks)
        if not message and owner.extension.kernel_check is not None:
            message = _kernel_complaint(template, number, words, Setting(family, table=table, hooks=hooks))
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


def _kernel_complaint(template: Template, number: int, words: tuple[str, ...], place: Setting) -> str:
    line, family = template.line, place.family
    texts = template.texts([unquoted(word) for word in words], template.kernel_holes)
    extension = line.owners[number].extension
    matches = matches_of(line, texts, family) if extension.kernel_looks_around else ()
    setting = setting_of(line, family)._replace(table=place.table, hooks=place.hooks, matches=matches)
    assert extension.kernel_check is not None
    try:
        extension.kernel_check(Given(family, uses_of(line, number, texts, family)), setting)
    except ValueError as error:
        return f"is refused: {error}"
    return ""
