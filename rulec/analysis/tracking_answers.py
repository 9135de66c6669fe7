"""What a report about connection tracking says: plain values, for text and for JSON."""

from __future__ import annotations

from typing import NamedTuple

from rulec.analysis.tracking_kinds import Kind


class Cause(NamedTuple):
    """Rules that ask for tracking in the same words, such as ``-m state``."""

    words: str
    lines: tuple[int, ...]


class Told(NamedTuple):
    """Some flows that begin on a way, in words, and the first packet of one."""

    path: str
    flows: tuple[str, ...]
    witness: str = ""


class Cost(NamedTuple):
    """What an edit changes for some flows.

    ``effect`` is "lost" for flows that need it, "errors" for the ICMP errors about
    these, "data" for connections that helpers announce, "opened" for new
    connections that get in, "strays" for packets of no connection that do,
    "translated" for flows that NAT rewrites, and "met" for flows of which such a rule is asked.
    """

    effect: str
    told: Told


class Edit(NamedTuple):
    """One edit of all rules of a kind; ``names`` are their targets or matches, ``rates`` the lines that limit too."""

    kind: Kind
    lines: tuple[int, ...]
    names: tuple[str, ...] = ()
    costs: tuple[Cost, ...] = ()
    rates: tuple[int, ...] = ()


class Blocker(NamedTuple):
    """Ports that must stay tracked, and why: what the rules of some lines want, or where the ports lie."""

    reason: str
    ports: str
    lines: tuple[int, ...] = ()


class Candidates(NamedTuple):
    """The ports of this host that NOTRACK could take: those open to nearly anybody, those open to some."""

    anybody: str = ""
    some: str = ""
    blockers: tuple[Blocker, ...] = ()


class Flows(NamedTuple):
    """What is known of packets: None of it where nobody had to look.

    ``refused`` are flows that are untracked and that no rule accepts so.
    """

    untracked: tuple[Told, ...] = ()
    half: tuple[Told, ...] = ()
    refused: tuple[Told, ...] = ()
    candidates: Candidates = Candidates()
    edits: tuple[Edit, ...] = ()
    dead: tuple[int, ...] = ()


class OfFile(NamedTuple):
    """A line of a configuration file: the module, or the parameter, and where it stands."""

    file: str
    line: int
    words: str


class TrackingReport(NamedTuple):
    """One ruleset, as one kernel loads it; ``setting`` is the name of how many entries there may be.

    ``by_rules`` says whether the kernel tracks because of rules alone, and not as soon as the module is loaded.

    ``tracked`` is the family that its rules have tracked, empty where they have
    none; ``causes`` are these, ``loads`` those that only load the module.
    ``nat_tables`` are the lines of the nat tables, ``nat_tracks`` says whether
    these track by themselves.  ``modules`` of the host's files track, ``idle`` ones
    are only loaded, ``others`` track the other family, ``refused`` is the line that keeps the module away.
    ``undecided`` says why nothing is known of packets.
    """

    file: str
    family: str
    kernel: str
    setting: str
    by_rules: bool
    tracked: str
    causes: tuple[Cause, ...]
    loads: tuple[Cause, ...]
    nat_tables: tuple[int, ...]
    nat_tracks: bool
    modules: tuple[OfFile, ...]
    idle: tuple[OfFile, ...]
    others: tuple[OfFile, ...]
    refused: OfFile | None
    flows: Flows
    undecided: str = ""

    @property
    def spare_tables(self) -> tuple[int, ...]:
        """The nat tables that have packets tracked, and hold no rule that would need it."""
        is_needed = any(edit.kind is Kind.NAT for edit in self.flows.edits)
        return self.nat_tables if self.nat_tracks and not is_needed else ()

    @property
    def is_undecided(self) -> bool:
        """Whether more memory might tell more."""
        return "undecided" in self.undecided

    @property
    def lines(self) -> tuple[int, ...]:
        """The lines of the rules that have packets tracked."""
        return tuple(sorted({line for cause in self.causes for line in cause.lines}))

    @property
    def is_tracked(self) -> bool:
        """Whether packets of the ruleset's own family are tracked."""
        return self.tracked == self.family or bool(self.modules)
