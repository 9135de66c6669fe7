"""cgroup: match on the control group of the socket that sends or receives the packet.

Either by the number of a net_cls group (``--cgroup``) or by the path of a
version 2 group (``--path``), which must exist when the ruleset is loaded.
Packets that are forwarded belong to no socket of this host, so the kernel
refuses the match where they pass.
"""

from __future__ import annotations

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import text


def _kernel_check(given: Given, setting: Setting) -> None:
    if ("--path" in given) == ("--cgroup" in given):
        raise ValueError("the kernel wants either --path or --cgroup")


EXTENSION = Extension(
    name="cgroup",
    summary="match on the control group of the socket that sends or receives the packet",
    modules=("xt_cgroup",),
    hooks=("INPUT", "OUTPUT", "POSTROUTING"),
    options=(
        Option("--path", text(limit=511), invertible=True),
        Option("--cgroup", number(), invertible=True),
    ),
    kernel_check=_kernel_check,
    valid=(
        Example("-m cgroup --cgroup 0x10", saved="-m cgroup --cgroup 16", chain="OUTPUT"),
        Example("-m cgroup ! --cgroup 1"),
        Example("-m cgroup --path /", saved='-m cgroup --path "/"', table="mangle", chain="POSTROUTING"),
        Example('-m cgroup ! --path ""'),
    ),
    invalid=(
        "-m cgroup --cgroup none",
        "-m cgroup --cgroup 4294967296",
        "-m cgroup --cgroup 1 --cgroup 2",
        "-m cgroup --path",
    ),
    refused=(
        "-m cgroup",
        "-m cgroup --cgroup 1 --path /",
        Example("-m cgroup --cgroup 1", chain="FORWARD"),
        Example("-m cgroup --cgroup 1", table="mangle", chain="PREROUTING"),
    ),
)
