"""Files as the tables that are loaded one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rulec.errors import RulecError
from rulec.host.apply import plan
from rulec.host.apply.tools import Tools
from rulec.model import Family

FILE = (
    "# head\n*raw\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\nCOMMIT\n"
    "\n* nat\nCOMMIT\n*filter\n-A INPUT -j DROP\nCOMMIT\n"
)
SAVED = (
    "*filter\n:INPUT DROP [1:2]\nCOMMIT\n*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*mangle\n-A INPUT -j ACCEPT\nCOMMIT\n"
)
PRINTS = Tools(Family.IPV4, ("/bin/true",), "/bin/echo")


def test_the_filter_comes_first_and_raw_last() -> None:
    files = [(Family.IPV4, "v4", FILE), (Family.IPV6, "v6", "*raw\nCOMMIT\n*filter\nCOMMIT\n")]
    found = [(part.family.label, part.table) for part in plan.parts(files)]
    assert found == [
        ("IPv4", "filter"), ("IPv6", "filter"), ("IPv4", "nat"), ("IPv4", "raw"), ("IPv6", "raw"),
    ]  # fmt: skip


def test_a_table_keeps_its_lines() -> None:
    first, nat, raw = plan.parts([(Family.IPV4, "v4", FILE)])
    assert first.text == "\n" * 4 + "*filter\nCOMMIT\n" + "\n" * 3 + "*filter\n-A INPUT -j DROP\nCOMMIT\n"
    assert nat.text == "\n" * 7 + "* nat\nCOMMIT\n"
    assert raw.text == "\n*raw\n-A PREROUTING -j ACCEPT\nCOMMIT\n"


def test_tables_that_hold_something_and_stay() -> None:
    before = plan.Saved(Family.IPV4, SAVED)
    assert plan.staying(before, plan.parts([(Family.IPV4, "v4", "*raw\nCOMMIT\n")])) == ["filter", "mangle"]
    assert plan.staying(before, plan.parts([(Family.IPV4, "v4", FILE)])) == ["mangle"]
    assert plan.kept_text(before, plan.parts([(Family.IPV4, "v4", FILE)])) == "*mangle\n-A INPUT -j ACCEPT\nCOMMIT\n"


def test_chains_that_go() -> None:
    before = plan.Saved(Family.IPV4, "*filter\n:DOCKER - [0:0]\n:OWN - [0:0]\nCOMMIT\n*nat\n:X - [0:0]\nCOMMIT\n")
    new = plan.parts([(Family.IPV4, "v4", "*filter\n:OWN -\nCOMMIT\n"), (Family.IPV6, "v6", "*nat\nCOMMIT\n")])
    assert plan.going(before, new) == {"filter": ["DOCKER"]}


def test_the_way_back_is_what_was_saved(tmp_path: Path) -> None:
    new = plan.parts([(Family.IPV4, "v4", FILE)])
    before = plan.Saved(Family.IPV4, SAVED)
    plan.write_plan(tmp_path, new, [before], {Family.IPV4: PRINTS}, [], 30)
    steps = json.loads((tmp_path / "plan.json").read_text())["steps"]
    old = [Path(step["before"]).read_text() for step in steps]
    assert old == [
        "*filter\n:INPUT DROP [1:2]\nCOMMIT\n", "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", "*raw\nCOMMIT\n",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("printf '*filter\\n'", "it ends half way"),
        ("echo 'no rights' >&2; exit 3", "no rights"),
        ("echo \"# Table \\`nat' is incompatible, use 'nft' tool.\"", "the IPv4 table nat holds rules"),
    ],
)
def test_what_cannot_be_saved_is_not_touched(tmp_path: Path, printed: str, words: str) -> None:
    saver = tmp_path / "save"
    saver.write_text(f"#!/bin/sh\n{printed}\n")
    saver.chmod(0o755)
    with pytest.raises(RulecError, match=words) as raised:
        plan.saved(PRINTS._replace(saver=str(saver)))
    assert "nothing was touched" in str(raised.value)
