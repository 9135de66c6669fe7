"""Which packets it concerns that a table is another one in one of two rulesets.

All others meet the same rules in the same order in both, and fare alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rulec.packetset.packetset import PacketSet
from rulec.semantics.opaque import has_memory
from rulec.semantics.program import Program, Step


class ComesAgain(Exception):
    """Packets come more than once to a chain that remembers, which is another thing if others do, too."""


class Version(NamedTuple):
    """A table of one of two rulesets, and its rules that are not the same in the other."""

    program: Program
    changed: frozenset[Step]

    def concerned(
        self,
        base: str,
        everything: PacketSet,
        matched: Callable[[Step], PacketSet],
        changed: Callable[[Step], PacketSet] | None = None,
    ) -> PacketSet:
        """The packets that match such a rule, and all jumps on a way to it from a base chain.

        ``changed`` are those that such a rule matters to, if it is not all that match.
        """
        leading = self.program.with_callers(step.chain for step in self.changed)
        coming, found = {base: [everything]}, [~everything]
        for name in self.program.callers_first:
            if name in leading and name in coming:
                here = everything.space.union(coming[name])
                for step in self.program.chains[name].steps:
                    if step in self.changed:
                        found.append(here & (changed or matched)(step))
                    if step.goes_to in leading:
                        coming.setdefault(step.goes_to, []).append(here & matched(_forgetful(step)))
        return everything.space.union(found)  # type: ignore[no-any-return]


class Concern(NamedTuple):
    """A table of two rulesets that say the same in all others; a packet meets it no more than once.

    The rules that are not the same remember nothing.
    """

    table: str
    versions: tuple[Version, Version]

    def is_about(self, table: str, base: str) -> bool:
        """Whether both versions of a base chain change nothing in packets, and end alike."""
        programs = [version.program for version in self.versions]
        if table != self.table or not all(base in program.plain for program in programs):
            return False
        return len({program.chains[base].policy for program in programs}) == 1

    def packets(self, base: str, everything: PacketSet, matched: Callable[[Step], PacketSet]) -> PacketSet:
        """The packets that a base chain may not treat alike; ``matched`` are those that match a rule anywhere.

        All that may become of such a packet counts: others ask what is possible for it.
        """
        one, other = (version.concerned(base, everything, matched) for version in self.versions)
        return (one | other).possibly()


def _forgetful(step: Step) -> Step:
    """A rule that matches whatever it remembers."""
    matches = tuple(match for match in step.rule.matches if not has_memory(match))
    return step._replace(rule=step.rule._replace(matches=matches), has_memory=False) if step.has_memory else step
