"""What compiling gains, on the real kernel: the connections of a hot port leave no entries."""

from __future__ import annotations

import re

import pytest

from tests.bench import connections
from tests.kernel.conftest import obstacle

UNABLE = obstacle()


@pytest.mark.kernel
@pytest.mark.skipif(bool(UNABLE), reason=UNABLE or "never")
def test_no_entry_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    """As it was each connection has left one; compiled none has."""
    assert connections.main(["--connections", "60", "--turns", "1"]) == 0
    printed = capsys.readouterr().out
    left = {name: int(entries) for name, entries in re.findall(r"(?m)^(as it was|compiled) +(\d+) +[\d,]+$", printed)}
    assert left == {"as it was": 60, "compiled": 0}


def test_says_why_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without root there is a reason in place of figures."""
    monkeypatch.setattr(connections, "obstacle", lambda: "not root")
    assert connections.main([]) == 0
    assert capsys.readouterr().out == "Connections: not measured: not root\n"
