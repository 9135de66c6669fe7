"""The verbs behind ``import rulec`` and behind the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rulec.diagnostics import Finding
from rulec.errors import InputError, RulecError
from rulec.model import Family
from rulec.resources import VERSION, lazy
from rulec.source import Source, read_file, write_files
from rulec.syntax.directives import opaque_names
from rulec.syntax.family import guess
from rulec.syntax.reader import read
from rulec.syntax.ruleset import Ruleset
from rulec.syntax.scan import Dialect
from rulec.syntax.ufw import chains_before


def parse(text: str, name: str = "-", family: str | None = None, opaque: Iterable[str] = ()) -> Ruleset:
    """Read the text of an iptables-save file.

    ``family`` is "ipv4" or "ipv6"; None guesses from name and content.
    ``opaque`` names matches and targets that are no part of iptables: they are
    kept, warned of, and taken as unknown.  Never raises on a bad ruleset: what
    is wrong is in ``ruleset.findings``.
    """
    chosen = guess(name, text) if family is None else Family(family)
    names = frozenset(opaque) | opaque_names(text)
    found = read(Source(name, text), Dialect(chosen, names, chains_before(name, text, chosen)))
    if not found.valid:
        found.findings = lazy("rulec.syntax.strangers").told(found)
    return found


def load(path: str, family: str | None = None, opaque: Iterable[str] = ()) -> Ruleset:
    """Read a file, whatever its bytes; raises InputError when it cannot be read."""
    return parse(read_file(str(path)), str(path), family, opaque)


def emit(ruleset: Ruleset) -> str:
    """The text of a ruleset, byte for byte what was read."""
    return ruleset.source.text


def canonical(ruleset: Ruleset) -> str:
    """The text that iptables-save would print after loading it, counters and all."""
    text: str = lazy("rulec.syntax.save").canonical(ruleset)
    return text


def format_ruleset(ruleset: Ruleset) -> str:
    """The text in canonical form, comments and blank lines in their places.

    The result is read again and compared: RulecError if it does not mean the
    same.  The ruleset must be without errors.
    """
    for careful in (False, True):
        text: str = lazy("rulec.syntax.fmt").formatted(ruleset, careful)
        again = read(Source(ruleset.source.name, text), ruleset.dialect)
        if again.valid and canonical(again) == canonical(ruleset):
            return text
    raise RulecError(f"{ruleset.source.name}: the formatted text would not mean the same; nothing is written")


def checks(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Any, ...]:
    """The checks that slugs and groups select; InputError for a name that is neither."""
    run = lazy("rulec.lint.run")
    try:
        chosen: tuple[Any, ...] = run.chosen(select, ignore)
    except run.UnknownName as error:
        close = lazy("rulec.diagnostics.suggest").suggestion(str(error), run.names())
        raise InputError(f"there is no check or group {str(error)!r}{close}") from None
    return chosen


def lint(
    ruleset: Ruleset,
    chosen: Iterable[Any] | None = None,
    memory: int | None = None,
    open_ports: str | None = None,
    kernel: str = "6.x",
    configs: Iterable[Any] = (),
    handling: Any = None,
) -> Any:
    """Run checks on a ruleset, all where none are given.

    ``memory`` is how many megabytes the sets of packets may take; ``open_ports``
    are those that should not be open to everybody, such as "22,53/udp"; ``configs``
    are the configuration files of the host, which may have packets tracked, too;
    ``handling`` says which severities differ, and what may be suppressed.
    """
    chosen = checks() if chosen is None else tuple(chosen)
    octets = None if memory is None else memory << 20
    host = _kernel(kernel), tuple(configs)
    facts = lazy("rulec.analysis.facts").Facts(ruleset, octets, _open_ports(open_ports), *host)
    linted = lazy("rulec.lint.run").lint(facts, chosen, *([] if handling is None else [handling]))
    wanted = any(check.group == "conntrack" for check in chosen)
    lines = facts.tracking.lines if wanted and ruleset.valid else None
    host = lazy("rulec.analysis.host").HostFacts(facts.kernel, facts.configs, (facts,))
    report, family = lazy("rulec.report.lint").Report, facts.tracking.family.label
    modules = host.tracked_by(ruleset.family)
    return report(ruleset, linted.findings, lines, linted.undecided, family, modules, linted.suppressed)


def read_config(name: str, text: str) -> Any:
    """The configuration file of a host that tells how connection tracking is loaded; None when it is none."""
    kind = lazy("rulec.config.kinds").kind_of(name, text)
    return None if kind is None else lazy("rulec.config.read").read_config(Source(name, text))


def lint_host(
    configs: Iterable[Any],
    rulesets: Iterable[Ruleset] = (),
    chosen: Iterable[Any] | None = None,
    kernel: str = "6.x",
    choices: Sequence[Any] | None = None,
) -> list[Any]:
    """Run checks on the configuration files of a host that loads some rulesets; one report a file.

    ``choices`` are checks and handling for each of the files, in place of ``chosen`` for all.
    """
    configs, facts = tuple(configs), lazy("rulec.analysis.facts").Facts
    loaded = tuple(facts(ruleset, kernel=_kernel(kernel)) for ruleset in rulesets)
    host = lazy("rulec.analysis.host").HostFacts(_kernel(kernel), configs, loaded)
    if choices is None:
        plain = lazy("rulec.lint.handling").PLAIN
        choices = [(checks() if chosen is None else tuple(chosen), plain)] * len(configs)
    found = lazy("rulec.lint.run").lint_host(host, choices)
    report = lazy("rulec.report.lint").FileReport
    return [report(file, one.findings, (), one.suppressed) for file, one in zip(configs, found, strict=True)]


def tracking_reports(
    rulesets: Iterable[Ruleset], configs: Iterable[Any] = (), kernel: str = "6.x", memory: int | None = None
) -> list[Any]:
    """Why packets are tracked, which flows are, and the ways out; one report a ruleset, all without errors.

    ``memory`` is how many megabytes the sets of packets may take.
    """
    rulesets = tuple(rulesets)
    _whole(*rulesets)
    facts = [lazy("rulec.analysis.facts").Facts(ruleset, kernel=_kernel(kernel)) for ruleset in rulesets]
    host = lazy("rulec.analysis.host").HostFacts(_kernel(kernel), tuple(configs), tuple(facts))
    octets = None if memory is None else memory << 20
    return [lazy("rulec.analysis.tracking_report").tracking_report(one, host, octets) for one in facts]


def render_tracking(reports: Iterable[Any], form: str) -> Iterator[str]:
    """Reports about tracking as lines of text: full, concise or json."""
    lines: Iterator[str] = lazy("rulec.report.tracking").render(tuple(reports), form, VERSION)
    return lines


def _whole(*rulesets: Ruleset) -> None:
    """InputError for a piece of a ruleset, which does not tell what packets meet."""
    for ruleset in rulesets:
        if ruleset.is_piece:
            why = "is a piece of a ruleset that ufw loads, and tells not alone what packets meet"
            raise InputError(f"{ruleset.source.name} {why}; take the whole: iptables-save > FILE")


def _kernel(name: str) -> Any:
    try:
        return lazy("rulec.kernel.release").named(name)
    except ValueError as error:
        raise InputError(f"there is no kernel {name!r}; {error}") from None


def _open_ports(text: str | None) -> Any:
    try:
        return lazy("rulec.analysis.ports").open_ports(text)
    except ValueError as error:
        raise InputError(str(error)) from None


def render(reports: Iterable[Any], form: str) -> Iterator[str]:
    """Reports as lines of text, in one of the forms of ``forms``."""
    return render_log(log(reports), form)


def log(
    reports: Iterable[Any], chosen: Iterable[Any] = (), problems: Iterable[str] = (), fail_on: Iterable[int] = ()
) -> Any:
    """Reports with what else the forms show, for several forms that are made of the same.

    ``chosen`` are the checks that were run, ``problems`` say what could not be
    read, and ``fail_on`` are the ranks from which on a finding is a failure, one a
    report, or else that of a warning.
    """
    return lazy("rulec.report.formats.log").Log(reports, VERSION, chosen, problems, fail_on)


def render_log(log: Any, form: str, colours: bool = False) -> Iterator[str]:
    """A log as lines of text."""
    paint = lazy("rulec.report.paint")
    chosen = paint.coloured if colours else paint.plain
    lines: Iterator[str] = lazy("rulec.report.formats").render(log, form, chosen)
    return lines


def together(log: Any) -> str:
    """What was found in all files, in one line."""
    text: str = lazy("rulec.report.closing").together(log.reports)
    return text


def forms() -> tuple[str, ...]:
    """The names of all forms."""
    names: tuple[str, ...] = lazy("rulec.report.formats").FORMATS
    return names


def read_text(path: str) -> str:
    """The text of any file; InputError when it cannot be read."""
    return read_file(path)


def read_packets(ruleset: Ruleset, name: str, text: str, lines: bool = True) -> tuple[list[Any], list[Finding]]:
    """The packets of a text for a ruleset of their family, one a line or just one, and what is wrong with it."""
    source = Source(name, text)
    found: tuple[list[Any], list[Finding]] = lazy("rulec.query.trace_input").read_packets(source, ruleset.family, lines)
    return found


def trace(ruleset: Ruleset, packets: Iterable[Any], path: str = "", why: bool = False, memory: int = 2 << 30) -> Any:
    """The way of each packet through a ruleset without errors, rule by rule.

    ``path`` is input, forward or output, or empty for what each packet tells.
    Raises Undecided when the answer does not fit into ``memory`` bytes.
    """
    _whole(ruleset)
    return lazy("rulec.query.trace").trace(ruleset, packets, path, why, memory)


def render_traces(ruleset: Ruleset, traces: Iterable[Any], form: str) -> Iterator[str]:
    """Traces as lines of text: full or json."""
    lines: Iterator[str] = lazy("rulec.report.trace").render(ruleset, tuple(traces), form, VERSION)
    return lines


def load_version(against: str, path: str, family: str | None = None, opaque: Iterable[str] = ()) -> Ruleset:
    """Read a version of a file that git has, ``git:REF`` or ``git:REF:PATH``; InputError when there is none."""
    source: Source = lazy("rulec.query.diff_against").version(against, path)
    return parse_dump(source.text, source.name, family, opaque)


def parse_dump(text: str, name: str, family: str | None = None, opaque: Iterable[str] = ()) -> Ruleset:
    """Read a ruleset as it is published: MAC addresses that were blotted out are taken as unknown."""
    text, names = lazy("rulec.query.diff_unreadable").without_blots(text)
    return parse(text, name, family, (*opaque, *names))


def readable(ruleset: Ruleset) -> tuple[Ruleset, tuple[int, ...]]:
    """The ruleset with matches that hold errors taken as unknown, and their lines; itself where that does not help."""
    found: tuple[Ruleset, tuple[int, ...]] = lazy("rulec.query.diff_unreadable").readable(ruleset)
    return found


def diff(old: Ruleset, new: Ruleset, memory: int = 2 << 30, everything: bool = False) -> Any:
    """What changes for packets from one ruleset to another, both without errors.

    The largest flows are put into words, or ``everything``.  Raises Undecided
    when the answer does not fit into ``memory`` bytes.
    """
    _whole(old, new)
    query = lazy("rulec.query.diff")
    return query.compare(old, new, memory, None if everything else query.MOST_FLOWS)


def render_diff(found: Any, form: str) -> Iterator[str]:
    """A difference as lines of text: full, json or markdown."""
    lines: Iterator[str] = lazy("rulec.report.diff").render(found, form, VERSION)
    return lines


def explain(name: str) -> str:
    """What a check, a group, a match or a target is about; InputError where there is none of that name."""
    text: str = lazy("rulec.report.explain").explain(name, example_findings, problems)
    return text


def explainable() -> str:
    """All names that can be explained, and what each is about in a line."""
    text: str = lazy("rulec.report.explain").names()
    return text


def problems(text: str, name: str, family: str) -> tuple[Finding, ...]:
    """What is wrong with the text of a ruleset, as reading it tells."""
    return parse(text, name, family).findings


def example_findings(check: Any) -> list[Finding]:
    """What a check says of its bad example."""
    example = check.example
    if not example.name:
        return list(lint(parse(example.bad, "rules"), [check], kernel=example.kernel).findings)
    own = read_config(example.name, example.bad)
    beside = [read_config("other", text) or parse(text, "rules", "ipv4") for text in (example.beside,) if text]
    rulesets = [file for file in beside if isinstance(file, Ruleset)]
    configs = [own, *(file for file in beside if not isinstance(file, Ruleset))]
    return list(lint_host(configs, rulesets, [check], example.kernel)[0].findings)


def difference(old: str, new: str, name: str) -> Iterator[str]:
    """A unified diff of two texts, line by line with newlines."""
    lines: Iterator[str] = lazy("rulec.report.difference").unified(old, new, name)
    return lines


def write(path: str, text: str) -> None:
    """Write a file, whole or not at all; InputError when it cannot be written."""
    write_files([(path, text)])


def write_all(texts: Iterable[tuple[str, str]]) -> None:
    """Write several files by path, none before all are complete beside their places; InputError when one cannot be."""
    write_files(texts)


def show(findings: Iterable[Finding]) -> Iterator[str]:
    """Findings as text for a person."""
    lines: Iterator[str] = lazy("rulec.report.text").full(findings)
    return lines


def read_policy(path: str) -> tuple[Any, list[Finding]]:
    """The policy of a file, or None and what is wrong with it; InputError when it cannot be read."""
    read_one: tuple[Any, list[Finding]] = lazy("rulec.policy").read(read_file(path), path)
    return read_one


def compile_ruleset(ruleset: Ruleset, policy: Any) -> Any:
    """The ruleset with the hot flows of a policy untracked; raises Refused with all reasons."""
    _whole(ruleset)
    return lazy("rulec.compiler.compile").compile_ruleset(ruleset, policy)


def compile_all(
    rulesets: Iterable[Ruleset],
    policy: Any,
    keep_going: bool = False,
    without: Iterable[str] = (),
    memory: int = 2 << 30,
    kernel: str = "",
) -> Any:
    """The rulesets of a host, one a family, with the hot flows untracked; one result each, with what is refused.

    With ``keep_going`` entries that are refused are left out; ``without`` are
    matches that the host lacks, besides those that its ``kernel`` has not yet.
    """
    rulesets = tuple(rulesets)
    _whole(*rulesets)
    host = lazy("rulec.compiler.without").Lacking(without, _kernel(kernel) if kernel else None)
    return lazy("rulec.compiler.together").compile_all(rulesets, policy, keep_going, memory, host)


def compiled_as_json(results: Iterable[Any]) -> str:
    """Results of compile_all as a JSON document."""
    text: str = lazy("rulec.report.certificate").compiled_document(tuple(results), VERSION)
    return text


def explained(ruleset: Ruleset, compiled: Any) -> Iterator[str]:
    """The lines that a compiled ruleset has otherwise, each with its reason."""
    old = ruleset.source
    lines: Iterator[str] = lazy("rulec.report.explained").explained(old.text, compiled.text, old.name)
    return lines


def rollout(files: Iterable[tuple[Any, str]], policy: Any) -> str:
    """The shell script that takes compiled files, each with its family, into service, and back."""
    text: str = lazy("rulec.compiler.rollout").script(files, policy)
    return text


def prove(old: Ruleset, new: Ruleset, policy: Any, memory: int = 2 << 30) -> Any:
    """Whether a new ruleset keeps what an old one has open, and opens nothing else; both without errors.

    Raises InputError where the two cannot be compared, Undecided when the answer
    does not fit into ``memory`` bytes.
    """
    _whole(old, new)
    return lazy("rulec.compiler.prove").prove(old, new, policy, memory)


def render_certificate(certificate: Any, form: str) -> Iterator[str]:
    """A certificate as lines of text: full, json or markdown."""
    lines: Iterator[str] = lazy("rulec.report.certificate").render(certificate, form, VERSION)
    return lines


def verify_in_kernel(old: Ruleset, new: Ruleset, policy: Any, certificate: Any, backend: str) -> Any:
    """The same question put to the kernel, with packets in network namespaces; RulecError where it cannot be asked."""
    exposed = [each.packet for each in certificate.exposures]
    lost = [failure.packet for failure in certificate.failures]
    return lazy("rulec.host.verify").verify_in_kernel([old], [new], policy, exposed, lost, backend)
