"""Files that are no rulesets, and are given for one all the same.

Only a file that iptables-restore refuses is looked at, so a verdict never
changes: in place of an error on every line there is one that says what the file
is, and what to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rulec.diagnostics import Finding, Label
from rulec.source import Source, Span
from rulec.syntax.ruleset import Ruleset

SLUG = "not-a-ruleset"

_SAVED = "iptables-save | rulec lint -"
_RENDER = "render it first, and lint what comes out of it"

_OF_UFW = re.compile(r"ufw6?-[\w-]+")
_NAME_IT = "ufw makes chains before it loads its files; read one under its name, such as --display-path before.rules"


class _Kind(NamedTuple):
    """A kind of file: what tells it, what to say, what to do.

    ``lacks`` is what such a file must not hold; with ``on_error`` it must be told
    by a line that is in error, since rulesets may hold the same in quotes.
    """

    form: re.Pattern[str]
    message: str
    hint: str
    lacks: re.Pattern[str] | None = None
    on_error: bool = False


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)


_TABLE = _form(r"^[ \t]*\*(?:filter|nat|mangle|raw|security)\b")
_IN_FRONT = r"\A(?:[ \t]*(?:#.*)?\n)*[ \t]*"  # empty lines and comments
_TABLES_OF_NFT = r"table (?:ip|ip6|inet|arp|bridge|netdev) \S+ *\{"
_IPTABLES = r"(?:[\w./-]*/)?ip6?tables(?:-legacy|-nft)?|\$\{?\w*(?i:ipt)\w*\}?"
_IN_NAMESPACE = (
    "as root, after reading it, run it in a network namespace of its own, and lint what it leaves there: "
    "unshare -n sh -c 'sh FILE >&2; iptables-save' | rulec lint -"
)

_KINDS = (
    _Kind(
        _form(r"\A(?:\x1f\udc8b|\udcfd7zXZ|BZh\d|\(\udcb5/\udcfd).*"),
        "this is a compressed file",
        "unpack it first, as in: zcat FILE | rulec lint -",
    ),
    _Kind(
        _form(r"\A(?:\udcff\udcfe|\udcfe\udcff).*"),
        "this is text in UTF-16, which iptables-restore does not read",
        "write it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE",
    ),
    _Kind(
        _form(r"^[^\n\0]*\0.*"),
        "this is no text: bytes of zero are in it",
        f"give what loads again: {_SAVED}",
        lacks=_TABLE,
    ),
    _Kind(
        _form(r"^<{7} .*$"),
        "a merge has left a conflict here",
        "settle it, and delete the lines <<<<<<<, ======= and >>>>>>>",
        on_error=True,
    ),
    _Kind(
        _form(rf"\A#!.*\bnft\b.*|^[ \t]*(?:flush ruleset|{_TABLES_OF_NFT}|add table ).*"),
        "these are rules for nft, and rulec reads those of iptables-restore",
        f"of rules that iptables-nft has made, take what iptables prints: {_SAVED}",
        lacks=_TABLE,
    ),
    _Kind(
        _form(r"^[ \t]*(?:@def [$&]\w+.*|domain [^\n{]*\{.*|table [^\n{]*\{\s*chain .*)"),
        "these are rules for ferm",
        "lint what ferm makes of them: ferm --noexec --lines --domain ip FILE | rulec lint -",
        lacks=_TABLE,
    ),
    _Kind(
        _form(r"\A\s*(?:<[?!][^>]*>\s*)*<(?:zone|policy|service|direct|ipset|icmptype|helper)\b.*"),
        "this is a file of firewalld, which makes its rules by itself",
        f"where firewalld has iptables for its back end, lint what it has made: {_SAVED}",
    ),
    _Kind(
        _form(r"\A\s*<(?:[?!]|[a-zA-Z]).*"),
        "this is XML or HTML, and no ruleset",
        "give the file that iptables-save has written",
        lacks=_TABLE,
    ),
    _Kind(
        _form(r"\A#![ \t]*(?!.*tables-restore)\S.*"),
        "this is a script, and iptables-restore takes rulesets",
        _IN_NAMESPACE,
    ),
    _Kind(
        _form(rf"^[ \t]*(?:sudo[ \t]+)?[\"']?(?:{_IPTABLES})[\"']?[ \t]+-\S.*"),
        "these are commands for a shell, and iptables-restore takes rulesets",
        _IN_NAMESPACE,
        lacks=_TABLE,
    ),
    _Kind(_form(r"<%.*?(?:%>|$)"), "this is a template (ERB), and no ruleset yet", _RENDER, on_error=True),
    _Kind(
        _form(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)|\{#.*?(?:#\}|$)"),
        "this is a template (Jinja or the like), and no ruleset yet",
        _RENDER,
        on_error=True,
    ),
    _Kind(
        _form(r"\$\{\w[^}\n]*\}|\$[A-Za-z_]\w*|(?<![^\s/:,])@\w+@(?![^\s/:,])"),
        "this is a template with variables, which iptables-restore does not replace",
        f"{_RENDER}, as in: envsubst < FILE | rulec lint -",
        on_error=True,
    ),
    _Kind(
        _form(r"^Chain \S+ \((?:policy|\d+ references).*"),
        "this is what iptables -L prints, which leaves out interfaces and more",
        f"take what loads again: {_SAVED}",
        lacks=_TABLE,
    ),
    _Kind(
        _form(_IN_FRONT + r"-P [A-Z]+ (?:ACCEPT|DROP)$"),
        "this is what iptables -S prints, without the name of its table",
        f"take what loads again: {_SAVED}",
        lacks=_TABLE,
    ),
    _Kind(
        _form(_IN_FRONT + r"create \S+ (?:hash|bitmap|list):.*"),
        "these are sets of ipset, and no ruleset",
        "give the file that iptables-save has written",
        lacks=_TABLE,
    ),
    _Kind(
        _form(_IN_FRONT + r"(?:\{\s*[\"}]|---(?:\s|$)|[A-Za-z][\w-]*:(?:\s|$)).*"),
        "this is JSON or YAML, and no ruleset",
        "a policy goes behind --policy; what iptables-restore loads is printed by iptables-save",
        lacks=_TABLE,
    ),
    _Kind(
        _form(_IN_FRONT + r"[A-Za-z].*"),
        "this is no ruleset: no line is one that iptables-save writes",
        f"give what loads again: {_SAVED}",
        lacks=_form(r"^[ \t]*[*:\-\[]|^[ \t]*COMMIT"),
    ),
)


def told(ruleset: Ruleset) -> tuple[Finding, ...]:
    """The findings of an invalid ruleset, or in their place the one that says what the file is."""
    source = ruleset.source
    lines = {finding.line for finding in ruleset.findings if finding.severity.rank == 2}
    for kind in _KINDS:
        span = _told_by(kind, source, lines)
        if span is not None:
            return (Finding(SLUG, kind.message, (Label(source, span),), hint=kind.hint),)
    return tuple(map(_with_ufw, ruleset.findings))


def _with_ufw(finding: Finding) -> Finding:
    """A chain of ufw is missing where its files are read under other names."""
    span, content = finding.place.span, finding.place.source.text
    if finding.hint or not _OF_UFW.fullmatch(content, span.start, span.end):
        return finding
    return finding._replace(hint=_NAME_IT)


def _told_by(kind: _Kind, source: Source, lines: Iterable[int]) -> Span | None:
    """Where a text tells that it is of a kind, within one line."""
    if kind.lacks is not None and kind.lacks.search(source.text):
        return None
    if kind.on_error:
        return next((span for line in sorted(lines) if (span := _in_line(kind, source, line))), None)
    found = kind.form.search(source.text)
    if found is None:
        return None
    line = source.position(found.end())[0]
    start = source.line_starts[line - 1]
    return Span(start, start + len(source.line(line)))


def _in_line(kind: _Kind, source: Source, line: int) -> Span | None:
    found = kind.form.search(source.line(line))
    start = source.line_starts[line - 1]
    return None if found is None else Span(start + found.start(), start + found.end())
