"""What ``import rulec`` offers: a change here is a change for everybody who uses it."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import rulec
from rulec.errors import InputError

SIGNATURES = {
    "canonical": "(ruleset: 'Ruleset') -> 'str'",
    "emit": "(ruleset: 'Ruleset') -> 'str'",
    "load": "(path: 'str', family: 'str | None' = None, opaque: 'Iterable[str]' = ()) -> 'Ruleset'",
    "parse": (
        "(text: 'str', name: 'str' = '-', family: 'str | None' = None, opaque: 'Iterable[str]' = ()) -> 'Ruleset'"
    ),
}


def test_names() -> None:
    assert sorted(rulec.__all__) == sorted(["__version__", *SIGNATURES])


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name: str) -> None:
    assert str(inspect.signature(getattr(rulec, name))) == SIGNATURES[name]


def test_a_finding_has_its_place_and_severity() -> None:
    (finding,) = rulec.parse("*filter\n-A INPUT -p tcp --dport 70000\nCOMMIT\n", family="ipv4").findings
    place = (finding.line, finding.column, finding.end_line, finding.end_column)
    assert (finding.slug, finding.severity, place) == ("syntax-error", "error", (2, 25, 2, 30))
    assert "70000" in finding.message


def test_no_file() -> None:
    with pytest.raises(InputError, match="No such file"):
        rulec.load("no/such/file")


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'compile_all'"):
        _ = rulec.compile_all  # type: ignore[attr-defined]


def test_opaque_extensions_are_kept_warned_of_and_told_apart(tmp_path: Path) -> None:
    text = "*filter\n-A INPUT -m geoip ! --src-cc A1,A2 -j TARPIT --tarpit\nCOMMIT\n"
    assert [finding.severity for finding in rulec.parse(text, family="ipv4").findings] == ["error"]
    for known in (
        rulec.parse(text, family="ipv4", opaque=["geoip", "TARPIT"]),
        rulec.parse("# rulec: opaque[geoip, TARPIT]\n" + text, family="ipv4"),
    ):
        assert [finding.slug for finding in known.findings] == ["unknown-extension"] * 2
        assert "-A INPUT -m geoip ! --src-cc A1,A2 -j TARPIT --tarpit\n" in rulec.canonical(known)
