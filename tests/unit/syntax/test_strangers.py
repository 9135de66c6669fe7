"""Files that are no rulesets: one finding says what they are, and rulesets never count as such."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

import rulec
from tests.running import rulec as run

RULES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"


class Stranger(NamedTuple):
    """A file, the line that tells what it is, what is said, and a word of what to do."""

    text: str
    line: int
    says: str
    do: str


STRANGERS = {
    "Jinja loop": Stranger(
        "*filter\n{% for p in ports %}\n-A INPUT -p tcp --dport {{ p }} -j ACCEPT\n{% endfor %}\nCOMMIT\n",
        2, "this is a template (Jinja or the like)", "render it first"),
    "Jinja value": Stranger(
        "*filter\n-A INPUT -p tcp --dport {{port}} -j ACCEPT\nCOMMIT\n", 2, "this is a template (Jinja", "render"),
    "Jinja in front": Stranger("{#- header #}\n" + RULES, 1, "this is a template (Jinja", "render"),
    "Jinja over lines": Stranger("{% set a =\n 1 %}\n" + RULES, 1, "this is a template (Jinja", "render"),
    "Go template": Stranger("*filter\n-A INPUT -s {{ .Values.net }} -j ACCEPT\nCOMMIT\n", 2, "Jinja or the", "render"),
    "ERB": Stranger(
        "*filter\n<% @ports.each do |port| -%>\n-A INPUT -p tcp --dport <%= port %> -j ACCEPT\n<% end -%>\nCOMMIT\n",
        2, "this is a template (ERB)", "render it first"),
    "variables": Stranger("*filter\n-A INPUT -p tcp --dport ${PORT} -j ACCEPT\nCOMMIT\n", 2, "variables", "envsubst"),
    "autoconf": Stranger("*filter\n-A INPUT -s @NETWORK@ -j ACCEPT\nCOMMIT\n", 2, "variables", "render"),
    "shell script": Stranger("#!/bin/sh\niptables -F\niptables -P INPUT DROP\n", 1, "this is a script", "unshare -n"),
    "script that feeds restore": Stranger(
        f"#!/usr/bin/env bash\niptables-restore <<EOF\n{RULES}EOF\n", 1, "this is a script", "unshare -n"),
    "commands": Stranger("# web\niptables -A INPUT -j DROP\n", 2, "these are commands for a shell", "unshare -n"),
    "commands by variable": Stranger("IPT=/sbin/iptables\n$IPT -F\n", 2, "these are commands for a sh", "unshare -n"),
    "commands with sudo": Stranger("sudo /sbin/ip6tables-legacy -P INPUT DROP\n", 1, "commands for a shell", "unshare"),
    "nft": Stranger(
        "#!/usr/sbin/nft -f\n\nflush ruleset\n\ntable inet filter {\n}\n", 1, "rules for nft", "iptables-save"),
    "nft list ruleset": Stranger("table ip filter {\n\tchain INPUT {\n\t}\n}\n", 1, "rules for nft", "iptables-save"),
    "firewalld zone": Stranger(
        '<?xml version="1.0" encoding="utf-8"?>\n<zone>\n  <short>Public</short>\n</zone>\n',
        2, "this is a file of firewalld", "iptables-save"),
    "firewalld direct": Stranger("<direct>\n</direct>\n", 1, "this is a file of firewalld", "iptables-save"),
    "HTML": Stranger("<!DOCTYPE html>\n<html></html>\n", 1, "this is XML or HTML", "iptables-save"),
    "iptables -L": Stranger(
        "Chain INPUT (policy ACCEPT)\ntarget     prot opt source  destination\n", 1, "iptables -L", "iptables-save"),
    "iptables -S": Stranger("-P INPUT ACCEPT\n-A INPUT -j DROP\n", 1, "iptables -S", "iptables-save"),
    "ipset": Stranger("create bad hash:ip family inet\nadd bad 192.0.2.1\n", 1, "sets of ipset", "iptables-save"),
    "policy": Stranger("# hot\nversion: 1\nhot: []\n", 2, "JSON or YAML", "--policy"),
    "JSON of nft": Stranger('{"nftables": []}\n', 1, "JSON or YAML", "iptables-save"),
    "ferm": Stranger("@def $N = 192.0.2.0/24;\ntable filter {\n}\n", 1, "these are rules for ferm", "ferm --noexec"),
    "ferm without variables": Stranger(
        "# web\ntable filter {\n    chain INPUT policy DROP;\n}\n", 3, "these are rules for ferm", "ferm --noexec"),
    "anything": Stranger("# notes\n\nopen port 22\nclose port 23\n", 3, "this is no ruleset", "iptables-save"),
    "conflict": Stranger(
        RULES.replace(":IN", "<<<<<<< HEAD\n:IN") + "=======\n>>>>>>> x\n", 2, "a merge has left", "settle it"),
    "binary": Stranger("\x7fELF\n\0\0<%\n", 2, "this is no text", "iptables-save"),
    "gzip": Stranger("\x1f\udc8b\x08\0\udce3\n", 1, "compressed", "zcat"),
    "UTF-16": Stranger("\udcff\udcfe*\0f\0\n\0", 1, "UTF-16", "iconv"),
}  # fmt: skip

NONE = {
    "markup in quotes": '*filter\n-A INPUT -m comment --comment "{{ a }} <% ${B}" -j ACCEPT\n-A INPUT -x\nCOMMIT\n',
    "markup in a comment": "# {{ ansible_managed }} ${X}\n*filter\n-A INPUT --nonsense\nCOMMIT\n",
    "one command among rules": "*filter\niptables -A INPUT -j DROP\nCOMMIT\n",
    "a script of iptables-restore": "#!/sbin/iptables-restore\n*filter\n-A INPUT --nonsense\nCOMMIT\n",
    "a script of iptables-restore, by env": "#!/usr/bin/env -S ip6tables-restore -n\n*filter\n--nonsense\nCOMMIT\n",
    "a typo": "*fitler\n-A INPUT -j DROP\nCOMMIT\n",
    "rules alone": "-A INPUT -j DROP\n",
    "counters alone": "[0:0] -A INPUT -j DROP\n",
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_one_finding_says_what_the_file_is(stranger: Stranger) -> None:
    (finding,) = rulec.parse(stranger.text, "rules.v4").findings
    assert (finding.slug, finding.severity.value, finding.line) == ("not-a-ruleset", "error", stranger.line)
    assert stranger.says in finding.message
    assert stranger.do in finding.hint


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_a_ruleset_with_mistakes_keeps_its_findings(text: str) -> None:
    ruleset = rulec.parse(text, "rules.v4")
    assert not ruleset.valid
    assert {finding.slug for finding in ruleset.findings} == {"syntax-error"}


@pytest.mark.parametrize("text", [RULES, "# {{ x }}\n" + RULES, "#!/bin/sh\n" + RULES, "# <zone>\n" + RULES])
def test_what_iptables_restore_takes_is_a_ruleset(text: str) -> None:
    assert rulec.parse(text, "rules.v4.j2").findings == ()


@pytest.mark.parametrize("name", ["rules.v4.j2", "iptables.erb", "firewall.sh", "anything"])
def test_the_name_does_not_matter(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(STRANGERS["Jinja loop"].text)
    done = run("lint", "--output-format", "concise", path)
    said = "this is a template (Jinja or the like), and no ruleset yet"
    assert (done.code, done.out) == (1, f"{path}:2:1: error[not-a-ruleset]: {said}\n")


@pytest.mark.parametrize("command", ["compile", "diff", "fmt"])
def test_other_commands_say_it_too(command: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(STRANGERS["shell script"].text)
    more = {"compile": ["--policy", "policies/web.yaml"], "diff": [str(path)], "fmt": []}
    done = run(command, path, *more[command])
    assert done.code == (1 if command == "fmt" else 2)
    assert "this is a script, and iptables-restore takes rulesets" in done.err


def test_blank_lines_without_end_are_read_in_time() -> None:
    assert not rulec.parse("\n" * 100_000 + " \n" * 2_000 + "nonsense\n").valid
