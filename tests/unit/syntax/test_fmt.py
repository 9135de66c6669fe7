"""Rulesets in canonical form, line by line: what is written anew and what stays as it is."""

from __future__ import annotations

import pytest

import rulec
from rulec.api import format_ruleset
from tests.unit.syntax.reading import read, table

A = "-A INPUT"

WRITTEN = [
    # rules, in the short words of iptables-save
    (
        "  -A INPUT\t--proto tcp --dport ssh --jump ACCEPT  ",
        [f"{A} -p tcp -m tcp --dport 22 -j ACCEPT"],
    ),
    ("-j DROP --append INPUT", [f"{A} -j DROP"]),
    (f"{A} -s 0/0 -i +", [A]),
    (f"-v {A}", [A]),
    (f"-4 {A} -j DROP", [f"{A} -j DROP"]),
    (f"{A} -j DROP\0 ! nonsense", [f"{A} -j DROP"]),
    # one for each pair of addresses
    (f"{A} -s 192.0.2.1,192.0.2.2", [f"{A} -s 192.0.2.1/32", f"{A} -s 192.0.2.2/32"]),
    (f"{A}\n-I INPUT 2 -d 192.0.2.1,192.0.2.2", [A, "-I INPUT 2 -d 192.0.2.1/32", "-I INPUT 2 -d 192.0.2.2/32"]),
    # counters: in front they count when they are restored, behind -c always
    (f"[1:2]{A}", [f"[1:2] {A}"]),
    (f"{A} -j DROP -c 0x 2", [f"{A} -c 0 2 -j DROP"]),
    (f"[1:2] {A} -c 3 4", [f"[1:2] {A} -c 3 4"]),
    # other commands that name a rule
    (
        f"{A} -i a\n--insert INPUT 1 -i b\n--replace INPUT 2 -i c\n--check INPUT -i c\n--delete INPUT -i b",
        [f"{A} -i a", "-I INPUT 1 -i b", "-R INPUT 2 -i c", "-C INPUT -i c", "-D INPUT -i b"],
    ),
    # chains
    (": INPUT\tDROP  [1:2] and more", [":INPUT DROP [1:2]"]),
    (":web -", [":web -"]),
    # jumps to a chain that has another name at the end
    (f"-N a\n{A} --jump a\n-E a b", ["-N a", f"{A} -j a", "-E a b"]),
]

AS_IT_IS = [
    "# a comment",
    "#  \t a comment of blanks \t and\0more \r",
    "",
    f"{A}\n\n\n{A}",
    "--new-chain  web\n-F   web\n-P INPUT  DROP\n-L\n-X",
    f"{A}\n--delete  INPUT 1",
    "-6 -A INPUT  --nonsense",
    f"{A}  -s 192.0.2.1 -6",
    # what iptables-save would print of it is not the same rule
    f'{A}  -m comment --comment "unclosed',
    f"{A}  -m cluster ! --cluster-local-node 32 --cluster-total-nodes 32 --cluster-hash-seed 1",
]


@pytest.mark.parametrize(("body", "lines"), WRITTEN)
def test_written(body: str, lines: list[str]) -> None:
    assert format_ruleset(read(body)) == table("\n".join(lines))


@pytest.mark.parametrize("body", AS_IT_IS)
def test_as_it_is(body: str) -> None:
    assert format_ruleset(read(body)) == table(body)


def test_a_rule_that_cannot_be_printed_does_not_keep_others_from_it() -> None:
    kept = AS_IT_IS[-1]
    assert format_ruleset(read(f"{kept}\n{A} --jump DROP")) == table(f"{kept}\n{A} -j DROP")


def test_what_is_not_read_stays() -> None:
    body = f"{A} --jump DROP\n-h\n{A} --jump  DROP\nnonsense"
    assert format_ruleset(read(body)) == table(body.replace("--jump", "-j", 1))


@pytest.mark.parametrize(
    ("text", "formatted"), [("", ""), ("# a", "# a\n"), ("* filter x\nCOMMIT\n", "*filter\nCOMMIT\n")]
)
def test_files(text: str, formatted: str) -> None:
    assert format_ruleset(rulec.parse(text, family="ipv4")) == formatted
