"""The benchmark of rulec hot: the table that it makes is one, and what it prints."""

from __future__ import annotations

from tests.bench import hot
from tests.bench.dump import HOST, lines
from tests.bench.process import Run
from tests.unit.host.conntrack.dumps import counted


def test_the_table_is_read_whole() -> None:
    found = counted("".join(lines(500)), HOST)
    assert found.entries == 500
    assert {service.title for service in found.services} == {"tcp/443", "tcp/80", "udp/53", "tcp/22"}


def test_rows() -> None:
    said = hot.rows([Run(4, 100)], {"wc": [Run(0.1, 2)]}, 1_000_000)
    assert said[2].endswith(": met")
    assert said[3].split() == ["wc", "0.10", "2", "40.0"]
    assert hot.rows([Run(4, 600)], {}, 10)[2].endswith("NOT MET")
    assert hot.rows([Run(11, 100)], {}, 10)[2].endswith("NOT MET")
    assert max(map(len, said)) <= 100
