"""ipvs: match on what the load balancer IPVS knows about the packet's connection.

Any other option implies ``--ipvs``, and a dump then leaves it out.  Its module
needs nf_conntrack, but no packet is tracked for it (measured without a virtual
service).
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Tracking, saved_option
from rulec.catalogue.values.hosts import HOST_AND_MASK
from rulec.catalogue.values.ports import PORT, PORTS_EITHER_WAY
from rulec.catalogue.values.protocols import PROTOCOL
from rulec.catalogue.values.text import choice

_PORT = PORT._replace(read=lambda family, text: PORTS_EITHER_WAY.read(family, text)[0])
_METHOD = choice(("GATE", "IPIP", "MASQ"), "one of GATE, IPIP and MASQ", ignore_case=True)
_IPVS = Option("--ipvs", invertible=True)
_OPTIONS = (
    _IPVS,
    Option("--vproto", PROTOCOL._replace(show=str), invertible=True),
    Option("--vaddr", HOST_AND_MASK, invertible=True),
    Option("--vport", _PORT, invertible=True),
    Option("--vdir", choice(("ORIGINAL", "REPLY"), "ORIGINAL or REPLY", ignore_case=True)),
    Option("--vmethod", _METHOD, invertible=True),
    Option("--vportctl", _PORT, invertible=True),
)


def _check(given: Given) -> None:
    if given.negated("--ipvs") and len(given.uses) > 1:
        raise ValueError("! --ipvs cannot stand with other options")


def _save(given: Given) -> Iterator[str]:
    for option in _OPTIONS:
        for use in given:
            if use.option == option.name and (option is not _IPVS or len(given.uses) == 1):
                yield from saved_option(option, use)


EXTENSION = Extension(
    name="ipvs",
    summary="match on what the load balancer IPVS knows about the packet's connection",
    modules=("xt_ipvs", "ip_vs", "nf_conntrack"),
    tracking=Tracking.LOADS,
    options=_OPTIONS,
    one_of=(tuple(option.name for option in _OPTIONS),),
    check=_check,
    save=_save,
    valid=(
        Example("-m ipvs --ipvs"),
        Example("-m ipvs ! --ipvs"),
        Example("-m ipvs --ipvs --vproto tcp ! --vport http", saved="-m ipvs --vproto 6 ! --vport 80"),
        Example("-m ipvs ! --vaddr 192.0.2.0/24 --vdir reply", saved="-m ipvs ! --vaddr 192.0.2.0/24 --vdir REPLY",
                families=IPV4),
        Example("-m ipvs --vaddr 2001:db8::1", families=IPV6),
        Example("-m ipvs --vportctl 21 ! --vmethod gate", saved="-m ipvs ! --vmethod GATE --vportctl 21"),
    ),
    invalid=(
        "-m ipvs",
        "-m ipvs ! --ipvs --vport 80",
        "-m ipvs --vmethod NAT",
        "-m ipvs ! --vdir REPLY",
        "-m ipvs --vproto 256",
    ),
)  # fmt: skip
