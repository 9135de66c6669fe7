"""Which modules bring nf_conntrack with them: what rulec says, and what the running kernel's modules say.

A module that is loaded loads all that it depends on, and ``modules.dep`` lists that for
each (depmod(8)); nothing is loaded here.  Where all is built into the kernel there is no
such list, and RULEC_MODULES_DEP may name that of another one.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from rulec.catalogue.extension import Extension, Tracking
from rulec.kernel.modules import needs_conntrack
from tests.unit.catalogue.examples import EXTENSIONS

CORE = "nf_conntrack"
LIST = Path(os.environ.get("RULEC_MODULES_DEP") or f"/lib/modules/{os.uname().release}/modules.dep")

LATER = {
    "physdev": {"br_netfilter"}, "string": {"ts_bm", "ts_kmp"}, "LOG": {"nf_log_syslog"}, "TRACE": {"nf_log_syslog"},
    "NFLOG": {"nfnetlink_log"},
}  # fmt: skip
"""What none of the others depends on: the kernel asks for it when the rule is loaded."""

GONE = frozenset(("CLUSTERIP", "ULOG"))
"""Extensions that newer kernels have lost."""


@cache
def dependencies() -> dict[str, set[str]]:
    """All that each module needs, by its plain name."""
    if not LIST.exists():
        pytest.skip(f"{LIST} is not there: the kernel has all built in")
    found = {}
    for line in LIST.read_text().splitlines():
        name, *needed = re.findall(r"([^/\s]+)\.ko", line.replace("-", "_"))
        found[name] = set(needed)
    if CORE not in found:
        pytest.skip(f"{CORE} is no module of this kernel")
    return found


def test_rulec_knows_what_needs_conntrack() -> None:
    needing = {name for name, needed in dependencies().items() if CORE in needed}
    assert {name for name in dependencies() if needs_conntrack(name)} == needing | {CORE}


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
def test_modules_of_extensions(extension: Extension) -> None:
    """The named modules are there, bring what is named with them, and bring nf_conntrack where rulec says so."""
    there = [name for name in extension.modules if name != CORE and name in dependencies()]
    if not there:
        assert extension.name in GONE
        pytest.skip("the kernel has no such module")
    brought = set().union(*(dependencies()[name] for name in there))
    assert (CORE in brought) is (extension.tracking is not Tracking.NONE)
    own = {name for name in extension.modules if name.startswith(("xt_", "ipt_", "ip6t_"))}
    assert set(extension.modules) - own - LATER.get(extension.name, set()) <= brought
