"""How large a table of connections should be: from the rate and the life of its entries, or from what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from rulec.host.conntrack.table import Table
from rulec.kernel.generations import Kernel
from rulec.kernel.settings import TIMEOUTS, default_timeout
from rulec.kernel.sizes import PER_BUCKET, Size, by_itself, formula, with_hashsize

HEADROOM = 2
"""So many times what is needed on average: a burst must fit, too."""

_IDLE = "tcp_timeout_established"
_MODPROBE, _MODULES, _SYSCTL = (
    "modprobe.d/conntrack.conf",
    "modules-load.d/conntrack.conf",
    "sysctl.d/90-conntrack.conf",
)

_LIVES = (
    (_IDLE, "TCP, idle or not closed"),
    ("tcp_timeout_time_wait", "TCP, closed"),
    ("tcp_timeout_syn_sent", "TCP, no answer"),
    ("udp_timeout_stream", "UDP, answered"),
    ("udp_timeout", "UDP, no answer"),
    ("icmp_timeout", "ping"),
)


class Host(NamedTuple):
    """The machine that is asked about; ``memory`` in octets, ``entry`` the octets of an entry.

    ``timeouts`` are those that are set there, without the prefix; of others the kernel's own hold.  Where
    ``idle`` is not None, established TCP connections are to be kept for so many seconds.
    """

    kernel: Kernel
    version: tuple[int, ...]
    memory: int
    bits: int
    entry: int
    timeouts: Mapping[str, int] = MappingProxyType({})
    idle: int | None = None


class Need(NamedTuple):
    """How many entries there are at a time, and how that is known."""

    entries: int
    known: str


class Life(NamedTuple):
    """How long an entry of a kind lives, and how many of them a second the table bears."""

    setting: str
    what: str
    seconds: int
    rate: float


class Sizing(NamedTuple):
    """What the kernel takes by itself, what is set here (None for other machines), and what should be set.

    ``taken`` are the entries that there are here now.

    ``wanted`` is None where the table is large enough.  ``files`` go below /etc.
    """

    host: Host
    own: Size
    here: tuple[int, int] | None
    need: Need | None
    wanted: Size | None
    lives: tuple[Life, ...]
    source: str
    files: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    taken: int | None = None


def sizing(host: Host, need: Need | None, here: tuple[int, int] | None = None, taken: int | None = None) -> Sizing:
    """The size for a need; without one the table that the kernel makes by itself."""
    own = by_itself(host.memory, host.bits, host.kernel, host.version)
    most = here[0] if here else own.entries
    is_small = need is not None and need.entries * HEADROOM > most
    wanted = _for(need.entries * HEADROOM, host) if need and is_small else own
    files = _files(wanted, host) if is_small else ()
    return Sizing(
        host,
        own,
        here,
        need,
        wanted if is_small else None,
        tuple(_lives(host, wanted.entries if is_small else most)),
        formula(host.kernel, host.version).source,
        (*files, *_idle_file(host, files)),
        (*(_commands(wanted, host) if is_small else ()), *_idle_command(host)),
        taken,
    )


def _for(entries: int, host: Host) -> Size:
    """The next power of two, with as many buckets for it as the kernel itself would take."""
    most = 1 << (entries - 1).bit_length()
    if _by_hashsize(host):
        return with_hashsize(most // PER_BUCKET, host.bits, host.kernel)
    ratio = formula(host.kernel, host.version).ratio
    return with_hashsize(most // ratio, host.bits, host.kernel)._replace(entries=most)


def _by_hashsize(host: Host) -> bool:
    """Whether nothing loads the module early enough for sysctl: before systemd, ``hashsize`` sets both."""
    return host.kernel.version < (3, 0)


def _lives(host: Host, most: int) -> list[Life]:
    default = {name: default_timeout(name, host.kernel) or TIMEOUTS[name] for name, _ in _LIVES}
    seconds = {**default, **host.timeouts, **({_IDLE: host.idle} if host.idle else {})}
    return [Life(name, what, seconds[name], most / max(seconds[name], 1)) for name, what in _LIVES]


# ── what to set ──


def _files(wanted: Size, host: Host) -> tuple[tuple[str, str], ...]:
    core = host.kernel.core
    if _by_hashsize(host):
        text = f"# {wanted.entries} entries: {PER_BUCKET} for each bucket, by which the kernel sets its maximum\n"
        return ((_MODPROBE, f"{text}options {core} hashsize={wanted.buckets}\n"),)
    return (
        (_MODPROBE, f"options {core} hashsize={wanted.buckets}\n"),
        (_MODULES, f"# There are no settings until the module is loaded.\n{core}\n"),
        (_SYSCTL, f"{host.kernel.settings[0]}max = {wanted.entries}\n{_idle_line(host)}"),
    )


def _idle_file(host: Host, files: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The files for the timeout alone; before systemd it has to be set where the rules are loaded."""
    if files or not host.idle or _by_hashsize(host):
        return ()
    core = host.kernel.core
    text = f"# There are no settings until the module is loaded.\n{core}\n"
    return ((_MODULES, text), (_SYSCTL, _idle_line(host)))


def _idle_line(host: Host) -> str:
    return f"{host.kernel.settings[0]}{_IDLE} = {host.idle}\n" if host.idle else ""


def _idle_command(host: Host) -> tuple[str, ...]:
    return (f"sysctl -w {host.kernel.settings[0]}{_IDLE}={host.idle}",) if host.idle else ()


def _commands(wanted: Size, host: Host) -> tuple[str, ...]:
    """The buckets first: a full table of the new size in the old ones would be slow."""
    return (
        f"echo {wanted.buckets} > /sys/module/{host.kernel.core}/parameters/hashsize",
        f"sysctl -w {host.kernel.settings[0]}max={wanted.entries}",
    )


# ── what is needed ──


def by_rate(rate: float, lifetime: float) -> Need:
    """Little's law: as many at a time as come in a second, times the seconds that each stays."""
    return Need(round(rate * lifetime), f"{rate:,.0f} new entries a second x {lifetime:,.0f} s")


def by_table(table: Table, name: str) -> Need:
    """What a table holds now."""
    return Need(table.entries, f"{name} holds so many")
