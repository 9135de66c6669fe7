"""What target extensions do to a packet, and to its way.

A target that neither changes a field that a rule can look at nor ends the way
of a packet is in CHANGES_NOTHING.  One that nobody knows may do anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rulec.catalogue.extension import Given
from rulec.catalogue.values.marks import change
from rulec.model.protocols import TCP
from rulec.packetset.fields import FLAGS, STATES, STATUS
from rulec.packetset.packetset import PacketSet
from rulec.packetset.vector import Vector
from rulec.semantics import nat
from rulec.semantics.place import Place

CONTINUES = frozenset(
    (
        "AUDIT", "CHECKSUM", "CLASSIFY", "CONNSECMARK", "IDLETIMER", "LED", "LOG", "NFLOG", "RATEEST", "SECMARK",
        "TEE", "TRACE", "ULOG",
    )
)  # fmt: skip
"""Targets after which a packet goes on unchanged."""

CHANGES_NOTHING = CONTINUES | nat.TARGETS | {"REJECT", "NFQUEUE"}
"""Target extensions that change no field within a table; NAT rewrites packets when they leave it."""


class Effect(NamedTuple):
    """What a target does to the packets that meet it.

    ``changes`` are the fields that become others; ``accepts`` and ``drops`` the
    packets whose way through the table ends here; all others go on.
    """

    changes: Mapping[str, Vector]
    accepts: PacketSet
    drops: PacketSet


def effect(name: str, given: Given, place: Place) -> Effect:
    """What the verdict or target of that name does."""
    none, all_packets = place.space.nothing, place.space.everything
    if name in CONTINUES:
        return Effect({}, none, none)
    if name == "ACCEPT":
        return Effect({}, all_packets, none)
    if name in ("DROP", "REJECT"):
        return Effect({}, none, all_packets)
    if name in ("QUEUE", "NFQUEUE"):
        return _queue(given, place)
    if name in nat.TARGETS:
        return Effect({}, all_packets, none)  # what becomes of them is seen to when the table is through
    if name in _CHANGES:
        return Effect(_CHANGES[name](given, place), none, none)
    if name in _ENDS:
        return _ENDS[name](given, place)
    return _anything(place)


# ── marks and header fields ──


def _mark(given: Given, place: Place) -> dict[str, Vector]:
    use = next(iter(given))
    value, mask = change(use.option, use.value)
    return {"mark": place.field("mark").with_bits(mask, 0).flipped(value)}


def _connmark(given: Given, place: Place) -> dict[str, Vector]:
    """A packet without a connection keeps its mark, and has no other to change (xt_connmark.c, connmark_tg)."""
    everything = 2**32 - 1
    packet_mask, connection_mask = given.get("--nfmask", everything), given.get("--ctmask", everything)
    if "--mask" in given:
        packet_mask = connection_mask = given.get("--mask")
    mark, connmark = place.field("mark"), place.field("connmark")
    if "--save-mark" in given:
        new = connmark.with_bits(connection_mask, 0).xored(_shifted(mark.with_bits(everything ^ packet_mask, 0), given))
        return {"connmark": new.where(place.has_connection, connmark)}
    if "--restore-mark" in given:
        new = mark.with_bits(packet_mask, 0).xored(_shifted(connmark.with_bits(everything ^ connection_mask, 0), given))
        return {"mark": new.where(place.has_connection, mark)}
    use = next(use for use in given if use.option not in ("--left-shift-mark", "--right-shift-mark"))
    value, mask = change(use.option, use.value)
    new = _shifted(connmark.with_bits(mask, 0).flipped(value), given)
    return {"connmark": new.where(place.has_connection, connmark)}


def _shifted(number: Vector, given: Given) -> Vector:
    return number.shifted(given.get("--left-shift-mark", 0) - given.get("--right-shift-mark", 0))


def _hmark(given: Given, place: Place) -> dict[str, Vector]:
    return {"mark": place.unknown_number("HMARK", 32)}


def _tos(given: Given, place: Place) -> dict[str, Vector]:
    use = next(iter(given))
    value, mask = change(use.option, use.value, 0xFF)
    return {"tos": place.field("tos").with_bits(mask, 0).flipped(value)}


def _dscp(given: Given, place: Place) -> dict[str, Vector]:
    value = next(iter(given)).value
    return {"tos": place.field("tos").with_bits(0xFC, value << 2)}


def _ttl(given: Given, place: Place) -> dict[str, Vector]:
    use, ttl = next(iter(given)), place.field("ttl")
    kind = use.option.rpartition("-")[2]
    if kind == "set":
        return {"ttl": place.space.constant(8, use.value)}
    return {"ttl": ttl.raised(use.value) if kind == "inc" else ttl.lowered(use.value)}


def _ecn(given: Given, place: Place) -> dict[str, Vector]:
    tos, flags = place.field("tos"), place.field("tcp_flags")
    is_tcp = place.protocol(TCP) & place.has_header
    changes: dict[str, Vector] = {}
    for use in given:
        if use.option == "--ecn-ip-ect":
            changes["tos"] = tos.with_bits(3, use.value)
        elif use.option == "--ecn-tcp-remove":
            changes["tcp_flags"] = flags.with_bits(FLAGS["ECE"] | FLAGS["CWR"], 0).where(is_tcp, flags)
        else:
            bit = FLAGS["ECE" if use.option == "--ecn-tcp-ece" else "CWR"]
            before = changes.get("tcp_flags", flags)
            changes["tcp_flags"] = before.with_bits(bit, bit * use.value).where(is_tcp, before)
    return changes


def _segment_size(given: Given, place: Place) -> dict[str, Vector]:
    """An option that is missing is added, which makes the packet longer; none is ever made larger."""
    return {name: place.unknown_number(f"TCPMSS {name}", bits) for name, bits in _OF_OPTIONS.items()}


_OF_OPTIONS = {"mss": 16, "has_mss": 1, "length": 16}


def _addresses(given: Given, place: Place) -> dict[str, Vector]:
    """The prefix of an address becomes another one."""
    return {name: place.unknown_number(f"NPT {name}", place.family.bits) for name in ("src", "dst")}


def _set_entries(given: Given, place: Place) -> dict[str, Vector]:
    """What a set holds is another question after the packet has changed it."""
    return {
        f"set {use.value[0]}": place.unknown_number(f"SET {use.option}", 8) for use in given if "-set" in use.option
    }


# ── connection tracking ──


def _untracked(given: Given, place: Place) -> dict[str, Vector]:
    """Nothing happens to a packet that has something attached already (xt_CT.c, xt_ct_target)."""
    state, attached = place.field("state"), place.flag("attached")
    new = place.space.constant(len(state), STATES.index("UNTRACKED"))
    return {"state": state.where(attached, new), "attached": place.space.constant(1, 1)}


def _ct(given: Given, place: Place) -> dict[str, Vector]:
    """A packet gets a blank connection, which the other rules of raw see (xt_CT.c, xt_ct_target; measured)."""
    if "--notrack" in given:
        return _untracked(given, place)
    attached = place.flag("attached")
    changes = {"attached": place.space.constant(1, 1)}
    for name, number in BLANK_CONNECTION.items():
        known = place.field(name)
        changes[name] = known.where(attached, place.space.constant(len(known), number))
    return changes


BLANK_CONNECTION = {
    "state": STATES.index("NEW"),
    "ctstatus": STATUS["CONFIRMED"],
    **dict.fromkeys(("ctdir", "snat", "dnat", "connmark", "ctexpire", "orig_proto"), 0),
    **dict.fromkeys((f"{way}_{end}" for way in ("orig", "repl") for end in ("src", "dst", "sport", "dport")), 0),
}
"""What matches see of a connection that stands for one yet unknown."""


_CHANGES: dict[str, Callable[[Given, Place], dict[str, Vector]]] = {
    "MARK": _mark,
    "CONNMARK": _connmark,
    "HMARK": _hmark,
    "TOS": _tos,
    "DSCP": _dscp,
    "TTL": _ttl,
    "HL": _ttl,
    "ECN": _ecn,
    "TCPMSS": _segment_size,
    "TCPOPTSTRIP": _segment_size,
    "DNPT": _addresses,
    "SNPT": _addresses,
    "SET": _set_entries,
    "NOTRACK": _untracked,
    "CT": _ct,
}


# ── the end of the way ──


def _queue(given: Given, place: Place) -> Effect:
    """A program decides."""
    accepts = place.unknown(("queue", given.uses))
    return Effect({}, accepts, ~accepts)


def _synproxy(given: Given, place: Place) -> Effect:
    """It takes the first packets of a handshake out of the way, and lets all others go on (ipt_SYNPROXY.c)."""
    flags, names = place.field("tcp_flags"), FLAGS
    opening = flags.masked(names["SYN"], names["SYN"] | names["ACK"] | names["FIN"] | names["RST"])
    acknowledging = flags.masked(names["ACK"], names["SYN"] | names["ACK"] | names["FIN"] | names["RST"])
    return Effect({}, place.space.nothing, opening | acknowledging)


def _tproxy(given: Given, place: Place) -> Effect:
    """A packet is handed to a local socket with its mark set, or dropped where there is none (xt_TPROXY.c)."""
    found = place.unknown_here("TPROXY")
    value, mask = given.get("--tproxy-mark", (0, 0))
    mark = place.field("mark").with_bits(mask, 0).flipped(value)
    return Effect({"mark": mark}, found, ~found)


_ENDS: dict[str, Callable[[Given, Place], Effect]] = {"SYNPROXY": _synproxy, "TPROXY": _tproxy}

_CHANGEABLE = ("src", "dst", "sport", "dport", "mark", "connmark", "tos", "ttl", "length", "tcp_flags", "dst_type")


def _anything(place: Place) -> Effect:
    """A target that nobody knows may change the packet, and end its way or not."""
    ends, accepts = place.unknown_here("ends"), place.unknown_here("accepts")
    changes = {name: place.unknown_number(f"target {name}", len(place.field(name))) for name in _CHANGEABLE}
    return Effect(changes, ends & accepts, ends - accepts)
