"""What the configuration files of a host say, together with the rulesets that it loads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rulec.analysis.facts import Facts
from rulec.config.file import ConfigFile, Kind, Statement
from rulec.diagnostics import Label
from rulec.kernel.generations import Helpers, Kernel
from rulec.kernel.modules import is_absent, needs_conntrack, plain, tracked_on_loading
from rulec.kernel.settings import dotted, exists, setting
from rulec.model import Family
from rulec.source import Span
from rulec.syntax.ruleset import Ruleset

_NUMBER = re.compile(r"[0-9]{1,19}")


class Need(NamedTuple):
    """Something in a ruleset that does not load without nf_conntrack.

    ``table`` is the one that fails, and with it all that come behind it.  A rule
    that its table deletes again is ``only_nft``: iptables-legacy-restore warns of
    it, and loads what is left, iptables-nft-restore fails (measured).
    """

    ruleset: Ruleset
    span: Span
    words: str
    table: str
    only_nft: bool = False

    @property
    def opens(self) -> bool:
        """Whether a table filter is among those that fail, and none was loaded before."""
        line, _ = self.ruleset.source.position(self.span.start)
        ends = [table.last_line for table in self.ruleset.blocks if table.name == "filter"]
        return bool(ends) and min(ends) > line


class HostFacts:
    """The files of one host: configuration, and rulesets that are valid."""

    def __init__(self, kernel: Kernel, files: tuple[ConfigFile, ...], rulesets: tuple[Facts, ...]) -> None:
        self.kernel = kernel
        self.files = files
        self.rulesets = tuple(facts for facts in rulesets if facts.ruleset.valid)

    def said(self, verb: str, kind: Kind | None = None) -> Iterator[Statement]:
        """All statements with a verb, in files of a kind."""
        for file in self.files:
            for statement in file.statements:
                if statement.verb == verb and kind in (None, statement.kind):
                    yield statement

    def loads(self) -> Iterator[Statement]:
        """The modules of lists that are there and may be loaded."""
        for statement in self.said("load"):
            is_refused = self.refused is not None and needs_conntrack(statement.name.text, self.kernel)
            if not is_refused and not is_absent(statement.name.text, self.kernel):
                yield statement

    def settings(self) -> Iterator[tuple[str, Statement]]:
        """The settings of connection tracking that the kernel has, by their names behind the prefix."""
        for statement in self.said("set", Kind.SYSCTL):
            name = dotted(statement.name.text)
            if exists(name, self.kernel):
                yield setting(name), statement

    def value(self, wanted: str) -> tuple[int, Statement] | None:
        """The number that a setting is given last."""
        found = [(name, statement) for name, statement in self.settings() if name == wanted]
        value = number(found[-1][1].value.text) if found else None
        return None if value is None else (value, found[-1][1])

    def parameters(self, module: str) -> Iterator[tuple[str, str, Label]]:
        """The parameters that a module is given: name, value, and where."""
        for statement in self.said("options", Kind.MODPROBE):
            if plain(statement.name.text) == module:
                for word in statement.words:
                    key, _, value = word.text.partition("=")
                    yield plain(key), value, Label(statement.source, word.span)

    def parameter(self, module: str, wanted: str) -> tuple[str, Label] | None:
        """What a parameter of a module is set to last."""
        found = [(value, label) for name, value, label in self.parameters(module) if name == wanted]
        return found[-1] if found else None

    @property
    def refused(self) -> Statement | None:
        """The line of modprobe.d that keeps connection tracking from being loaded at all."""
        refusals = (found for found in self.said("install", Kind.MODPROBE) if refuses(found))
        return next((found for found in refusals if plain(found.name.text) == self.kernel.core), None)

    def needed(self, family: Family) -> bool:
        """Whether a rule of the rulesets has a family tracked."""
        return any(facts.tracking.family is family and facts.tracking.lines for facts in self.rulesets)

    def gives_helper(self, helper: str) -> bool:
        """Whether a rule gives a helper to connections."""
        return any(helper in _helpers(facts) for facts in self.rulesets)

    @property
    def helpers_by_port(self) -> bool:
        """Whether connections get helpers by their ports."""
        if self.kernel.helpers is Helpers.WHEN_ASKED:
            asked = self.value("helper")
            parameter = self.parameter("nf_conntrack", "nf_conntrack_helper")
            return bool(asked and asked[0]) or bool(parameter and parameter[0] != "0")
        return self.kernel.helpers is Helpers.ALWAYS

    @property
    def needs(self) -> tuple[Need, ...]:
        """What does not load without connection tracking, the first thing of each ruleset."""
        needs = ((facts, _needs(facts)) for facts in self.rulesets)
        return tuple(need for facts, found in needs for need in found[:1] if facts.kernel.by_rules or not need.only_nft)

    @property
    def always(self) -> Label | None:
        """The parameter of nf_conntrack that has every packet tracked as soon as the module is there."""
        value, label = self.parameter("nf_conntrack", "enable_hooks") or ("0", None)
        return label if self.kernel.enable_hooks and value.lower() in ("", "1", "y") else None

    def tracked_by(self, family: Family) -> tuple[Label, ...]:
        """The modules in lists that have every packet of a family tracked, and the parameter where it takes effect."""
        modules = list(self.loads())
        found = [module.label() for module in modules if family in tracked_on_loading(module.name.text, self.kernel)]
        if self.always and (self.needs or any(needs_conntrack(module.name.text, self.kernel) for module in modules)):
            found.append(self.always)
        return tuple(found)


def number(text: str) -> int | None:
    """A decimal number of a size that a setting may have."""
    return int(text) if _NUMBER.fullmatch(text) else None


def refuses(install: Statement) -> bool:
    """Whether an install line of modprobe.d does nothing instead of loading the module."""
    return install.value.text.partition(" ")[0].rpartition("/")[2] in ("true", "false", ":")


def _needs(facts: Facts) -> list[Need]:
    ruleset, tracking = facts.ruleset, facts.tracking
    committed = {line for table in ruleset.blocks for line in table.lines()}
    needs = [
        Need(
            ruleset,
            cause.span,
            f"-{'m' if cause.role == 'match' else 'j'} {cause.name}",
            cause.table,
            cause.line not in committed,
        )
        for cause in (*tracking.tracks, *tracking.loads, *tracking.gone)
    ]
    for line in tracking.nat_tables:
        start = ruleset.source.line_starts[line - 1]
        words = Span(start, start + len(ruleset.source.line(line).rstrip()))
        needs.append(Need(ruleset, words, "the table nat", "nat"))
    return sorted(needs, key=lambda need: (need.only_nft, need.span))


def _helpers(facts: Facts) -> set[str]:
    """The modules' names of the helpers that rules ``-j CT --helper`` name."""
    lines = {cause.line for cause in facts.tracking.tracks if cause.name == "CT"}
    targets = [rule.target for line in lines for rule in facts.ruleset.rules_on(line) if rule.target]
    named = {use.value for target in targets for use in target.uses if use.option == "--helper"}
    return {_OTHER_HELPERS.get(name, plain(name)) for name in named}


_OTHER_HELPERS = {"Q.931": "h323", "RAS": "h323", "snmp_trap": "snmp"}
