"""A certificate as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rulec.compiler.certificate import PARTS, Certificate, Failure, Listed
from rulec.report.json import SCHEMA_VERSION
from rulec.report.text import printable

_MEANS = {
    "closed": "both directions of a flow are untracked, or none, and NAT keeps clear of them",
    "frame": "packets that stay tracked fare as before",
    "kept": "what passed of the untracked flows still passes",
    "opened": "nothing else passes",
    "untracked": "the hot flows take no entry",
    "effects": "what counts or remembers packets meets the same ones",
}


def render(certificate: Certificate, form: str, version: str) -> Iterator[str]:
    """A certificate as lines: full, json or markdown."""
    if form == "json":
        yield json.dumps({"version": SCHEMA_VERSION, "rulec": version, **_document(certificate)}, indent=2)
        return
    lines = _markdown(certificate) if form == "markdown" else _text(certificate)
    yield from map(printable, lines)


# ── text ──


def _text(certificate: Certificate) -> Iterator[str]:
    yield f"{certificate.old} -> {certificate.new} ({certificate.family.label}): {_verdict(certificate)}"
    for failure in certificate.failures:
        yield from _refuted(failure, certificate)
    if certificate.is_proved:
        yield "proved:"
        yield from (f"  {part}: {_MEANS[part]}" for part in PARTS)
    for title, items in _lists(certificate):
        yield f"{title}:"
        yield from (f"  {item}" for item in items)
    yield _tracking(certificate)


def _verdict(certificate: Certificate) -> str:
    found = len(certificate.failures)
    return "proved" if certificate.is_proved else f"refuted, by {found} counterexample{'s' * (found > 1)}"


def _refuted(failure: Failure, certificate: Certificate) -> Iterator[str]:
    yield f"{failure.part}: {failure.message}"
    yield f"  packet: {failure.packet}"
    if failure.began:
        yield f"  of a flow that began with: {failure.began}"
    for name, lines in ((certificate.old, failure.old_lines), (certificate.new, failure.new_lines)):
        yield f"  {name}: decided by {_where(lines)}"


def _where(lines: tuple[int, ...]) -> str:
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}" if lines else "a policy"


def _lists(certificate: Certificate) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What is to be known, each kind under its title; nothing of kinds that are empty."""
    found = (
        ("assumed", certificate.assumptions),
        ("exposed", _told(certificate.exposures)),
        ("lost", _told(certificate.losses)),
        ("side effects", _told(certificate.effects)),
        ("modules that only the new ruleset needs", certificate.modules),
    )
    yield from ((title, items) for title, items in found if items)


def _told(listed: tuple[Listed, ...]) -> tuple[str, ...]:
    return tuple(f"{each.message}{f': {each.flows}' if each.flows else ''} (such as {each.packet})" for each in listed)


def _tracking(certificate: Certificate) -> str:
    family = certificate.family.label
    if not certificate.tracking:
        return f"no rule of {certificate.new} has {family} packets tracked"
    lines = ", ".join(map(str, certificate.tracking[:8])) + (", ..." if len(certificate.tracking) > 8 else "")
    return f"{family} stays tracked where it is not hot, because of line{'s' * (len(certificate.tracking) > 1)} {lines}"


# ── Markdown ──


def _markdown(certificate: Certificate) -> Iterator[str]:
    yield f"### {certificate.old} → {certificate.new} ({certificate.family.label}): {_verdict(certificate)}"
    yield ""
    for failure in certificate.failures:
        first, *rest = _refuted(failure, certificate)
        yield f"- **{failure.part}**: {first.partition(': ')[2]}"
        yield from (f"  - `{line.strip()}`" for line in rest)
    if certificate.is_proved:
        yield from (f"- [x] **{part}**: {_MEANS[part]}" for part in PARTS)
    for title, items in _lists(certificate):
        yield from ("", f"**{title}**", "")
        yield from (f"- {item}" for item in items)
    yield from ("", _tracking(certificate))


# ── JSON ──


def _document(certificate: Certificate) -> dict[str, object]:
    return {
        "family": certificate.family.value,
        "old": certificate.old,
        "new": certificate.new,
        "proved": certificate.is_proved,
        "hooks": list(certificate.hooks),
        "failures": [failure._asdict() for failure in certificate.failures],
        "assumptions": list(certificate.assumptions),
        "exposures": [each._asdict() for each in certificate.exposures],
        "losses": [each._asdict() for each in certificate.losses],
        "effects": [each._asdict() for each in certificate.effects],
        "modules": list(certificate.modules),
        "tracking": list(certificate.tracking),
    }


def compiled_document(results: tuple[Any, ...], version: str) -> str:
    """What came of compiling several rulesets."""
    files = [
        {
            "file": result.ruleset.source.name,
            "family": result.ruleset.family.value,
            "text": result.compiled.text,
            "notes": list(result.compiled.notes),
            "certificate": result.compiled.certificate and _document(result.compiled.certificate),
        }
        for result in results
    ]
    return json.dumps({"version": SCHEMA_VERSION, "rulec": version, "files": files}, indent=2) + "\n"
