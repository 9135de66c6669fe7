"""REJECT: delete the packet and tell its sender so, by an ICMP error or a TCP reset.

It ends the way of the packet, as DROP does.  ``tcp-reset`` closes the sender's
connection at once, and needs ``-p tcp``; everything else is sent as ICMP, of
which a busy host sends only so many a second.  The kernel has it in the table
filter alone.  No connection tracking is needed.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting, Value
from rulec.model import Family
from rulec.model.protocols import TCP

TCP_RESET = "tcp-reset"

ANSWERS = {
    Family.IPV4: (
        ("icmp-net-unreachable", "net-unreach"),
        ("icmp-host-unreachable", "host-unreach"),
        ("icmp-proto-unreachable", "proto-unreach"),
        ("icmp-port-unreachable", "port-unreach"),
        ("icmp-net-prohibited", "net-prohib"),
        ("icmp-host-prohibited", "host-prohib"),
        (TCP_RESET, "tcp-rst"),
        ("icmp-admin-prohibited", "admin-prohib"),
    ),
    Family.IPV6: (
        ("icmp6-no-route", "no-route"),
        ("icmp6-adm-prohibited", "adm-prohibited"),
        ("icmp6-addr-unreachable", "addr-unreach"),
        ("icmp6-port-unreachable", "port-unreach"),
        (TCP_RESET, TCP_RESET),
        ("icmp6-policy-fail", "policy-fail"),
        ("icmp6-reject-route", "reject-route"),
    ),
}
"""Name and second name of each answer, in the order in which they are tried."""

DEFAULT = {Family.IPV4: "icmp-port-unreachable", Family.IPV6: "icmp6-port-unreachable"}
"""What is sent where nothing else is said."""


def _read_answer(family: Family, text: str) -> str:
    """The first answer of which one name begins so."""
    wanted = text.lower()
    for name, other in ANSWERS[family]:
        if name.startswith(wanted) or other.startswith(wanted):
            return name
    raise ValueError(f"{text!r} is none of {', '.join(name for name, _ in ANSWERS[family])}")


ANSWER = Value(("TEXT",), "the name of an answer, such as tcp-reset", _read_answer)
"""The full name of an answer."""


def _save(given: Given) -> tuple[str, str]:
    return "--reject-with", given.get("--reject-with", DEFAULT[given.family])


def _kernel_check(given: Given, setting: Setting) -> None:
    if given.get("--reject-with") == TCP_RESET and not setting.speaks(TCP):
        raise ValueError("tcp-reset needs -p tcp in the same rule")


EXTENSION = Extension(
    name="REJECT",
    summary="delete the packet and tell its sender so, by an ICMP error or a TCP reset",
    modules=("ipt_REJECT", "ip6t_REJECT"),
    tables=("filter",),
    hooks=("INPUT", "FORWARD", "OUTPUT"),
    options=(Option("--reject-with", ANSWER),),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-j REJECT", saved="-j REJECT --reject-with icmp-port-unreachable", families=IPV4),
        Example("-j REJECT", saved="-j REJECT --reject-with icmp6-port-unreachable", families=IPV6),
        Example("-p tcp -j REJECT --reject-with tcp-reset", chain="FORWARD"),
        Example("-j REJECT --reject-with icmp-admin-prohibited", chain="OUTPUT", families=IPV4),
        Example(
            "-j REJECT --reject-with HOST-PROHIB",
            saved="-j REJECT --reject-with icmp-host-prohibited",
            families=IPV4,
        ),
        Example("-j REJECT --reject-with icmp", saved="-j REJECT --reject-with icmp-net-unreachable", families=IPV4),
        Example("-j REJECT --reject-with icmp6-no-route", families=IPV6),
        Example("-j REJECT --reject-with reject", saved="-j REJECT --reject-with icmp6-reject-route", families=IPV6),
    ),
    invalid=(
        "-j REJECT --reject-with icmp-port-unreachables",
        "-j REJECT --reject-with echo-reply",
        "-j REJECT --reject-with",
        Example("-j REJECT --reject-with icmp-port-unreachable", families=IPV6),
        Example("-j REJECT --reject-with icmp6-no-route", families=IPV4),
    ),
    refused=(
        "-j REJECT --reject-with tcp-reset",
        "-p udp -j REJECT --reject-with tcp-reset",
        "! -p tcp -j REJECT --reject-with tcp-reset",
        Example("-j REJECT", table="mangle"),
        Example("-j REJECT", table="nat"),
        Example("-j REJECT", table="raw", chain="PREROUTING"),
    ),
)
