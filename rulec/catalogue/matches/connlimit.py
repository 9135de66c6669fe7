"""connlimit: match on how many connections a host or a network has already.

The kernel keeps a list of connections for each rule, fed by the packets that
reach it; ``--connlimit-mask`` says how large the networks are that are counted
as one.  iptables-save always prints mask and side, and turns ``!
--connlimit-above`` into ``--connlimit-upto``.  One rule with this match has
every packet of its family tracked.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Answer, Example, Extension, Given, Option, Tracking
from rulec.catalogue.values.hosts import GROUP_LENGTH
from rulec.catalogue.values.numbers import number

_OPPOSITE = {"--connlimit-above": "--connlimit-upto", "--connlimit-upto": "--connlimit-above"}


def _save(given: Given) -> Iterator[str]:
    option = "--connlimit-above" if "--connlimit-above" in given else "--connlimit-upto"
    yield _OPPOSITE[option] if given.negated(option) else option
    yield str(given.get(option))
    yield f"--connlimit-mask {given.get('--connlimit-mask', given.family.bits)}"
    yield "--connlimit-daddr" if "--connlimit-daddr" in given else "--connlimit-saddr"


EXTENSION = Extension(
    name="connlimit",
    summary="match on how many connections a host or a network has already",
    modules=("xt_connlimit", "nf_conncount", "nf_conntrack"),
    tracking=Tracking.TRACKS,
    answer=Answer.STATEFUL,
    options=(
        Option("--connlimit-upto", number(), invertible=True, excludes=("--connlimit-above",)),
        Option("--connlimit-above", number(), invertible=True, excludes=("--connlimit-upto",)),
        Option("--connlimit-mask", GROUP_LENGTH),
        Option("--connlimit-saddr", excludes=("--connlimit-daddr",)),
        Option("--connlimit-daddr", excludes=("--connlimit-saddr",)),
    ),
    one_of=(("--connlimit-upto", "--connlimit-above"),),
    save=_save,
    valid=(
        Example("-m connlimit --connlimit-above 20", families=IPV4,
                saved="-m connlimit --connlimit-above 20 --connlimit-mask 32 --connlimit-saddr"),
        Example("-m connlimit --connlimit-upto 0 --connlimit-mask 64 --connlimit-daddr", families=IPV6),
        Example("-m connlimit ! --connlimit-above 3 --connlimit-mask 255.255.0.0 --connlimit-saddr", families=IPV4,
                saved="-m connlimit --connlimit-upto 3 --connlimit-mask 16 --connlimit-saddr"),
        Example("-m connlimit ! --connlimit-upto 3 --connlimit-mask 255.0.255.0", families=IPV4,
                saved="-m connlimit --connlimit-above 3 --connlimit-mask 32 --connlimit-saddr"),
    ),
    invalid=(
        "-m connlimit",
        "-m connlimit --connlimit-mask 24",
        "-m connlimit --connlimit-upto 3 --connlimit-above 3",
        "-m connlimit --connlimit-upto 3 --connlimit-saddr --connlimit-daddr",
        "-m connlimit --connlimit-upto 4294967296",
        "-m connlimit --connlimit-upto 3 --connlimit-mask 129.x",
        Example("-m connlimit --connlimit-upto 3 --connlimit-mask 129", families=IPV6),
    ),
)  # fmt: skip
