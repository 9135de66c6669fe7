"""Which option a word is: prefixes, glued arguments, and the extensions named before it.

All of it was tried on iptables-restore 1.8.9.
"""

from __future__ import annotations

import pytest

from tests.unit.syntax.reading import chains_and_rules, read, said

ADDRESS = "-s 192.0.2.1/32"
WEB = "-p tcp -m tcp --dport 80"

READ_AS = [
    # a long option may be cut short while it stays the only one
    (f"--sour 192.0.2.1 {WEB}", f"{ADDRESS} {WEB}"),
    ("--protoc tcp --dpor 80 --ju ACCEPT", f"{WEB} -j ACCEPT"),
    ("--src 192.0.2.1", ADDRESS),
    ("--set 1 2", ""),
    ("-m connlimit --connlimit-a 5", "-m connlimit --connlimit-above 5 --connlimit-mask 32 --connlimit-saddr"),
    # the whole name is no prefix of a longer one
    ("-m limit --limit 5/s", "-m limit --limit 5/sec"),
    ("-m limit --limit-b 7", "-m limit --limit 3/hour --limit-burst 7"),
    # arguments that are glued to their option
    ("-p tcp --dport=80", WEB),
    ("-p tcp -m tcp --match=mark --mark 1", "-p tcp -m tcp -m mark --mark 0x1"),
    ("-mtcp -p tcp --dport 80", WEB),
    ("-fj ACCEPT", "-f -j ACCEPT"),
    ("-vv -j ACCEPT", "-j ACCEPT"),
    # iptables-restore takes the whole word for the argument here
    ("-ieth0", "-i -ieth0"),
    # -p brings in the match of its name with the first option that is unknown
    ("-p tcp --dport 80", WEB),
    ("-p 6 --dport 80", WEB),
    ("-p TCP --dport 80", WEB),
    ("-p udp --dport 80", "-p udp -m udp --dport 80"),
    ("-p icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 8"),
    ("-p tcp", "-p tcp"),
    # the newest extension comes first
    ("-m mark --mark 1 -m connmark --mark 2", "-m mark --mark 0x1 -m connmark --mark 0x2"),
    ("-m connmark --mark 2 -m mark --mark 1", "-m connmark --mark 0x2 -m mark --mark 0x1"),
    ("-m mark --mark 1 -m mark --mark 2", "-m mark --mark 0x1 -m mark --mark 0x2"),
    ("-p tcp -m multiport --dport 80", "-p tcp -m multiport --dports 80"),
    ("-j LOG --log-p a -m limit", "-m limit --limit 3/hour -j LOG --log-prefix a"),
    # any order
    ("-j ACCEPT -p tcp -m tcp --dport 80 -s 192.0.2.1", f"{ADDRESS} {WEB} -j ACCEPT"),
    # -- ends the line
    ("-j ACCEPT --", "-j ACCEPT"),
]

REFUSED = [
    # several options begin so
    ("--s 192.0.2.1", 10, "'--s'"),
    ("--in eth0", 10, "'--in'"),
    ("-m connlimit --connlimit 5", 23, "did you mean --connlimit-upto?"),
    ("-m conntrack --ctst NEW", 23, "'--ctst'"),
    ("-j LOG --log x", 17, "'--log'"),
    # glued to an option of iptables itself, the whole word counts
    ("--jump=ACCEPT", 10, "'--jump=ACCEPT'"),
    ("-jACCEPT", 10, "'-jACCEPT'"),
    ("-fjACCEPT", 10, "'-fjACCEPT'"),
    ("--protocol=tcp", 10, "'--protocol=tcp'"),
    ("-ptcp", 10, "'-ptcp'"),
    ("-s192.0.2.1", 10, "'-s192.0.2.1'"),
    ("--in-interface=eth0", 10, "15 bytes"),
    # an argument for what takes none, and none for what takes one
    ("-p tcp --syn=yes", 23, "no argument"),
    ("--ipv4=yes", 10, "no argument"),
    ("-p tcp --dport=", 25, "''"),
    ("-p tcp --dport", 17, "needs an argument"),
    ("-j", 10, "needs an argument"),
    # the option stands before its extension, or without it
    ("--dport 80 -p tcp", 10, "needs a protocol"),
    ("-p all --dport 80", 17, "needs a protocol"),
    ("-p udp --syn", 17, "'--syn'"),
    ("-p gre --dport 80", 17, "'--dport'"),
    ("--comment x", 10, "'--comment'"),
    ("--log-prefix x -j LOG", 10, "'--log-prefix'"),
    # of two matches, the newer one takes the option, and the older one lacks it
    ("-m mark -m mark --mark 1", 13, "needs --mark"),
    ("-p tcp -m tcp -m multiport --dport 80", 27, "needs --sports"),
    ("-p tcp -m multiport -m tcp --dport 80", 20, "needs --sports"),
    # words that are no options
    ("-- -j ACCEPT", 10, "'--'"),
    ("- -j ACCEPT", 10, "'-'"),
    ("-z", 10, "'-z'"),
    ("accept", 10, "'accept'"),
    ("-j ACCEPT # web", 20, "comment"),
    ("\N{EN DASH}j ACCEPT", 10, "dash"),
    # options of the command line
    ("-t nat", 10, "command line"),
    ("-w -j ACCEPT", 10, "command line"),
    ("-n", 10, "listing"),
    # extensions that are not there
    ("-m nosuch", 13, "'nosuch'"),
    ("-m contrack", 13, "did you mean conntrack?"),
    ("-j log", 13, "did you mean LOG?"),
    ("-m ipv6header --soft", 13, "ipv4"),
]


@pytest.mark.parametrize(("written", "rule"), READ_AS)
def test_read_as(written: str, rule: str) -> None:
    ruleset = read(f"-A INPUT {written}")
    assert said(ruleset) == []
    assert chains_and_rules(ruleset) == [f"-A INPUT {rule}".rstrip()]


@pytest.mark.parametrize(("written", "column", "message"), REFUSED)
def test_refused(written: str, column: int, message: str) -> None:
    (found,) = read(f"-A INPUT {written}").findings
    assert (found.line, found.column) == (2, column)
    assert message in found.message


@pytest.mark.parametrize(
    "line",
    ["-AINPUT -j DROP", "--append=INPUT -j DROP", "--app INPUT -j DROP", "-vA INPUT -j DROP", "-j DROP -A INPUT"],
)
def test_the_command_itself(line: str) -> None:
    assert chains_and_rules(read(line)) == ["-A INPUT -j DROP"]


def test_an_unknown_extension_may_be_declared() -> None:
    """Its options take all words up to the next option."""
    rule = "-A INPUT -m geoip ! --source-country A1,A2 --more x y -j TARPIT --honeypot"
    ruleset = read(f"# rulec: opaque[geoip, TARPIT]\n{rule}")
    assert [found.slug for found in ruleset.findings] == ["unknown-extension", "unknown-extension"]
    assert chains_and_rules(ruleset) == [rule]
