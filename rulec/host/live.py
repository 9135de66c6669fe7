"""The rules that the running kernel holds, of both back ends and both families, as iptables-save prints them.

Looking switches nothing on.  iptables-legacy-save without ``-t`` reads the tables that the kernel
lists in /proc/net/ip_tables_names, and no others; with ``-t`` it would make the table, and ``-t nat``
load connection tracking (measured on Linux 5.10, 6.1, 6.12 and 6.18).  So it is run without, and only where
there are names.  iptables-nft-save makes no table, but has nf_tables loaded: it is run only where
that is there.  What it may load is the module of a match or target that a rule of nf_tables stands for
(xt_limit, xt_tcpudp), which takes no hook and tracks nothing.

libiptc behind python-iptables is not asked: to open a table is to make it, and arguments come without their
quotes, so that where one ends cannot be told.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rulec.host.programs import PATH, environment
from rulec.model import BUILTIN_CHAINS, Family

BACKENDS = ("legacy", "nft")
_PROGRAMS = {Family.IPV4: "iptables", Family.IPV6: "ip6tables"}
_NAMES = {Family.IPV4: "ip_tables_names", Family.IPV6: "ip6_tables_names"}
_NFT_NAMES = {Family.IPV4: "ip", Family.IPV6: "ip6"}
_TABLE = re.compile(r"(?m)^\*(\S+)$")
_DOES_SOMETHING = re.compile(r"(?m)^-A |^:\S+ DROP\b")
_FOREIGN = re.compile(r"(?m)^# Table `(\S+)' is incompatible")
_NFT_TABLE = re.compile(r"(?m)^table (ip|ip6|inet|netdev) (\S+)")
_SYMBOL = b" nf_tables_getrule"
_CHUNK = 1 << 20

Runner = Callable[[list[str]], tuple[int, str, str]]
"""Runs a program: its exit code, and what it prints to both outputs."""


class Running(NamedTuple):
    """The rules of a back end and a family; ``backend`` is empty where the kernel holds no table of the family."""

    backend: str
    family: Family
    text: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"live:{self.backend} {self.family.label}" if self.backend else f"live:{self.family.label}"

    @property
    def decides(self) -> bool:
        """Whether anything becomes of packets: a rule, or a policy that drops."""
        return _DOES_SOMETHING.search(self.text) is not None


class Live(NamedTuple):
    """What could be read, at least one for each family where all could; what could not; what else is to be known."""

    rulesets: tuple[Running, ...]
    unread: tuple[str, ...]
    notes: tuple[str, ...]


class Kernel(NamedTuple):
    """Where the kernel tells what it holds, and how programs are run; tests have others."""

    net: Path = Path("/proc/thread-self/net")
    proc: Path = Path("/proc")
    path: str = PATH
    run: Runner | None = None


class _Unread(Exception):
    """Why something could not be read."""


def live(families: Iterable[Family], backends: Iterable[str] = BACKENDS, kernel: Kernel | None = None) -> Live:
    """The rules that are in force; of a family without any, an empty ruleset."""
    kernel, families, backends = kernel or Kernel(), tuple(families), tuple(backends)
    found: list[Running] = []
    unread: list[str] = []
    for family in families:
        for backend in backends:
            try:
                text = (_legacy if backend == "legacy" else _nft)(family, kernel)
            except _Unread as reason:
                unread.append(f"live:{backend} {family.label}: {reason}")
            else:
                found += [Running(backend, family, text)] if text else []
    if unread:
        return Live(tuple(found), tuple(unread), ())
    chosen, notes = _in_force(found, families, backends[0] if len(backends) == 1 else "")
    others = _native(families, kernel) if "nft" in backends else ()
    return Live(chosen, (), (*notes, *others))


def _in_force(found: list[Running], families: Iterable[Family], backend: str) -> tuple[tuple[Running, ...], list[str]]:
    """The rulesets that decide something, or one that does not; and what is to be known of each family."""
    chosen: list[Running] = []
    notes = []
    for family in families:
        here = [one for one in found if one.family is family]
        both = [one for one in here if one.decides]
        if len(both) > 1:
            names = " and ".join(one.name for one in both)
            notes.append(f"two rulesets of {family.label} are in force, {names}: a packet must pass both")
        if not both:
            both = here[:1] or [Running(backend, family, "")]
            why = "no rule is loaded" if here else "the kernel holds no table"
            notes.append(f"{both[0].name}: {why}, so iptables lets every packet pass")
        chosen += both
    return tuple(chosen), notes


# ── legacy ──


def _legacy(family: Family, kernel: Kernel) -> str:
    """The legacy tables that there are; empty where there is none."""
    listing = kernel.net / _NAMES[family]
    try:
        names = listing.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return ""
    except OSError as error:
        reason = "only root may read it" if isinstance(error, PermissionError) else error.strerror
        raise _Unread(f"/proc/net/{listing.name}: {reason}") from None
    if not names:
        return ""
    program = _program(family, "legacy", kernel)
    if not program:
        raise _Unread(f"the kernel holds {', '.join(names)}, and {_PROGRAMS[family]}-legacy-save is not installed")
    text = _printed([program, "-M", "/bin/false"], kernel)  # -M: what it would load modules with
    _complete(text, names, program)
    return text


def _complete(text: str, names: Iterable[str], program: str) -> None:
    missing = set(names) - set(_TABLE.findall(text))
    if missing:
        raise _Unread(f"{program} does not print the table {', '.join(sorted(missing))}, which the kernel holds")


# ── nf_tables ──


def _nft(family: Family, kernel: Kernel) -> str:
    """The tables of iptables-nft that there are; empty where there is none."""
    program = _program(family, "nft", kernel)
    if not program or not _has_nf_tables(kernel):
        return ""
    text = _printed([program], kernel)
    foreign = _FOREIGN.findall(text)
    if foreign:
        names = ", ".join(foreign)
        raise _Unread(f"the table {names} holds what iptables cannot print; nft list ruleset shows it")
    return text if _TABLE.search(text) else ""


def _has_nf_tables(kernel: Kernel) -> bool:
    """Whether nf_tables is there, as a module or as a part of the kernel, of which only its symbols tell."""
    modules = _content(kernel.proc / "modules")
    if modules is not None and re.search(r"(?m)^nf_tables ", modules):
        return True
    try:
        with open(kernel.proc / "kallsyms", "rb") as symbols:
            rest = b""
            while chunk := symbols.read(_CHUNK):
                if _SYMBOL in rest + chunk:
                    return True
                rest = chunk[-len(_SYMBOL) :]
    except OSError:
        return modules is None  # a kernel without modules: nothing can be loaded
    return False


def _native(families: Iterable[Family], kernel: Kernel) -> Iterator[str]:
    """What nft has beside the tables of iptables, which is in force, too."""
    if not _has_nf_tables(kernel):
        return
    if not any(_program(family, "nft", kernel) for family in families):
        yield "nf_tables is in this kernel, and iptables-nft-save is not installed: its rules, if any, are not read"
    if not shutil.which("nft", path=kernel.path):
        yield "nft is not installed: whether nf_tables holds tables beside those of iptables cannot be told"
        return
    try:
        found = _NFT_TABLE.findall(_printed(["nft", "list", "tables"], kernel))
    except _Unread as reason:
        yield f"tables of nft: {reason}"
        return
    mine = {"inet", "netdev", *(_NFT_NAMES[family] for family in families)}
    others = [f"{kind} {name}" for kind, name in found if kind in mine and not _is_of_iptables(kind, name)]
    if others:
        yield f"nft has tables that are not of iptables, in force and not read: {', '.join(others)} (nft list ruleset)"


def _is_of_iptables(kind: str, name: str) -> bool:
    return kind in _NFT_NAMES.values() and name in BUILTIN_CHAINS


# ── programs ──


def _program(family: Family, backend: str, kernel: Kernel) -> str:
    """The iptables-save of a back end; the plain name is of the back end that its file says."""
    named, plain = (f"{_PROGRAMS[family]}{part}-save" for part in (f"-{backend}", ""))
    if shutil.which(named, path=kernel.path):
        return named
    where = shutil.which(plain, path=kernel.path)
    is_nft = where is not None and "nft" in os.path.basename(os.path.realpath(where))
    return plain if where and is_nft == (backend == "nft") else ""


def _printed(command: list[str], kernel: Kernel) -> str:
    code, out, said = (kernel.run or _run)(command)
    if code:
        first = said.strip().splitlines()
        raise _Unread(f"{command[0]}: {first[0] if first else f'exit code {code}'}")
    return out


def _run(command: list[str]) -> tuple[int, str, str]:
    done = subprocess.run(command, capture_output=True, check=False, env=environment())
    out, said = (stream.decode("utf-8", "surrogateescape") for stream in (done.stdout, done.stderr))
    return done.returncode, out, said


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
