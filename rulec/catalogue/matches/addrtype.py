"""addrtype: match on what the routing tables say of an address.

LOCAL is an address of this host, BROADCAST and MULTICAST what they say; the
answer follows the host's routes and addresses as they change.  With
``--limit-iface-in`` or ``-out`` only those of the packet's interface count.
Names may be cut short: ``u`` is UNSPEC, the first that begins so.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting
from rulec.catalogue.values.abbreviated import abbreviated
from rulec.model import Family

TYPES = (
    "UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST",
    "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE",
)  # fmt: skip
"""The types of a route, as linux/rtnetlink.h counts them."""

NOT_IN_IPV6 = frozenset(("BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"))
"""Those that the kernel refuses for IPv6."""

_ADDRESS_TYPES = abbreviated(TYPES, "a type such as LOCAL or UNICAST")
_NO_INTERFACE = {
    "--limit-iface-in": frozenset(("OUTPUT", "POSTROUTING")),
    "--limit-iface-out": frozenset(("PREROUTING", "INPUT")),
}


def _kernel_check(given: Given, setting: Setting) -> None:
    for option, hooks in _NO_INTERFACE.items():
        if option in given and not setting.hooks.isdisjoint(hooks):
            raise ValueError(f"{option} names an interface that packets in {min(setting.hooks & hooks)} do not have")
    if setting.family is Family.IPV6:
        for use in given:
            strange = NOT_IN_IPV6.intersection(use.value or ())
            if strange:
                raise ValueError(f"IPv6 has no addresses of the type {min(strange)}")


EXTENSION = Extension(
    name="addrtype",
    summary="match on what the routing tables say of an address",
    modules=("xt_addrtype",),
    options=(
        Option("--src-type", _ADDRESS_TYPES, invertible=True),
        Option("--dst-type", _ADDRESS_TYPES, invertible=True),
        Option("--limit-iface-in", excludes=("--limit-iface-out",)),
        Option("--limit-iface-out", excludes=("--limit-iface-in",)),
    ),
    one_of=(("--src-type", "--dst-type"),),
    kernel_check=_kernel_check,
    valid=(
        Example("-m addrtype --dst-type LOCAL"),
        Example("-m addrtype ! --src-type uni,l", saved="-m addrtype ! --src-type UNICAST,LOCAL"),
        Example("-m addrtype --dst-type MULTICAST,LOCAL --limit-iface-in --src-type u",
                saved="-m addrtype --src-type UNSPEC --dst-type LOCAL,MULTICAST --limit-iface-in"),
        Example("-m addrtype --src-type LOCAL --limit-iface-out", chain="OUTPUT"),
        Example("-m addrtype --dst-type BROADCAST,BLACKHOLE,PROHIBIT,THROW,NAT,XRESOLVE", families=IPV4),
        Example("-m addrtype --dst-type ANYCAST,UNREACHABLE", families=IPV6),
    ),
    invalid=(
        "-m addrtype",
        "-m addrtype --limit-iface-in",
        "-m addrtype --src-type",
        "-m addrtype --src-type MINE",
        "-m addrtype --src-type LOCAL,",
        "-m addrtype --src-type LOCAL --src-type UNICAST",
        "-m addrtype --src-type LOCAL --limit-iface-in --limit-iface-out",
    ),
    refused=(
        "-m addrtype --src-type LOCAL --limit-iface-out",
        Example("-m addrtype --src-type LOCAL --limit-iface-in", chain="OUTPUT"),
        Example("-m addrtype --src-type LOCAL --limit-iface-in", table="mangle", chain="POSTROUTING"),
        Example("-m addrtype --dst-type BROADCAST", families=IPV6),
        Example("-m addrtype --dst-type LOCAL,PROHIBIT", families=IPV6),
    ),
)  # fmt: skip
