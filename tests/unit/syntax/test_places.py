"""Where the words of a line stand, found without parsing it again."""

from __future__ import annotations

import pytest

from rulec import api

RULES = (
    "-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT",
    "[12:3456] -A INPUT -p tcp -m tcp --dport 65000 -m state --state ESTABLISHED,RELATED -j ACCEPT",
    "-A a-long-chain -p tcp -m tcp --dport 2 -m state --state NEW -j ACCEPT",
    '-A INPUT -m comment --comment "state --state" -m conntrack --ctstate NEW -j LOG --log-prefix "-m state "',
    "-A INPUT -s 198.51.100.7,203.0.113.0/24 -m conntrack --ctstate NEW -j CONNMARK --set-mark 1",
    "-A INPUT  -s 10.0.0.1  -m conntrack ! --ctstate INVALID -j CONNMARK --set-mark 0x7f",
    "-I INPUT 1 -m state --state NEW -j ACCEPT",
)


@pytest.mark.parametrize("number", range(len(RULES)))
def test_words_stand_where_the_parser_finds_them(number: int) -> None:
    """Each line as the first of its shape, and behind the others."""
    for rules in (RULES, RULES[number:] + RULES[:number]):
        text = "*mangle\n:INPUT ACCEPT [0:0]\n:a-long-chain - [0:0]\n" + "\n".join(rules) + "\nCOMMIT\n"
        ruleset = api.parse(text)
        assert ruleset.valid
        for line, template in ruleset.templates.items():
            written, start = ruleset.source.line(line), ruleset.source.line_starts[line - 1]
            found = [template.place(owner.start, written, start) for owner in template.line.owners[1:]]
            assert found == [owner.start for owner in ruleset.parse_line(line).owners[1:]]
