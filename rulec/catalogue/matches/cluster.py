"""cluster: match the share of connections that falls to one node of several.

All nodes see all packets, and a hash of the connection's source address says
whose turn it is; packets must be tracked for it, and one rule with this match
has every packet of its family tracked.  ``--cluster-local-node`` comes back
from iptables-save as a mask of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Tracking
from rulec.catalogue.values.numbers import number

MOST_NODES = 32
_NODES = number(low=1, high=MOST_NODES)


def node_mask(given: Given) -> int:
    """One bit for each node that the rule speaks for."""
    node: int | None = given.get("--cluster-local-node")
    mask: int = given.get("--cluster-local-nodemask", 0)
    return mask if node is None else 1 << (node - 1)


def _check(given: Given) -> None:
    if node_mask(given) >= 1 << given.get("--cluster-total-nodes"):
        raise ValueError("the local node is beyond --cluster-total-nodes")


def _save(given: Given) -> Iterator[str]:
    if given.negated("--cluster-local-node") or given.negated("--cluster-local-nodemask"):
        yield "!"
    yield f"--cluster-local-nodemask 0x{node_mask(given):08x}"
    yield f"--cluster-total-nodes {given.get('--cluster-total-nodes')}"
    yield f"--cluster-hash-seed 0x{given.get('--cluster-hash-seed'):08x}"


EXTENSION = Extension(
    name="cluster",
    summary="match the share of connections that falls to one node of several",
    modules=("xt_cluster", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    options=(
        Option("--cluster-local-node", _NODES, invertible=True, excludes=("--cluster-local-nodemask",)),
        Option("--cluster-local-nodemask", _NODES, invertible=True, excludes=("--cluster-local-node",)),
        Option("--cluster-total-nodes", _NODES, required=True),
        Option("--cluster-hash-seed", number(), required=True),
    ),
    one_of=(("--cluster-local-node", "--cluster-local-nodemask"),),
    check=_check,
    save=_save,
    valid=(
        Example(
            "-m cluster --cluster-total-nodes 4 --cluster-local-node 3 --cluster-hash-seed 0xfeed",
            saved="-m cluster --cluster-local-nodemask 0x00000004 --cluster-total-nodes 4"
            " --cluster-hash-seed 0x0000feed",
        ),
        Example(
            "-m cluster ! --cluster-local-nodemask 5 --cluster-total-nodes 4 --cluster-hash-seed 1",
            saved="-m cluster ! --cluster-local-nodemask 0x00000005 --cluster-total-nodes 4"
            " --cluster-hash-seed 0x00000001",
        ),
        Example(
            "-m cluster ! --cluster-local-node 32 --cluster-total-nodes 32 --cluster-hash-seed 1",
            saved="-m cluster ! --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32"
            " --cluster-hash-seed 0x00000001",
        ),
    ),
    invalid=(
        "-m cluster --cluster-total-nodes 4 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 4 --cluster-local-node 1",
        "-m cluster --cluster-local-node 1 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 4 --cluster-local-node 5 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 4 --cluster-local-nodemask 16 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 8 --cluster-local-nodemask 33 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 33 --cluster-local-node 1 --cluster-hash-seed 1",
        "-m cluster --cluster-total-nodes 4 --cluster-local-node 1 --cluster-local-nodemask 1 --cluster-hash-seed 1",
    ),
)
