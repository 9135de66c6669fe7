"""Which modules rulesets load, and whether tracking may be kept off."""

from __future__ import annotations

from pathlib import Path

import pytest

import rulec as public
from rulec.errors import RulecError
from rulec.host.modules.answer import Answer, answer
from rulec.host.modules.live import live, remove
from rulec.kernel.generations import KERNELS
from tests.running import rulec

STATELESS = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
"""
STATEFUL = STATELESS.replace("COMMIT", "-A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT")
NOTRACK = f"*raw\n-A PREROUTING -p udp -j NOTRACK\nCOMMIT\n{STATELESS}"


def asked(text: str, kernel: str = "6.x", backend: str | None = None) -> Answer:
    return answer(KERNELS[kernel], (public.parse(text, "rules"),), (), None, backend)


def names(text: str, kernel: str = "6.x", backend: str | None = None) -> dict[str, tuple[int, ...]]:
    (found,) = asked(text, kernel, backend).rulesets
    return {module.name: tuple(line for cause in module.causes for line in cause.lines) for module in found.modules}


def test_modules_with_their_lines() -> None:
    assert names(STATEFUL, backend="legacy") == {
        "iptable_filter": (1,), "xt_tcpudp": (5,), "xt_conntrack": (6,), "nf_conntrack": (6,),
    }  # fmt: skip
    assert "iptable_filter" not in names(STATEFUL)  # 6.x has nft
    assert list(names("*nat\nCOMMIT\n")) == ["nft_chain_nat"]
    assert list(names("*nat\nCOMMIT\n", "el6")) == ["iptable_nat"]


def test_helpers_are_loaded_by_the_rules_that_name_them() -> None:
    text = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
    assert "nf_conntrack_ftp" in names(text)
    assert asked(text).rulesets[0].removal == ("nf_conntrack_ftp", "xt_CT", "nf_conntrack")


@pytest.mark.parametrize("text", [STATEFUL, NOTRACK, f"*nat\nCOMMIT\n{STATELESS}"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_tracking_is_never_kept_off_while_a_rule_would_fail(text: str, kernel: str) -> None:
    found = asked(text, kernel)
    assert found.keep_off == ()
    assert [one.opens for one in found.blocked] == [True]


@pytest.mark.parametrize("kernel", KERNELS)
def test_lint_finds_nothing_wrong_with_what_keeps_tracking_off(kernel: str, tmp_path: Path) -> None:
    rules, out = tmp_path / "rules.v4", tmp_path / "etc"
    rules.write_text(STATELESS)
    done = rulec("modules", rules, "--kernel", kernel, "--output-dir", out)
    assert done.code == 0, done.err
    written = sorted(path for path in out.rglob("*") if path.is_file())
    assert [path.name for path in written][:1] == ["no-conntrack.conf"]
    linted = rulec("lint", *written, rules, "--select", "host,conntrack", "--kernel", kernel, "--fail-on", "note")
    assert linted.code == 0, linted.out
    text = written[0].read_text()
    assert f"install {KERNELS[kernel].core} /bin/false\n" in text
    assert "blacklist" not in text


def test_nothing_is_written_while_rules_need_tracking(tmp_path: Path) -> None:
    rules = tmp_path / "rules.v4"
    rules.write_text(NOTRACK)
    done = rulec("modules", rules, "--kernel", "6.x", "--output-dir", tmp_path / "etc")
    assert done.code == 1
    assert not (tmp_path / "etc").exists()
    told = " ".join(done.out.split())
    assert (
        "rules.v4:2: -j NOTRACK: without nf_conntrack the filter table would not be loaded, and the host be open"
        in told
    )


# ── the running machine ──


def machine(folder: Path, modules: dict[str, tuple[int, tuple[str, ...]]]) -> Path:
    """A /sys/module with a count and holders for each module."""
    for name, (count, holders) in modules.items():
        (folder / name / "holders").mkdir(parents=True)
        (folder / name / "refcnt").write_text(f"{count}\n")
        for holder in holders:
            (folder / name / "holders" / holder).touch()
    return folder


LOADED = {
    "nf_conntrack": (3, ("nf_nat", "xt_conntrack", "xt_nat")),
    "nf_nat": (2, ("iptable_nat", "xt_nat")),
    "iptable_nat": (0, ()),
    "xt_nat": (0, ()),
    "xt_conntrack": (0, ()),
    "xt_limit": (4, ()),
}


def test_holders_are_removed_first(tmp_path: Path) -> None:
    found = live(machine(tmp_path, LOADED))
    ran: list[list[str]] = []

    def run(command: list[str]) -> tuple[int, str]:
        ran.append(command)
        return 0, ""

    assert [wrong for _, wrong in remove(found, run)] == [""] * 5
    assert [command[-1] for command in ran] == ["iptable_nat", "xt_nat", "nf_nat", "xt_conntrack", "nf_conntrack"]


def test_nothing_is_removed_while_rules_hold_a_module(tmp_path: Path) -> None:
    found = live(machine(tmp_path, {**LOADED, "xt_conntrack": (2, ())}))
    assert [(module.name, module.in_use) for module in found.held] == [("xt_conntrack", 2)]
    with pytest.raises(RulecError, match=r"nothing is removed: rules, .* use xt_conntrack"):
        next(remove(found, lambda _: (0, "")))


def test_it_stops_at_the_first_that_does_not_go(tmp_path: Path) -> None:
    found = live(machine(tmp_path, LOADED))
    assert list(remove(found, lambda _: (1, "FATAL: Module iptable_nat is in use."))) == [
        ("iptable_nat", "FATAL: Module iptable_nat is in use.")
    ]


def test_what_is_not_loaded_or_part_of_the_kernel(tmp_path: Path) -> None:
    assert live(tmp_path) == ("", False, ())
    (tmp_path / "nf_conntrack" / "parameters").mkdir(parents=True)
    assert live(tmp_path) == ("nf_conntrack", True, ())
    with pytest.raises(RulecError, match="nf_conntrack is part of this kernel"):
        next(remove(live(tmp_path)))


def test_apply_is_about_this_machine() -> None:
    done = rulec("modules", "rules.v4", "--apply")
    assert (done.code, "name no files" in done.err) == (2, True)
    assert rulec("modules", "--output-dir", "etc").code == 2


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("{{ head }}\n*filter\nCOMMIT\n", "1:1: error[not-a-ruleset]: this is a template"),
        ("x\0\0\n", "1:1: error[not-a-ruleset]: this is no text"),
        ("*filter\n:ufw-before-input - [0:0]\n-A ufw-before-input -j ufw-user-input\nCOMMIT\n", ""),
    ],
)
def test_rulesets_are_read_as_everywhere(text: str, first: str, tmp_path: Path) -> None:
    """What stands in place of a ruleset is told once, and the pieces of ufw are known."""
    rules = tmp_path / "before.rules"
    rules.write_text(text)
    done = rulec("modules", rules, "--kernel", "6.x")
    assert done.code == (2 if first else 0)
    assert done.err.startswith(f"{rules}:{first}" if first else "")
    assert done.err.count("error[") == bool(first)
