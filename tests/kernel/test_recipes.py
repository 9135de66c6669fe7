"""What lines of modprobe.d do: what rulec says, and what modprobe would load (``modprobe --dry-run``, nothing is).

The modules are those of the running kernel; where all is built in, RULEC_MODULES_DEP may name the
modules.dep of another one, in a folder lib/modules/VERSION (apt-get download of a kernel, and depmod -b).
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from rulec.host.modules.recipe import Does, play
from rulec.kernel.generations import CURRENT
from rulec.source import Source
from tests.kernel.conftest import installed
from tests.kernel.test_tracking_modules import CORE, LIST, dependencies

pytestmark = pytest.mark.skipif(not installed("modprobe"), reason="modprobe is not installed (Debian: kmod)")

ASKED = (
    "ipt_conntrack",
    "ipt_state",
    "iptable_nat",
    "nft_chain_nat",
    "ipt_MASQUERADE",
    "ipt_NOTRACK",
    "nfct-helper-ftp",
)
"""What the kernel asks modprobe for: rules by their aliases, tables by their names."""

LINES = [
    "blacklist nf_conntrack", "blacklist nf_nat", "blacklist iptable_nat", "blacklist nft_chain_nat",
    "blacklist nf_conntrack_ipv4", "blacklist xt_conntrack", "blacklist xt_state", "blacklist xt_CT",
    "blacklist xt_MASQUERADE", "blacklist nf_conntrack_ftp", "install nf_conntrack /bin/false",
    "install nf_conntrack /bin/true", "install iptable_nat /bin/false", "install nf_nat /bin/false",
    "install xt_conntrack /bin/false", "install nft_chain_nat /bin/false", "options nf_conntrack hashsize=512",
]  # fmt: skip


def loaded(line: str, folder: Path) -> dict[str, list[str]]:
    """The modules that would be loaded for each request; an install line that fails ends it."""
    dependencies()
    root, version = LIST.parents[3], LIST.parent.name
    (folder / "test.conf").write_text(f"{line}\n")
    found = {}
    for name in ASKED:
        command = ["modprobe", "--dry-run", "--verbose", "--dirname", str(root), "--set-version", version]
        done = subprocess.run([*command, "--config", str(folder), name], capture_output=True, text=True, check=False)
        said = re.split(r"(?m)^install .*false", done.stdout)[0]
        found[name] = re.findall(r"(?m)^insmod \S*/([\w-]+)\.ko", said.replace("-", "_"))
    return found


@pytest.mark.parametrize("line", LINES)
def test_what_a_line_does(line: str, tmp_path: Path) -> None:
    before, after = loaded("", tmp_path), loaded(line, tmp_path)
    (verdict,) = play(Source("recipe", line), CURRENT).verdicts
    with_core = {name for name, modules in after.items() if CORE in modules}
    assert all(CORE in modules for modules in before.values())
    if verdict.does is Does.NOTHING:
        assert after == before
    elif verdict.does is Does.WORKS:
        assert with_core == set()
    elif verdict.does is Does.HARMS:  # modprobe goes on without what the others need
        assert with_core == set()
        assert "xt_conntrack" in after["ipt_conntrack"]
    else:
        assert verdict.does is Does.PARTLY
        assert with_core
        assert after != before
