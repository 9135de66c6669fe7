"""The sets of ipset(8) that rules ask."""

from __future__ import annotations

import rulec
from rulec.host.lab_sets import Wanted, wanted
from rulec.model import Family

RULES = """\
*filter
-A INPUT -m set --match-set blocked src -j DROP
-A INPUT -m set ! --match-set pairs src,dst -j SET --add-set seen src,src,dst --exist
-A INPUT -m set --match-set blocked dst -j DROP
COMMIT
"""


def test_each_once_with_as_many_sides_as_are_asked() -> None:
    four = rulec.parse(RULES, family="ipv4")
    six = rulec.parse("*filter\n-A INPUT -m set --match-set others src -j DROP\nCOMMIT\n", family="ipv6")
    assert wanted([four, six]) == (
        Wanted(Family.IPV4, "blocked", 1),
        Wanted(Family.IPV4, "pairs", 2),
        Wanted(Family.IPV4, "seen", 3),
        Wanted(Family.IPV6, "others", 1),
    )
