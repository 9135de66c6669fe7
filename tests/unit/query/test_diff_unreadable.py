"""Dumps whose arguments were blotted out."""

from __future__ import annotations

import rulec
from rulec.query.diff_unreadable import readable

BLOTTED = "-A INPUT -s 192.0.2.1 -m mac --mac-source XX:XX:XX:XX:XX:XX -j ACCEPT"


def text(*rules: str) -> str:
    return "*filter\n" + "".join(f"{rule}\n" for rule in rules) + "COMMIT\n"


def test_a_match_that_cannot_be_read_is_taken_as_unknown() -> None:
    ruleset, lines = readable(rulec.parse(text("-A INPUT -p tcp -j DROP", BLOTTED), family="ipv4"))
    assert ruleset.valid
    assert lines == (3,)
    assert "-m unreadable-mac --mac-source XX:XX:XX:XX:XX:XX -j ACCEPT" in ruleset.source.line(3)


def test_a_ruleset_that_can_be_read_stays_as_it_is() -> None:
    ruleset = rulec.parse(text("-A INPUT -p tcp -j DROP"), family="ipv4")
    assert readable(ruleset) == (ruleset, ())


def test_other_errors_stay_errors() -> None:
    ruleset = rulec.parse(text(BLOTTED, "-A INPUT -j NOWHERE"), family="ipv4")
    assert readable(ruleset) == (ruleset, ())
    assert not ruleset.valid
