"""SYNPROXY: answer the first packet of a TCP connection for the server, which hears only of clients that answer back.

Against floods of SYN packets from forged addresses.  It has every packet of the
family tracked, and takes the packets that are UNTRACKED or INVALID: the SYN is
left out of tracking by a rule in raw, and ``net.netfilter.nf_conntrack_tcp_loose``
must be 0.  What is given should be what the server would say of itself.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Option, Tracking, Value
from rulec.catalogue.values.numbers import integer
from rulec.model.protocols import TCP


def _cut(bits: int) -> Value:
    """A number of 32 bits, of which the lower ones are kept without a word."""
    kept = 2**bits - 1
    return Value(("NUMBER",), f"a number up to {kept}", lambda family, text: integer(text) & kept)


EXTENSION = Extension(
    name="SYNPROXY",
    summary="answer the first packet of a TCP connection for the server",
    modules=("ipt_SYNPROXY", "ip6t_SYNPROXY", "nf_synproxy_core", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    hooks=("INPUT", "FORWARD"),
    protocols=(TCP,),
    options=(
        Option("--sack-perm"),
        Option("--timestamp"),
        Option("--wscale", _cut(8)),
        Option("--mss", _cut(16)),
        Option("--ecn"),
    ),
    valid=(
        Example("-p tcp -j SYNPROXY"),
        Example("-p tcp -j SYNPROXY --ecn --mss 1460 --wscale 7 --timestamp --sack-perm", chain="FORWARD",
                saved="-p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn"),
        Example("-p tcp -j SYNPROXY --mss 65537 --wscale 257", saved="-p tcp -j SYNPROXY --wscale 1 --mss 1"),
    ),
    invalid=("-p tcp -j SYNPROXY --mss 4294967296", "-p tcp -j SYNPROXY --mss", "-p tcp -j SYNPROXY --ecn --ecn"),
    refused=(
        "-j SYNPROXY",
        "! -p tcp -j SYNPROXY",
        Example("-p tcp -j SYNPROXY", chain="OUTPUT"),
        Example("-p tcp -j SYNPROXY", table="raw", chain="PREROUTING"),
    ),
)  # fmt: skip
