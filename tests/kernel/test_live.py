"""The rules of the running kernel: read as iptables-save prints them, and nothing is switched on by reading."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulec.api import parse
from rulec.host.live import BACKENDS, Live, live
from rulec.model import Family
from tests.kernel.conftest import installed, restore, run_in
from tests.kernel.network import inside, tracked, without_root
from tests.running import Done, rulec

V4, V6 = Family.IPV4, Family.IPV6
RULESETS = sorted((Path(__file__).parent / "rulesets").iterdir())
DROPS = "*filter\n-A INPUT -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n"
PACKET = "tcp 198.51.100.7:40000 > 192.0.2.1:80 syn in eth0 state NEW"
SAVE = {V4: "iptables", V6: "ip6tables"}
UNCHANGED = (
    ("/proc/thread-self/net/ip_tables_names", "names"), ("/proc/thread-self/net/ip6_tables_names", "names"),
    ("/proc/modules", "modules"), ("/proc/thread-self/net/nf_conntrack", "entries"),
    ("/proc/sys/net/netfilter/nf_conntrack_count", "count"),
)  # fmt: skip


def live_in(ns: str, *families: Family, backends: tuple[str, ...] = BACKENDS) -> Live:
    with inside(ns):
        return live(families or tuple(Family), backends)


def rulec_in(ns: str, *arguments: str) -> Done:
    with inside(ns):
        return rulec(*arguments)


def plain(text: str) -> str:
    """A ruleset without times and counters, which differ from one moment to the next."""
    return re.sub(r"\[\d+:\d+\]", "[0:0]", re.sub(r"(?m)^#.*\n", "", text))


def switched_on(ns: str) -> dict[str, str]:
    """All that could tell that something was switched on."""
    with inside(ns):
        found = {path: _names(path) for path, _ in UNCHANGED}
    for family, program in SAVE.items():
        found[f"nft {family.value}"] = plain(run_in(ns, f"{program}-nft-save").stdout)
    if installed("nft"):
        found["tables"] = run_in(ns, "nft", "list", "tables").stdout
        for kind in ("ip", "ip6", "inet"):
            found[f"hooks {kind}"] = run_in(ns, "nft", "list", "hooks", kind).stdout
    return found


def _names(path: str) -> str:
    """What a file holds; of modules the names alone, since counts of use change."""
    if not Path(path).exists():
        return "not there"
    text = Path(path).read_text()
    return " ".join(sorted(re.findall(r"(?m)^(\w+) ", text))) if path.endswith("modules") else text


def looks(ns: str) -> Iterator[int]:
    """Each command that reads what runs, its exit code."""
    with inside(ns):
        yield rulec("lint", "--live").code
        yield rulec("lint", "--live", "--tracking-report").code
        yield rulec("trace", "--live", "--packet", PACKET).code
        yield rulec("diff", "--live", "examples/web-server.rules").code
        yield rulec("compile", "--live", "--policy", "policies/web.yaml").code


class TestNothingIsSwitchedOn:
    def test_where_there_is_nothing(self, netns: str) -> None:
        before = switched_on(netns)
        assert list(looks(netns)) == [0, 0, 0, 1, 2]
        assert switched_on(netns) == before
        assert before["/proc/thread-self/net/ip_tables_names"] in ("", "not there")
        assert not tracked(netns, V4)

    @pytest.mark.parametrize("backend", BACKENDS)
    def test_where_there_is_one_table(self, netns: str, backend: str) -> None:
        restore(netns, DROPS, V4, backend).check_returncode()
        before = switched_on(netns)
        assert list(looks(netns)) == [0, 0, 0, 1, 0]
        assert switched_on(netns) == before
        assert not tracked(netns, V4)

    def test_what_is_looked_at_would_tell(self, netns: str) -> None:
        """To name a table is to make it: the comparison sees that."""
        before = switched_on(netns)
        run_in(netns, "iptables-legacy-save", "-t", "nat").check_returncode()
        assert switched_on(netns) != before


def test_without_root_it_is_said_what_could_not_be_read(netns: str) -> None:
    restore(netns, DROPS, V4).check_returncode()
    with inside(netns):
        legacy, nft = without_root(lambda: "\n".join(live((V4,)).unread)).splitlines()
    assert legacy == "live:legacy IPv4: /proc/net/ip_tables_names: only root may read it"
    assert nft.startswith("live:nft IPv4: iptables-nft-save: ")
    assert "Permission denied" in nft


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.name)
@pytest.mark.parametrize("backend", BACKENDS)
def test_reads_what_iptables_save_prints(netns: str, backend: str, path: Path) -> None:
    family = V6 if path.suffix.endswith("6") else V4
    if restore(netns, path.read_text(), family, backend).returncode:
        pytest.skip("this kernel does not load it")
    (found,) = live_in(netns, family).rulesets
    assert found.name == f"live:{backend} {family.label}"
    assert plain(found.text) == plain(run_in(netns, f"{SAVE[family]}-{backend}-save").stdout)
    assert parse(found.text, found.name, family.value).valid


def test_notrack_stays_what_it_is(netns: str) -> None:
    """A bare CT in place of it would switch tracking on."""
    rules = "*raw\n-A PREROUTING -p udp -m udp --dport 53 -j NOTRACK\nCOMMIT\n"
    restore(netns, rules, V4).check_returncode()
    (found,) = live_in(netns, V4).rulesets
    assert re.findall("(?m)-j .*$", found.text) in (["-j NOTRACK"], ["-j CT --notrack"])


def test_both_back_ends_are_shown_and_both_decide(netns: str) -> None:
    restore(netns, DROPS, V4, "legacy").check_returncode()
    restore(netns, DROPS.replace("80", "81"), V4, "nft").check_returncode()
    found = live_in(netns)
    assert [one.name for one in found.rulesets] == ["live:legacy IPv4", "live:nft IPv4", "live:IPv6"]
    assert found.notes[0].startswith("two rulesets of IPv4 are in force")
    printed = rulec_in(netns, "trace", "--live", "--packet", PACKET).out
    assert ("live:legacy IPv4\n" in printed, "live:nft IPv4\n" in printed) == (True, True)


@pytest.mark.skipif(not installed("nft"), reason="nft is not installed (Debian: apt-get install nftables)")
class TestRulesOfNft:
    def test_tables_of_its_own_are_told(self, netns: str) -> None:
        run_in(netns, "nft", "add", "table", "inet", "firewalld").check_returncode()
        assert "not read: inet firewalld (" in live_in(netns).notes[-1]

    def test_what_iptables_cannot_print_is_told(self, netns: str) -> None:
        base = "{ type filter hook input priority 0; }"
        run_in(netns, "nft", "add", "table", "ip", "filter").check_returncode()
        run_in(netns, "nft", "add", "chain", "ip", "filter", "INPUT", base).check_returncode()
        run_in(netns, "nft", "add", "rule", "ip", "filter", "INPUT", "ct", "state", "new", "drop").check_returncode()
        done = rulec_in(netns, "lint", "--live")
        assert (done.code, done.out) == (2, "")
        assert "live:nft IPv4: the table filter holds what iptables cannot print" in done.err


def test_what_runs_is_the_same_as_its_file(netns: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.v4"
    path.write_text(Path("examples/web-server.rules").read_text())
    restore(netns, path.read_text(), V4).check_returncode()
    assert rulec_in(netns, "diff", "--live", str(path)).code == 0


def test_what_was_compiled_of_it_loads(netns: str, tmp_path: Path) -> None:
    restore(netns, Path("examples/web-server.rules").read_text(), V4).check_returncode()
    policy = ("--family", "ipv4", "--policy", "policies/web.yaml")
    done = rulec_in(netns, "compile", "--live", *policy, "--output-dir", str(tmp_path))
    assert done.code == 0, done.err
    restore(netns, (tmp_path / "rules.v4").read_text(), V4).check_returncode()
    assert rulec_in(netns, "compile", "--live", *policy, "--check").code == 0
