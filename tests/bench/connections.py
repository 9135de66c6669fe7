"""``python -m tests.bench.connections``: many short connections through a ruleset as it was, and as it is compiled.

A client and a server in network namespaces; each connection is a question, an
answer, and the end.  Counted is what is left in the server's table of connections,
and how many connections there were in a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rulec.model import Family
from tests.kernel.conftest import obstacle, restore
from tests.kernel.network import Pair, inside, pair
from tests.running import rulec

ROOT = Path(__file__).resolve().parents[2]
RULESET, POLICY = ROOT / "examples" / "web-server.rules", ROOT / "policies" / "web.yaml"
SERVER, CLIENT, PORT, FIRST_PORT = "192.0.2.10", "198.51.100.7", 80, 20_000
SERVER6, CLIENT6 = "2001:db8::10", "2001:db8::7"
CONNECTIONS, TURNS = 20_000, 5
QUESTION, ANSWER = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 512
COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")  # of the namespace of who reads it


class Measured(NamedTuple):
    """What some connections left in the table, and how many there were in a second."""

    entries: int
    rate: float


def measured(text: str, connections: int) -> Measured:
    """Connections to a server with that ruleset."""
    with pair(*({Family.IPV4: one, Family.IPV6: six} for one, six in ((SERVER, SERVER6), (CLIENT, CLIENT6)))) as hosts:
        restore(hosts.server, text, Family.IPV4).check_returncode()
        with _serving(hosts):
            begin = time.perf_counter()
            _connect(hosts, connections)
            took = time.perf_counter() - begin
        with inside(hosts.server):
            return Measured(int(COUNT.read_text()), connections / took)


@contextmanager
def _serving(hosts: Pair) -> Iterator[None]:
    """A process that answers on the server."""
    with inside(hosts.server):
        listener = socket.create_server((SERVER, PORT), backlog=1024)
    process = multiprocessing.get_context("fork").Process(target=_serve, args=(listener,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()
        listener.close()


def _serve(listener: socket.socket) -> None:
    while True:
        with listener.accept()[0] as one:
            one.recv(len(QUESTION))
            one.sendall(ANSWER)


def _connect(hosts: Pair, connections: int) -> None:
    with inside(hosts.client):
        for number in range(connections):
            own = CLIENT, FIRST_PORT + number  # each of its own, and so each an entry of its own
            with socket.create_connection((SERVER, PORT), timeout=10, source_address=own) as one:
                one.sendall(QUESTION)
                while one.recv(4096):
                    pass


# ── what is printed ──────────────────────────────────────────────────────────────────────────────


def report(connections: int, turns: int) -> Iterator[str]:
    """Turn by turn through both rulesets; medians."""
    done = rulec("compile", RULESET, "--policy", POLICY)
    texts = {"as it was": RULESET.read_text(encoding="utf-8"), "compiled": done.out}
    found: dict[str, list[Measured]] = {name: [] for name in texts}
    for number in range(turns):
        for name in list(texts)[:: -1 if number % 2 else 1]:  # by turns the one and the other first
            found[name].append(measured(texts[name], connections))
    yield f"Connections: {connections:,} short ones to port {PORT} of examples/{RULESET.name}; medians of {turns} turns"
    yield f"{'':<12}{'entries left':>14}{'connections/s':>15}"
    for name, turn in found.items():
        entries, rate = median(one.entries for one in turn), median(one.rate for one in turn)
        yield f"{name:<12}{entries:14,.0f}{rate:15,.0f}"
    ratio = median(new.rate / old.rate for old, new in zip(*found.values(), strict=True))
    yield f"compiled, there are {ratio:.2f} times as many connections in a second (goal: no fewer)"


def main(arguments: list[str]) -> int:
    """Measure and print; a machine where it cannot be done is told so."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.connections", description="what compiling gains")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, metavar="N")
    parser.add_argument("--turns", type=int, default=TURNS, metavar="N")
    chosen = parser.parse_args(arguments)
    why = obstacle()
    if why:
        print(f"Connections: not measured: {why}")
        return 0
    for line in report(chosen.connections, chosen.turns):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
