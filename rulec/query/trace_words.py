"""Rules, options and what a packet holds, as words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from rulec import catalogue
from rulec.catalogue.extension import saved_option
from rulec.model import Family, Match, Rule, Use
from rulec.packetset.field_text import Value, show_value
from rulec.packetset.fields import STATES
from rulec.packetset.packet import Packet
from rulec.packetset.packet_text import protocol_word
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.query.trace_events import Change, Reason
from rulec.semantics.matches import MEANINGS
from rulec.semantics.place import Condition, Hook, Memory, Place, Values
from rulec.semantics.plain import Setting
from rulec.syntax.save import saved_rule

UNKNOWN = "?"

_CALLED = {
    "iif": "in", "oif": "out", "proto": "", "tcp_flags": "", "dst_type": "to", "src_type": "from", "ctstatus": "status",
}  # fmt: skip
"""Fields that a packet's text calls otherwise."""

_IMPLIED = frozenset(("later_fragment", "more_fragments", "attached", "icmp_code"))
_SHOWN = (
    "src", "sport", "dst", "dport", "dst_type", "mark", "connmark", "tos", "ttl", "length", "tcp_flags", "mss", "state",
)  # fmt: skip
"""Fields of which a change is worth telling."""


class WatchedPlace(Place):
    """A place that remembers which fields were looked at since somebody asked."""

    def __init__(self, setting: Setting, hook: Hook, values: Values, memory: Memory, visit: Hashable = None) -> None:
        super().__init__(setting.space, setting.family, hook, values, memory, visit)
        self._seen: list[str] = []

    def field(self, name: str) -> Vector:
        """A field as it is by now."""
        self._seen.append(name)
        return super().field(name)

    def seen(self) -> tuple[str, ...]:
        """The fields that were looked at since the last call, each once."""
        found = tuple(dict.fromkeys(self._seen))
        self._seen.clear()
        return found


class Words:
    """What rules ask and what one packet holds, in words."""

    def __init__(self, family: Family, packet: Packet) -> None:
        self._family = family
        self._packet = packet
        self._numbers: dict[tuple[Vector, PacketSet], str | int] = {}

    # ── rules ──

    def rule(self, rule: Rule) -> str:
        """A rule without the name of its chain."""
        return saved_rule(rule, self._family).split(" ", 2)[2] if _says_something(rule) else ""

    def option(self, rule: Rule, name: str, condition: Condition) -> str:
        """What a condition asks: an option, or a match as a whole."""
        use = condition.use
        match = rule.match(name)
        if not name and use is not None:
            return self._part(base=(use,))
        if match is None or use is None:
            whole = match is not None and name not in MEANINGS
            return self._part(matches=(match if whole and match else Match(name, ()),))
        extension = catalogue.match(name)
        words = () if extension is None else saved_option(extension.option(use.option), use)
        return " ".join(words) or self._part(matches=(match,))

    def _part(self, base: tuple[Use, ...] = (), matches: tuple[Match, ...] = ()) -> str:
        part = Rule("X", base, matches, None)
        return saved_rule(part, self._family).removeprefix("-A X").strip() or _all_packets(base)

    # ── packets ──

    def held(self, names: Iterable[str], place: Place, alive: PacketSet) -> str:
        """What the packet holds in some fields."""
        shown = [name for name in names if name not in _IMPLIED] or ["later_fragment"] * ("later_fragment" in names)
        said = (f"{_CALLED.get(name, name)} {self.value(name, place, alive)}".strip() for name in shown)
        return ", ".join(dict.fromkeys(said))

    def value(self, name: str, place: Place, alive: PacketSet) -> str:
        """A field as it is by now, ``?`` where that is open."""
        if name not in place.values and name in self._packet:
            return self._word(name, self._packet[name])
        number = self._number(name, Place.field(place, name), alive)  # to be told is not to be looked at
        return number if isinstance(number, str) else self._word(name, number)

    def _number(self, name: str, vector: Vector, alive: PacketSet) -> str | int:
        key = (vector, alive)
        if key not in self._numbers:
            if name == "state":
                left = [state for number, state in enumerate(STATES) if alive.meets(vector.equals(number))]
                self._numbers[key] = " or ".join(left)
            else:
                self._numbers[key] = _constant(vector, alive)
        return self._numbers[key]

    def _word(self, name: str, number: Value) -> str:
        if name == "proto":
            return protocol_word(self._packet.bits, number)
        if isinstance(number, int) and name in ("iif", "oif"):
            return UNKNOWN
        try:
            text = show_value(name, self._packet.bits, number)
        except (KeyError, ValueError):
            return str(number)
        return text.lower() if name in ("dst_type", "src_type") else text

    def changes(self, before: Place, after: Place, alive: PacketSet, names: Iterable[str]) -> tuple[Change, ...]:
        """What is another number now than before, of some fields."""
        changed = set(names)
        found = []
        for name in _SHOWN:
            if name in changed and not _same(before.field(name), after.field(name), alive):
                old, new = self.value(name, before, alive), self.value(name, after, alive)
                found.append(Change(name, old, new))
        return tuple(found)

    def reason(self, rule: Rule, asked: tuple[str, Condition], held: str) -> Reason:
        """An option and what the packet holds."""
        return Reason(self.option(rule, *asked), held)


def _says_something(rule: Rule) -> bool:
    return bool(rule.base or rule.matches or rule.target)


def _all_packets(base: tuple[Use, ...]) -> str:
    """What iptables-save does not print, since it asks nothing."""
    return base[0].option if base else ""


def _constant(vector: Vector, alive: PacketSet) -> str | int:
    """The number that it is in all packets of a set."""
    number = 0
    for bit in vector.bits:
        number <<= 1
        packets = PacketSet(alive.space, bit)
        if not alive.meets(packets):
            continue
        if not alive <= packets:
            return UNKNOWN
        number |= 1
    return number


def _same(one: Vector, other: Vector, alive: PacketSet) -> bool:
    pairs = zip(one.bits, other.bits, strict=True)
    return not any(alive.meets(PacketSet(alive.space, bit ^ new)) for bit, new in pairs if bit != new)
