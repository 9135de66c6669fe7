"""A random use of each target whose effect is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rulec.model import Family
from tests.kernel.fuzz.values import MARKS, MASKS, PORTS, SMALL, Values

EVERY = ("raw", "mangle", "filter", "security", "nat")


class Maker(NamedTuple):
    """How to write a target; in which tables and hooks it may stand, and what ``-p`` must be."""

    write: Callable[[Values], str]
    tables: tuple[str, ...] = EVERY
    hooks: tuple[str, ...] = ()
    families: tuple[Family, ...] = (Family.IPV4, Family.IPV6)
    protocols: tuple[str, ...] = ()


def _mark(values: Values) -> str:
    option = values.one(("--set-mark", "--set-xmark", "--and-mark", "--or-mark", "--xor-mark"))
    return f"{option} {values.masked() if option.startswith('--set') else hex(values.near(MARKS, 0xFFFFFFFF))}"


def _connmark(values: Values) -> str:
    if values.chance(0.5):
        return _mark(values)
    masks = f"--nfmask {values.one(MASKS):#x} --ctmask {values.one(MASKS):#x}" if values.chance(0.5) else ""
    return f"{values.one(('--save-mark', '--restore-mark'))} {masks}"


def _tos(values: Values) -> str:
    if values.chance(0.5):
        return f"--set-tos {values.masked(SMALL, (0x1C, 0xFC, 0xFF), 0xFF)}"
    return f"{values.one(('--and-tos', '--or-tos', '--xor-tos'))} {values.one(SMALL):#x}"


def _hops(name: str) -> Callable[[Values], str]:
    def write(values: Values) -> str:
        kind = values.one(("set", "inc", "dec"))
        return f"--{name}-{kind} {values.one((2, 64, 255) if kind == 'set' else (1, 2, 255))}"

    return write


def _ecn(values: Values) -> str:
    return f"--ecn-ip-ect {values.one((0, 1, 2, 3))}"


def _ecn_tcp(values: Values) -> str:
    return values.one(("--ecn-tcp-remove", "--ecn-tcp-ece 1", "--ecn-tcp-cwr 1 --ecn-tcp-ece 0"))


def _ct(values: Values) -> str:
    return values.one(("--notrack", "--notrack", f"--zone {values.one((1, 5))}"))


def _reject(values: Values) -> str:
    kind = "icmp-host-prohibited" if values.family is Family.IPV4 else "icmp6-adm-prohibited"
    return values.one(("", f"--reject-with {kind}"))


def _destination(values: Values) -> str:
    address = values.shown(values.address())
    return f"--to-destination {address}"


def _destination_port(values: Values) -> str:
    address = values.shown(values.address())
    if values.family is Family.IPV6:
        address = f"[{address}]"
    return f"--to-destination {values.one((address, ''))}:{values.one(PORTS[1:])}"


def _source(values: Values) -> str:
    return f"--to-source {values.shown(values.address())}"


def _source_port(values: Values) -> str:
    address = values.shown(values.address())
    return f"--to-source {address if values.family is Family.IPV4 else f'[{address}]'}:{values.one(PORTS[1:])}"


def _network(values: Values) -> str:
    return f"--to {values.shown(values.address())}/{values.one((values.family.bits - 8, values.family.bits - 4))}"


def _set(values: Values) -> str:
    name = "added" if values.family is Family.IPV4 else "added6"
    return f"--add-set {name} {values.one(('src', 'dst'))}"


_PORTED = ("tcp", "udp", "sctp", "dccp")
_MANGLE = ("mangle",)
_INTO, _OUT_OF = ("PREROUTING", "OUTPUT"), ("INPUT", "POSTROUTING")

PLAIN: dict[str, tuple[Maker, ...]] = {
    "MARK": (Maker(_mark),),
    "CONNMARK": (Maker(_connmark, ("mangle", "filter", "security")),),
    "TOS": (Maker(_tos, _MANGLE),),
    "DSCP": (Maker(lambda values: f"--set-dscp {values.one((0, 1, 46, 63))}", _MANGLE),),
    "TTL": (Maker(_hops("ttl"), _MANGLE, families=(Family.IPV4,)),),
    "HL": (Maker(_hops("hl"), _MANGLE, families=(Family.IPV6,)),),
    "ECN": (
        Maker(_ecn, _MANGLE, families=(Family.IPV4,)),
        Maker(_ecn_tcp, _MANGLE, families=(Family.IPV4,), protocols=("tcp",)),
    ),
    "NOTRACK": (Maker(lambda values: "", ("raw",)),),
    "CT": (Maker(_ct, ("raw",)),),
    "SET": (Maker(_set),),
    "NFLOG": (Maker(lambda values: "--nflog-group 77"),),
    "CLASSIFY": (Maker(lambda values: "--set-class 1:2", _MANGLE, ("FORWARD", "OUTPUT", "POSTROUTING")),),
    "CHECKSUM": (Maker(lambda values: "--checksum-fill", _MANGLE, protocols=("udp",)),),
    "REJECT": (Maker(_reject, ("filter",)),),
}
"""By target the ways in which it is written."""

NAT: dict[str, tuple[Maker, ...]] = {
    "DNAT": (
        Maker(_destination, ("nat",), _INTO),
        Maker(_destination_port, ("nat",), _INTO, protocols=_PORTED),
    ),
    "REDIRECT": (
        Maker(lambda values: f"--to-ports {values.one(PORTS[1:])}", ("nat",), ("PREROUTING",), protocols=_PORTED),
    ),
    "SNAT": (
        Maker(_source, ("nat",), _OUT_OF),
        Maker(_source_port, ("nat",), _OUT_OF, protocols=_PORTED),
    ),
    "MASQUERADE": (Maker(lambda values: "", ("nat",), ("POSTROUTING",)),),
    "NETMAP": (Maker(_network, ("nat",), (*_INTO, *_OUT_OF)),),
}
"""Those that rewrite addresses."""
