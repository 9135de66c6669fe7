"""physdev: match on the port of a bridge that a packet came in by, or will leave by.

Only packets that a bridge hands to iptables have such a port (br_netfilter,
with bridge-nf-call-iptables on).  Loading the match loads that module, and with
it bridged packets begin to pass through iptables.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.text import size
from rulec.model import Family

_OUT = ("--physdev-out", "--physdev-is-out")


def _read_port(family: Family, text: str) -> str:
    if size(text) > 15:
        raise ValueError(f"the interface name {text!r} is longer than 15 bytes")
    return text


BRIDGE_PORT = Value(("INTERFACE",), "a bridge port, with + at its end for all that begin so", _read_port)
"""The name of an interface; unlike ``-i`` it may be empty, and then every port matches."""


def _kernel_check(given: Given, setting: Setting) -> None:
    bridged = "--physdev-is-bridged" in given and not given.negated("--physdev-is-bridged")
    if "OUTPUT" in setting.hooks and not bridged and any(option in given for option in _OUT):
        raise ValueError("what the host itself sends has no bridge port to leave by; add --physdev-is-bridged")


EXTENSION = Extension(
    name="physdev",
    summary="match on the port of a bridge that a packet came in by, or will leave by",
    modules=("xt_physdev", "br_netfilter"),
    options=(
        Option("--physdev-is-in", invertible=True),
        Option("--physdev-in", BRIDGE_PORT, invertible=True),
        Option("--physdev-is-out", invertible=True),
        Option("--physdev-out", BRIDGE_PORT, invertible=True),
        Option("--physdev-is-bridged", invertible=True),
    ),
    one_of=(("--physdev-in", "--physdev-out", "--physdev-is-in", "--physdev-is-out", "--physdev-is-bridged"),),
    kernel_check=_kernel_check,
    valid=(
        Example("-m physdev --physdev-in eth0"),
        Example("-m physdev ! --physdev-in vnet+ --physdev-is-in",
                saved="-m physdev --physdev-is-in ! --physdev-in vnet+"),
        Example("-m physdev --physdev-is-bridged ! --physdev-is-out --physdev-out eth1", chain="FORWARD",
                saved="-m physdev ! --physdev-is-out --physdev-out eth1 --physdev-is-bridged"),
        Example("-m physdev --physdev-is-out --physdev-is-bridged", chain="OUTPUT"),
    ),
    invalid=(
        "-m physdev",
        "-m physdev --physdev-in a-name-too-long-for-it",
        "-m physdev --physdev-in a --physdev-in b",
    ),
    refused=(
        Example("-m physdev --physdev-out eth0", chain="OUTPUT"),
        Example("-m physdev --physdev-is-out ! --physdev-is-bridged", chain="OUTPUT"),
    ),
)  # fmt: skip
