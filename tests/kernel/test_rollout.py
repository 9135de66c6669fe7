"""The roll-out is run as it is, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec.compiler.rollout import script
from rulec.model import Family
from rulec.policy import read
from tests.kernel.conftest import installed, namespace, run_in

POLICY = "version: 1\nmode: notrack\nhot:\n  - {name: web, role: server, protocol: tcp, ports: [80, 8000-8002]}\n"
OLD = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 80 -m state --state NEW,ESTABLISHED -j ACCEPT\nCOMMIT\n"
RAW = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 80 -j CT --notrack\nCOMMIT\n"
NEW = OLD.replace("NEW,", "NEW,UNTRACKED,") + RAW


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    path = tmp_path / "rules.v4"
    path.write_text(NEW)
    return path


def done(ns: str, *command: str, text: str = "") -> str:
    finished = run_in(ns, *command, text=text)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.skipif(not installed("conntrack"), reason="the conntrack tool is not installed")
def test_goes_there_and_back(compiled: Path, tmp_path: Path) -> None:
    policy, _ = read(POLICY, "policy.yaml")
    assert policy is not None
    told = script([(Family.IPV4, str(compiled))], policy)
    back = "\n".join(line[1:] for line in told.splitlines() if line.startswith("#") and line[1:2] not in ("!", " "))
    with namespace() as ns:
        done(ns, "iptables-restore", text=OLD)
        done(ns, "sh", "-s", str(tmp_path / "before"), text=told)
        assert "--notrack" in done(ns, "iptables-save", "-t", "raw")
        done(ns, "sh", text=f"before={tmp_path}/before\n" + back.replace("sleep 10", "true"))
        assert "--notrack" not in done(ns, "iptables-save", "-t", "raw")
        assert "UNTRACKED" not in done(ns, "iptables-save", "-t", "filter")
