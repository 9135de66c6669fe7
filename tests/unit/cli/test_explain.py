"""rulec explain: a page for every name that lint prints or takes."""

from __future__ import annotations

import pytest

from rulec.lint.check import GROUPS, Check
from rulec.lint.checks import CHECKS
from tests.running import rulec


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slug)
def test_check(check: Check) -> None:
    done = rulec("explain", check.slug)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{check.slug} ({check.severity.value}, group {check.group})\n\n")
    for text in (check.why.strip(), *check.example.bad.splitlines(), *check.example.good.splitlines()):
        assert text in done.out


@pytest.mark.parametrize("group", GROUPS)
def test_group(group: str) -> None:
    done = rulec("explain", group)
    members = ", ".join(check.slug for check in CHECKS if check.group == group)
    assert done == (0, f"{group} is a group of checks: {members}\n", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trackingmatch", "there is no check or group 'trackingmatch'; did you mean tracking-match?"),
        ("SYNTAX", "there is no check or group 'SYNTAX'; did you mean syntax?"),
        ("", "there is no check or group ''"),
        ("\x1b[2J", "there is no check or group '\\x1b[2J'"),
    ],
)
def test_unknown(name: str, message: str) -> None:
    assert rulec("explain", name) == (2, "", f"rulec: error: {message}\n")
