"""Configuration files: which are recognised, and what is read of each."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec.config.file import Kind
from rulec.config.kinds import kind_of
from rulec.config.read import read_config
from rulec.source import Source


def said(name: str, text: str) -> list[tuple[str, str, str]]:
    """Verb, name and value of each statement."""
    file = read_config(Source(name, text))
    assert file is not None
    return [(statement.verb, statement.name.text, statement.value.text) for statement in file.statements]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("/etc/sysconfig/iptables-config", "", Kind.IPTABLES),
        ("/etc/sysconfig/ip6tables-config", "# nothing\n", Kind.IPTABLES),
        ("/etc/modprobe.d/x.conf", "", Kind.MODPROBE),
        ("etc/modprobe.d/old", "", Kind.MODPROBE),
        ("/etc/modprobe.conf", "", Kind.MODPROBE),
        ("/usr/lib/modules-load.d/x.conf", "", Kind.MODULES),
        ("/etc/sysctl.conf", "", Kind.SYSCTL),
        ("/usr/lib/sysctl.d/50-x.conf", "", Kind.SYSCTL),
        ("copy", "# x\n\n; y\n  net.core.somaxconn=1\n", Kind.SYSCTL),
        ("copy", "-net/ipv4/ip_forward = 1\n", Kind.SYSCTL),
        ("copy", "#\nIPTABLES_MODULES=\n", Kind.IPTABLES),
        ("copy", "IP6TABLES_SAVE_ON_STOP=no\n", Kind.IPTABLES),
        ("copy", "blacklist nf_nat\n", Kind.MODPROBE),
        ("copy", "options nf_conntrack hashsize=1\n", Kind.MODPROBE),
        ("copy", "", None),
        ("copy", "nf_conntrack\n", None),  # any word may stand in any file
        ("rules.v4", "# options\n*filter\nCOMMIT\n", None),
        ("iptables", ":INPUT DROP [0:0]\n", None),
        ("sysctl.d/rules", "# misplaced\n*filter\nCOMMIT\n", None),
    ],
)
def test_kind(name: str, text: str, kind: Kind | None) -> None:
    assert kind_of(name, text) is kind
    file = read_config(Source(name, text))
    assert (file and file.kind) is kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('IPTABLES_MODULES="a  b"\n', [("load", "a", ""), ("load", "b", "")]),
        ("IPTABLES_MODULES='a b' # c\n", [("load", "a", ""), ("load", "b", "")]),
        ("  export IP6TABLES_MODULES=a\n", [("load", "a", "")]),
        ('IPTABLES_MODULES="a"\nIPTABLES_MODULES="b"\n', [("load", "b", "")]),  # the shell takes the last
        ('IPTABLES_MODULES=""\n', []),
        ('#IPTABLES_MODULES="a"\n', []),
        ('IPTABLES_MODULES_UNLOAD="yes"\n', [("set", "IPTABLES_MODULES_UNLOAD", "yes")]),
        ("IPTABLES_SAVE_ON_STOP=no", [("set", "IPTABLES_SAVE_ON_STOP", "no")]),
    ],
)
def test_iptables_config(text: str, found: list[tuple[str, str, str]]) -> None:
    assert said("iptables-config", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("blacklist nf_nat\n", [("blacklist", "nf_nat", "")]),
        ("\tblacklist   nf-nat  \n", [("blacklist", "nf-nat", "")]),
        ("# blacklist nf_nat\n", []),
        ("install a /bin/sh -c 'x y'\n", [("install", "a", "/bin/sh -c 'x y'")]),
        ("options a b=1 \\\n c=2\nblacklist d\n", [("options", "a", "b=1 \\\n c=2"), ("blacklist", "d", "")]),
        ("blacklist\nb\n", []),
        ("options a b\\", [("options", "a", "b")]),
    ],
)
def test_modprobe(text: str, found: list[tuple[str, str, str]]) -> None:
    assert said("modprobe.d/x.conf", text) == found


def test_words_go_on_behind_a_backslash() -> None:
    file = read_config(Source("modprobe.d/x.conf", "options a b=1 \\\n c=2\n"))
    assert file is not None
    (statement,) = file.statements
    assert [(word.text, file.source.position(word.span.start)) for word in statement.words] == [
        ("b=1", (1, 11)),
        ("c=2", (2, 2)),
    ]
    assert statement.lines == (0, len(file.source.text) - 1)


def test_modules_load() -> None:
    text = "# x\n; y\nnf_conntrack\n  loop max_loop=8\n\nip-vs"
    found = [("load", "nf_conntrack", ""), ("load", "loop", "max_loop=8"), ("load", "ip-vs", "")]
    assert said("modules-load.d/x.conf", text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a.b=1\n", [("set", "a.b", "1")]),
        (" a/b \t=  1 2  \n", [("set", "a/b", "1 2")]),
        ("-a.b = 1\n", [("set", "a.b", "1")]),
        ("# a.b = 1\n; a.b = 2\n", []),
        ("a.b\n", []),
        ("a.b =\n", [("set", "a.b", "")]),
    ],
)
def test_sysctl(text: str, found: list[tuple[str, str, str]]) -> None:
    assert said("sysctl.conf", text) == found


@pytest.mark.parametrize("name", ["iptables-config", "modprobe.conf", "modules-load.d/x", "sysctl.conf"])
@given(text=st.text(alphabet="ab=\\\n \t\"'#;*-/._1"))
def test_what_is_read_stands_in_the_text(name: str, text: str) -> None:
    file = read_config(Source(name, text))
    for statement in file.statements if file else ():
        for word in (statement.name, statement.value, *statement.words):
            assert text[word.span.start : word.span.end] == word.text
        start, end = statement.lines
        assert start <= statement.span.start <= statement.span.end <= end


def test_the_folder_counts_for_files_that_are_named_from_within(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "modules-load.d"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert kind_of("x.conf", "loop\n") is Kind.MODULES
    assert kind_of("x.conf", "*filter\nCOMMIT\n") is None
