"""What docs/policies.md says of refusals: each sentence of its table is said by rulec, for a ruleset of that kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pages import ROOT, sections
from tests.running import rulec

TABLE = sections(ROOT / "docs" / "policies.md")["When it is refused"]
NEW = "-m conntrack --ctstate NEW"
KNOWN = "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
ADMITS = f"-A INPUT -p tcp -m tcp --dport 80 {NEW} -j ACCEPT"
ADMITS_DNS = f"-A INPUT -p udp -m udp --dport 53 {NEW}"
WEB = "role: server, protocol: tcp, ports: 80"
DNS = "role: server, protocol: udp, ports: 53"


class Refused(NamedTuple):
    """A policy's entry, the rules of a ruleset by table, and what rulec says of them."""

    said: str
    entry: str
    filter: str = ADMITS
    others: str = ""
    mode: str = "notrack"

    @property
    def ruleset(self) -> str:
        """A server that drops what it does not know."""
        head = f"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT {KNOWN}\n"
        return f"{head}{self.filter}\nCOMMIT\n{self.others}"


def table(name: str, *rules: str) -> str:
    return f"*{name}\n" + "".join(f"{rule}\n" for rule in rules) + "COMMIT\n"


def in_front(rule: str) -> str:
    return f"{rule}\n{ADMITS}"


REFUSED = {
    "DNAT": Refused(
        "rewrites this flow",
        WEB,
        others=table("nat", "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.2"),
    ),
    "REDIRECT to it": Refused(
        "the answers to what REDIRECT rewrites would be untracked",
        WEB,
        others=table("nat", "-A PREROUTING -p tcp -m tcp --dport 8081 -j REDIRECT --to-ports 80"),
    ),
    "MASQUERADE": Refused(
        "the answers to what MASQUERADE rewrites would be untracked",
        'role: client, protocol: udp, ports: 53, client-ports: "32768-60999"',
        f"-A FORWARD -i eth1 {NEW} -j ACCEPT",
        table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
    ),
    "helper port": Refused(
        "the rule asks for what a helper expects that reads this port",
        "role: server, protocol: tcp, ports: 21",
        "-A INPUT -m conntrack --ctstate RELATED -m helper --helper ftp -j ACCEPT\n"
        f"-A INPUT -p tcp -m tcp --dport 21 {NEW} -j ACCEPT",
    ),
    "helper": Refused(
        "a connection helper reads this flow",
        WEB,
        others=table("raw", "-A PREROUTING -p tcp -m tcp --dport 80 -j CT --helper ftp"),
    ),
    "SYNPROXY": Refused(
        "SYNPROXY answers for this flow",
        WEB,
        in_front("-A INPUT -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --mss 1460"),
        table("raw", "-A PREROUTING -p tcp -m tcp --dport 80 --syn -j CT --notrack"),
    ),
    "TPROXY": Refused(
        "TPROXY takes packets of this flow",
        WEB,
        others=table("mangle", "-A PREROUTING -p tcp -m tcp --dport 80 -j TPROXY --on-port 8080 --tproxy-mark 1"),
    ),
    "TPROXY for others": Refused(
        "TPROXY takes this flow",
        WEB,
        others=table(
            "mangle",
            "-A PREROUTING -p tcp -m tcp --dport 80 -m addrtype ! --dst-type LOCAL -j TPROXY --on-port 8080",
        ),
    ),
    "ipvs": Refused("-m ipvs asks for the virtual server", WEB, in_front("-A INPUT -m ipvs --ipvs -j ACCEPT")),
    "connlimit": Refused(
        "-m connlimit looks at the connection",
        WEB,
        in_front("-A INPUT -p tcp -m tcp --dport 80 -m connlimit --connlimit-above 9 -j DROP"),
    ),
    "connbytes": Refused(
        "-m connbytes looks at the connection",
        WEB,
        in_front("-A INPUT -p tcp -m connbytes --connbytes 10000 --connbytes-dir both --connbytes-mode bytes -j DROP"),
    ),
    "CONNMARK": Refused(
        "CONNMARK keeps a mark with the connection",
        WEB,
        others=table("mangle", "-A PREROUTING -j CONNMARK --restore-mark"),
    ),
    "--ctstatus": Refused(
        "--ctstatus asks for the connection",
        WEB,
        in_front("-A INPUT -p tcp -m conntrack --ctstatus ASSURED -j ACCEPT"),
    ),
    "limit of UDP": Refused(
        "would meet every packet of udp/53", DNS, f"{ADMITS_DNS} -m limit --limit 10/sec -j ACCEPT"
    ),
    "state in raw": Refused(
        "the rule asks in raw for the state",
        WEB,
        others=table("raw", "-A PREROUTING -s 10.0.0.0/8 -m conntrack --ctstate INVALID -j DROP"),
    ),
    "exemption": Refused(
        "lets some of these packets leave raw early",
        WEB,
        others=table("raw", "-A PREROUTING -s 10.0.0.0/8 -j ACCEPT"),
    ),
    "ephemeral": Refused(
        "lies among the ports from which this host begins connections",
        "role: server, protocol: tcp, ports: 40000",
        f"-A INPUT -p tcp -m tcp --dport 40000 {NEW} -j ACCEPT",
    ),
    "interface": Refused("admits the same flow on other interfaces", f"{WEB}, interface: eth0"),
    "limit of stateless": Refused(
        "would be met by every one", DNS, f"{ADMITS_DNS} -m limit --limit 10/sec -j ACCEPT", mode="stateless"
    ),
    "NAT of stateless": Refused(
        "MASQUERADE cannot be had without connection tracking",
        WEB,
        others=table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE"),
        mode="stateless",
    ),
    "loss": Refused("no entry of the policy is about it", WEB, mode="stateless"),
    "twice": Refused("a table stands twice", WEB, others=table("filter", ADMITS)),
}


def said(ruleset: str, entry: str, folder: Path, mode: str = "notrack") -> tuple[int, str, str]:
    """Exit code, result and messages of a compilation."""
    source, policy = folder / "rules", folder / "policy.yaml"
    source.write_text(ruleset, encoding="utf-8")
    policy.write_text(f"version: 1\nmode: {mode}\nhot:\n  - {{name: hot, {entry}}}\n", encoding="utf-8")
    done = rulec("compile", source, "--policy", policy)
    return done.code, done.out, done.err


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_in_these_words(name: str, tmp_path: Path) -> None:
    case = REFUSED[name]
    code, text, messages = said(case.ruleset, case.entry, tmp_path, case.mode)
    assert (code, text) == (1, ""), messages
    assert case.said in messages


def test_a_file_without_filter_is_refused(tmp_path: Path) -> None:
    nat = table("nat", "-A POSTROUTING -o eth0 -j MASQUERADE")
    assert "there is no filter table" in said(nat, WEB, tmp_path)[2]


def test_the_same_is_not_refused_without_the_rule(tmp_path: Path) -> None:
    for entry, rules in ((WEB, ADMITS), (DNS, f"{ADMITS_DNS} -j ACCEPT")):
        assert said(Refused("", entry, rules).ruleset, entry, tmp_path)[0] == 0


def test_each_sentence_of_the_page_is_tried() -> None:
    rows = [row for row in TABLE.splitlines() if row.startswith("| *")]
    sentences = [sentence for row in rows for sentence in re.findall(r"\*([^*|]+)\*", row.split(" | ")[0])]
    tried = "\n".join([*(case.said for case in REFUSED.values()), "there is no filter table"])
    assert {sentence for sentence in sentences if not re.search(_pattern(sentence), tried)} == set()


def _pattern(sentence: str) -> str:
    """X and N stand for a word and a number."""
    return re.sub(r"\bX\b", ".*", re.sub(r"\bN\b", r"\\d+", re.escape(sentence))).removeprefix(r".*\ ")
