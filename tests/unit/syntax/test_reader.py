"""Whole files: their bytes, their size, and what is loaded to read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import rulec
from rulec.source import write_file
from tests.unit.syntax.reading import said

GOOD = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.1 -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"


class TestBytes:
    """A text that is not UTF-8 comes back as it was."""

    CONTENT = b'# \xff\xfe caf\xe9\n*filter\n:gr\xfcn -\n-A INPUT -m comment --comment "na\xefve" -j gr\xfcn\nCOMMIT\n'

    def test_round_trip(self, tmp_path: Path) -> None:
        path, copy = tmp_path / "rules.v4", tmp_path / "copy"
        path.write_bytes(self.CONTENT)
        ruleset = rulec.load(str(path))
        assert said(ruleset) == []
        write_file(str(copy), rulec.emit(ruleset))
        assert copy.read_bytes() == self.CONTENT

    def test_canonical_text_keeps_them(self, tmp_path: Path) -> None:
        path = tmp_path / "rules.v4"
        path.write_bytes(self.CONTENT)
        printed = rulec.canonical(rulec.load(str(path))).encode("utf-8", "surrogateescape")
        assert b'\n-A INPUT -m comment --comment "na\xefve" -j gr\xfcn\n' in printed

    def test_a_word_is_as_long_as_its_bytes(self) -> None:
        umlaut = "\u00fc"
        for count, findings in ((511, 0), (512, 1)):
            text = f"*filter\n-A INPUT -m comment --comment {umlaut * count}\nCOMMIT\n"
            assert len(rulec.parse(text, family="ipv4").findings) == findings


class TestSize:
    """Neither long lines nor many of them are more than work in proportion."""

    def test_large_and_wrong(self) -> None:
        """20 MB without a rule: each line costs one finding at most."""
        lines = [
            "\0" * 5_000_000,
            "-A INPUT " + "a" * 5_000_000,
            "-A INPUT " + '"' * 5_000_000,
            "-A INPUT " + "-m x " * 1_000_000,
            "# " + "c" * 100_000 + "\0\r",
            *["-A INPUT -p tcp -j ACCEPT\r"] * 500,
            *["\r"] * 500,
            *["-A INPUT\0 -j ACCEPT\r"] * 500,
        ]
        text = "*filter\n" + "\n".join(lines) + "\nCOMMIT\n"
        ruleset = rulec.parse(text, family="ipv4")
        assert len(text) > 20_000_000
        assert [found.line for found in ruleset.findings] == [*range(2, 6), *range(7, 1007)]
        assert rulec.emit(ruleset) is text

    @pytest.mark.parametrize("shapes", ["0", "1"])
    def test_places_far_behind(self, shapes: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A text is read in stretches; lines are counted through all of them."""
        monkeypatch.setenv("RULEC_SHAPES", shapes)
        rules = [f"-A INPUT -s 10.0.{number // 256}.{number % 256} -j ACCEPT" for number in range(20_000)]
        for number in (1, 7_000, 7_001, 19_999):
            rules[number] += "Z"
        ruleset = rulec.parse("*filter\n" + "\n".join(rules) + "\nCOMMIT\n", family="ipv4")
        assert [found.line for found in ruleset.findings] == [3, 7_002, 7_003, 20_001]
        assert ruleset.findings[0].column == rules[1].index("ACCEPTZ") + 1
        assert len(ruleset.tables["filter"].chains["INPUT"].references) == 20_000 - 4


class TestLaziness:
    """Small files are read fast because little is imported for them."""

    @pytest.mark.parametrize(
        ("text", "module", "loaded"),
        [
            (GOOD, "lark", False),
            (GOOD, "difflib", False),
            (GOOD, "rulec.catalogue.matches.tcp", True),
            (GOOD, "rulec.catalogue.matches.udp", False),
            (GOOD, "rulec.syntax.save", False),
            (GOOD.replace("ACCEPT", "ACEPT"), "lark", True),
        ],
    )
    def test_imported(self, text: str, module: str, loaded: bool) -> None:
        code = f"import sys, rulec; rulec.parse({text!r}, family='ipv4'); print({module!r} in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == f"{loaded}\n"

    def test_without_shapes_every_line_goes_through_lark(self) -> None:
        code = f"import sys, rulec; rulec.parse({GOOD!r}, family='ipv4'); print('lark' in sys.modules)"
        environment = {"RULEC_SHAPES": "0", "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout == "True\n"


def test_the_rules_of_a_line_that_two_rulesets_hold_are_made_once() -> None:
    old, new, other = (
        rulec.parse(f"*filter\n:INPUT ACCEPT [0:0]\n{rules}COMMIT\n", name, family)
        for rules, name, family in (
            ("-A INPUT -p tcp -j DROP\n", "old", "ipv4"),
            ("-A INPUT -i lo -j ACCEPT\n-A INPUT -p tcp -j DROP\n", "new", "ipv4"),
            ("-A INPUT -p tcp -j DROP\n", "other", "ipv6"),
        )
    )
    old.share_rules(new)
    old.share_rules(other)
    assert old.rules_on(3)[0] is new.rules_on(4)[0]
    assert old.rules_on(3)[0] is not other.rules_on(3)[0]
