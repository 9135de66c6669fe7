"""The kernel, too, does otherwise without each part of the new rules, and behind each guard."""

from __future__ import annotations

from itertools import cycle

import pytest

from rulec.host.verify import verify_in_kernel
from tests.compile_fuzz.parts import GUARDED, LOCAL, PARTS, Broken, Guard, Part, without_guard, without_part

NOT_SENT = (
    "helper",  # nobody speaks FTP here
    "helper port",
    "connection target",  # nobody gives the connection a mark
    "TPROXY",  # test_tproxy.py has the proxy that it needs
    "22&0x3C@",  # nobody forges errors about what is no connection
)
"""What takes more than packets that can be sent here.

``connlimit`` forgets only after a while, and what goes to all hosts is not sent.
"""

CASES: list[Guard | Part] = [
    *(guard for guard in GUARDED if guard.name not in NOT_SENT and "connlimit" not in guard.host.text),
    *(part for part in PARTS if NOT_SENT[-1] not in part.word and (part.host, part.word) != ("resolver", LOCAL)),
]


def _name(case: Guard | Part) -> str:
    return case.name if isinstance(case, Guard) else f"{case.host}: {case.word or case.has} in {case.line}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "backend"), [pytest.param(*pair, id=_name(pair[0])) for pair in zip(CASES, cycle(("legacy", "nft")))]
)
def test_the_kernel_confirms(case: Guard | Part, backend: str) -> None:
    broken = without_guard(case) if isinstance(case, Guard) else without_part(case)
    assert isinstance(broken, Broken)
    packets = [failure.packet for failure in broken.failures]
    report = verify_in_kernel([broken.old], [broken.new], broken.policy, counterexamples=packets, backend=backend)
    assert report.differences, "\n".join(report.lines())
