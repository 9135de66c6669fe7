"""The roll-out of compiled rulesets as a shell script: in which order, how to watch, how to go back.

Rules that leave packets untracked come last, and entries are deleted once they
are there: an entry that waits while its flow goes on untracked has an old window,
and would make every later packet INVALID when tracking comes back (measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from rulec.model import Family
from rulec.model.protocols import ICMP, NAMES
from rulec.policy import ANY, Entry, Policy

_TOOLS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_OF_FAMILY = {Family.IPV4: "ipv4", Family.IPV6: "ipv6"}


def script(files: Iterable[tuple[Family, str]], policy: Policy) -> str:
    """The commands for compiled files, each with its family; every command that fails stops the rest."""
    named = tuple(files)
    parts = (
        _head(named),
        _try(named),
        _save(named),
        _reserve(policy),
        _load(named),
        _forget(named, policy),
        _watch(named),
        _back(named, policy),
    )
    told = (tuple(part) for part in parts)
    return "\n".join(line for part in told if part for line in (*part, ""))


def _head(files: tuple[tuple[Family, str], ...]) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# Roll-out of {', '.join(name for _, name in files)}."
    yield "# Read it, then run it as root; it stops at the first error."
    yield "set -eu"
    yield 'before=${1:-/var/lib/rulec-before}; mkdir -p "$before"'


def _try(files: tuple[tuple[Family, str], ...]) -> Iterator[str]:
    yield "# Would the files load?  This loads the modules that their rules need, and nothing else."
    yield from (f"{_TOOLS[family]}-restore --test < {quote(name)}" for family, name in files)


def _save(files: tuple[tuple[Family, str], ...]) -> Iterator[str]:
    yield "# What is there now, to go back to."
    for family, _ in files:
        yield f'{_TOOLS[family]}-save > "$before/{family.value}.rules"'


def _reserve(policy: Policy) -> Iterator[str]:
    ports = [span for entry in policy.hot if entry.reserved and entry.ports != ANY for span in entry.ports]
    if not ports:
        return
    reserved = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ports)
    yield "# No program may begin connections from the hot ports: the answers would be untracked."
    yield "# Put the same line into /etc/sysctl.d, with what is reserved already in front."
    yield f"sysctl -w net.ipv4.ip_local_reserved_ports={reserved}"


def _load(files: tuple[tuple[Family, str], ...]) -> Iterator[str]:
    yield "# Load.  The tables stand in the file as they must take effect: filter first, raw last."
    yield "# A file that fails half way leaves the old filter, or the new one, and never an open host."
    yield from (f"{_TOOLS[family]}-restore < {quote(name)}" for family, name in files)


def _forget(files: tuple[tuple[Family, str], ...], policy: Policy) -> Iterator[str]:
    yield "# The entries of the hot flows are of no use any more, and would wait for up to five days."
    for family, _ in files:
        yield from (f"{command} || true" for command in deletions(policy, family))


def deletions(policy: Policy, family: Family) -> Iterator[str]:
    """The commands that delete the entries of all hot flows: as the asking side's packets name them."""
    for entry in policy.hot:
        if family in entry.families:
            for number in entry.protocols:
                yield from _of_entry(entry, number, family)


def _of_entry(entry: Entry, number: int, family: Family) -> Iterator[str]:
    name = ("icmp" if family is Family.IPV4 else "icmpv6") if number == ICMP else NAMES[number]
    front = f"conntrack -D -f {_OF_FAMILY[family]} -p {name}"
    if entry.ports == ANY or number == ICMP:
        yield front
        return
    for low, high in entry.ports:
        if low == high:
            yield f"{front} --dport {low}"
        else:
            yield f"for port in $(seq {low} {high}); do {front} --dport $port || true; done"


def _watch(files: tuple[tuple[Family, str], ...]) -> Iterator[str]:
    yield "# Does it work?  The counters of the raw rules grow, and the number of entries falls."
    yield from (f"{_TOOLS[family]} -t raw -vnL" for family, _ in files)
    yield "conntrack -C"


def _back(files: tuple[tuple[Family, str], ...], policy: Policy) -> Iterator[str]:
    yield "# To go back, run the lines below without their first mark, in this order: entries that are left from before"
    yield "# would make running connections hang, so they go first; then raw, so that tracking picks the flows up;"
    yield "# and only when they have sent something the old filter, which may know no UNTRACKED packets."
    for family, _ in files:
        tool = _TOOLS[family]
        yield from (f"#{command} || true" for command in deletions(policy, family))
        saved = f'"$before/{family.value}.rules"'
        as_it_was = f"then {tool}-restore -T raw < {saved}; else {tool} -t raw -F; fi"
        yield f"#if grep -q '^[*]raw' {saved}; {as_it_was}; sleep 10"
        yield f"#{tool}-restore < {saved}"
