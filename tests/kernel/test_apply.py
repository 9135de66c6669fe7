"""rulec apply in network namespaces: whatever is killed, the old rules are back, unless the new were confirmed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rulec.model import Family
from tests.kernel.conftest import installed, namespace, restore, run_in, save

ROOT = Path(__file__).resolve().parent.parent.parent
BACKENDS = ("legacy", "nft")
FAMILIES = (Family.IPV4, Family.IPV6)
OLD = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:OWN - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j OWN
-A OWN -j ACCEPT
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i eth0 -j MARK --set-xmark 0x1/0xffffffff
COMMIT
"""
NEW = """*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j CT --notrack
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT
COMMIT
"""
ORDER = ["IPv4 filter", "IPv6 filter", "IPv4 raw", "IPv6 raw"]

WRAPPER = """#!/bin/sh
# the {number}th call does something first, such as killing
echo x >> {calls}
case "$*" in *--test*) kind=test;; *) kind=load;; esac
if [ $(wc -l < {calls}) = {number} ]; then {first}; fi
exec {real} "$@"
"""


class World:
    """A namespace with old rules of both families, files with new ones, and a folder in front of PATH."""

    def __init__(self, ns: str, backend: str, folder: Path) -> None:
        self.ns, self.backend, self.folder = ns, backend, folder
        self.state = folder / "state"
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.files = [folder / f"rules.v{number}" for number in (4, 6)]
        for file in self.files:
            file.write_text(NEW)
        for family in FAMILIES:
            done = restore(ns, OLD, family, backend)
            assert done.returncode == 0, done.stderr
        self.before = self.rules()

    def rules(self) -> list[str]:
        """What is there, without counters; tables that hold nothing, which legacy cannot delete, count as none."""
        found = [re.sub(r"\[\d+:\d+\]", "", save(self.ns, family, self.backend)) for family in FAMILIES]
        return [re.sub(r"(?m)^\*\w+\n(?:^:\S+ ACCEPT ?\n)+COMMIT\n", "", text) for text in found]

    def command(self, *more: str) -> list[str]:
        program = [sys.executable, "-m", "rulec", "apply", "--state-dir", str(self.state)]
        return ["ip", "netns", "exec", self.ns, *program, *more]

    def start(self, *more: str, timeout: float = 20, **given: Any) -> subprocess.Popen[str]:
        files = [str(file) for file in self.files]
        command = self.command("--backend", self.backend, "--timeout", str(timeout), *more, *files)
        given.setdefault("stdin", subprocess.DEVNULL)
        environment = {**os.environ, "PATH": f"{self.tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        environment.update(given.pop("variables", {}), LC_ALL="C")
        environment.setdefault("SSH_CONNECTION", "")
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, **given
        )

    def confirm(self) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            self.command("--confirm"), capture_output=True, text=True, check=False, env=environment, timeout=60
        )

    def wrap(self, tool: str, number: int, first: str) -> None:
        """Have the so-manieth call of all wrapped tools do something first."""
        name = f"{tool}-{self.backend}-restore"
        real = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        text = WRAPPER.format(number=number, calls=self.folder / "calls", first=first, real=real)
        (self.tools / name).write_text(text)
        (self.tools / name).chmod(0o755)

    def wrap_all(self, number: int, first: str) -> None:
        for tool in ("iptables", "ip6tables"):
            self.wrap(tool, number, first)

    def settle(self) -> None:
        """Wait until no guard is there any more."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not (self.state / "lock").exists():
                return
            with open(self.state / "lock") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    time.sleep(0.1)
                else:
                    return
        raise AssertionError("the guard is still there")


def said_until(process: subprocess.Popen[str], words: str) -> str:
    """What it prints, up to some words."""
    assert process.stdout is not None
    text = ""
    while words not in text:
        line = process.stdout.readline()
        assert line, text
        text += line
    return text


def rest(process: subprocess.Popen[str]) -> tuple[int, str]:
    text, _ = process.communicate(timeout=90)
    return process.returncode, text


@pytest.fixture(params=BACKENDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with namespace() as ns:
        found = World(ns, request.param, tmp_path)
        yield found
        found.settle()


def test_silence_brings_the_old_rules_back(world: World) -> None:
    code, text = rest(world.start(timeout=1))
    assert code == 1, text
    assert [line.split(":")[0] for line in text.splitlines() if line.endswith(": loaded")] == ORDER
    assert "nobody confirmed the new rules within 1 seconds" in text
    assert "the old rules are back" in text
    assert world.rules() == world.before


def test_says_what_the_page_shows(world: World) -> None:
    page = (ROOT / "docs/apply.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n# rulec apply rules.v4\n(.*?)```", page, re.DOTALL)
    del world.files[1:]
    code, text = rest(world.start(timeout=1))
    folder = r"/\S+/apply-\d{8}-\d{6}-\w{8}"
    warnings = "".join(re.findall(r"(?m)^# Warning: .*\n", text))
    said = re.sub(folder, "RUN", text.removeprefix(warnings)).replace(f" --state-dir {world.state}", "")
    assert (code, said) == (1, re.sub(folder, "RUN", shown).replace("30 seconds", "1 seconds"))


def test_tables_that_the_file_lacks_stay(world: World) -> None:
    code, text = rest(world.start("--yes"))
    assert code == 0, text
    assert "IPv4 mangle: not in the new file" in text
    assert "IPv4 filter: these chains are not in the new file, and go: OWN\n" in text
    for now in world.rules():
        assert "--dport 2222" in now
        assert "--notrack" in now
        assert "--set-xmark" in now
        assert "OWN" not in now


def test_a_second_session_confirms(world: World) -> None:
    process = world.start()
    said_until(process, "rulec apply --confirm --state-dir")
    confirmed = world.confirm()
    assert (confirmed.returncode, confirmed.stderr) == (0, "")
    code, text = rest(process)
    assert code == 0
    assert text.count("the new rules stay") == 1
    assert all("--dport 2222" in now for now in world.rules())
    assert world.confirm().returncode == 0  # it says so again


def test_a_confirmation_can_come_too_late(world: World) -> None:
    rest(world.start(timeout=1))
    confirmed = world.confirm()
    assert confirmed.returncode == 1
    assert "too late, the old rules are back: nobody confirmed" in confirmed.stdout
    assert world.rules() == world.before


def test_without_a_run_there_is_nothing_to_confirm(world: World) -> None:
    confirmed = world.confirm()
    assert confirmed.returncode == 2
    assert "nothing waits for a confirmation" in confirmed.stderr


def test_one_run_at_a_time(world: World) -> None:
    process = world.start()
    said_until(process, "in force")
    world.wrap_all(0, "true")
    code, text = rest(world.start())
    assert code == 2
    assert "another rulec apply waits for its confirmation" in text
    assert not (world.folder / "calls").exists()  # nor has it saved what is there, which is not what there was
    process.send_signal(signal.SIGINT)
    assert rest(process)[0] == 1
    assert world.rules() == world.before


# ── the terminal ──


@pytest.mark.parametrize(("typed", "code"), [("yes\n", 0), ("what?\nyes\n", 0), ("no\n", 1), ("\x04", 1), ("\x03", 1)])
def test_answers_on_the_terminal(world: World, typed: str, code: int) -> None:
    ours, theirs = pty.openpty()
    process = world.start(stdin=theirs, start_new_session=True, preexec_fn=_takes_the_terminal)
    os.close(theirs)
    said_until(process, "or answer yes here")
    for line in typed.splitlines(keepends=True):
        time.sleep(0.3)
        os.write(ours, line.encode())
    done, text = rest(process)
    os.close(ours)
    assert done == code, text
    assert (world.rules() == world.before) == bool(code)
    assert ('answer "yes" to keep' in text) == ("what" in typed)


def _takes_the_terminal() -> None:
    """Make the terminal on standard input that of the new session, so that Ctrl-C and its end are signals."""
    fcntl.ioctl(0, 0x540E, 0)  # TIOCSCTTY


def test_a_lost_terminal_brings_the_old_rules_back(world: World) -> None:
    ours, theirs = pty.openpty()
    process = world.start(stdin=theirs, start_new_session=True, preexec_fn=_takes_the_terminal)
    os.close(theirs)
    said_until(process, "in force")
    assert world.rules() != world.before
    os.close(ours)
    process.wait(30)
    world.settle()
    assert world.rules() == world.before


def test_without_any_stream(world: World) -> None:
    """As some supervisors start programs: what is opened first must not become a stream of the guard."""
    command = world.command("--backend", world.backend, "--timeout", "1", *map(str, world.files))
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SSH_CONNECTION": ""}
    assert subprocess.run(closed, check=False, env=environment, timeout=60).returncode == 1
    (log,) = world.state.glob("apply-*/log")
    assert '["back"]' in log.read_text()
    assert world.rules() == world.before


# ── killed ──


@pytest.mark.parametrize("kill", [os.kill, os.killpg], ids=["alone", "with its group"])
def test_killed_while_it_waits(world: World, kill: Callable[[int, int], None]) -> None:
    process = world.start(start_new_session=True)
    said_until(process, "in force")
    begun = time.monotonic()
    kill(process.pid, signal.SIGKILL)
    process.wait(30)
    world.settle()
    assert world.rules() == world.before
    assert time.monotonic() - begun < 15  # long before the deadline


CALLS = {
    1: "--test of a file", 2: "--test of the other", 3: "--test of the way back", 4: "the same of the other",
    5: "the first load", 6: "the second", 7: "the third", 8: "the last load", 9: "the way back",
}  # fmt: skip


@pytest.mark.parametrize("number", CALLS, ids=CALLS.get)
def test_killed_at_every_step(world: World, number: int) -> None:
    """Also when what was begun goes on for a while without it."""
    process = killed_at(world, number, timeout=2)
    assert process.wait(60) == -signal.SIGKILL
    world.settle()
    assert world.rules() == world.before


@pytest.mark.parametrize("number", [7, 8])
def test_killed_without_a_question(world: World, number: int) -> None:
    process = killed_at(world, number, "--yes")
    assert process.wait(60) == -signal.SIGKILL
    world.settle()
    assert world.rules() == world.before


@pytest.mark.parametrize("more", [(), ("--yes",)])
def test_an_impatient_no_is_one(world: World, more: tuple[str, ...]) -> None:
    """Ctrl-C more than once while a table is being loaded."""
    pid = world.folder / "pid"
    twice = " sleep 0.2; ".join(["kill -INT $(cat {0});"] * 2).format(pid)
    world.wrap_all(6, f"while [ ! -s {pid} ]; do sleep 0.05; done; {twice} sleep 0.3")
    process = world.start(*more)
    pid.write_text(str(process.pid))
    code, text = rest(process)
    assert (code, "going back: the answer was no" in text) == (1, True), text
    assert world.rules() == world.before


def test_nothing_more_is_loaded_once_it_is_killed(world: World) -> None:
    assert killed_at(world, 6).wait(60) == -signal.SIGKILL
    world.settle()
    (log,) = world.state.glob("apply-*/log")
    assert log.read_text().count("loading") == 2


def killed_at(world: World, number: int, *more: str, timeout: float = 20) -> subprocess.Popen[str]:
    """A run that the so-manieth call of a tool kills before it begins."""
    pid = world.folder / "pid"
    world.wrap_all(number, f"while [ ! -s {pid} ]; do sleep 0.05; done; kill -9 $(cat {pid}); sleep 0.5")
    process = world.start(*more, timeout=timeout)
    pid.write_text(str(process.pid))
    return process


@pytest.mark.parametrize("number", [5, 6, 7, 8])
def test_a_guard_that_is_killed_is_replaced(world: World, number: int) -> None:
    """Its last loader may end after it: the way back waits for that."""
    given = world.folder / "given"
    world.wrap_all(number, f"cat > {given}; kill -9 $PPID; sleep 1; exec < {given}")
    code, text = rest(world.start())
    assert code == 1, text
    assert "the process that would go back was killed" in text
    time.sleep(2)
    assert world.rules() == world.before


def test_a_guard_that_is_killed_while_it_waits_is_replaced(world: World) -> None:
    process = world.start()
    said_until(process, "in force")
    os.kill(guard_of(process), signal.SIGKILL)
    code, text = rest(process)
    assert code == 1, text
    assert world.rules() == world.before


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE])
def test_signals_of_a_terminal_do_not_reach_the_guard(world: World, sign: signal.Signals) -> None:
    process = world.start()
    said_until(process, "in force")
    os.kill(guard_of(process), sign)
    time.sleep(0.3)
    assert world.confirm().returncode == 0
    assert rest(process)[0] == 0


def test_a_guard_that_is_told_to_end_goes_back_first(world: World) -> None:
    process = world.start()
    said_until(process, "in force")
    os.kill(guard_of(process), signal.SIGTERM)
    code, text = rest(process)
    assert (code, "this process was told to end" in text) == (1, True)
    assert world.rules() == world.before


def guard_of(process: subprocess.Popen[str]) -> int:
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(child)


# ── what fails ──


@pytest.mark.parametrize("number", [5, 6, 7, 8])
def test_a_table_that_cannot_be_loaded_takes_all_back(world: World, number: int) -> None:
    world.wrap_all(number, "echo 'no, not that' >&2; exit 4")
    code, text = rest(world.start("--yes"))
    assert code == 1, text
    assert f"{ORDER[number - 5]}: could not be loaded\n  no, not that\n" in text
    assert world.rules() == world.before


def test_a_file_that_is_refused_is_not_begun(world: World) -> None:
    world.wrap("ip6tables", 2, "echo 'line 7 failed' >&2; exit 1")
    world.wrap("iptables", 2, "true")
    code, text = rest(world.start())
    assert code == 2
    assert "line 7 failed" in text
    assert "nothing was touched" in text
    assert world.rules() == world.before


def test_a_way_back_that_fails_at_first_is_tried_again(world: World) -> None:
    world.wrap_all(9, "exit 4")
    code, text = rest(world.start(timeout=1))
    assert (code, "the old rules are back" in text) == (1, True)
    assert world.rules() == world.before


def test_a_way_back_that_fails_says_what_to_do(world: World) -> None:
    for tool in ("iptables", "ip6tables"):
        world.wrap(tool, 0, "true")
        path = world.tools / f"{tool}-{world.backend}-restore"
        stuck = f'if [ $(wc -l < {world.folder}/calls) -gt 8 ] && [ "$kind" = load ]; then exit 4; fi\nexec'
        path.write_text(path.read_text().replace("exec", stuck))
    code, text = rest(world.start(timeout=1))
    assert code == 1, text
    assert "NOT ALL OLD RULES ARE BACK" in text
    by_hand = re.findall(r"by hand: (.*)", text)
    assert len(by_hand) == 4
    shutil.rmtree(world.tools)
    real = os.path.dirname(shutil.which("iptables-nft-restore", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "")
    for command in by_hand:
        done = run_in(world.ns, "sh", "-c", command.replace(str(world.tools), real))
        assert done.returncode == 0, done.stderr
    assert world.rules() == world.before


def test_a_lock_that_stays_held_does_not_keep_the_old_rules_away(world: World) -> None:
    """``iptables -L`` holds it while it asks for names, which rules without DNS make minutes of (legacy alone)."""
    lock = world.folder / "xtables.lock"
    process = world.start(timeout=1, variables={"XTABLES_LOCKFILE": str(lock)})
    said_until(process, "in force")
    with open(lock, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, text = rest(process)
    assert (code, "the old rules are back" in text) == (1, True), text
    assert ("past the lock" in text) == (world.backend == "legacy")
    assert world.rules() == world.before


def test_a_table_whose_loader_fails_is_as_it_was(world: World) -> None:
    """Nothing has to come back, and nothing is said to be stuck where it could not."""
    for tool in ("iptables", "ip6tables"):
        world.wrap(tool, 0, "true")
        path = world.tools / f"{tool}-{world.backend}-restore"
        path.write_text(path.read_text().replace("exec", '[ "$kind" = load ] && exit 4\nexec'))
    code, text = rest(world.start())
    assert (code, "the old rules are back" in text, "by hand" in text) == (1, True, False), text
    assert world.rules() == world.before


@pytest.fixture
def small(world: World) -> Iterator[World]:
    """The folder of the runs is on a file system of its own, with little room."""
    world.state.mkdir(mode=0o700)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=50,mode=0700", "none", str(world.state)], check=True
    )
    yield world
    world.settle()
    subprocess.run(["umount", "--lazy", str(world.state)], check=True)


def fill(folder: Path) -> None:
    """Leave no room at all."""
    with contextlib.suppress(OSError), open(folder / "ballast", "wb", buffering=0) as file:
        while file.write(b"x" * 512):
            pass


def test_without_room_nothing_is_begun(small: World) -> None:
    fill(small.state)
    code, text = rest(small.start())
    assert (code, f"{small.state}: No space left on device; nothing was touched" in text) == (2, True), text
    assert small.rules() == small.before


def test_a_file_system_that_only_reads_is_told(small: World) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small.state)], check=True)
    code, text = rest(small.start())
    assert (code, f"{small.state}: Read-only file system; nothing was touched" in text) == (2, True), text


def test_a_disk_that_fills_up_keeps_nobody_from_confirming(small: World) -> None:
    process = small.start()
    said_until(process, "in force")
    fill(small.state)
    confirmed = small.confirm()
    assert (confirmed.returncode, confirmed.stderr) == (0, "")
    assert rest(process)[0] == 0
    assert small.rules() != small.before


def test_a_confirmation_that_comes_too_late_is_told_so_on_a_full_disk(small: World) -> None:
    process = small.start(timeout=1)
    said_until(process, "in force")
    fill(small.state)
    assert rest(process)[0] == 1
    confirmed = small.confirm()
    assert (confirmed.returncode, "too late" in confirmed.stdout) == (1, True), confirmed
    assert small.rules() == small.before


def test_a_confirmation_that_cannot_be_noted_is_none(small: World) -> None:
    ours, theirs = pty.openpty()
    process = small.start(stdin=theirs, start_new_session=True, preexec_fn=_takes_the_terminal)
    os.close(theirs)
    said_until(process, "or answer yes here")
    with contextlib.suppress(OSError):
        for number in range(50):  # so many names there may be
            (small.state / f"{number}").touch()
    confirmed = small.confirm()
    assert confirmed.returncode == 2
    assert "cannot be confirmed: No space left on device; the old rules come back" in confirmed.stderr
    time.sleep(0.3)
    os.write(ours, b"yes\n")
    code, text = rest(process)
    os.close(ours)
    assert (code, "cannot be confirmed: No space left on device" in text) == (1, True), text
    assert small.rules() == small.before


def test_rules_of_nft_that_cannot_be_saved(tmp_path: Path) -> None:
    if not installed("nft"):
        pytest.skip("nft is not installed")
    with namespace() as ns:
        world = World(ns, "nft", tmp_path)
        done = run_in(ns, "nft", "add rule ip filter INPUT meta cgroup 7 tcp dport { 1, 2 } accept")
        assert done.returncode == 0, done.stderr
        before = run_in(ns, "nft", "list", "ruleset").stdout
        code, text = rest(world.start())
        assert (code, "nothing was touched" in text) == (2, True), text
        assert run_in(ns, "nft", "list", "ruleset").stdout == before


# ── the connection, and the entries ──

SESSION = {"SSH_CONNECTION": "198.51.100.7 50000 192.0.2.10 22"}


def test_a_session_is_not_cut_off(world: World) -> None:
    code, text = rest(world.start(variables=SESSION))
    assert code == 1
    assert "a new connection like it: tcp 198.51.100.7:50000 > 192.0.2.10:22 syn" in text
    assert "refused: the new rules may cut off the connection" in text
    assert not world.state.exists()
    assert world.rules() == world.before


def test_a_session_is_cut_off_where_that_is_wanted(world: World) -> None:
    process = world.start("--force-session", variables=SESSION)
    said_until(process, "as --force-session says")
    said_until(process, "in force")
    assert world.confirm().returncode == 0
    assert rest(process)[0] == 0


def test_tables_that_stay_are_asked_about_the_session(world: World) -> None:
    """The new file lets it in, but the table mangle, which stays, does not."""
    old = OLD.replace("-j MARK --set-xmark 0x1/0xffffffff", "-j DROP").replace("-i eth0", "-p tcp")
    assert restore(world.ns, old, Family.IPV4, world.backend).returncode == 0
    for file in world.files:
        file.write_text(NEW.replace("2222", "22"))
    code, text = rest(world.start(variables=SESSION))
    assert (code, "mangle PREROUTING" in text) == (1, True), text


def test_a_session_that_passes_is_said_so(world: World) -> None:
    for file in world.files:
        file.write_text(NEW.replace("2222", "22"))
    code, text = rest(world.start("--dry-run", variables=SESSION))
    assert (code, "passes, and so does a new one like it" in text) == (0, True)
    assert world.rules() == world.before


POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [80]}\n"


@pytest.mark.skipif(not installed("conntrack"), reason="the conntrack tool is not installed")
def test_entries_of_hot_flows_go(world: World) -> None:
    entry = "-p tcp -s 192.0.2.1 -d 192.0.2.2 --sport 1024 --state ESTABLISHED -t 1000"
    for port in (80, 81):
        made = run_in(world.ns, "conntrack", "-I", *shlex.split(entry), "--dport", str(port))
        assert made.returncode == 0, made.stderr
    policy = world.folder / "policy.yaml"
    policy.write_text(POLICY)
    code, text = rest(world.start("--yes", "--policy", str(policy)))
    assert code == 0, text
    left = run_in(world.ns, "conntrack", "-L").stdout
    assert ("dport=80 " in left, "dport=81 " in left) == (False, True)
