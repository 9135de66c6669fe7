"""Whole rulesets through rulec and through the real iptables: what is loaded is what rulec says.

The rulesets lie in ``rulesets/``, those of ip6tables with the ending ``.v6``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

import rulec
from rulec.model import Family
from rulec.source import read_file
from rulec.syntax.ruleset import Ruleset
from tests.kernel.conftest import PROGRAM, restore, run_in, save

RULESETS = sorted(Path(__file__).parent.joinpath("rulesets").iterdir())
COUNTED = [path for path in RULESETS if path.stem == "counters"]


class Broken(NamedTuple):
    """One line of a ruleset, and what it is changed to."""

    file: str
    line: str
    to: str


NOT_READ = [
    Broken("enterprise-linux-5.v4", "-A INPUT -j RH-Firewall-1-INPUT", "-A INPUT -j RH-Firewall-2-INPUT"),
    Broken("enterprise-linux-5.v4", "-A RH-Firewall-1-INPUT -p 50 -j ACCEPT", "-A RH-Firewall-1-INPUT -j ACCEPT -p"),
    Broken("containers.v4", ":FORWARD DROP [0:0]", ":FORWARD DENY [0:0]"),
    Broken("containers.v4", ":DOCKER-USER - [0:0]", ":DOCKER-USER DROP [0:0]"),
    Broken("containers.v4", "-A DOCKER -i docker0 -j RETURN", "-A POSTROUTING -i docker0 -j RETURN"),
    Broken("cluster-node.v4", "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000", "-A KUBE-MARK-MASQ -j MARK --or-mark"),
    Broken("cluster-node.v4", "-A INPUT -j KUBE-FIREWALL", '-A INPUT -m comment "--comment to the end -j ACCEPT'),
    Broken("router.v4", "-A PREROUTING -i wan0 -m rpfilter --invert -j DROP", "-A PREROUTING -s 10.0.0.0/33 -j DROP"),
    Broken("router.v4", "-A INPUT -p igmp -d 224.0.0.0/4 -j ACCEPT", "-A INPUT ! -d 224.0.0.1,224.0.0.2 -j ACCEPT"),
    Broken("router.v4", "-A OUTPUT -o wan0 -p udp --dport 123 -j NOTRACK", "-A OUTPUT -p tcp --dport 65536 -j NOTRACK"),
    Broken("host.v6", "-A INPUT -p icmpv6 -j icmp", "-A INPUT -s 192.0.2.0/24 -j icmp"),
    Broken("host.v6", "-A INPUT -m rt --rt-type 0 -j DROP", "-A INPUT -f -j DROP"),
    Broken("prefix-translation.v6", "-A FORWARD -j HL --hl-inc 1", "-A FORWARD -j HL --hl-inc 0"),
    Broken("commands.v4", "-N unused", "-N services"),
    Broken("commands.v4", "-I INPUT 4 -j LOG", "-I INPUT 5 -j LOG"),
    Broken("commands.v4", "-D services 3", "-D services 5"),
    Broken("commands.v4", "-D services 3", "-D services -p tcp --dport 99 -j ACCEPT"),
    Broken("commands.v4", "-C services -p tcp --dport 80 -j ACCEPT", "-C services -p tcp --dport 81 -j ACCEPT"),
    Broken("commands.v4", "-F old", "-F older"),
    Broken("commands.v4", "-E old new", "-E old services"),
    Broken("commands.v4", "-X unused", "-X services"),
    Broken("lists.v4", "-A trusted ! -f -j ACCEPT", "-A trusted -s 192.0.2.1,,192.0.2.2 -j ACCEPT"),
    Broken("quotes.v4", "-A INPUT -j LOG --log-prefix=plain", "-A INPUT -j LOG --log-level 8"),
    Broken("counters.v4", "[0:0] -A INPUT -i lo -j ACCEPT", "[0;0] -A INPUT -i lo -j ACCEPT"),
    Broken("counters.v4", "[0:0] -A INPUT -i lo -j ACCEPT", "[0:0 -A INPUT -i lo -j ACCEPT"),
    Broken("repeated-table.v4", "*nat", "*natural"),
    Broken("repeated-table.v4", "# and behind it", " # and behind it"),
    Broken("long-words.v4", "--policy INPUT DROP", "--policy INPUT REJECT"),
    Broken("long-words.v4", "--new-chain web", "--new-chain ACCEPT"),
    Broken("limits.v4", "-A ssh -m recent --name ssh --set", "-A ssh -m recent --name ssh --set --update"),
    Broken("limits.v4", "-A ssh -j ACCEPT", "-A ssh -j ACCEPT now"),
]
"""iptables-restore stops at the line."""

NOT_LOADED = [
    Broken(
        "enterprise-linux-5.v4", "-A RH-Firewall-1-INPUT -p 50 -j ACCEPT", "-A RH-Firewall-1-INPUT -m esp -j ACCEPT"
    ),
    Broken("containers.v4", "-A DOCKER-USER -j RETURN", "-A DOCKER-USER -j DOCKER-USER"),
    Broken("cluster-node.v4", "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000", "-A KUBE-MARK-MASQ -j MASQUERADE"),
    Broken("router.v4", "-A OUTPUT -o wan0 -p udp --dport 123 -j NOTRACK", "-A OUTPUT -j CT --helper ftp"),
    Broken(
        "router.v4",
        "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset",
        "-A FORWARD -j REJECT --reject-with tcp-reset",
    ),
    Broken("prefix-translation.v6", "-A FORWARD -j HL --hl-inc 1", "-A FORWARD -j REJECT"),
    Broken("limits.v4", "-A ssh -j ACCEPT", "-A ssh -j TTL --ttl-set 64"),
]
"""iptables-restore takes the line, and the kernel refuses the table."""


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.name)
def test_loaded_as_rulec_says(path: Path, netns: str) -> None:
    """Chains, policies and rules; counters are only loaded where that is asked for."""
    text, ruleset = load(path)
    assert ruleset.valid
    done = restore(netns, text, ruleset.family)
    assert (done.returncode, done.stderr) == (0, "")
    assert tables(save(netns, ruleset.family)) == tables(without_counters(rulec.canonical(ruleset)))


@pytest.mark.parametrize("path", COUNTED, ids=lambda path: path.name)
def test_counters(path: Path, netns: str) -> None:
    text, ruleset = load(path)
    program = PROGRAM[ruleset.family]
    assert run_in(netns, f"{program}-legacy-restore", "--wait", "--counters", text=text).returncode == 0
    saved = run_in(netns, f"{program}-legacy-save", "--counters").stdout
    assert tables(re.sub(r"(?m)^#.*\n", "", saved)) == tables(rulec.canonical(ruleset))


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.name)
def test_canonical_form_loads_the_same(path: Path, netns: str) -> None:
    """What rulec prints is itself a ruleset, and the same one."""
    ruleset = load(path)[1]
    assert restore(netns, rulec.canonical(ruleset), ruleset.family).returncode == 0
    assert tables(save(netns, ruleset.family)) == tables(without_counters(rulec.canonical(ruleset)))


@pytest.mark.parametrize("broken", NOT_READ, ids=lambda broken: f"{broken.file}: {broken.to}")
def test_not_read(broken: Broken, netns: str) -> None:
    """Both name the same line."""
    text, number = changed(broken)
    done = restore(netns, text, family_of(broken.file))
    assert done.returncode != 0
    assert named_line(done.stderr) == first_error(text, broken.file) == number


@pytest.mark.parametrize("broken", NOT_LOADED, ids=lambda broken: f"{broken.file}: {broken.to}")
def test_not_loaded(broken: Broken, netns: str) -> None:
    """iptables-restore names the COMMIT, rulec the rule."""
    text, number = changed(broken)
    assert restore(netns, text, family_of(broken.file), test=True).returncode == 0
    done = restore(netns, text, family_of(broken.file))
    assert done.returncode == 1
    assert named_line(done.stderr) == text.split("\n").index("COMMIT", number) + 1
    assert first_error(text, broken.file, "load-error") == number


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.name)
def test_missing_commit(path: Path, netns: str) -> None:
    """A table without its COMMIT is said to end behind the last line."""
    text = load(path)[0].rpartition("COMMIT\n")[0]
    done = restore(netns, text, family_of(path.name))
    assert f"COMMIT expected at line {text.count(chr(10)) + 1}" in done.stderr
    assert first_error(text, path.name) == text.count("\n") + 1


def load(path: Path) -> tuple[str, Ruleset]:
    text = read_file(str(path))
    return text, rulec.parse(text, path.name, family_of(path.name).value)


def family_of(name: str) -> Family:
    return Family.IPV6 if name.endswith(".v6") else Family.IPV4


def tables(text: str) -> dict[str, str]:
    """The tables of a dump by name: the kernel lists them in an order of its own."""
    return {block.split("\n", 1)[0]: block for block in text.split("COMMIT\n") if block}


def without_counters(text: str) -> str:
    bare = re.sub(r"(?m)^\[\d+:\d+\] ", "", text)
    return re.sub(r"(?m)^(:.*) \[\d+:\d+\]$", r"\1 [0:0]", bare)


def changed(broken: Broken) -> tuple[str, int]:
    """The text with the line changed, and the number of the line."""
    path = next(path for path in RULESETS if path.name == broken.file)
    lines = read_file(str(path)).split("\n")
    number = lines.index(broken.line)
    lines[number] = broken.to
    return "\n".join(lines), number + 1


def named_line(said: str) -> int:
    """The line that iptables-restore names."""
    found = re.search(r"Error occurred at line: (\d+)|line (\d+)(?: failed|: Bad)", said)
    assert found, said
    return int(found[1] or found[2])


def first_error(text: str, name: str, slug: str = "") -> int:
    """The line of the first error that rulec finds."""
    ruleset = rulec.parse(text, name, family_of(name).value)
    return next((found.line for found in ruleset.findings if slug in ("", found.slug)), 0)
