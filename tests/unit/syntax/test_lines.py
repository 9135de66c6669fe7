"""The lines of a file, one oddity each: what iptables-restore 1.8.9 takes and what it does not."""

from __future__ import annotations

import pytest

import rulec
from tests.unit.syntax.reading import chains_and_rules, read, said, table

A = "-A INPUT"
BARE = "*filter\nCOMMIT\n"
LONGEST_NAME = "n" * 28

FILES = [
    # comments and empty lines may stand anywhere, in the first column
    ("", []),
    ("# nothing\n\n#\n", []),
    (f"# before\n\n*filter\n\n# within\n{A}\n\nCOMMIT\n# behind\n", [A]),
    ("# CR\r\n*filter\n# CR\r\nCOMMIT\n", []),
    ("*filter\n# rulec\nCOMMIT\n# no newline", []),
    # what stands behind the name of a table
    ("* filter\nCOMMIT\n", []),
    ("*\tfilter\nCOMMIT\n", []),
    ("*filter and more\nCOMMIT\n", []),
    # a table that stands twice is flushed by the second
    (f"*filter\n{A} -j DROP\nCOMMIT\n*filter\n{A}\nCOMMIT\n", [A]),
    # NUL ends the text of its line
    (f"*filter\n{A} -j DROP\0 ! nonsense\nCOMMIT\n", [f"{A} -j DROP"]),
    # indented commands
    (f"*filter\n \t{A} \t -j  DROP \nCOMMIT\n", [f"{A} -j DROP"]),
]

BODIES = [
    # chains
    (":INPUT DROP [1:2]", [":INPUT DROP [1:2]"]),
    (":INPUT DROP", [":INPUT DROP [0:0]"]),
    (":INPUT DROP [1;2]", [":INPUT DROP [0:0]"]),
    (":INPUT DROP [1:2] and more", [":INPUT DROP [1:2]"]),
    (": INPUT\tDROP", [":INPUT DROP [0:0]"]),
    (":INPUT -", []),
    (":INPUT DROP\n:INPUT ACCEPT", []),
    (":web -", [":web - [0:0]"]),
    (f"{A}\n:web - [0:0]\n{A} -j web", [":web - [0:0]", A, f"{A} -j web"]),
    (":a:b,c.d/e[f]#g+h -\n:gr\u00fcn -", [":a:b,c.d/e[f]#g+h - [0:0]", ":gr\u00fcn - [0:0]"]),
    (f":{LONGEST_NAME} -", [f":{LONGEST_NAME} - [0:0]"]),
    (f":LOG -\n:tcp -\n{A} -j LOG\n{A} -j tcp", [":LOG - [0:0]", ":tcp - [0:0]", f"{A} -j LOG", f"{A} -j tcp"]),
    # counters of rules
    (f"[1:2] {A}", [f"[1:2] {A}"]),
    (f"[1:2]{A}", [f"[1:2] {A}"]),
    (f"[1:2:3] {A}", [f"[0:0] {A}"]),
    (f"[3:4] {A} -c 5 6", [f"[5:6] {A}"]),
    (f"{A} -c 5 6", [A]),
    (f"[3:4] {A} -j DROP\n{A}", [f"[3:4] {A} -j DROP", f"[0:0] {A}"]),
    # quotes
    (f"{A} -m comment --comment it's", [f'{A} -m comment --comment "it\\\'s"']),
    (f'{A} -m comment --comment "a \\"b\\" \\\\"', [f'{A} -m comment --comment "a \\"b\\" \\\\"']),
    (f'{A} -m comment --comment a" b"', [f'{A} -m comment --comment "a b"']),
    (f'{A} -m comment --comment ""', [f'{A} -m comment --comment ""']),
    ('"-A" "INPUT" "-j" "DROP"', [f"{A} -j DROP"]),
    # the family of a line
    (f"-4 {A} -j DROP\n-6 {A}\n--ipv4 {A}\n{A} -6 -j nowhere", [f"{A} -j DROP", A]),
    (f"{A} -s 192.0.2.256 -6", []),
    # what may be left out, and what counts once for each match
    (A, [A]),
    (f"{A} -m comment --comment a -m comment --comment b", [f"{A} -m comment --comment a -m comment --comment b"]),
    # addresses
    (f"{A} -s 192.0.2.9/24 -d 10.1", [f"{A} -s 192.0.2.0/24 -d 10.1.0.0/32"]),
    (f"{A} -s 010.0.0.1", [f"{A} -s 8.0.0.1/32"]),
    (f"{A} -s 10.9.8.7/255.0.255.0", [f"{A} -s 10.0.8.0/255.0.255.0"]),
    (f"{A} -s 0/0 ! -d 0/0", [f"{A} ! -d 0.0.0.0/0"]),
    (
        f"{A} -s 192.0.2.1,192.0.2.2 -d 10.0.0.1,10.0.0.2",
        [f"{A} -s 192.0.2.{a}/32 -d 10.0.0.{b}/32" for a in (1, 2) for b in (1, 2)],
    ),
    # interfaces
    (f"{A} -i +", [A]),
    (f"{A} ! -i +", [A]),
    (":web -\n-A web -i eth0 -o eth1", [":web - [0:0]", "-A web -i eth0 -o eth1"]),
    # ports
    (f"{A} -p tcp --dport ssh", [f"{A} -p tcp -m tcp --dport 22"]),
    (f"{A} -p tcp --dport 22: --sport :0x16", [f"{A} -p tcp -m tcp --sport 0:22 --dport 22:65535"]),
    (f"{A} -p tcp --dport 022", [f"{A} -p tcp -m tcp --dport 18"]),
    # words that are cut in silence
    (f"{A} -j LOG --log-prefix {'p' * 40}", [f"{A} -j LOG --log-prefix {'p' * 29}"]),
    (f"{A} -m comment --comment {'c' * 300}", [f"{A} -m comment --comment {'c' * 255}"]),
    # a jump to where no base chain leads is never looked at by the kernel
    (":a -\n:b -\n-A a -j b\n-A b -j a", [":a - [0:0]", ":b - [0:0]", "-A a -j b", "-A b -j a"]),
    # lines and words that are just short enough
    (A + " " * 10231, [A]),
    (f"{A}{' -v' * 249}", [A]),
    (f"{A} -m comment --comment {'x' * 1023}", [f"{A} -m comment --comment {'x' * 255}"]),
    # options that leave rules alone
    (f"-v {A} -j DROP", [f"{A} -j DROP"]),
    (f"{A}\n-L INPUT\n-S\n-Z INPUT 1\n-L -Z", [A]),
]

BROKEN_FILES = [
    (" # a\n", "1:1", "first column"),
    ("   \n", "1:1", "blanks"),
    ("\ufeff*filter\nCOMMIT\n", "1:1", "byte order mark"),
    (f"{A}\n", "1:1", "no table"),
    ("COMMIT\n", "1:1", "no table"),
    (f"{BARE}{A}\n", "3:1", "no table"),
    ("*\nCOMMIT\n", "1:1", "name of a table"),
    ("*Filter\nCOMMIT\n", "1:2", "did you mean filter?"),
    ("*broute\nCOMMIT\n", "1:2", "'broute'"),
    ("*filter\r\nCOMMIT\n", "1:2", "CR"),
    (" *filter\n", "1:1", "no table"),
    ("\0*filter\n", "1:1", "bytes of zero"),
    ("*filter\n", "2:1", "COMMIT is missing"),
    ("*filter\n*nat\nCOMMIT\n", "2:1", "lacks its COMMIT"),
    ("*filter\nCOMMIT", "2:1", "newline"),
    ("*filter\nCOMMIT \n", "2:1", "nothing may stand behind COMMIT"),
    ("*filter\nCOMMIT # done\n", "2:8", "nothing may stand behind COMMIT"),
    ("*filter\nCOMMIT\r\n", "2:1", "nothing may stand behind COMMIT"),
    ("*filter\n COMMIT\nCOMMIT\n", "2:2", "first column"),
]

BROKEN_BODIES = [
    # lines
    (" # a", "2:2", "first column"),
    (" \t", "2:1", "blanks"),
    ("\0", "2:1", "blanks"),
    (" :web -", "2:2", "first column"),
    ("\r", "2:1", "blanks"),
    (f"{A} -j ACCEPT \\\n-s 192.0.2.1", "2:20", "'\\\\'"),
    (f"{A} -m comment --comment {'x' * 1024}", "2:31", "1023 bytes"),
    (f"{A} -m comment --comment {'ü' * 512}", "2:31", "1023 bytes"),
    (f"{A}{' -v' * 250}", "2:757", "251 words"),
    (A + " " * 10232, "2:1", "10239 bytes"),
    # chains
    (":", "2:1", "name of a chain"),
    (":web", "2:2", "policy"),
    (":web [0:0]", "2:1", "no base chain"),
    (":web ACCEPT", "2:1", "no base chain"),
    (":INPUT REJECT", "2:1", "'REJECT'"),
    (":web -\n:web -", "3:1", "exists already"),
    (f":{LONGEST_NAME}n -", "2:1", "28 bytes"),
    (":DROP -", "2:1", "verdict"),
    ("-A web", "2:1", "no chain 'web'"),
    (f"{A} -j web\n:web -", "2:13", "'web'"),
    (f"{A} -g ACCEPT", "2:13", "-g needs a chain"),
    (f"{A} -j FORWARD", "2:13", "base chain"),
    # counters
    (f"[1:2 {A}", "2:1", "']'"),
    (f"[1] {A}", "2:1", "':'"),
    (f"[:1] {A}", "2:1", "packets"),
    (f"{A} -c 1", "2:13", "missing behind 1"),
    (f"{A} -c one 2", "2:13", "packets and bytes"),
    # words
    (f"{A} -m comment --comment 'a b'", "2:34", '"b\'"'),
    (f"{A} -j DROP # drop", "2:18", "comment"),
    # !
    (f"{A} -s ! 192.0.2.1", "2:13", "in front of its option"),
    (f"{A} -i ! lo", "2:13", "in front of its option"),
    (f"{A} -p tcp --dport ! 22", "2:25", "in front of its option"),
    (f"{A} ! ! -s 192.0.2.1", "2:12", "two !"),
    (f"{A} ! -j DROP", "2:12", "--jump cannot be negated"),
    (f"{A} ! -m mark --mark 1", "2:12", "--match cannot be negated"),
    (f"{A} !", "2:10", "nothing follows"),
    (f"{A} ! -p all", "2:15", "never match"),
    (f"{A} ! -s 192.0.2.1,192.0.2.2", "2:12", "list"),
    (f"{A} ! -s 192.0.2.1 -d 10.0.0.1,10.0.0.2", "2:12", "list"),
    # what stands once
    (f"{A} -s 192.0.2.1 -s 192.0.2.2", "2:23", "only once"),
    (f"{A} -p tcp --dport 1 --dport 2", "2:27", "only once"),
    (f"{A} -j DROP -j DROP", "2:18", "one target"),
    (f"{A} -D INPUT", "2:10", "another command"),
    # -6 in a table of IPv4: what stands before it is read all the same
    ("-I INPUT 0 -6", "2:10", "number of a rule"),
    (f"{A} -p nosuch -6", "2:13", "'nosuch'"),
    (f"{A} -s 192.0.2.256 -p nosuch -6", "2:28", "'nosuch'"),
    # values
    (f"{A} -s 192.0.2.256", "2:13", "'192.0.2.256'"),
    (f"{A} -s 192.0.2.0/33", "2:13", "0 to 32"),
    (f"{A} -s 2001:db8::1", "2:13", "IPv6"),
    (f"{A} -i {'i' * 16}", "2:13", "15 bytes"),
    (f"{A} -p tcp --dport 22-25", "2:25", "port"),
    (f"{A} -p tcp --dport 80,443", "2:25", "port"),
    (f"{A} -p tcp --dport 25:22", "2:25", "25:22"),
    (f"{A} -p tcp -m multiport --dports {','.join(map(str, range(16)))}", "2:39", "15"),
    (f"{A} -m multiport --dports 80", "2:32", "-p tcp"),
    (f"{A} -m state --state NEW, RELATED", "2:27", "NEW,"),
    (f"{A} -j LOG --log-level warn", "2:29", "'warn'"),
    # interfaces by the chain
    (f"{A} -o eth0", "2:10", "INPUT"),
    ("-A OUTPUT -i eth0", "2:11", "OUTPUT"),
]

NOT_LOADED = [
    ("filter", f"{A} -j MASQUERADE", "table nat"),
    ("nat", "-A POSTROUTING -j DNAT --to 192.0.2.1", "POSTROUTING"),
    ("nat", f"{A} -j REJECT", "table filter"),
    ("filter", f"{A} -m tcp --dport 80", "-p tcp"),
    ("filter", ":a -\n-A a -j a\n-A INPUT -j a", "circle"),
    ("filter", ":a -\n:b -\n-A a -j b\n-A b -j a\n-A INPUT -j a", "circle"),
]


@pytest.mark.parametrize(("text", "lines"), FILES)
def test_files(text: str, lines: list[str]) -> None:
    ruleset = rulec.parse(text, family="ipv4")
    assert said(ruleset) == []
    assert chains_and_rules(ruleset) == lines


@pytest.mark.parametrize(("body", "lines"), BODIES)
def test_bodies(body: str, lines: list[str]) -> None:
    ruleset = read(body)
    assert said(ruleset) == []
    assert chains_and_rules(ruleset) == lines


@pytest.mark.parametrize(
    ("text", "place", "message"),
    BROKEN_FILES + [(table(body), place, message) for body, place, message in BROKEN_BODIES],
)
def test_broken(text: str, place: str, message: str) -> None:
    found = rulec.parse(text, family="ipv4").findings[0]
    assert f"{found.line}:{found.column}" == place
    where = "indented" if text.split("\n")[found.line - 1].lstrip().startswith("#") else "trailing"
    without_rules = "not-a-ruleset" if text.startswith("\x00") else "syntax-error"
    assert found.slug == (f"{where}-comment" if " #" in text else without_rules)
    assert message in found.message


@pytest.mark.parametrize(("name", "body", "message"), NOT_LOADED)
def test_refused_at_commit(name: str, body: str, message: str) -> None:
    (found,) = read(body, name).findings
    assert found.slug == "load-error"
    assert message in found.message
