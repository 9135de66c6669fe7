"""Dumps whose arguments were blotted out."""

from __future__ import annotations

import rulec
from rulec import api
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


def test_blots_are_found_before_the_ruleset_is_read() -> None:
    once = readable(api.parse_dump(text("-A INPUT -p tcp -j DROP", BLOTTED), "-", "ipv4"))
    again = readable(rulec.parse(text("-A INPUT -p tcp -j DROP", BLOTTED), family="ipv4"))
    assert once[1] == again[1] == (3,)
    assert once[0].source.text == again[0].source.text


def test_a_mac_address_is_no_blot() -> None:
    plain = text(BLOTTED.replace("XX:XX", "00:0A"), BLOTTED.replace(":XX", "", 1))
    assert api.parse_dump(plain, "-", "ipv4").source.text == plain
