"""icmp: match on the type and the code of an ICMP packet.

Names may be cut short while they stay unique, ``ping`` is echo-request.  A
range of codes, ``3/0:1``, is taken, but a dump shows only the first of them
and so loses the rest; type 255 is ``any``.  No connection is looked at: an
answer to a ping is a type like others.
"""

from __future__ import annotations

from rulec.catalogue.extension import IPV4, Example, Extension, Option
from rulec.catalogue.values.icmp import ICMP_TYPE
from rulec.model.protocols import ICMP

EXTENSION = Extension(
    name="icmp",
    summary="match on the type and the code of an ICMP packet",
    families=IPV4,
    modules=("xt_tcpudp",),
    protocols=(ICMP,),
    options=(Option("--icmp-type", ICMP_TYPE, invertible=True, required=True),),
    valid=(
        Example("-p icmp --icmp-type echo-request", saved="-p icmp -m icmp --icmp-type 8"),
        Example("-p icmp -m icmp --icmp-type PING", saved="-p icmp -m icmp --icmp-type 8"),
        Example("-p icmp ! --icmp-type 3/4", saved="-p icmp -m icmp ! --icmp-type 3/4"),
        Example("-p icmp --icmp-type host-prohib", saved="-p icmp -m icmp --icmp-type 3/10"),
        Example("-p icmp --icmp-type any", saved="-p icmp -m icmp --icmp-type any"),
        Example("-p icmp --icmp-type 255/3", saved="-p icmp -m icmp --icmp-type any"),
        Example("-p icmp --icmp-type 3/0:1", saved="-p icmp -m icmp --icmp-type 3/0"),
        Example("-p 1 --icmp-type 0x8:8", saved="-p icmp -m icmp --icmp-type 8"),
    ),
    invalid=(
        "-p icmp -m icmp",
        "-p icmp --icmp-type echo-re",
        "-p icmp --icmp-type no-such-type",
        "-p icmp --icmp-type 256",
        "-p icmp --icmp-type 8:9",
        "-p icmp --icmp-type 3/",
        "-p icmp --icmp-type destination-unreachable/1",
        "-p icmp --icmp-type 0 --icmp-type 8",
    ),
    refused=("-m icmp --icmp-type 8", "! -p icmp -m icmp --icmp-type 8", "-p tcp -m icmp --icmp-type 8"),
)
