"""mac: match on the Ethernet address that the frame came from.

Only where a packet comes in: the kernel refuses it in OUTPUT and POSTROUTING.
It is the address of the last hop, so behind a router it is always the router's.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option
from rulec.catalogue.values.addresses import MAC

EXTENSION = Extension(
    name="mac",
    summary="match on the Ethernet address that the frame came from",
    modules=("xt_mac",),
    hooks=("PREROUTING", "INPUT", "FORWARD"),
    options=(Option("--mac-source", MAC, invertible=True, required=True),),
    valid=(
        Example("-m mac --mac-source 00:16:3E:00:00:01", saved="-m mac --mac-source 00:16:3e:00:00:01"),
        Example("-m mac ! --mac-source 0:1::ff:0:9", saved="-m mac ! --mac-source 00:01:00:ff:00:09"),
        Example("-m mac --mac-source 52:54:00:12:34:56", table="raw", chain="PREROUTING"),
    ),
    invalid=(
        "-m mac",
        "-m mac --mac-source 00:16:3e:00:00",
        "-m mac --mac-source 00:16:3e:00:00:01:02",
        "-m mac --mac-source 00-16-3e-00-00-01",
        "-m mac --mac-source 000:16:3e:00:00:01",
    ),
    refused=(
        Example("-m mac --mac-source 00:16:3e:00:00:01", chain="OUTPUT"),
        Example("-m mac --mac-source 00:16:3e:00:00:01", table="mangle", chain="POSTROUTING"),
    ),
)
