"""Rules that see another packet than their authors thought, since the raw table leaves some untracked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rulec.analysis.narrow import matches_among
from rulec.analysis.untracked import CLIENT_PORTS, Spot, Untracking, by_line, first_lines, is_notrack
from rulec.analysis.untracked_flows import ANSWERED_ON, inner, turned
from rulec.analysis.untracked_instead import Instead
from rulec.model import Family, Rule, Use
from rulec.model.protocols import ICMP, ICMPV6, NEVER_TRACKED, TCP, UDP
from rulec.packetset.fields import EXTENSION_HEADERS, PRIORS
from rulec.packetset.packetset import PacketSet
from rulec.semantics.paths import PATHS
from rulec.semantics.reach import Reach

_OF_CONNECTIONS = ("--state", "--ctstate")
_RATES = frozenset(("limit", "hashlimit", "recent", "quota", "statistic", "nfacct"))
_FLOW_SAYING = frozenset(("--source", "--destination", "--protocol"))
_SAYS_NOTHING = frozenset(("state", "conntrack", "comment"))
_ERRORS = {Family.IPV4: (ICMP, (3, 4, 5, 11, 12)), Family.IPV6: (ICMPV6, (1, 2, 3, 4))}
_LOOPBACK = {Family.IPV4: 0x7F000001, Family.IPV6: 1}
_ENDS = ("src", "dst", "sport", "dport", "proto")
_ROUTER_ADVERTISEMENT = 134
_TOO_LARGE = {Family.IPV4: (3, 4), Family.IPV6: (2, 0)}
"""Type and code of the ICMP error that tells a sender to make its packets smaller."""


def states(rule: Rule) -> Iterator[Use]:
    """What a rule asks of the state."""
    for match in rule.matches:
        if match.name in ("state", "conntrack"):
            yield from (use for use in match.uses if use.option in _OF_CONNECTIONS)


def matches_untracked(use: Use) -> bool:
    """Whether a state option matches untracked packets."""
    return ("UNTRACKED" in use.value) != use.negated


class Rules:
    """Asks which rules meet untracked packets."""

    def __init__(self, untracking: Untracking) -> None:
        self._asks = untracking
        self._walked = untracking.walked
        self._space = untracking.space
        self._family = untracking.walked.prepared.ruleset.family

    # ── states ──

    def wholesale(self) -> Iterator[Spot]:
        """Rules that accept whatever is untracked; ``others`` are those that leave it so."""
        return first_lines(self._wholesale())

    def _wholesale(self) -> Iterator[Spot]:
        for path in PATHS:
            for reach in self._walked.meaning.way(path).reaches:
                if reach.step.table == "filter" and _is_wholesale(reach.step.rule) and reach.is_met:
                    for packets, others in self._opened(reach, path):
                        yield self._asks.named(reach, packets, path, *others)
                        break

    def _opened(self, reach: Reach, path: str) -> Iterator[tuple[PacketSet, tuple[int, ...]]]:
        """What a rule accepts that would not be if it were tracked, and what is never tracked."""
        asks = self._asks
        packets = matches_among(reach, asks.untracked(path) & asks.begins).surely()
        opened = asks.some_that_may_not(path, packets)
        if not opened.is_empty():
            yield self._by(path, opened)
        if self._family is Family.IPV6 and path == "input":
            kinds = self._space.field("icmp_type").among(NEVER_TRACKED) & asks.protocol(ICMPV6)
            never = matches_among(reach, kinds & asks.unmarked & asks.fresh & self._walked.possible[path]).surely()
            routers = never & self._space.field("icmp_type").equals(_ROUTER_ADVERTISEMENT)
            without = Instead(self._walked, lambda step: step != reach.step)
            pieces = (sent for packets in (routers, never) for sent in without.pieces(path, packets))
            refused = asks.first(sent.packets - sent.passing for sent in pieces)
            if not refused.is_empty():
                yield refused, ()

    def negated(self) -> Iterator[Spot]:
        """Rules that ask for no state of some, which untracked packets are in none of; ``detail`` is the target."""
        for path, reach, packets in self._met(_asks_for_no_state):
            changed = self._not_matched_without(path, reach, packets & self._of_connections)
            if not changed.is_empty():
                target = reach.step.rule.target
                yield self._named(reach, changed, path, target.name if target else "")

    def tuple_options(self) -> Iterator[Spot]:
        """Rules that ask for the state UNTRACKED and for something of the connection, which is passed over."""
        for path, reach, packets in self._met(_asks_for_more):
            yield self._named(reach, packets, path, _passed_over(reach.step.rule))

    # ── answers ──

    def holes(self) -> Iterator[Spot]:
        """Rules that accept untracked answers, and new connections from the same port that no others could begin."""
        return by_line(self._holes())

    def _holes(self) -> Iterator[Spot]:
        for path in PATHS:
            for reach in self._asks.rules(path):
                if self._asks.answers(reach) and not self._asks.asks(reach):
                    begun = self._begun(reach, path)
                    opened = self._opened_by_port(path, begun) if any(self._accepting(path, begun)) else begun
                    for line in self._accepting(path, opened):
                        yield Spot(line, (reach.step.line,), path, self._walked.witness(opened, path))

    def _begun(self, reach: Reach, path: str) -> PacketSet:
        """What begins connections among the packets of a rule, and is let through."""
        asks = self._asks
        wanted = asks.protocol(TCP)
        if path == "input":
            wanted |= asks.protocol(UDP) - self._space.field("dport").between(1024, 65535)
        packets = asks.untracks(reach) & asks.begins & wanted & asks.ordinary(path) & self._walked.possible[path]
        return asks.surely_accepted(path, packets)

    def _opened_by_port(self, path: str, begun: PacketSet) -> PacketSet:
        """Those of some packets that would not be let through from another port."""
        others = begun.without(["sport"]) & self._space.field("sport").equals(CLIENT_PORTS[0])
        return begun - self._asks.may_pass(path, others).without(["sport"])

    def _accepting(self, path: str, packets: PacketSet) -> Iterator[int]:
        """The rules of the table filter that accept some of the packets."""
        for reach in self._walked.meaning.way(path).reaches if not packets.is_empty() else ():
            accepts = reach.step.verdict == "ACCEPT" and reach.step.table == "filter" and reach.is_met
            told = _is_wholesale(reach.step.rule)
            if accepts and not told and not matches_among(reach, packets).is_empty():
                yield reach.step.line

    # ── what counts connections, or packets ──

    def connmarks(self) -> Iterator[Spot]:
        """Rules with the mark of a connection that would match these packets if they had one."""
        return by_line(self._connmarks())

    def _connmarks(self) -> Iterator[Spot]:
        programs = self._walked.programs.values()
        if not any(_is_about_connmark(step.rule) for program in programs for step in program.steps()):
            return
        for path in PATHS:
            for reach in self._asks.instead.whole.meaning.way(path).reaches:
                if _is_about_connmark(reach.step.rule) and reach.is_met:
                    packets = matches_among(reach, self._asks.untracked(path) & self._of_connections)
                    if not packets.is_empty():
                        yield self._named(reach, packets, path)

    def connlimits(self) -> Iterator[Spot]:
        """Rules that count connections, and get packets that are of none."""
        for path, reach, packets in self._met(lambda rule: rule.match("connlimit") is not None):
            yield self._named(reach, packets, path)

    def rates(self) -> Iterator[Spot]:
        """Rules with a rate that would count connections, and count packets."""
        for path, reach, packets in self._met(_has_rate):
            step = reach.step
            if step.verdict in ("ACCEPT", "DROP") or step.extension == "REJECT" or step.goes_to:
                later = packets & self._asks.goes_on & self._walked.state("ESTABLISHED")
                later = self._not_matched_without(path, reach, later)
                if not later.is_empty():
                    yield self._named(reach, later, path)

    # ── ICMP ──

    def icmp(self) -> Iterator[Spot]:
        """NOTRACK rules that take ICMP errors about flows that are tracked."""
        return first_lines(self._icmp())

    def _icmp(self) -> Iterator[Spot]:
        number, kinds = _ERRORS[self._family]
        errors = self._asks.protocol(number) & self._space.field("icmp_type").among(kinds)
        errors &= self._walked.state("RELATED") & self._asks.unmarked
        for path in PATHS:
            ends = ["src", "dst", "iif" if path != "output" else "oif"]
            flows = (self._asks.untracked(path) & self._asks.goes_on).onto(ends)
            for reach in self._asks.rules(path):
                taken = (self._asks.untracks(reach) & errors & self._asks.ordinary(path)) - flows
                taken &= self._walked.possible[path]
                if not taken.is_empty():
                    yield self._asks.named(reach, taken, path)

    def lost_errors(self) -> Iterator[Spot]:
        """NOTRACK rules of whose flows the error that a packet is too large is refused, which it is not if tracked."""
        for path in ("input", "forward"):
            for reach in self._asks.rules("output" if path == "input" else path):
                way = "output" if path == "input" else path
                packets = self._asks.of(reach, way) & self._asks.goes_on & self._asks.protocol(TCP)
                if not self._refused_errors(packets.onto(_ENDS), path).is_empty():
                    packets &= self._answered_untracked(reach, way)
                    lost = self._refused_errors(self._passing(reach, packets, way, path), path)
                    if not lost.is_empty():
                        yield self._asks.named(reach, lost, path)

    def _answered_untracked(self, reach: Reach, way: str) -> PacketSet:
        """The flows of which another rule takes the other direction: else these errors are RELATED (measured)."""
        other, both = ANSWERED_ON[way], self._asks.asks(reach) == self._asks.answers(reach)
        rules = (rule for rule in self._asks.rules(other) if both or rule.step != reach.step)
        answers = self._space.union(self._asks.of(rule, other) for rule in rules) & self._asks.goes_on
        return turned(answers.onto(_ENDS))

    def _refused_errors(self, flows: PacketSet, path: str) -> PacketSet:
        """Errors about untracked flows that are refused as INVALID, and would not be as RELATED: some, if any are."""
        asks = self._asks
        kind, code = _TOO_LARGE[self._family]
        errors = asks.protocol(_ERRORS[self._family][0]) & self._space.only({"icmp_type": kind, "icmp_code": code})
        told = errors & inner(flows) & asks.unmarked & asks.fresh & asks.ordinary(path) & self._walked.possible[path]
        told -= self._space.union(self._space.flag(f"has_{header}") for header in EXTENSION_HEADERS)
        invalid = told & self._walked.state("INVALID")
        if asks.refused(path, invalid).is_empty():
            return self._space.nothing
        related = asks.accepted_without(path, told & self._walked.state("RELATED"))
        return asks.refused(path, invalid & related.without(["ctstate", "first", "ctdir"]))

    def _passing(self, reach: Reach, packets: PacketSet, way: str, path: str) -> PacketSet:
        """The flows of some packets of a rule that the host lets through, and what asked for them."""
        passing = self._asks.accepted(way, packets).onto(_ENDS)
        if self._asks.answers(reach):
            asked = turned(passing) & self._asks.begins & self._asks.ordinary(path) & self._walked.possible[path]
            passing &= turned(self._asks.accepted(path, asked).onto(_ENDS))
        return passing

    # ── NOTRACK rules without effect ──

    def after_ct(self) -> Iterator[Spot]:
        """NOTRACK rules of whose packets all have met a CT rule before, which has the last word."""
        yield from self._without_effect("CT")

    def duplicates(self) -> Iterator[Spot]:
        """NOTRACK rules of whose packets all have met one before."""
        yield from self._without_effect("NOTRACK")

    def _without_effect(self, wanted: str) -> Iterator[Spot]:
        looks: dict[int, list[Reach]] = {}
        for reach in self._asks.all_rules:
            looks.setdefault(reach.step.line, []).append(reach)
        for line, reaches in looks.items():
            blocked = [reach.matches & self._asks.fresh for reach in reaches]
            idle = all(self._asks.untracks(reach).is_empty() for reach in reaches)
            if idle and any(not packets.is_empty() for packets in blocked):
                kinds, others = self._blockers(reaches, blocked)
                if ("CT" if "CT" in kinds else "NOTRACK") == wanted:
                    yield Spot(line, others)

    def _blockers(self, reaches: list[Reach], blocked: list[PacketSet]) -> tuple[set[str], tuple[int, ...]]:
        """Which rules in front have something attached to the packets already."""
        kinds, lines = set(), []
        for reach, packets in zip(reaches, blocked, strict=True):
            for earlier in self._before(reach):
                took = matches_among(earlier, packets) - self._asks.attached(earlier)
                if not took.is_empty():
                    kinds.add("NOTRACK" if is_notrack(earlier.step.rule) else "CT")
                    lines.append(earlier.step.line)
        return kinds, tuple(dict.fromkeys(lines))

    def _before(self, reach: Reach) -> Iterator[Reach]:
        path = "input" if reach.hook.path == "arriving" else reach.hook.path
        for earlier in self._walked.meaning.way(path).reaches:
            if earlier is reach:
                return
            if earlier.hook == reach.hook and earlier.step.extension in ("CT", "NOTRACK"):
                yield earlier

    # ── the loopback ──

    def on_loopback(self) -> Iterator[Spot]:
        """NOTRACK rules in PREROUTING that are about the loopback alone, where OUTPUT leaves none of it untracked."""
        if any(
            self._asks.untracks(rule).meets(self._asks.interface("oif", "lo")) for rule in self._asks.rules("output")
        ):
            return
        loopback = self._asks.interface("iif", "lo")
        for reach in self._asks.rules("input"):
            if reach.is_met and reach.matches <= loopback:
                yield Spot(reach.step.line)

    def half_on_loopback(self) -> Iterator[Spot]:
        """NOTRACK rules in OUTPUT that take one direction of flows on the loopback; "fails" where INPUT refuses it."""
        loopback = self._asks.interface("oif", "lo") & self._walked.possible["output"] & self._asks.goes_on
        untracked = {rule: self._asks.untracks(rule) & loopback for rule in self._asks.rules("output")}
        answered = turned(self._space.union(untracked.values()).onto(_ENDS))
        for rule, packets in untracked.items():
            half = (packets.surely() - answered) & self._space.field("dst").equals(_LOOPBACK[self._family])
            half &= self._begun_here(rule, half)
            if not half.is_empty():
                yield self._asks.named(rule, half, "output", detail=self._fate_on_loopback(half))

    def _begun_here(self, rule: Reach, packets: PacketSet) -> PacketSet:
        """The flows of some packets on the loopback that INPUT lets begin if they are tracked."""
        asks = self._asks
        flows, turns = packets.onto(_ENDS), not asks.asks(rule)
        new = (turned(flows) if turns else flows) & asks.interface("iif", "lo") & asks.begins
        new &= self._space.field("prior").equals(PRIORS.index("connection")) & self._walked.possible["input"]
        passing = asks.some_that_may_pass("input", new).onto(_ENDS)
        return turned(passing) if turns else passing

    def _fate_on_loopback(self, packets: PacketSet) -> str:
        """What becomes of untracked packets that come back to this host."""
        arriving = packets.onto(_ENDS) & self._asks.interface("iif", "lo") & self._walked.possible["input"]
        arriving &= self._space.field("prior").equals(PRIORS.index("untracked")) & self._asks.goes_on
        return "works" if arriving <= self._asks.accepted("input", arriving) else "fails"

    # ── how it is asked ──

    def _met(self, asks: Callable[[Rule], bool]) -> Iterator[tuple[str, Reach, PacketSet]]:
        """The rules of some kind that meet untracked packets, each once."""
        seen: set[int] = set()
        for path in PATHS:
            untracked = self._asks.untracked(path)
            for reach in self._walked.meaning.way(path).reaches:
                if reach.step.table != "raw" and reach.step.line not in seen and asks(reach.step.rule) and reach.is_met:
                    packets = matches_among(reach, untracked)
                    if not packets.is_empty():
                        seen.add(reach.step.line)
                        yield path, reach, packets

    def _not_matched_without(self, path: str, reach: Reach, packets: PacketSet) -> PacketSet:
        """Some of the packets that a rule would not match if they were tracked, none only where there are none."""
        pieces = self._asks.instead.pieces(path, packets)
        return self._asks.first(sent.packets - sent.matching(reach) for sent in pieces)

    def _named(self, reach: Reach, packets: PacketSet, path: str, detail: str = "") -> Spot:
        """A rule, the first that leaves packets of it untracked, and one of these."""
        some, others = self._by(path, packets)
        return self._asks.named(reach, some, path, *others, detail=detail)

    def _by(self, path: str, packets: PacketSet) -> tuple[PacketSet, tuple[int, ...]]:
        """Those of the packets that the first such rule leaves untracked, and its line."""
        for rule in self._asks.rules(path):
            some = packets & self._asks.untracks(rule)
            if not some.is_empty():
                return some, (rule.step.line,)
        return packets, ()

    @property
    def _of_connections(self) -> PacketSet:
        states = self._walked.state("NEW") | self._walked.state("ESTABLISHED")
        return states & self._asks.unmarked


# ── what a rule asks ──


def _is_wholesale(rule: Rule) -> bool:
    """Whether a rule accepts what is untracked, and says nothing of flows but by which interface they come."""
    says = {match.name for match in rule.matches} - _SAYS_NOTHING or _FLOW_SAYING & {use.option for use in rule.base}
    accepts = rule.target is not None and rule.target.name == "ACCEPT" and not rule.target.extends
    asked = [use for use in states(rule) if "UNTRACKED" in use.value and not use.negated]
    return accepts and bool(asked) and not says


def _asks_for_no_state(rule: Rule) -> bool:
    return any(use.negated and "UNTRACKED" not in use.value for use in states(rule))


def _asks_for_more(rule: Rule) -> bool:
    return bool(_passed_over(rule))


def _passed_over(rule: Rule) -> str:
    """The options beside a state that untracked packets match."""
    for match in rule.matches:
        if match.name == "conntrack" and any(
            use.option == "--ctstate" and matches_untracked(use) for use in match.uses
        ):
            return ", ".join(use.option for use in match.uses if use.option != "--ctstate")
    return ""


def _is_about_connmark(rule: Rule) -> bool:
    target = rule.target
    return rule.match("connmark") is not None or (target is not None and target.extends and target.name == "CONNMARK")


def _has_rate(rule: Rule) -> bool:
    return any(match.name in _RATES for match in rule.matches)
