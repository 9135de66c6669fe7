"""What the commands of a table do to its chains, one after the other, and which of them fail.

The order and the failures are those of libiptc behind iptables-restore 1.8.9
(legacy back end).  A complaint is a sentence; no complaint means done.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import NamedTuple

from rulec.catalogue.names import TARGETS
from rulec.catalogue.values.numbers import integer
from rulec.catalogue.values.text import size
from rulec.diagnostics.suggest import suggestion
from rulec.model import VERDICTS, Counters, Rule
from rulec.syntax.line import Line
from rulec.syntax.ruleset import Chain, Reference, Ruleset, Table, line_of

_LONGEST_NAME = 28


class Statement(NamedTuple):
    """A command line ready to be carried out: its rules are made only where somebody looks at them."""

    line: Line
    number: int
    rules: Callable[[], list[Rule]]


class Commands:
    """Carries out the commands of one table.

    ``jumps`` tells the chain to which the rule of a line jumps; ``announced``
    are the names of targets that the file has given to chains.
    """

    def __init__(self, ruleset: Ruleset, table: Table, jumps: dict[int, str], announced: Set[str]) -> None:
        self.ruleset = ruleset
        self.table = table
        self.jumps = jumps
        self.announced = announced

    def declare(self, name: str, policy: str, counters: Counters | None, line: int) -> str:
        """A ``:CHAIN POLICY`` line."""
        if len(name) > _LONGEST_NAME // 4 and size(name) > _LONGEST_NAME:
            return f"the chain name {name!r} is longer than {_LONGEST_NAME} bytes"
        if name in self.table.builtin:
            return self._declare_base(self.table.chains[name], policy, counters, line)
        complaint = self._declare_again(name, line) if self._is_there(name) else self._create(name, line)
        if not complaint and policy != "-":
            return f"{name!r} is no base chain of table {self.table.name!r}, so it has no policy: write :{name} -"
        return complaint

    def _declare_base(self, chain: Chain, policy: str, counters: Counters | None, line: int) -> str:
        chain.line = chain.line or line
        if policy not in ("-", "ACCEPT", "DROP"):
            return f"{policy!r} is no policy: a base chain has ACCEPT or DROP"
        if policy != "-":
            chain.policy, chain.counters = policy, counters
        return ""

    def _is_there(self, name: str) -> bool:
        """Whether the chain is there and may be declared all the same, as in a piece that is loaded with ``-n``."""
        return self.ruleset.is_piece and name in self.table.chains

    def _declare_again(self, name: str, line: int) -> str:
        """A chain that is declared once more loses its rules (iptables-restore -n, 1.8.9)."""
        chain = self.table.chains[name]
        chain.line = line
        chain.references.clear()
        return ""

    def _create(self, name: str, line: int) -> str:
        if name in VERDICTS:
            return f"{name} is a verdict and cannot name a chain"
        if name in self.table.chains:
            return f"the chain {name!r} exists already"
        self.table.chains[name] = Chain(name, line)
        return ""

    def carry_out(self, statement: Statement) -> str:
        """Do what a command line says."""
        verb = statement.line.verb.lower()
        name = statement.line.operand(0)
        if verb == "new_chain":
            return self._new_chain(name or "", statement.number)
        if name is None:
            return str(getattr(self, f"_{verb}_all")())
        chain = self.table.chains.get(name)
        if chain is None:
            close = suggestion(name, self.table.chains)
            return f"there is no chain {name!r} in table {self.table.name!r} so far{close}"
        return str(getattr(self, f"_{verb}")(chain, statement))

    def _new_chain(self, name: str, line: int) -> str:
        if name[:1] in ("-", "!"):
            return f"a chain name may not begin with {name[0]!r}"
        if (name in TARGETS and name not in self.announced) or name in VERDICTS:
            return f"{name!r} is the name of a target"
        if any(character.isspace() for character in name) or size(name) > _LONGEST_NAME:
            return f"{name!r} is no chain name: at most {_LONGEST_NAME} bytes and no blanks"
        return self._create(name, line)

    def _append(self, chain: Chain, statement: Statement) -> str:
        chain.references.extend(references(statement))
        return ""

    def _insert(self, chain: Chain, statement: Statement) -> str:
        index = _index(statement) if len(statement.line.operands) > 1 else 0
        if index is None or index > len(chain.references):
            return _too_far(chain, statement)
        for reference in references(statement):
            chain.references.insert(index, reference)
        return ""

    def _replace(self, chain: Chain, statement: Statement) -> str:
        index = _index(statement)
        if index is None or index >= len(chain.references):
            return _too_far(chain, statement)
        made = references(statement)
        if len(made) != 1:
            return "a replacement must be one rule, so it may not list addresses"
        chain.references[index] = made[0]
        return ""

    def _delete(self, chain: Chain, statement: Statement) -> str:
        if len(statement.line.operands) > 1:
            index = _index(statement)
            if index is None or index >= len(chain.references):
                return _too_far(chain, statement)
            del chain.references[index]
            return ""
        for wanted in statement.rules():
            index = self._find(chain, wanted)
            if index is None:
                return f"{chain.name} has no such rule here to delete"
            del chain.references[index]
        return ""

    def _check(self, chain: Chain, statement: Statement) -> str:
        if all(self._find(chain, wanted) is not None for wanted in statement.rules()):
            return ""
        return f"{chain.name} has no such rule here"

    def _find(self, chain: Chain, wanted: Rule) -> int | None:
        for index, placed in enumerate(self.ruleset.rules(chain)):
            if _conditions(placed.rule) == _conditions(wanted):
                return index
        return None

    def _flush(self, chain: Chain, statement: Statement) -> str:
        chain.references.clear()
        return ""

    def _flush_all(self) -> str:
        for chain in self.table.chains.values():
            chain.references.clear()
        return ""

    def _rename_chain(self, chain: Chain, statement: Statement) -> str:
        new = statement.line.operand(1) or ""
        if chain.name in self.table.builtin:
            return f"{chain.name} is a base chain and keeps its name"
        if new[:1] in ("-", "!"):
            return f"a new chain name may not begin with {new[0]!r}"
        if new in self.table.chains or new in VERDICTS:
            return f"{new!r} exists already"
        for line, target in self.jumps.items():
            if target == chain.name:
                self.jumps[line] = self.ruleset.renamed[line] = new
        self.table.chains[new] = self.table.chains.pop(chain.name)
        chain.name = new
        return ""

    def _delete_chain(self, chain: Chain, statement: Statement | None = None) -> str:
        if chain.name in self.table.builtin:
            return f"{chain.name} is a base chain and cannot be deleted"
        if chain.references:
            return f"{chain.name} still holds rules"
        kept = {line_of(reference) for other in self.table.chains.values() for reference in other.references}
        if any(self.jumps.get(line) == chain.name for line in kept):
            return f"a rule still jumps to {chain.name}"
        del self.table.chains[chain.name]
        return ""

    def _delete_chain_all(self) -> str:
        ours = [chain for name, chain in self.table.chains.items() if name not in self.table.builtin]
        return next((complaint for complaint in map(self._delete_chain, ours) if complaint), "")

    def _policy_of(self, chain: Chain, statement: Statement) -> str:
        policy = statement.line.operand(1) or ""
        if chain.name not in self.table.builtin:
            return f"{chain.name} is no base chain, so it has no policy"
        if policy not in ("ACCEPT", "DROP"):
            return f"{policy!r} is no policy: a base chain has ACCEPT or DROP"
        if self.table.name == "nat" and policy == "DROP":
            return "iptables refuses to drop in the nat table"
        chain.policy, chain.counters = policy, statement.rules()[0].counters
        return ""

    def _zero(self, chain: Chain, statement: Statement) -> str:
        if len(statement.line.operands) > 1:
            index = _index(statement)
            if index is None or index >= len(chain.references):
                return _too_far(chain, statement)
        return ""

    def _shows(self, chain: Chain | None = None, statement: Statement | None = None) -> str:
        """Commands that print or zero counters leave the rules as they are."""
        return ""

    _list = _list_all = _zero_all = _shows

    def _list_rules(self, chain: Chain, statement: Statement) -> str:
        index = _index(statement)
        return self._listing(chain.references if index is None else chain.references[index : index + 1])

    def _list_rules_all(self) -> str:
        return self._listing([each for chain in self.table.chains.values() for each in chain.references])

    def _listing(self, shown: list[int | Reference]) -> str:
        """Within a ruleset, -S fails at the first rule that jumps to a chain (tried on 1.8.9)."""
        if any(line_of(reference) in self.jumps for reference in shown):
            return "iptables-restore fails here: its -S cannot show a rule that jumps to a chain"
        return ""


def references(statement: Statement) -> list[int | Reference]:
    """What a chain keeps of a line: its number, or one reference for each rule that it makes."""
    if not _lists_addresses(statement.line):
        return [statement.number]
    return [Reference(statement.number, part) for part in range(len(statement.rules()))]


def _lists_addresses(line: Line) -> bool:
    return any(
        plan.option.name in ("--source", "--destination") and "," in line.arguments[plan.arguments[0]].text
        for plan in line.plans
        if plan.owner == 0
    )


def _index(statement: Statement) -> int | None:
    """The position, from 0, that the command names; None when it is no position."""
    try:
        return integer(statement.line.operand(1) or "", 1, 2**31 - 1) - 1
    except ValueError:
        return None


def _too_far(chain: Chain, statement: Statement) -> str:
    return f"{statement.line.operand(1)} is no position in {chain.name}, which has {len(chain.references)} rules here"


def _conditions(rule: Rule) -> Rule:
    """The rule without what -D and -C do not look at: its counters."""
    base = tuple(use for use in rule.base if use.option != "--set-counters")
    return rule._replace(base=tuple(sorted(base, key=lambda use: use.option)), counters=None)
