"""The part of the proof that speaks of REJECT: what was answered to touched packets is still answered, and leaves.

Resets and ICMP errors that the host sends about a packet have its connection
attached: they were RELATED, and are INVALID where the packet is untracked (measured).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.analysis.flows import TUPLE
from rulec.analysis.sides import Side
from rulec.analysis.untracked_flows import inner, turned
from rulec.catalogue.extension import Given
from rulec.catalogue.targets.REJECT import TCP_RESET
from rulec.compiler.certificate import Failure, Listed
from rulec.compiler.proof.errors import Errors
from rulec.compiler.proof.words import regions_of
from rulec.model import Family
from rulec.packetset.packetset import PacketSet
from rulec.semantics.program import Step

_UNREACHABLE = {Family.IPV4: 3, Family.IPV6: 1}


class Refused:
    """Packets that REJECT refuses, and its answers."""

    def __init__(self, errors: Errors) -> None:
        self.errors = errors
        self.flows = errors.flows
        self.pair = errors.pair
        self._known: dict[tuple[Side, str, bool], PacketSet] = {}

    def failures(self) -> Iterator[Failure]:
        """Answers that the old ruleset let out, and that the new one does not send, or does not let out."""
        for path in ("input", "forward"):
            for resets in (True, False):
                lost = self._lost(path, resets)
                if not lost.is_empty():
                    what = "reset" if resets else "ICMP error"
                    message = f"the {what} by which REJECT answers was let out, and is lost"
                    yield self.flows.failure("kept", "output", message, lost)

    def answered(self) -> Iterator[Listed]:
        """First packets that the new ruleset answers, and the old one dropped in silence."""
        for path in ("input", "forward"):
            old, new = (
                self._refused(side, path, True).possibly() | self._refused(side, path, False).possibly()
                for side in (self.pair.old, self.pair.new)
            )
            more = new - old
            if not more.is_empty():
                more = more - self.pair.old.passing(path, more).possibly()
            if not more.is_empty():
                message = f"REJECT answers packets on the way {path} that were dropped in silence"
                yield Listed(message, regions_of(more, self.pair, path), self.pair.witness(more, path))

    def let_out(self) -> PacketSet:
        """All answers that the old ruleset let out, as packets of which nothing is known.

        Where it answers some by errors, those about what it answers by resets count, too.
        """
        pair, found = self.pair, self.pair.space.nothing
        alone = pair.flags("RST") - pair.flags("SYN") - pair.flags("FIN")
        for path in ("input", "forward"):
            by_reset, by_error = (self._refused(pair.old, path, resets).possibly() for resets in (True, False))
            resets = self.errors.let_out("output", self._answers(by_reset, path, True)).without(("prior",))
            found |= resets.without(("tcp_flags",)) & alone
            if not by_error.is_empty():
                answers = self._answers(by_reset | by_error, path, False)
                found |= self.errors.let_out("output", answers).without(("prior",))
        return found

    def _lost(self, path: str, resets: bool) -> PacketSet:
        pair = self.pair
        before = self._refused(pair.old, path, resets)
        if before.is_empty():
            return before
        silent = before - self._refused(pair.new, path, resets) - pair.new.passing(path, before.possibly())
        lost = self.errors.lost("output", self._answers(before.possibly(), path, resets))
        return lost | self.errors.let_out("output", self._answers(silent.possibly(), path, resets))

    def _refused(self, side: Side, path: str, resets: bool) -> PacketSet:
        """The packets that would begin a flow, and that REJECT refuses so."""
        key = side, path, resets
        if key not in self._known:
            self._known[key] = self._found(side, path, resets)
        return self._known[key]

    def _found(self, side: Side, path: str, resets: bool) -> PacketSet:
        pair = self.pair
        opening = pair.touched(path) & pair.opening & pair.usual(path)
        opening = self.flows.that_left(opening) if path == "input" else opening
        answering = side.met(path, opening, lambda step: self._answers_so(step, resets))
        return pair.space.union(met.packets for met in answering)

    def _answers_so(self, step: Step, resets: bool) -> bool:
        target = step.rule.target
        if target is None or step.extension != "REJECT":
            return False
        answers_by = Given(self.pair.family, target.uses).get("--reject-with")
        return bool(answers_by == TCP_RESET) == resets

    def _answers(self, refused: PacketSet, path: str, resets: bool) -> PacketSet:
        """What is sent about refused packets; ICMP errors where the policy does not leave them."""
        pair = self.pair
        if resets:
            return turned(refused.onto(TUPLE)) & pair.answers_to_touched & pair.takes("output")
        about = (refused & self.errors.wanted(path)).onto(TUPLE).without(("src_type", "dst_type"))
        unreachable = pair.icmp((_UNREACHABLE[pair.family],)) - pair.extended
        return inner(about) & unreachable & pair.usual("output")
