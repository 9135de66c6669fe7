"""The counters of the running kernel, and how a watch of them ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rulec import advice
from rulec.host.conntrack.here import running
from rulec.host.conntrack.watch import Watch, counters, of_conntrack
from rulec.model import Family
from tests.kernel.conftest import installed, restore, run_in
from tests.kernel.network import inside, tracked, without_root
from tests.running import rulec

V4 = Family.IPV4
STATEFUL = "*filter\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
COMMAND = (sys.executable, "-m", "rulec", "watch", "--interval", "0.2")


@pytest.fixture
def counting() -> None:
    if not Path("/proc/sys/net/netfilter/nf_conntrack_count").exists():
        pytest.skip("connection tracking is not loaded")


def seen(ns: str) -> dict[str, object]:
    with inside(ns):
        done = rulec("watch", "--once", "--interval", "0", "--json")
    assert done.code == 0, done.err
    found: dict[str, object] = json.loads(done.out)
    return found


def started(ns: str, *more: str) -> subprocess.Popen[bytes]:
    there = ("ip", "netns", "exec", ns, *COMMAND, *more)
    environment = {**os.environ, "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"}
    return subprocess.Popen(there, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


@pytest.mark.usefixtures("counting")
class TestWatch:
    def test_counts_what_is_there_and_names_the_service(self, netns: str) -> None:
        restore(netns, STATEFUL, V4).check_returncode()
        with inside(netns):
            for port in range(30000, 30007):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.bind(("127.0.0.1", port))
                    sender.sendto(b"?", ("127.0.0.1", 53))
        found = seen(netns)
        services = found["services"]
        assert isinstance(services, list)
        assert (services[0]["port"], services[0]["entries"]) == (53, 7)
        with inside(netns):
            count = Path("/proc/sys/net/netfilter/nf_conntrack_count").read_text()
        assert found["entries"] == int(count)

    @pytest.mark.skipif(not installed("conntrack"), reason="conntrack is not installed")
    def test_proc_and_conntrack_tell_the_same(self, netns: str) -> None:
        restore(netns, STATEFUL, V4).check_returncode()
        with inside(netns), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as sender:
            sender.sendto(b"\0" * 20, ("127.0.0.1", 0))  # no header of TCP: conntrack calls it invalid
            here = counters()
        listed = of_conntrack(run_in(netns, "conntrack", "-S").stdout)
        assert here["invalid"] > 0
        names = ("found", "invalid", "insert", "insert_failed", "drop", "early_drop", "search_restart")
        assert {name: listed[name] for name in names} == {name: here[name] for name in names}

    def test_without_root_all_but_the_services_is_seen(self, netns: str) -> None:
        def look() -> str:
            view = Watch(lambda: advice.hot(running(), True).table).look()
            return json.dumps([view.moment.most, len(view.moment.counters), view.unread])

        with inside(netns):
            look()  # as root: what it needs, encodings too, is imported by that
            most, counted, unread = json.loads(without_root(look))
        assert (most > 0, counted > 5) == (True, True)
        assert unread == ["services: /proc/net/nf_conntrack: only root may read it"]

    def test_looking_does_not_switch_tracking_on(self, netns: str) -> None:
        seen(netns)
        assert not tracked(netns, V4)

    def test_ctrl_c_ends_it_well(self, netns: str) -> None:
        with started(netns) as process:
            assert process.stdout is not None
            assert b" entries" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert (process.returncode, said) == (0, b"")

    def test_a_closed_pipe_ends_it_without_a_word(self, netns: str) -> None:
        with started(netns, "--json") as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr is not None
            assert process.stderr.read() == b""
        assert process.returncode == 141
