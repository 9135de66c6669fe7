"""socket: match when a socket of this host is open for the packet.

It turns on IP defragmentation, but tracks no connection; a NOTRACKed packet is
found as well.  ``--restore-skmark`` is more than a question: it gives the packet
the mark of its socket.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option

EXTENSION = Extension(
    name="socket",
    summary="match when a socket of this host is open for the packet",
    modules=("xt_socket", "nf_socket_ipv4", "nf_socket_ipv6", "nf_defrag_ipv4", "nf_defrag_ipv6"),
    hooks=("PREROUTING", "INPUT"),
    options=(Option("--transparent"), Option("--nowildcard"), Option("--restore-skmark")),
    valid=(
        Example("-m socket", table="mangle", chain="PREROUTING"),
        Example("-m socket --restore-skmark --nowildcard --transparent",
                saved="-m socket --transparent --nowildcard --restore-skmark"),
        Example("-m socket --transparent", table="raw", chain="PREROUTING"),
    ),
    invalid=("-m socket ! --transparent", "-m socket --nowildcard --nowildcard"),
    refused=(
        Example("-m socket", chain="FORWARD"),
        Example("-m socket", chain="OUTPUT"),
    ),
)  # fmt: skip
