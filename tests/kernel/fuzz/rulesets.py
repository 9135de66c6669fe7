"""Random rulesets that hold together: each is valid, and each rule can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from rulec.model import BUILTIN_CHAINS, Family
from rulec.packetset.fields import STATES
from tests.kernel.fuzz import matches, targets
from tests.kernel.fuzz.coverage import Coverage
from tests.kernel.fuzz.packets import PATHS
from tests.kernel.fuzz.rules import RulesetText, RuleText
from tests.kernel.fuzz.topology import LINKS
from tests.kernel.fuzz.values import Values

_NAMES = ("web", "Zones", "a-b", "x", "log_it")
_INTERFACES = (*LINKS, "lan+", "wan+", "lo", "lan2", "l+", "+")
_PROTOCOLS = ("tcp", "udp", "icmp", "esp", "sctp", "dccp", "udplite", "gre", "253")
_DRAWS = 3
"""Among how many kinds of match or target that were drawn the one is taken that was tried least."""

_EITHER = ("NETMAP", "REDIRECT", "MASQUERADE")
"""What the first and the two others make of a packet is not foreseen in one ruleset."""

_TARGETS = sorted({**targets.PLAIN, **targets.NAT})
_TRACKING = ("conntrack", "state", "connmark", "connbytes", "connlabel", "helper", "cluster")

Chains = dict[str, frozenset[str]]
"""The chains of one table, and from which hooks packets may come to them."""


def _without_nat(text: RulesetText) -> RulesetText:
    """Without tracking the rules of nat are never asked."""
    chains = tuple(chain for chain in text.chains if chain[0] != "nat")
    return text._replace(chains=chains, rules=tuple(rule for rule in text.rules if rule.table != "nat"))


def _without_cluster(text: RulesetText) -> RulesetText:
    """Without rules that leave open which mark a connection gets: what its next packets meet hangs on it."""
    if not any("CONNMARK" in rule.target for rule in text.rules):
        return text
    return text._replace(
        rules=tuple(rule for rule in text.rules if not any("-m cluster" in part for part in rule.parts))
    )


class Maker:
    """Makes rulesets, rather of what ``coverage`` has seldom seen.

    ``tracked`` says whether packets may be tracked, ``translates`` whether they may be rewritten.
    """

    def __init__(self, random: Random, family: Family, backend: str, coverage: Coverage) -> None:
        self.values = Values(random, family)
        self.family = family
        self.backend = backend
        self.random = random
        self.coverage = coverage
        self.tracked = random.random() < 0.8
        self.translates = self.tracked and self._seldom("target", _TARGETS) in targets.NAT
        self._untracks = self.tracked and (random.random() < 0.5 or self._lacks_untracked())
        self._left_out = ("REDIRECT", "MASQUERADE") if self._seldom("target", _EITHER) == "NETMAP" else ("NETMAP",)

    def ruleset(self) -> RulesetText:
        """A ruleset of several tables; with the nft back end nat comes before security, so it has one of them only."""
        values = self.values
        tables = values.some(("raw", "mangle", "filter", "security", "filter"), 4)
        if self.translates:
            tables = [table for table in tables if self.backend == "legacy" or table != "security"] + ["nat"]
        tables = list(dict.fromkeys(tables))
        if self._untracks and "raw" not in tables:
            tables.append("raw")
        chains: list[tuple[str, str]] = []
        rules: list[RuleText] = []
        drops: set[tuple[str, str]] = set()
        for table in tables:
            made = self._table(table)
            chains += [
                (table, chain) for chain in dict.fromkeys(rule.chain for rule in made) if self._is_own(table, chain)
            ]
            rules += made
            drops |= {(table, chain) for chain in BUILTIN_CHAINS[table] if values.chance(0.08) and table != "nat"}
        whole = _without_cluster(RulesetText(self.family, frozenset(drops), tuple(chains), tuple(rules)))
        return whole if whole.tracked else _without_nat(whole)

    def _lacks_untracked(self) -> bool:
        """Whether on some path an untracked packet was seen less often than any other."""
        cells = self.coverage.cells
        seen = [[cells[path, self.family.value, self.backend, state] for state in STATES] for path in PATHS]
        return any(untracked <= min(others) for *others, untracked in seen)

    def _is_own(self, table: str, chain: str) -> bool:
        return chain not in BUILTIN_CHAINS[table]

    def _table(self, table: str) -> list[RuleText]:
        """Users' chains first, the later ones called by the earlier, then the base chains."""
        values = self.values
        names = values.some(_NAMES) if values.chance(0.7) else []
        hooks: Chains = {chain: frozenset((chain,)) for chain in BUILTIN_CHAINS[table]}
        rules: list[RuleText] = []
        for chain in BUILTIN_CHAINS[table]:
            if values.chance(0.75):
                rules += self._chain(table, chain, hooks[chain], names, hooks)
        for place, chain in enumerate(names):
            if chain in hooks:
                rules += self._chain(table, chain, hooks[chain], names[place + 1 :], hooks)
        return rules

    def _chain(
        self, table: str, chain: str, hooks: frozenset[str], callees: list[str], reached: Chains
    ) -> list[RuleText]:
        rules = []
        for _ in range(self.random.randint(1, 4)):
            if callees and self.values.chance(0.3):
                callee = self.values.one(callees)
                reached[callee] = reached.get(callee, frozenset()) | hooks
                target, protocols = f"{self.values.one(('-j', '-j', '-g'))} {callee}", tuple[str, ...]()
            else:
                target, protocols = self._target(table, hooks)
            rules.append(RuleText(table, chain, self._parts(table, hooks, protocols), target))
        return rules

    # ── targets ──

    def _target(self, table: str, hooks: frozenset[str]) -> tuple[str, tuple[str, ...]]:
        values = self.values
        verdict = values.random.random()
        if verdict < 0.35:
            last = "-j DROP" if table != "nat" else ""
            return values.one(("", "", "-j ACCEPT", "-j ACCEPT", "-j RETURN", "-j RETURN", last)), ()
        makers = {**targets.PLAIN, **(targets.NAT if self.translates else {})}
        found = [
            (name, maker)
            for name, those in makers.items()
            for maker in those
            if table in maker.tables and self.family in maker.families and self._may(name)
            if not maker.hooks or hooks <= set(maker.hooks)
        ]
        if table == "nat" and values.chance(0.8):
            found = [one for one in found if one[0] in targets.NAT] or found
        if table == "raw" and (self._untracks or values.chance(0.3)):
            found = [one for one in found if one[0] in ("NOTRACK", "CT")] or found
        name = self._seldom("target", sorted({name for name, _ in found}))
        maker = values.one([maker for known, maker in found if known == name])
        return f"-j {name} {maker.write(values)}".rstrip(), maker.protocols

    def _seldom(self, role: str, names: Sequence[str]) -> str:
        """One of some matches or targets, rather one that was seldom tried yet."""
        return min(self.random.choices(names, k=_DRAWS), key=lambda name: self.coverage.tried(f"{role} {name}"))

    def _may(self, name: str) -> bool:
        return name not in self._left_out and (self.tracked or name not in ("CONNMARK", "CT"))

    # ── matches ──

    def _parts(self, table: str, hooks: frozenset[str], protocols: tuple[str, ...]) -> tuple[str, ...]:
        values = self.values
        protocol = values.one(protocols) if protocols else ""
        written: list[str] = []
        for _ in range(values.one((0, 1, 1, 1, 1, 2, 2))):
            name, maker = self._match(table, hooks)
            if (maker.protocol and protocol not in ("", maker.protocol)) or f"-m {name} " in " ".join(written):
                continue
            protocol = protocol or maker.protocol
            written.append(f"-m {name} {maker.write(values)}".strip())
        if protocol:
            written.insert(0, f"-p {protocol}")
        elif values.chance(0.15):
            written.insert(0, f"{values.no()}-p {values.one(_PROTOCOLS)}")
        return (*self._base(hooks), *written)

    def _unforeseen(self, table: str) -> tuple[str, ...]:
        """Matches whose answers are not foreseen here: of what NAT made of a packet, of a connection yet unknown."""
        found = () if self.tracked else _TRACKING
        return (*found, *(("cluster", "set") if self.translates else ()), *(("connbytes",) if table == "raw" else ()))

    def _match(self, table: str, hooks: frozenset[str]) -> tuple[str, matches.Maker]:
        found = [
            (name, maker)
            for name, those in matches.MAKERS.items()
            for maker in those[: 1 if name != "multiport" else None]
            if self.family in maker.families and hooks <= maker.hooks
            if name not in self._unforeseen(table)
        ]
        if self.tracked and self.values.chance(0.25):
            return "conntrack", matches.MAKERS["conntrack"][0]
        name = self._seldom("match", sorted({name for name, _ in found}))
        return name, self.values.one([maker for maker in matches.MAKERS[name] if self.family in maker.families])

    def _base(self, hooks: frozenset[str]) -> list[str]:
        values, found = self.values, []
        if values.chance(0.12):
            found.append(values.negatable_network("-s"))
        if values.chance(0.12):
            found.append(values.negatable_network("-d"))
        if values.chance(0.1) and hooks <= matches.INPUT_HOOKS:
            found.append(f"{values.no()}-i {values.one(_INTERFACES)}")
        if values.chance(0.1) and hooks <= {"FORWARD", "OUTPUT", "POSTROUTING"}:
            found.append(f"{values.no()}-o {values.one(_INTERFACES)}")
        if values.chance(0.04) and self.family is Family.IPV4:
            found.append(f"{values.no()}-f")
        return found
