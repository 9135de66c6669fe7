"""A random use of each match whose meaning is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rulec.model import Family
from tests.kernel.fuzz.topology import LINKS
from tests.kernel.fuzz.values import (
    HOPS,
    INDEXES,
    LENGTHS,
    MACS,
    PORTS,
    SETS,
    SMALL,
    USERS,
    Values,
)

INPUT_HOOKS = frozenset(("PREROUTING", "INPUT", "FORWARD"))
OUTPUT_HOOKS = frozenset(("OUTPUT", "POSTROUTING"))
ALL_HOOKS = INPUT_HOOKS | OUTPUT_HOOKS

ICMP_TYPES = {
    Family.IPV4: (0, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18),
    Family.IPV6: (1, 2, 3, 4, 128, 129, 130, 131, 133, 134, 135, 136, 137, 139, 143, 151, 152, 153),
}
CHUNKS = ("DATA", "INIT", "INIT_ACK", "SACK", "HEARTBEAT", "ABORT", "SHUTDOWN", "COOKIE_ECHO")
STATES = ("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED")
LABELS = ("0", "5", "127")


class Maker(NamedTuple):
    """How to write a match: the options behind ``-m``; ``protocol`` is what ``-p`` must be, if anything."""

    write: Callable[[Values], str]
    protocol: str = ""
    families: tuple[Family, ...] = (Family.IPV4, Family.IPV6)
    hooks: frozenset[str] = ALL_HOOKS


def _ports(values: Values) -> str:
    """One or both; the nft back end takes two that are negated for one question."""
    if values.chance(0.3):
        return f"--sport {values.span(PORTS, 65535)} {values.negatable_span('--dport', PORTS, 65535)}"
    return values.negatable_span(values.one(("--sport", "--dport")), PORTS, 65535)


def _maybe(values: Values, text: str, share: float = 0.5) -> str:
    return text if values.chance(share) else ""


def _addrtype(values: Values) -> str:
    v4 = ("UNICAST", "LOCAL", "BROADCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "UNSPEC")
    kinds = v4 if values.family is Family.IPV4 else ("UNICAST", "LOCAL", "ANYCAST", "MULTICAST", "UNREACHABLE")
    sides = values.some(("src", "dst"), 2)
    return " ".join(f"{values.no()}--{side}-type {','.join(values.some(kinds))}" for side in sides)


def _ah(values: Values) -> str:
    text = f"{values.no()}--ahspi {values.span(INDEXES, 0xFFFFFFFF)}"
    if values.family is Family.IPV4:
        return text
    return (
        f"{text} {_maybe(values, f'{values.no()}--ahlen {values.one((12, 16, 24))}')} {_maybe(values, '--ahres', 0.2)}"
    )


def _conntrack(values: Values) -> str:
    chosen = values.some(("state", "proto", "addresses", "ports", "status", "dir"), 2)
    if "state" not in chosen and values.chance(0.6):
        chosen[0] = "state"
    parts = {
        "state": f"{values.no()}--ctstate {','.join(values.some((*STATES, *STATES, 'DNAT', 'SNAT')))}",
        "proto": f"{values.no()}--ctproto {values.one((1, 6, 17, 58, 132))}",
        "addresses": f"{values.no()}--{values.one(_TUPLE_ADDRESSES)} {values.network()}",
        "ports": f"{values.no()}--{values.one(_TUPLE_PORTS)} {values.span(PORTS, 65535)}",
        "status": f"{values.no()}--ctstatus {','.join(values.some(_STATUS, 2))}",
        "dir": f"--ctdir {values.one(('ORIGINAL', 'REPLY'))}",
    }
    return " ".join(parts[name] for name in chosen)


_TUPLE_ADDRESSES = ("ctorigsrc", "ctorigdst", "ctreplsrc", "ctrepldst")
_TUPLE_PORTS = ("ctorigsrcport", "ctorigdstport", "ctreplsrcport", "ctrepldstport")
_STATUS = ("EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "NONE")


def _dccp(values: Values) -> str:
    kinds = values.some(("REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSE", "RESET", "SYNC", "INVALID"))
    return f"{_maybe(values, _ports(values))} {values.no()}--dccp-types {','.join(kinds)}"


def _options_header(header: str) -> Callable[[Values], str]:
    def write(values: Values) -> str:
        length = f"{values.no()}--{header}-len {values.one((7, 8, 16, 16, 24))}"
        return f"{_maybe(values, length, 0.7)} {_maybe(values, f'--{header}-opts {values.one((5, 30, 194))}', 0.3)}"

    return write


def _ecn(values: Values) -> str:
    return f"{values.no()}--ecn-ip-ect {values.one((0, 1, 2, 3))}"


def _ecn_tcp(values: Values) -> str:
    return f"{values.no()}--ecn-tcp-ece {_maybe(values, f'{values.no()}--ecn-tcp-cwr')}"


def _frag(values: Values) -> str:
    text = f"{_maybe(values, f'{values.no()}--fragid {values.span(INDEXES, 0xFFFFFFFF)}')}"
    return f"{text} {_maybe(values, '--fragres', 0.2)} {values.one(('', '--fragfirst', '--fragmore', '--fraglast'))}"


def _hops(name: str) -> Callable[[Values], str]:
    def write(values: Values) -> str:
        kind = values.one(("eq", "lt", "gt"))
        return f"{values.no() if kind == 'eq' else ''}--{name}-{kind} {values.near(HOPS, 255)}"

    return write


def _icmp(values: Values) -> str:
    option = "--icmp-type" if values.family is Family.IPV4 else "--icmpv6-type"
    kind = values.one(ICMP_TYPES[values.family])
    code = values.one(("", "", "/0", "/1", "/4", "/0:3"))
    return f"{values.no()}{option} {kind}{code}"


def _iprange(values: Values) -> str:
    sides = values.some(("src", "dst"), 2)
    ranges = []
    for side in sides:
        low, high = sorted((values.address(), values.address()))
        low = min(low + values.one((0, 0, 1)), high)
        high = max(high - values.one((0, 0, 1)), low)
        ranges.append(f"{values.no()}--{side}-range {values.shown(low)}-{values.shown(high)}")
    return " ".join(ranges)


def _ipv6header(values: Values) -> str:
    headers = values.some(("hop", "dst", "route", "frag", "auth", "esp", "none", "prot"))
    return f"{values.no()}--header {','.join(headers)} {_maybe(values, '--soft')}"


def _mac(values: Values) -> str:
    return f"{values.no()}--mac-source {values.one(MACS).to_bytes(6, 'big').hex(':')}"


def _mh(values: Values) -> str:
    return f"{values.no()}--mh-type {values.span((0, 1, 2, 3, 5, 7), 255)}"


def _multiport(values: Values) -> str:
    ports = ",".join(values.span(PORTS, 65535) for _ in range(values.one((1, 2, 3))))
    return f"{values.no()}--{values.one(('sports', 'dports', 'ports'))} {ports}"


def _owner(values: Values) -> str:
    parts = {
        "uid": f"{values.no()}--uid-owner {values.span(USERS, 65534, '-')}",
        "gid": f"{values.no()}--gid-owner {values.span(USERS, 65534, '-')}",
        "socket": f"{values.no()}--socket-exists",
    }
    return " ".join(parts[name] for name in values.some(("uid", "uid", "gid", "socket"), 1))


def _physdev(values: Values) -> str:
    return f"{values.no()}{values.one(('--physdev-is-in', f'--physdev-in {values.one(LINKS)}'))}"


def _rt(values: Values) -> str:
    parts = (
        f"{values.no()}--rt-type {values.one((0, 2, 3))}",
        f"{values.no()}--rt-segsleft {values.span((0, 1, 2), 255)}",
        f"{values.no()}--rt-len {values.one((8, 16, 24))}",
    )
    return " ".join(values.some(parts, 2))


def _sctp(values: Values) -> str:
    kinds = values.one(("ALL", "NONE", *[",".join(values.some(CHUNKS))] * 4))
    chunks = f"{values.no()}--chunk-types {values.one(('any', 'all', 'only'))} {kinds}"
    return f"{_maybe(values, _ports(values))} {_maybe(values, chunks, 0.7)}"


def _set(values: Values) -> str:
    name = values.one(SETS)
    suffix = "" if values.family is Family.IPV4 else "6"
    side = values.one(("src", "dst"))
    sides = f"{side},{values.one(('src', 'dst'))}" if name == "pairs" else side
    return f"{values.no()}--match-set {name}{suffix} {sides}"


def _tcp(values: Values) -> str:
    mask = values.flags(6)
    wanted = [name for name in mask if values.chance(0.5)]
    flags = f"{values.no()}--tcp-flags {','.join(mask)} {','.join(wanted) or 'NONE'}"
    chosen = values.one((flags, f"{values.no()}--syn", f"{values.no()}--tcp-option {values.one((2, 3, 4, 8))}"))
    return f"{_maybe(values, _ports(values), 0.7)} {_maybe(values, chosen, 0.6)}"


def _tcpmss(values: Values) -> str:
    return f"{values.no()}--mss {values.span((0, 536, 1400, 1460, 65535), 65535)}"


def _u32(values: Values) -> str:
    v4 = (
        f"8>>16&0xFF={values.one((1, 6, 17, 58))}",
        f"0>>22&0x3C@0>>16={values.span(PORTS, 65535)}",
        f"0>>22&0x3C@0&0xFFFF={values.span(PORTS, 65535)}",
        f"0&0xFFFF={values.span(LENGTHS, 65535)}",
        f"8>>24={values.span(HOPS, 255)}",
        f"0>>16&0xFF={values.one(SMALL)}",
        f"0>>22&0x3C@12>>16&0x3F={values.one((2, 16, 18, 24))}",
        "4&0x1FFF=0",
        "0>>22&0x3C@14&0xFF=6&&0>>22&0x3C@8>>22&0x3C@8>>16=80",
        f"12={values.address():#x}",
    )
    v6 = (
        f"3&0xFF={values.one((0, 6, 17, 58))}",
        f"4>>8&0xFF={values.one((0, 6, 17, 58))}",
        f"40>>16={values.span(PORTS, 65535)}",
        f"40&0xFFFF={values.span(PORTS, 65535)}",
        f"4&0xFF={values.span(HOPS, 255)}",
        f"2&0xFFFF={values.span(LENGTHS, 65535)}",
        f"0>>20&0xFF={values.one(SMALL)}",
        "51&0xFF=6&&88>>16=80",
    )
    return f'{values.no()}--u32 "{values.one(v4 if values.family is Family.IPV4 else v6)}"'


def _cluster(values: Values) -> str:
    return f"--cluster-total-nodes 2 --cluster-local-node {values.one((1, 2))} --cluster-hash-seed 5"


V4, V6 = (Family.IPV4,), (Family.IPV6,)

MAKERS: dict[str, tuple[Maker, ...]] = {
    "addrtype": (Maker(_addrtype),),
    "ah": (Maker(_ah, "ah", V4), Maker(_ah, "", V6)),
    "cluster": (Maker(_cluster),),
    "comment": (Maker(lambda values: '--comment "a \\"word\\" or two"'),),
    "connbytes": (
        Maker(
            lambda values: (
                f"{values.no()}--connbytes {values.one(('0:', '5:100'))} --connbytes-dir both --connbytes-mode packets"
            )
        ),
    ),
    "connlabel": (Maker(lambda values: f"{values.no()}--label {values.one(LABELS)}"),),
    "connmark": (Maker(lambda values: f"{values.no()}--mark {values.masked()}"),),
    "conntrack": (Maker(_conntrack),),
    "dccp": (Maker(_dccp, "dccp"),),
    "dscp": (Maker(lambda values: f"{values.no()}--dscp {values.one((0, 1, 8, 46, 62, 63))}"),),
    "dst": (Maker(_options_header("dst"), "", V6),),
    "ecn": (Maker(_ecn), Maker(_ecn_tcp, "tcp")),
    "esp": (Maker(lambda values: f"{values.no()}--espspi {values.span(INDEXES, 0xFFFFFFFF)}", "esp"),),
    "frag": (Maker(_frag, "", V6),),
    "hbh": (Maker(_options_header("hbh"), "", V6),),
    "helper": (Maker(lambda values: f"{values.no()}--helper {values.one(('ftp', 'tftp'))}"),),
    "hl": (Maker(_hops("hl"), "", V6),),
    "icmp": (Maker(_icmp, "icmp", V4),),
    "icmp6": (Maker(_icmp, "ipv6-icmp", V6),),
    "iprange": (Maker(_iprange),),
    "ipv6header": (Maker(_ipv6header, "", V6),),
    "length": (Maker(lambda values: f"{values.no()}--length {values.span(LENGTHS, 65535)}"),),
    "mac": (Maker(_mac, "", (*V4, *V6), INPUT_HOOKS),),
    "mark": (Maker(lambda values: f"{values.no()}--mark {values.masked()}"),),
    "mh": (Maker(_mh, "mh", V6),),
    "multiport": tuple(Maker(_multiport, name) for name in ("tcp", "udp", "udplite", "sctp", "dccp")),
    "owner": (Maker(_owner, "", (*V4, *V6), OUTPUT_HOOKS),),
    "physdev": (Maker(_physdev, "", (*V4, *V6), INPUT_HOOKS),),
    "pkttype": (Maker(lambda values: f"{values.no()}--pkt-type {values.one(('unicast', 'broadcast', 'multicast'))}"),),
    "rt": (Maker(_rt, "", V6),),
    "sctp": (Maker(_sctp, "sctp"),),
    "set": (Maker(_set),),
    "state": (Maker(lambda values: f"{values.no()}--state {','.join(values.some(STATES))}"),),
    "tcp": (Maker(_tcp, "tcp"),),
    "tcpmss": (Maker(_tcpmss, "tcp"),),
    "tos": (Maker(lambda values: f"{values.no()}--tos {values.masked(SMALL, (1, 3, 0xFC, 0xFF), 0xFF)}"),),
    "ttl": (Maker(_hops("ttl"), "", V4),),
    "u32": (Maker(_u32),),
    "udp": (Maker(_ports, "udp"),),
}
"""By match the ways in which it is written."""
