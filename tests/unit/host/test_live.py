"""What is read of a running kernel, and above all what is not touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rulec.host.live import BACKENDS, Kernel, Live, live
from rulec.model import Family

V4, V6 = Family.IPV4, Family.IPV6
OPEN = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
CLOSED = OPEN.replace("INPUT ACCEPT", "INPUT DROP")
RULES = OPEN.replace("COMMIT", "-A INPUT -s 192.0.2.1/32 -j DROP\nCOMMIT")
ALL = ("iptables-legacy-save", "ip6tables-legacy-save", "iptables-nft-save", "ip6tables-nft-save", "nft")


class Machine:
    """A kernel that holds what a test says, and the programs that are installed there."""

    def __init__(self, folder: Path, modules: str | None = "", symbols: str | None = "") -> None:
        self.folder = folder
        self.ran: list[str] = []
        self.prints: Mapping[str, str] = {}
        self.fails: Mapping[str, str] = {}
        (folder / "bin").mkdir()
        for name, text in (("modules", modules), ("kallsyms", symbols)):
            if text is not None:
                (folder / name).write_text(text)

    def install(self, *names: str) -> None:
        for name in names:
            (self.folder / "bin" / name).write_text("")
            (self.folder / "bin" / name).chmod(0o755)

    def holds(self, family: Family, *tables: str) -> None:
        name = "ip_tables_names" if family is V4 else "ip6_tables_names"
        (self.folder / name).write_text("".join(f"{table}\n" for table in tables))

    def run(self, command: list[str]) -> tuple[int, str, str]:
        self.ran.append(command[0])
        if command[0] in self.fails:
            return 4, "", self.fails[command[0]]
        return 0, self.prints.get(command[0], ""), ""

    def read(self, *families: Family, backends: tuple[str, ...] = BACKENDS) -> Live:
        kernel = Kernel(self.folder, self.folder, str(self.folder / "bin"), self.run)
        return live(families or (V4,), backends, kernel)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    found = Machine(tmp_path)
    found.install(*ALL)
    return found


class TestNothingIsSwitchedOn:
    def test_no_program_is_run_where_the_kernel_has_no_tables(self, machine: Machine) -> None:
        found = machine.read(V4, V6)
        assert (machine.ran, found.unread) == ([], ())
        assert [(one.name, one.text) for one in found.rulesets] == [("live:IPv4", ""), ("live:IPv6", "")]
        assert found.notes[0] == "live:IPv4: the kernel holds no table, so iptables lets every packet pass"

    def test_nor_where_the_list_of_tables_is_empty(self, machine: Machine) -> None:
        machine.holds(V4)
        machine.read()
        assert machine.ran == []

    def test_the_family_without_tables_is_left_alone(self, machine: Machine) -> None:
        machine.holds(V4, "filter")
        machine.prints = {"iptables-legacy-save": RULES}
        machine.read(V4, V6)
        assert machine.ran == ["iptables-legacy-save"]

    @pytest.mark.parametrize(
        ("modules", "symbols", "asked"),
        [
            ("nf_tables 225280 0 - Live 0x0\n", "", True),
            ("nf_tables_x 1 0 - Live 0x0\n", "", False),
            ("", "ffff T nf_tables_getrule\n", True),
            ("", "x" * 5000 + "\nffff T nft_do_chain\n", False),
            ("", None, False),
            (None, None, True),
        ],
        ids=["module", "other module", "built in", "not there", "not told", "no modules at all"],
    )
    def test_nf_tables_is_asked_only_where_it_is(
        self, tmp_path: Path, modules: str | None, symbols: str | None, asked: bool
    ) -> None:
        machine = Machine(tmp_path, modules, symbols)
        machine.install("iptables-nft-save", "nft")
        machine.read()
        assert ("iptables-nft-save" in machine.ran) == asked

    def test_a_symbol_at_the_edge_of_what_is_read_at_once_is_seen(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path, "", "x" * ((1 << 20) - 5) + " nf_tables_getrule\n")
        machine.install("iptables-nft-save", "nft")
        machine.read()
        assert "iptables-nft-save" in machine.ran


class TestWhatIsInForce:
    def both(self, machine: Machine, legacy: str, nft: str, tables: str = "") -> Live:
        (machine.folder / "modules").write_text("nf_tables 1 0 - Live 0x0\n")
        machine.holds(V4, "filter")
        machine.prints = {"iptables-legacy-save": legacy, "iptables-nft-save": nft, "nft": tables}
        return machine.read()

    def test_two_back_ends_in_use_are_two_rulesets(self, machine: Machine) -> None:
        found = self.both(machine, RULES, CLOSED)
        assert [one.name for one in found.rulesets] == ["live:legacy IPv4", "live:nft IPv4"]
        assert found.notes == (
            "two rulesets of IPv4 are in force, live:legacy IPv4 and live:nft IPv4: a packet must pass both",
        )

    @pytest.mark.parametrize("empty", [OPEN, "# Warning: iptables-legacy tables present\n"])
    def test_tables_without_rules_are_not_in_use(self, machine: Machine, empty: str) -> None:
        found = self.both(machine, RULES, empty)
        assert [(one.name, one.text) for one in found.rulesets] == [("live:legacy IPv4", RULES)]
        assert found.notes == ()

    def test_where_none_is_in_use_that_is_said(self, machine: Machine) -> None:
        found = self.both(machine, OPEN, "")
        assert [one.name for one in found.rulesets] == ["live:legacy IPv4"]
        assert found.notes == ("live:legacy IPv4: no rule is loaded, so iptables lets every packet pass",)

    def test_tables_of_nft_alone_are_told(self, machine: Machine) -> None:
        tables = "table ip filter\ntable inet firewalld\ntable ip mine\ntable ip6 other\ntable bridge b\n"
        (note,) = self.both(machine, RULES, "", tables).notes
        assert "inet firewalld, ip mine (" in note

    def test_one_back_end_may_be_chosen(self, machine: Machine) -> None:
        machine.holds(V4, "filter")
        assert [one.name for one in machine.read(backends=("nft",)).rulesets] == ["live:nft IPv4"]
        assert machine.ran == []


class TestWhatCannotBeRead:
    def test_what_iptables_cannot_print(self, machine: Machine) -> None:
        (machine.folder / "modules").write_text("nf_tables 1 0 - Live 0x0\n")
        machine.prints = {"iptables-nft-save": "# Table `filter' is incompatible, use 'nft' tool.\n"}
        (reason,) = machine.read().unread
        assert reason.startswith("live:nft IPv4: the table filter holds what iptables cannot print")

    def test_a_table_that_is_left_out(self, machine: Machine) -> None:
        machine.holds(V4, "filter", "nat")
        machine.prints = {"iptables-legacy-save": RULES}
        assert machine.read().unread == (
            "live:legacy IPv4: iptables-legacy-save does not print the table nat, which the kernel holds",
        )

    def test_a_program_that_fails(self, machine: Machine) -> None:
        machine.holds(V4, "filter")
        machine.fails = {"iptables-legacy-save": "Permission denied (you must be root)\nmore\n"}
        found = machine.read()
        assert found.unread == ("live:legacy IPv4: iptables-legacy-save: Permission denied (you must be root)",)
        assert found.notes == ()

    def test_without_root(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(path: Path, **_: str) -> str:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_text", forbidden)
        assert machine.read(backends=("legacy",)).unread == (
            "live:legacy IPv4: /proc/net/ip_tables_names: only root may read it",
        )

    def test_without_the_program(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.holds(V4, "filter")
        assert machine.read().unread == (
            "live:legacy IPv4: the kernel holds filter, and iptables-legacy-save is not installed",
        )


@pytest.mark.parametrize(("target", "backend"), [("xtables-legacy-multi", "legacy"), ("xtables-nft-multi", "nft")])
def test_the_plain_program_is_of_the_back_end_that_its_file_says(tmp_path: Path, target: str, backend: str) -> None:
    machine = Machine(tmp_path, "nf_tables 1 0 - Live 0x0\n")
    machine.install(target)
    (tmp_path / "bin/iptables-save").symlink_to(tmp_path / "bin" / target)
    machine.holds(V4, "filter")
    machine.prints = {"iptables-save": RULES}
    found = machine.read(backends=(backend,))
    assert [one.name for one in found.rulesets] == [f"live:{backend} IPv4"]
    assert machine.ran[0] == "iptables-save"
