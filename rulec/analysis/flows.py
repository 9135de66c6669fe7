"""Two rulesets side by side: which flows begin under each, and which packets the new one leaves untracked.

The words are those of the proof (docs/SOUNDNESS.md): a packet is *touched* when
it is untracked under the new ruleset and not under the old one; a flow is
*begun* under a ruleset when some first packet of it passes every hook of its way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import Any

from rulec.analysis.sides import Side, is_large, walk
from rulec.analysis.untracked_flows import inner, turned
from rulec.analysis.witness import witness
from rulec.model import Family, Match
from rulec.model.protocols import DCCP, ECHO, ICMP, ICMPV6, LATER_FLAGS, NEEDED_ERRORS, SCTP, TCP
from rulec.packetset.fields import (
    ADDRESS_TYPES,
    EXTENSION_HEADERS,
    FLAGS,
    PRIORS,
    TRACKED_STATES,
    guessed_names,
)
from rulec.packetset.packetset import PacketSet
from rulec.packetset.space import Space
from rulec.semantics.paths import NO_NEXT_HEADER, PATHS, Host
from rulec.semantics.place import Memory
from rulec.semantics.plain import Setting
from rulec.semantics.ruleset import Prepared

TUPLE = ("src", "dst", "sport", "dport", "proto", "src_type", "dst_type")
"""The fields that all packets of one direction of a flow have in common, whatever way they take."""

_OF_ONE_SIDE = ("mac", "has_mac", "mark", "uid", "gid", "has_socket", "physin", "physout", "bridged")
_WHERE = ("iif", "oif", *_OF_ONE_SIDE)

FLOW = (*TUPLE, *_WHERE)
"""The same, and what they have in common by assumption: interfaces, the neighbour, the mark, the program."""

OF_CONNECTION = (
    "ctstate", "ctdir", "first", "snat", "dnat", "ctstatus", "ctexpire", "connmark", "orig_proto",
    *(f"{way}_{end}" for way in ("orig", "repl") for end in ("src", "dst", "sport", "dport")),
)  # fmt: skip
"""What tracking knows of a packet; nothing of it is known of one that is not tracked."""

_ALL_ERRORS = {Family.IPV4: (3, 4, 5, 11, 12), Family.IPV6: (1, 2, 3, 4, 137)}
_MAY_BE_INVALID = (TCP, ICMP, ICMPV6, SCTP, DCCP, NO_NEXT_HEADER)
_HANDSHAKE = FLAGS["SYN"] | FLAGS["ACK"] | FLAGS["RST"] | FLAGS["FIN"]


_FORWARD = frozenset(("FORWARD",))


class Pair:
    """An old and a new ruleset, walked in one space, so that the same question has the same answer in both."""

    def __init__(self, old: Prepared, new: Prepared, space: Space) -> None:
        self.memory = Memory()
        self.not_ours = space.nothing
        """Packets that say that addresses are this host's which are not."""
        self.space = space
        self.family = old.ruleset.family
        guesses = space.variables(place for name in guessed_names("") for place in space.places(name))
        self.is_large = any(map(is_large, (old, new)))
        """Whether it takes long to say of all packets which get through."""
        self.old, self.new = (
            Side(walk(one, space, self.memory, not self.is_large), guesses, self.is_large) for one in (old, new)
        )

    # ── what is compared ──

    def touched(self, path: str) -> PacketSet:
        """The packets on a way that only the new ruleset leaves untracked."""
        return self._once(
            ("touched", path), lambda: self.takes(path) & self.new.untracked(path) - self.old.untracked(path)
        )

    def takes(self, path: str) -> PacketSet:
        """The packets that take a way as long as no rule stops them.

        What goes to an address of this host leaves over the loopback; what the
        kernel sends about another packet is a reset or an ICMP error.  TCP is
        between two, and never for many (RFC 1122, 4.2.3.10).
        """
        return self._taking[path]

    @cached_property
    def _taking(self) -> dict[str, PacketSet]:
        setting, lo = Setting(self.space, self.family, Memory()), self.on("oif", "lo")
        found = {way.path: way.accepted & self._addressed for way in Host(setting, {}).ways()}
        to_itself = self.local("dst_type").choose(lo, ~lo)
        resets = self.resets & (self.space.everything if self._resets_forwarded else self.local("src_type"))
        answering = self.prior("nothing") | resets | self.icmp(_ALL_ERRORS[self.family])
        return {
            "input": found["input"] & self.on("oif", ""),
            "forward": found["forward"],
            "output": found["output"] & self.on("iif", "") & to_itself & answering,
        }

    @cached_property
    def _addressed(self) -> PacketSet:
        """The packets to addresses that there are routes to; of TCP those between two.

        An address has the type MULTICAST if it is one, and no other has (RFC 1112, 4; RFC 4291, 2.7).
        """
        src, dst = (self._of_type(field, "UNICAST", "LOCAL") for field in ("src_type", "dst_type"))
        shared = ("BROADCAST",) if self.family is Family.IPV4 else ("ANYCAST",)
        many = self._of_type("dst_type", "MULTICAST", *shared)
        strange = (self.groups(end) ^ self._of_type(f"{end}_type", "MULTICAST") for end in ("src", "dst"))
        tcp = self.space.field("proto").equals(TCP)
        return ((src & dst) | ((dst | many) - tcp)) - self.space.union(strange)

    def groups(self, field: str) -> PacketSet:
        """The packets of which an address is a multicast address."""
        first, length = (0xE, 4) if self.family is Family.IPV4 else (0xFF, 8)
        left = self.family.bits - length
        return self.space.field(field).masked(first << left, ((1 << length) - 1) << left)

    @property
    def _resets_forwarded(self) -> bool:
        """Whether packets on their way through may be refused by a reset that claims to come from elsewhere."""
        programs = [program for side in (self.old, self.new) for program in side.meaning.prepared.programs.values()]
        chains = (
            program.chains[name] for program in programs for name in program.reached_from(_FORWARD & {*program.chains})
        )
        return any(step.extension == "REJECT" for chain in chains for step in chain.steps)

    def sent_from(self, path: str) -> PacketSet:
        """The packets of which the source is an address that packets come from (ip_route_input_slow)."""
        shared = () if self.family is Family.IPV4 else ("ANYCAST",)
        names = ("LOCAL",) if path == "output" else ("UNICAST", "LOCAL", *shared)
        return self._of_type("src_type", *names) - self.not_ours

    def usual(self, path: str) -> PacketSet:
        """The same, of packets that do not claim to come from this host unless they do."""
        lo = self.on("iif", "lo")
        honest = self.space.everything if path == "output" else self.local("src_type").choose(lo, ~lo)
        return honest & self.sent_from(path) & self.takes(path)

    def tuples(self, path: str) -> PacketSet:
        """The same, as far as their tuple says."""
        return self._once(("tuples", path), lambda: (self.touched(path) & self.whole).onto(TUPLE))

    @cached_property
    def about_touched(self) -> PacketSet:
        """The ICMP errors about touched packets, whatever way these take; and those of which nobody knows."""
        untracked = (self.new.untracked(path) - self.old.untracked(path) for path in PATHS)
        about = self.space.union(inner((each & self.whole).onto(TUPLE[:5])) for each in untracked)
        return (about | self.extended) & self.icmp(_ALL_ERRORS[self.family])

    @cached_property
    def looped(self) -> PacketSet:
        """Packets that come over the loopback, and that only the new ruleset has left untracked there."""
        return (self.touched("output") & self.whole & self.on("oif", "lo")).onto(TUPLE) & self.on("iif", "lo")

    @cached_property
    def looped_before(self) -> PacketSet:
        """Packets that come over the loopback, and that both have left untracked there."""
        untracked = self.old.untracked("output") & self.new.untracked("output") & self.on("oif", "lo")
        return untracked.onto((*TUPLE, "icmp_type")) & self.on("iif", "lo")

    @cached_property
    def answers_to_touched(self) -> PacketSet:
        """What the host itself answers to touched packets that it refuses: it has their connection attached, if any.

        A reset that claims to come from elsewhere is nothing else.
        """
        for_others = self.flags("RST") - self.local("src_type")
        answers = (self.resets & self.prior("connection")) | for_others
        return turned(self.tuples("input") | self.tuples("forward")) & answers

    # ── kinds of packets ──

    @cached_property
    def whole(self) -> PacketSet:
        """Packets that are no fragments."""
        return ~(self.space.flag("later_fragment") | self.space.flag("more_fragments"))

    @cached_property
    def beginning(self) -> PacketSet:
        """Packets that can begin a flow by what they are: of TCP those with SYN and without ACK, of ICMP requests."""
        return self._by_protocol(self.syn - self.flags("FIN") - self.flags("RST"), ECHO[self.family][0])

    @cached_property
    def opening(self) -> PacketSet:
        """Packets that begin a connection as tracking sees it."""
        fresh = self.state("NEW") & self.space.flag("first") & self.space.only({"ctstatus": 0})
        return self.beginning & fresh & self._plain - self.space.flag("ctdir")

    def later(self, reply: bool) -> PacketSet:
        """Packets of known connections, of one direction, that are not the first."""
        known = self._by_protocol(~self.syn, ECHO[self.family][reply])
        direction = self.space.flag("ctdir") if reply else ~self.space.flag("ctdir")
        return known & self.state("ESTABLISHED") & direction & self._plain - self.space.flag("first")

    @cached_property
    def valid(self) -> PacketSet:
        """Packets that can belong to a known connection by their flags (nf_conntrack_proto_tcp.c, tcp_valid_flags)."""
        flags, looked_at = self.space.field("tcp_flags"), 0xFF ^ (FLAGS["PSH"] | FLAGS["ECE"] | FLAGS["CWR"])
        of_tcp = self.space.union(flags.masked(number, looked_at) for number in LATER_FLAGS)
        return of_tcp | ~self.space.field("proto").equals(TCP)

    @cached_property
    def stray(self) -> PacketSet:
        """Packets of no known connection: INVALID, or NEW where tracking picks up what it did not see begin.

        Of most protocols no sound packet is INVALID.
        """
        flags = self.space.field("tcp_flags")
        loose = flags.masked(FLAGS["SYN"], _HANDSHAKE) | flags.masked(FLAGS["ACK"], _HANDSHAKE)
        tcp = self.space.field("proto").equals(TCP)
        new = self.state("NEW") & self.space.flag("first") & (loose | ~tcp)
        may_be_invalid = self.space.field("proto").among(_MAY_BE_INVALID)
        invalid = self.state("INVALID") & may_be_invalid - self.space.flag("first")
        return (new | invalid) & self._plain - self.space.flag("ctdir")

    @cached_property
    def unknown(self) -> PacketSet:
        """Packets of which tracking knows nothing, new or invalid: of one that is not tracked these are enough."""
        new, first = self.state("NEW"), self.space.flag("first")
        return ((new & first) | (self.state("INVALID") - first)) & self._plain - self.space.flag("ctdir")

    @cached_property
    def syn(self) -> PacketSet:
        """The packets of TCP that ask for a connection: with SYN, and without ACK."""
        asking = self.space.field("tcp_flags").masked(FLAGS["SYN"], FLAGS["SYN"] | FLAGS["ACK"])
        return asking & self.space.field("proto").equals(TCP)

    @cached_property
    def resets(self) -> PacketSet:
        """What REJECT answers TCP: RST, or RST and ACK, and nothing else."""
        flags = self.space.field("tcp_flags").masked(FLAGS["RST"], 0xFF ^ FLAGS["ACK"])
        return flags & self.space.field("proto").equals(TCP)

    @cached_property
    def errors(self) -> PacketSet:
        """The ICMP errors that flows need, without headers of their own."""
        return self.icmp(NEEDED_ERRORS[self.family]) - self.extended

    @cached_property
    def extended(self) -> PacketSet:
        """The packets with IPv6 extension headers."""
        return self.space.union(self.space.flag(f"has_{header}") for header in EXTENSION_HEADERS)

    @cached_property
    def _plain(self) -> PacketSet:
        """Packets that NAT leaves as they are, with nothing attached and no mark on their connection."""
        rewritten = self.space.flag("snat") | self.space.flag("dnat")
        return self.prior("nothing") & self.space.only({"connmark": 0}) & self.whole - rewritten

    def _by_protocol(self, of_tcp: PacketSet, echo: int) -> PacketSet:
        proto = self.space.field("proto")
        tcp, icmp = proto.equals(TCP), proto.among((ICMP, ICMPV6))
        return (tcp & of_tcp) | self.icmp((echo,)) | ~(tcp | icmp)

    def icmp(self, types: Iterable[int]) -> PacketSet:
        """ICMP of this family and some types."""
        number = ICMP if self.family is Family.IPV4 else ICMPV6
        return self.space.field("proto").equals(number) & self.space.field("icmp_type").among(types)

    def flags(self, *names: str) -> PacketSet:
        """The packets that have some TCP flags set."""
        mask = sum(FLAGS[name] for name in names)
        return self.space.field("tcp_flags").masked(mask, mask)

    def state(self, name: str) -> PacketSet:
        """The packets of which tracking says so if it looks at them."""
        return self.space.field("ctstate").equals(TRACKED_STATES.index(name))

    def prior(self, name: str) -> PacketSet:
        """The packets that come with something attached."""
        number = PRIORS.index(name)
        return self.space.field("prior").between(number, 3 if number == len(PRIORS) - 1 else number)

    def _of_type(self, field: str, *names: str) -> PacketSet:
        return self.space.field(field).among(map(ADDRESS_TYPES.index, names))

    def local(self, field: str) -> PacketSet:
        """The packets of which an address is one of this host."""
        return self._of_type(field, "LOCAL")

    def on(self, field: str, name: str) -> PacketSet:
        """The packets that come in, or leave, by an interface."""
        names = self.space.fields[field].names
        assert names is not None
        return self.space.field(field).equals(names.number(name))

    # ── flows ──

    def begun(
        self, side: Side, path: str, tuples: PacketSet, stays: Callable[[Hashable], bool] | None = None
    ) -> PacketSet:
        """Those of some flows that a ruleset lets begin on a way, with all fields of FLOW.

        What nobody can know does not count against them, but for the questions of
        which it ``stays`` in the set, so that the same answers can be asked of later
        packets: what a memory or dice say may be otherwise then.
        """
        first = side.passing(path, self.opening & tuples)
        if stays is None:
            return first.possibly().onto(FLOW)
        keys = self.space.unknown_keys().items()
        places = [answer.function.node_var() for key, answer in keys if not stays(key)]
        first = PacketSet(self.space, first.function.exists(self.space.variables(places)))
        return first.without(self.space.fields.keys() - frozenset(FLOW))

    # ── words ──

    def witness(self, packets: PacketSet, path: str) -> str:
        """One of the packets, written down."""
        return witness(packets, path)

    def _once(self, key: Hashable, make: Any) -> PacketSet:
        found: PacketSet = self.space.once(("pair", key), make)
        return found


def without_interfaces(flows: PacketSet) -> PacketSet:
    """Flows, as far as their tuple says: what they have in common by assumption may be anything."""
    return flows.without(_WHERE)


def without_sides(flows: PacketSet) -> PacketSet:
    """Flows, as far as both ends know them: the neighbour and the program of one may be anything."""
    return flows.without(_OF_ONE_SIDE)


_OF_FLOWS = frozenset(("set", "owner", "policy", "geoip", "realm", "cgroup", "devgroup", "rpfilter", "mac", "physdev"))
_SAME_FOR_A_FLOW = frozenset(("addrtype", "set", "owner", "group", "cluster", "queue"))


def is_of_flows(key: Hashable) -> bool:
    """Whether the answer to an unknown question is the same for all packets of a flow (place.py, Memory.answer)."""
    asked = key[0] if isinstance(key, tuple) else None
    if not isinstance(asked, tuple) or len(asked) != 2:
        return False
    question = asked[0]
    if isinstance(question, Match):
        return question.name in _OF_FLOWS
    return isinstance(question, tuple) and question[0] in _SAME_FOR_A_FLOW


def is_no_memory(key: Hashable) -> bool:
    """Whether it is no answer of a memory or of dice (semantics/place.py, unknown_here)."""
    while isinstance(key, tuple) and len(key) == 2:
        key = key[0]
    return not (isinstance(key, tuple) and len(key) == 4 and key[2] == "here")
