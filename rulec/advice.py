"""The verbs about a host and its connection tracking: what its table holds, and what to do about it.

They stand beside :mod:`rulec.api`, and put together what the floors below do not know of
each other: the running machine, and the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TextIO

from rulec.errors import InputError, Refused, RulecError
from rulec.model import Family
from rulec.resources import VERSION, lazy
from rulec.source import Source
from rulec.syntax.ruleset import Ruleset

_TABLE = re.compile(r"(?m)^[ \t]*\*\w")
_DRAFT = "the drafted policy"
_GAINED = "takes no entry any more"
"""What the compiler notes of flows that are untracked by what it has written."""


class Hot(NamedTuple):
    """What ``rulec hot`` finds; the fields are those of :mod:`rulec.host.conntrack`."""

    name: str
    table: Any
    missed: Any
    drafts: tuple[Any, ...]
    machine: Any
    ephemeral: tuple[int, int] | None

    def policy(self) -> str:
        """The text of the policy that untracks what can be; RulecError where nothing can."""
        text: str = lazy("rulec.host.conntrack.draft").policy(self.drafts, self.table, self.name, self.ephemeral)
        return text


def conntrack_dump(path: str | None, stdin: TextIO, stderr: TextIO) -> Any:
    """A table to be read: a file, ``-`` for standard input, or that of the running kernel; with a bar on terminals."""
    here, progress = lazy("rulec.host.conntrack.here"), lazy("rulec.report.progress")
    if path is None:
        dump = here.running()
    else:
        dump = here.streamed(getattr(stdin, "buffer", stdin), "<stdin>") if path == "-" else here.opened(path)
    return dump._replace(blocks=progress.watched(dump.blocks, dump.size, f"reading {dump.name}", stderr))


def hot(
    dump: Any,
    is_here: bool,
    addresses: Sequence[str] = (),
    by: str = "peer",
    kernel: str | None = None,
    rulesets: Sequence[Ruleset] = (),
    least: float = 0.01,
) -> Hot:
    """What a table holds, and which services could be untracked, with rulesets: as far as these let them.

    ``is_here`` says that it is the table of this machine; ``addresses`` are those of the host, ``by`` which
    hosts are ranked, ``least`` the part of the table that a service holds at least, to be drafted.
    """
    here, own = lazy("rulec.host.conntrack.here"), lazy("rulec.host.conntrack.own")
    machine = here.machine()
    generation = machine.kernel if kernel is None else kernel_named(kernel)
    told = own.given(addresses) if addresses else None
    local = here.addresses()

    def seen_from(ends: Any) -> Any:
        return told or (local if is_here or own.among(local, ends) else None)

    count, limits = lazy("rulec.host.conntrack.tally"), lazy("rulec.host.conntrack.tally").Limits()
    if is_here:
        limits = limits._replace(established=machine.timeouts.get("tcp_timeout_established", limits.established))
    counted = count.tally(dump.blocks, seen_from, by, limits)
    if not counted.counts and counted.missed.first:
        line, text = counted.missed.first[0]
        raise InputError(
            f"{dump.name}:{line}:1: no line of it is an entry of a conntrack table; here stands {text!r:.60}"
        )
    entry = (machine.entry if is_here and kernel is None else None) or generation.entry
    table = lazy("rulec.host.conntrack.table").table(counted, by, entry)
    ephemeral = machine.ephemeral if is_here else None
    drafts = lazy("rulec.host.conntrack.draft").drafts(table, ephemeral, least)
    found = Hot(dump.name, table, counted.missed, drafts, machine if is_here else None, ephemeral)
    return found._replace(drafts=_judged(found, rulesets)) if rulesets else found


def render_hot(found: Hot, top: int, form: str) -> Iterator[str]:
    """What a table holds as lines of text: full or json; of services and hosts the first ``top``."""
    shown = found.name, found.table, found.missed, found.drafts, found.machine, top, form, VERSION
    lines: Iterator[str] = lazy("rulec.report.hot").render(*shown)
    return lines


def render_unread(found: Hot) -> Iterator[str]:
    """The lines of a table that are no entries, each with its place."""
    lines: Iterator[str] = lazy("rulec.report.hot").unread(found.name, found.missed, found.table.entries)
    return lines


def watch(interval: float, top: int, once: bool) -> Iterator[Any]:
    """The table of this machine again and again, ``interval`` seconds apart; ``once``: the first with rates.

    With a ``top`` of 0 only count and counters are read, and not the entries.
    """
    running = lazy("rulec.host.conntrack.here").running
    read = (lambda: hot(running(), True).table) if top else None
    reader, sleep = lazy("rulec.host.conntrack.watch").Watch(read), lazy("time").sleep
    view = reader.look()
    if not once or not interval:
        yield view
    while interval or not once:
        sleep(interval)
        yield reader.look()
        if once:
            return


def render_watch(view: Any, top: int, form: str) -> str:
    """What is seen of the table as text: full, or json on one line."""
    report = lazy("rulec.report.watch")
    text: str = report.document(view, top, VERSION) if form == "json" else "\n".join(report.lines(view, top))
    return text


def show_watch(views: Iterator[Any], top: int, stdout: TextIO) -> None:
    """What is seen of the table on a terminal, each view in place of the one before."""
    screen = lazy("rulec.report.watch").screen
    console = lazy("rich.console").Console(file=stdout, highlight=False)
    with lazy("rich.live").Live(console=console, auto_refresh=False) as shown:
        for view in views:
            shown.update(screen(view, top), refresh=True)


def render_metrics(view: Any, top: int, own_names: bool) -> str:
    """What is seen of the table as a file of metrics for Prometheus."""
    text: str = lazy("rulec.report.watch_prometheus").text(view, top, own_names)
    return text


def size(
    memory: str | None = None,
    kernel: str | None = None,
    bits: int = 64,
    entries: int | None = None,
    rate: tuple[float, float] | None = None,
    dump: Any = None,
    idle: int | None = None,
) -> Any:
    """How large the table of a machine is by itself, and should be, for so many entries at a time.

    Of ``entries``, ``rate`` (new entries a second, and the seconds that each lives) and ``dump`` one may be
    given; ``idle`` is how long an established TCP connection is to be kept.  What is not said of the machine
    is that of this one.
    """
    machine, sizing = lazy("rulec.host.conntrack.here").machine(), lazy("rulec.host.conntrack.sizing")
    is_here = memory is None and kernel is None and bits == 64
    known = machine.kernel if kernel is None else kernel_named(kernel)
    version = lazy("rulec.kernel.release").version(machine.release if kernel is None else kernel)
    octets = machine.memory if memory is None else _octets(memory)
    if octets is None:
        raise InputError("this machine does not tell how much memory it has; say --ram")
    need = None
    if dump is not None:
        need = sizing.by_table(hot(dump, False).table, dump.name)
    elif entries is not None:
        need = sizing.Need(entries, "as --entries says")
    elif rate is not None:
        need = sizing.by_rate(*rate)
    entry = (machine.entry if is_here else None) or known.entry
    host = sizing.Host(known, version, octets, bits, entry, machine.timeouts if is_here else {}, idle)
    set_here = (machine.most, machine.buckets) if is_here and machine.most and machine.buckets else None
    return sizing.sizing(host, need, set_here, machine.entries if set_here else None)


def live(family: str = "auto", backend: str | None = None) -> Any:
    """The rules that the running kernel holds, of one family or back end (legacy, nft) or of both."""
    families = tuple(Family) if family == "auto" else (Family(family),)
    reading = lazy("rulec.host.live")
    return reading.live(families, reading.BACKENDS if backend is None else (backend,))


def kernel_here() -> str:
    """The generation of the running kernel."""
    name: str = lazy("rulec.host.conntrack.here").machine().kernel.name
    return name


def render_size(found: Any, form: str) -> Iterator[str]:
    """The size of a table as lines of text: full or json."""
    lines: Iterator[str] = lazy("rulec.report.size").render(found, form, VERSION)
    return lines


def _octets(text: str) -> int:
    """The octets that a size such as 512M or 64GiB means."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?", text, re.IGNORECASE)
    octets = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    if not octets:
        raise InputError(f"--ram {text}: that is no size, such as 512M or 64G")
    return octets


def recipe(name: str, text: str) -> Source | None:
    """A text that removes modules or keeps them away; None for rulesets."""
    is_one = lazy("rulec.host.modules.recipe").is_recipe(text) or lazy("rulec.config.kinds").kind_of(name, text)
    return Source(name, text) if is_one and not _TABLE.search(text) else None


def modules(
    rulesets: Sequence[Ruleset], recipes: Sequence[Source] = (), kernel: str | None = None, backend: str | None = None
) -> Any:
    """Which modules of tracking some rulesets load, what recipes for removing them do; without either, what is loaded.

    ``backend`` is legacy or nft.
    """
    known = lazy("rulec.host.conntrack.here").machine().kernel if kernel is None else kernel_named(kernel)
    live = None if rulesets or recipes else lazy("rulec.host.modules.live").live()
    return lazy("rulec.host.modules.answer").answer(known, tuple(rulesets), tuple(recipes), live, backend)


def render_modules(found: Any, form: str) -> Iterator[str]:
    """What is said of modules as lines of text: full or json."""
    lines: Iterator[str] = lazy("rulec.report.modules").render(found, form, VERSION)
    return lines


def remove_modules() -> Iterator[tuple[str, str]]:
    """Remove the modules of tracking from the running kernel; each with what went wrong, which is mostly nothing.

    RulecError, and nothing removed, where rules hold some.
    """
    live = lazy("rulec.host.modules.live")
    removed: Iterator[tuple[str, str]] = live.remove(live.live())
    return removed


def kernel_named(name: str) -> Any:
    """A generation of kernels, by its name or by a release of it; InputError where it is neither."""
    try:
        return lazy("rulec.kernel.release").named(name)
    except ValueError as error:
        raise InputError(f"there is no kernel {name!r}; {error}") from None


# ── what the compiler says of drafts ──


def _judged(found: Hot, rulesets: Sequence[Ruleset]) -> tuple[Any, ...]:
    """All drafts at once where these can be compiled together; else one after the other, with those before it."""
    taken = tuple(draft for draft in found.drafts if draft.is_taken)
    together = _compiled(found, taken, rulesets) if taken else _Compiled((), ())
    if not together.refused:
        return tuple(_told(draft, together) for draft in found.drafts)
    had: tuple[Any, ...] = ()
    judged = []
    for draft in found.drafts:
        tried = _compiled(found, (*had, draft), rulesets) if draft.is_taken else together
        had = (*had, draft) if draft.is_taken and not tried.refused else had
        judged.append(_told(draft, tried))
    return tuple(judged)


class _Compiled(NamedTuple):
    """What the compiler says of some drafts: reasons to refuse them, or what is to be known."""

    refused: tuple[str, ...]
    notes: tuple[str, ...]


def _told(draft: Any, compiled: _Compiled) -> Any:
    """A draft with what the compiler says of it; one that it refuses is left out of the policy."""
    if not draft.is_taken:
        return draft
    if compiled.refused:
        return draft._replace(why=compiled.refused[0], told=compiled.refused[1:])
    begin = f"{draft.name}: "
    notes = tuple(dict.fromkeys(note.removeprefix(begin) for note in compiled.notes if note.startswith(begin)))
    if any(_GAINED in note for note in notes):
        return draft._replace(told=notes)
    return draft._replace(why="; ".join(notes or compiled.notes[:1]))


def _compiled(found: Hot, drafts: Iterable[Any], rulesets: Sequence[Ruleset]) -> _Compiled:
    """What comes of compiling some drafts together."""
    text = found._replace(drafts=tuple(drafts)).policy()
    policy, problems = lazy("rulec.policy").read(text, _DRAFT)
    reasons = [problem.message for problem in problems]
    notes: list[str] = []
    for ruleset in rulesets if policy is not None else ():
        try:
            notes += lazy("rulec.compiler.compile").compile_ruleset(ruleset, policy).notes
        except Refused as refused:
            reasons += map(_reason, refused.findings)
        except RulecError as error:
            reasons.append(str(error))
    return _Compiled(tuple(dict.fromkeys(reasons)), tuple(notes))


def _reason(finding: Any) -> str:
    place = "" if finding.place.source.name == _DRAFT else f"{finding.place.source.name}:{finding.line}: "
    return f"{place}{finding.message}{f' (such as {finding.witness})' if finding.witness else ''}"
