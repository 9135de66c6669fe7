"""How fast rulec compiles, proof and all; and what is gained by it, in connections of a real kernel."""

from __future__ import annotations

import subprocess
import sys

from tests.bench import meaning
from tests.bench.meaning import Job
from tests.bench.process import ROOT, Bench, show

TITLE = "Compiling: rulec compile FILE --policy POLICY with the proof; cache folder empty"

_POLICY = """version: 1
mode: notrack
hot:
  - name: web
    role: {role}
    protocol: {protocol}
    ports: {ports}
"""
_BEHIND = "    servers: [{}]\n    clients: [{}]\n"
SERVER = _POLICY.format(role="server", protocol="tcp", ports="[80, 443]")
CAMPUS = _POLICY.format(role="forward", protocol="tcp", ports=443) + _BEHIND.format("10.1.176.5", "192.0.2.0/24")
"""A server of the generated campus, and clients that it does not translate."""
BORDER = _POLICY.format(role="forward", protocol="udp", ports=443) + _BEHIND.format("10.139.5.197", "172.23.123.135")
"""A server of the generated access list, and a client that has a rule of its own."""

JOBS = (
    Job("compile", "server", 50, wish=0.5, bound=0.5, megabytes=100, turns=15, policy=SERVER),
    Job("compile", "campus", 5_000, wish=5, bound=5, megabytes=1500, turns=3, policy=CAMPUS),
    Job("compile", "acl", 10_000, wish=20, bound=20, megabytes=1500, turns=3, policy=BORDER),
)


def report(bench: Bench, turns: int) -> bool:
    """Measure all of it; whether everything had an answer."""
    return meaning.report(bench, turns, JOBS, TITLE)


def report_connections(bench: Bench, turns: int) -> bool:
    """Short connections, in a process of its own, since that holds more than this one should."""
    show("")
    command = [sys.executable, "-m", "tests.bench.connections", *(["--turns", str(turns)] if turns else [])]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0
