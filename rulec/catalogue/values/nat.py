"""What NAT translates to: ``address[-address][:port[-port[/base]]]``.

An IPv6 address needs brackets as soon as a port follows it.  Addresses are never
looked up, ports may be names.  iptables takes any two characters before the
``:`` for an empty pair of brackets, so ``12:80`` means port 80 and no address
(libxt_NAT.c, tried on iptables 1.8.9).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rulec.catalogue.extension import Setting, Value
from rulec.catalogue.values.addresses import numeric, show_address
from rulec.catalogue.values.numbers import integer
from rulec.model import Family
from rulec.model.protocols import DCCP, ICMP, SCTP, TCP, UDP
from rulec.model.services import service_port

PORTED = frozenset((TCP, UDP, SCTP, DCCP, ICMP))
"""The protocols after ``-p`` with which iptables takes a port here; a ``!`` before them does not count."""

_NUMBER = r"[ \t]*\+?(?:0[xX][0-9a-fA-F]+|[1-9][0-9]*|0[0-7]*)"
_PORTS = re.compile(rf"({_NUMBER})(?:-({_NUMBER})(?:/(.*))?)?")
_BASE = re.compile(_NUMBER)


class NatRange(NamedTuple):
    """Addresses and ports, first and last, both ends included; None where they are not given.

    ``base_port`` shifts the ports: the packet's port less ``base_port``, counted
    from ``first_port``.
    """

    family: Family
    first: int | None = None
    last: int | None = None
    first_port: int | None = None
    last_port: int | None = None
    base_port: int | None = None


def _service(text: str) -> int:
    found = service_port(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a port, a range first-last, nor the name of a known service")
    return found


def port_range(text: str) -> tuple[int, int, int | None]:
    """``port``, a service, ``first-last`` or ``first-last/base``."""
    if text.isdecimal() and text[0] != "0" and (port := int(text)) < 65536:
        return port, port, None
    found = _PORTS.fullmatch(text)
    if found is None:
        port = _service(text)
        return port, port, None
    first = integer(found[1], 0, 65535)
    last = integer(found[2], 0, 65535) if found[2] else first
    if last < first:
        raise ValueError(f"the range {text} runs backwards")
    return first, last, None if found[3] is None else _base_port(found[3])


def _base_port(text: str) -> int:
    """Whatever follows the number is not looked at."""
    found = _BASE.match(text)
    return _service(text) if found is None else integer(found[0], 1, 65535)


def _split(family: Family, text: str) -> tuple[str | None, str | None]:
    """The part with the addresses, and that with the ports."""
    opening = text.find("[")
    if opening < 0:
        colon = text.find(":")
        if colon < 0 or text.find(":", colon + 1) >= 0:
            return text, None
        return None if colon in (0, 2) else text[:colon], text[colon + 1 :]
    closing = text.find("]", opening)
    if closing < 0 or family is Family.IPV4:
        raise ValueError(f"{text!r} is not an address: brackets go around an IPv6 address")
    colon = text.find(":", closing)
    hosts = None if colon == 2 else text[opening + 1 : closing]
    return hosts, text[colon + 1 :] if colon > 0 else None


def _host(family: Family, text: str) -> int:
    value = numeric(family, text)
    if value is None:
        name = "IPv4" if family is Family.IPV4 else "IPv6"
        raise ValueError(f"{text!r} is not an {name} address (all of it in numbers; names are not looked up here)")
    return value


def _hosts(family: Family, text: str | None) -> tuple[int | None, int | None]:
    if text is None:
        return None, None
    first, dash, last = text.partition("-")
    low = _host(family, first)
    return low, _host(family, last) if dash else low


def _read(family: Family, text: str) -> NatRange:
    hosts, ports = _split(family, text)
    if ports is None:
        return NatRange(family, *_hosts(family, hosts))
    return NatRange(family, *_hosts(family, hosts), *port_range(ports))


def _read_without_base(family: Family, text: str) -> NatRange:
    return _lose_base(_read(family, text))


def _lose_base(value: NatRange) -> NatRange:
    return value if value.base_port is None else value._replace(base_port=0)


def _show_hosts(value: NatRange) -> str:
    if value.first is None or value.last is None:
        return ""
    hosts = show_address(value.family, value.first)
    if value.last != value.first:
        hosts += "-" + show_address(value.family, value.last)
    return f"[{hosts}]" if value.family is Family.IPV6 and value.first_port is not None else hosts


def _show_ports(value: NatRange) -> str:
    ports = str(value.first_port)
    if value.last_port != value.first_port:
        ports += f"-{value.last_port}"
    return ports if value.base_port is None else f"{ports}/{value.base_port}"


def _show(value: NatRange) -> str:
    hosts = _show_hosts(value)
    return hosts if value.first_port is None else f"{hosts}:{_show_ports(value)}"


def needs_ported_protocol(value: NatRange, setting: Setting) -> None:
    """Refuse ports in a rule whose protocol has none."""
    if value.first_port is not None and setting.protocol not in PORTED:
        raise ValueError("a port needs -p tcp, udp, sctp, dccp or icmp before it on the line")


_EXPECTED = "an address or a range of them, and perhaps :port, :first-last or :first-last/base"

DESTINATION = Value(("NAT_ADDRESS",), _EXPECTED, _read, _show)
"""Where DNAT sends a packet."""

SOURCE = DESTINATION._replace(
    expected="an address or a range of them, and perhaps :port or :first-last", read=_read_without_base
)
"""What SNAT makes the source; a base port is read and lost, and iptables-save prints it as 0."""


def _read_ports(family: Family, text: str) -> NatRange:
    return NatRange(family, None, None, *port_range(text))


def _read_unshifted_ports(family: Family, text: str) -> NatRange:
    value = _read_ports(family, text)
    if value.base_port is not None:
        raise ValueError("a base port after / is for DNAT alone")
    return value


LOCAL_PORTS = Value(("PORT_PAIR",), "a port or a range first-last", _read_unshifted_ports, _show_ports)
"""Ports of this host to which REDIRECT sends a packet."""

MASQUERADE_PORTS = LOCAL_PORTS._replace(read=lambda family, text: _lose_base(_read_ports(family, text)))
"""Ports that MASQUERADE may use; a base port is read and lost, and iptables-save prints it as 0."""
