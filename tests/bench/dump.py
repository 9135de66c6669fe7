"""``python -m tests.bench.dump N``: the table of connections of a busy server, as /proc/net/nf_conntrack shows it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

HOST = "192.0.2.10"
SEED = 7
_PORTS = (443, 443, 443, 80, 80, 53, 22)


def lines(number: int) -> Iterator[str]:
    """So many entries of clients all over the world: nearly each another address, as in a flood."""
    chance = random.Random(SEED)
    for _ in range(number):
        client = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        port, own = chance.choice(_PORTS), chance.randrange(1024, 65535)
        name, state = ("udp      17 29", "") if port == 53 else ("tcp      6 431999", chance.choice(_STATES))
        there, back = f"src={client} dst={HOST} sport={own} dport={port}", f"src={HOST} dst={client} sport={port}"
        yield f"ipv4     2 {name} {state}{there} {back} dport={own} [ASSURED] mark=0 zone=0 use=2\n"


_STATES = ("ESTABLISHED ", "TIME_WAIT ", "TIME_WAIT ", "CLOSE_WAIT ")

if __name__ == "__main__":
    sys.stdout.writelines(lines(int(sys.argv[1])))
