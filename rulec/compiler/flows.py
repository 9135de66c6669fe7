"""What the packets of hot flows meet on their ways through a ruleset, tracked or not.

Only these packets are followed, so that a large ruleset takes little more time than
a small one.  Each is followed twice at once: as tracking would have it, and as
if it had come untracked.  That stands in the field ``prior``, which is no
part of the packet, and is free as long as nothing comes over the loopback.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rulec.analysis.flows import OF_CONNECTION
from rulec.analysis.sides import memories_by_name
from rulec.catalogue.extension import Given
from rulec.model import Rule
from rulec.packetset.fields import PRIORS, STATES, TRACKED_STATES
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.alive import Alive, Told
from rulec.semantics.effects import effect
from rulec.semantics.paths import Host, Passage, Walked
from rulec.semantics.place import Hook, Memory, Place, Values
from rulec.semantics.plain import Setting
from rulec.semantics.program import Program, Step
from rulec.semantics.reach import PolicyReach, Reach
from rulec.semantics.rule import asked
from rulec.semantics.ruleset import Prepared

UNSEEN = ("prior", "ctstate", *OF_CONNECTION)
"""What is no part of a packet, but what tracking knows of it."""

_OF_CONNECTIONS = frozenset(
    ("state", "conntrack", "connmark", "connlimit", "connbytes", "connlabel", "cluster", "helper", "ipvs")
)
"""Matches that may hold of a packet that is tracked, and not of the same one untracked, or the other way round."""

_LARGE = 500
"""Rules of a table in which exact sets of packets take longer than all else."""

_MUCH = 5000
"""Nodes of a set beyond which it is worth forgetting some fields."""


class Met(NamedTuple):
    """A rule that packets came to: by which jumps, which, those of them that match, and what they are by then.

    In a large table all of that is meant of packets that are ``within`` some sets.
    """

    hook: Hook
    step: Step
    stack: tuple[Step, ...]
    arrives: PacketSet
    hit: PacketSet
    accepts: PacketSet
    drops: PacketSet
    values: Values
    within: tuple[PacketSet, ...] = ()

    def among(self, which: PacketSet, packets: PacketSet) -> PacketSet:
        """Those of some packets that are in one of these sets: that arrive, match, are accepted or dropped."""
        found = packets & which
        for entry in self.within:
            found = found if found.is_empty() else found & entry
        return found

    def meets(self, which: PacketSet, packets: PacketSet) -> bool:
        """Whether any of some packets is in one of these sets."""
        return packets.meets(which) if not self.within else not self.among(which, packets).is_empty()


class Course:
    """The way of some packets through a table at a hook, rule by rule."""

    is_large = False
    policy: PolicyReach
    values: Values

    def __init__(self, walk: Followed, program: Program, hook: Hook) -> None:
        self.met: list[Met] = []
        self.reaches: list[Reach] = []
        self._walk = walk
        self._program = program
        self._hook = hook
        self._accepted: list[PacketSet] = []
        self._within: tuple[PacketSet, ...] = ()
        self._fields: dict[tuple[str, Values], tuple[frozenset[str], ...]] = {}

    def run(self, packets: PacketSet, values: Values) -> None:
        """Send them through."""
        base, self._outline = self._program.chains[self._hook.name], packets
        values = self._walk.setting.memory.known(values)
        rest, self.values = self._through(base.name, packets, values, ())
        self.policy = PolicyReach(self._hook, base.policy, Alive(rest))
        self.passed: PacketSet = packets.space.union([*self._accepted, *([] if base.policy == "DROP" else [rest])])

    def through(self, packets: PacketSet) -> PacketSet:
        """Those that come to the end of the table."""
        return packets & self.passed

    def among(self, packets: PacketSet, met: Told | None = None) -> PacketSet:
        """The same."""
        return self.through(packets)

    def _through(
        self, chain: str, packets: PacketSet, values: Values, stack: tuple[Step, ...], start: int = 0
    ) -> tuple[PacketSet, Values]:
        """Send packets through a chain, or the rest of it; give those that come back, and the fields."""
        returned, none = [], packets.space.nothing
        steps = self._program.chains[chain].steps
        for number, step in enumerate(steps[start:], start):
            if number > start and self._is_much(chain, number, packets, values):
                returned.append(self._few(chain, packets, values, stack, number))
                packets = none
                break
            place = self._walk.place(self._hook, step, values, stack)
            hit = self._matching(step, place, packets)
            if hit.is_empty():
                if _asks_for_state(step) and not packets.is_empty():
                    self._put(step, stack, packets, hit, none, none, values)
            elif step.goes_to:
                self._put(step, stack, packets, hit, none, none, values)
                back, values = self._call(step, hit, values, (*stack, step))
                if step.is_goto or back != hit:
                    packets = packets - hit if step.is_goto else (packets - hit) | back
                returned += [back] if step.is_goto else []
            elif step.verdict == "RETURN":
                self._put(step, stack, packets, hit, none, none, values)
                returned.append(hit)
                packets -= hit
            else:
                packets, values = self._act(step, stack, packets, hit, place)
        return packets.space.union([*returned, packets]), values

    # ── large tables ──

    def _call(self, step: Step, entry: PacketSet, values: Values, stack: tuple[Step, ...]) -> tuple[PacketSet, Values]:
        """Send packets into a chain."""
        if self._program.size < _LARGE or step.goes_to not in self._program.plain:
            return self._through(step.goes_to, entry, values, stack)
        return self._few(step.goes_to, entry, values, stack, 0), values

    def _few(self, chain: str, entry: PacketSet, values: Values, stack: tuple[Step, ...], start: int) -> PacketSet:
        """Send packets into a chain without the fields that no rule from there on looks at.

        What they met before may be much, and is kept aside.
        """
        before, within = self._accepted, self._within
        self._accepted, self._within = [], (entry, *within)
        unseen = entry.space.fields.keys() - self._looked_at(chain, values)[start]
        back, _ = self._through(chain, entry.without(unseen), values, stack, start)
        self._accepted, self._within = [*before, entry & entry.space.union(self._accepted)], within
        return entry & back

    def _is_much(self, chain: str, number: int, packets: PacketSet, values: Values) -> bool:
        """Whether it pays to forget what no rule from there on looks at."""
        if self._program.size < _LARGE or chain not in self._program.plain:
            return False
        looked_at = self._looked_at(chain, values)
        return looked_at[number] < looked_at[number - 1] and packets.function.node_count() > _MUCH

    def _looked_at(self, chain: str, values: Values) -> tuple[frozenset[str], ...]:
        """The fields that a chain looks at, and those that it calls, from each of its rules on."""
        if (chain, values) not in self._fields:
            found = [frozenset[str]()]
            for step in reversed(self._program.chains[chain].steps):
                fields = found[-1] | asked(step.rule, self._walk.place(self._hook, step, values)).fields
                if step.goes_to:
                    fields |= self._looked_at(step.goes_to, values)[0]
                found.append(fields)
            self._fields[chain, values] = tuple(reversed(found))
        return self._fields[chain, values]

    def _matching(self, step: Step, place: Place, packets: PacketSet) -> PacketSet:
        """Those of some packets that a rule matches; asked first of all that came, of which less is to be known."""
        asks = asked(step.rule, place).packets & self._outline
        return asks if asks.is_empty() else packets & asks

    def _act(
        self, step: Step, stack: tuple[Step, ...], packets: PacketSet, hit: PacketSet, place: Place
    ) -> tuple[PacketSet, Values]:
        target = step.rule.target
        if target is None:
            self._put(step, stack, packets, hit, packets.space.nothing, packets.space.nothing, place.values)
            return packets, place.values
        done = effect(target.name, Given(place.family, target.uses), place)
        accepts, drops = hit & done.accepts, hit & done.drops
        self._put(step, stack, packets, hit, accepts, drops, place.values)
        self._accepted.append(accepts)
        changes = {name: new.where(hit - drops, place.field(name)) for name, new in done.changes.items()}
        return packets - accepts - drops, place.values.changed(changes)

    def _put(
        self,
        step: Step,
        stack: tuple[Step, ...],
        packets: PacketSet,
        hit: PacketSet,
        accepts: PacketSet,
        drops: PacketSet,
        values: Values,
    ) -> None:
        self.met.append(Met(self._hook, step, stack, packets, hit, accepts, drops, values, self._within))


class Followed(Host):
    """The ways of some packets through a ruleset, of which no NAT is asked; ``ways_of`` says what they met."""

    def __init__(self, prepared: Prepared, space: Space, memory: Memory, wanted: Mapping[str, PacketSet]) -> None:
        programs = {name: program for name, program in prepared.programs.items() if name != "nat"}
        super().__init__(Setting(space, prepared.ruleset.family, memory), programs)
        self.prepared = prepared
        self.space = space
        self._wanted = wanted
        self._memories = memories_by_name(prepared)
        self._courses: dict[Hook, Course] = {}
        self._ended = {way.path: way for way in self.ways()}

    # ── what was met ──

    def met(self, path: str) -> Iterator[Met]:
        """The rules of a way that packets came to, in order; those before routing first."""
        for hook, course in self._courses.items():
            if hook.path in ("arriving", path) and (hook.path != "arriving" or path != "output"):
                yield from course.met

    def matching(self, met: Met, packets: PacketSet) -> PacketSet:
        """Those of some packets that a rule would match, where they have become what others were that it met."""
        return asked(met.step.rule, self.place(met.hook, met.step, met.values, met.stack)).packets & packets

    def asking(self, met: Met, rule: Rule) -> PacketSet:
        """What another rule would match at the place of one that was met."""
        return asked(rule, self.place(met.hook, met.step, met.values, met.stack)).packets

    def passing(self, path: str, packets: PacketSet) -> PacketSet:
        """Those of some packets that come to the end of a way."""
        return packets & self._ended[path].accepted

    def ends(self, path: str) -> Iterator[PolicyReach]:
        """The base chains of a way, with the packets that are left to their policies."""
        for hook, course in self._courses.items():
            if hook.path in ("arriving", path) and (hook.path != "arriving" or path != "output"):
                yield course.policy

    def already(self, path: str) -> PacketSet:
        """The packets that are untracked behind raw, though they came with nothing attached."""
        way = self._ended[path]
        untracked = way.values["state"].equals(STATES.index("UNTRACKED"))
        return untracked & tracked(self.space) & way.enters

    def enters(self, path: str) -> PacketSet:
        """The packets that are followed on a way."""
        return self._ended[path].enters

    # ── following ──

    def place(self, hook: Hook, step: Step, values: Values, stack: tuple[Step, ...] = ()) -> Place:
        """Where a rule looks at the packets; what remembers the same is asked once in all rulesets."""
        visit = (self._memories.get(step, step.key), tuple(each.key for each in stack)) if step.has_memory else None
        return Place(self.space, self.setting.family, hook, values, self.setting.memory, visit)

    def _walk(self, hook: Hook, alive: Alive, values: Values) -> Walked | None:
        program = self.programs.get(hook.table)
        if program is None or hook.name not in program:
            return None
        course = Course(self, program, hook)
        course.run(alive.exact, values)
        self._courses[hook] = course
        return course

    def _arriving(self, within: PacketSet | None = None) -> Passage:
        wanted = self._wanted["input"] | self._wanted["forward"]
        return self._begin(wanted - self._interface("iif", ""), self._at("arriving", "PREROUTING"))

    def _leaving(self, within: PacketSet | None = None) -> Passage:
        return self._begin(self._wanted["output"] - self._interface("oif", ""), self._at("output", "OUTPUT"))

    def _at(self, path: str, name: str) -> Place:
        return self._place(Hook(path, name, "raw"), Values({}))


def _asks_for_state(step: Step) -> bool:
    return any(match.name in _OF_CONNECTIONS for match in step.rule.matches)


# ── the states of packets ──


def tracked(space: Space) -> PacketSet:
    """Packets as tracking sees them."""
    return space.field("prior").equals(PRIORS.index("nothing"))


def untracked(space: Space) -> PacketSet:
    """The same packets as if they were untracked."""
    return space.field("prior").equals(PRIORS.index("untracked"))


def bare_untracked(space: Space) -> PacketSet:
    """What there is to be known of untracked packets: nothing, so that one of each is enough."""
    return _state(space, "NEW") & space.flag("first") & space.only({"ctstatus": 0}) - space.flag("ctdir")


def followed(space: Space) -> PacketSet:
    """Both; whole packets of connections that nothing rewrites."""
    rewritten = space.flag("snat") | space.flag("dnat") | space.flag("later_fragment") | space.flag("more_fragments")
    return (tracked(space) | untracked(space)) & space.only({"connmark": 0}) - rewritten


def new(space: Space) -> PacketSet:
    """Packets of which tracking sees a connection begin."""
    begins = space.flag("first") & space.only({"ctstatus": 0}) - space.flag("ctdir")
    return tracked(space) & _state(space, "NEW") & begins


def established(space: Space, reply: bool) -> PacketSet:
    """Packets of known connections, of one direction."""
    direction = space.flag("ctdir") if reply else ~space.flag("ctdir")
    return tracked(space) & _state(space, "ESTABLISHED") & direction - space.flag("first")


def related(space: Space) -> PacketSet:
    """Errors about known connections."""
    return tracked(space) & _state(space, "RELATED")


def invalid(space: Space) -> PacketSet:
    """What tracking knows nothing of."""
    return tracked(space) & _state(space, "INVALID") - space.flag("ctdir") - space.flag("first")


def bare(packets: PacketSet) -> PacketSet:
    """The packets, whatever tracking knows of them."""
    return packets.without(UNSEEN)


def _state(space: Space, name: str) -> PacketSet:
    return space.field("ctstate").equals(TRACKED_STATES.index(name))
