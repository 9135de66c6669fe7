"""Where a comment may stand, and how much of one is kept: rulec and the real iptables-restore agree."""

from __future__ import annotations

import pytest

from rulec import api
from rulec.model import Family
from tests.kernel.conftest import restore, run_in, save
from tests.unit.lint.test_comments import CASES

BACKENDS = ("legacy", "nft")


@pytest.mark.kernel
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("slug", "bad", "good"), CASES)
def test_where_a_comment_may_stand(slug: str, bad: str, good: str, backend: str, netns: str) -> None:
    loads = restore(netns, bad, Family.IPV4, backend).returncode == 0
    assert loads is api.parse(bad, family="ipv4").valid, slug
    assert restore(netns, good, Family.IPV4, backend).returncode == 0


@pytest.mark.kernel
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [255, 256, 300])
def test_how_much_of_a_comment_is_kept(length: int, backend: str, netns: str) -> None:
    text = f"*filter\n-A INPUT -m comment --comment {'x' * length}\nCOMMIT\n"
    assert restore(netns, text, Family.IPV4, backend).returncode == 0
    assert save(netns, Family.IPV4, backend).count("x" * 255) == 1
    found = api.lint(api.parse(text), api.checks(["comment-too-long"])).findings
    assert bool(found) is (f"{'x' * 256}" not in save(netns, Family.IPV4, backend) and length > 255)


@pytest.mark.kernel
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_marker_survives_loading_and_saving(backend: str, netns: str) -> None:
    """Comments of lines do not, and with the marker the rule is suppressed in what is saved."""
    marker = '-m comment --comment "rulec:ignore=open-to-world NET-77 the bastion"'
    rule = f"-A INPUT -p tcp --dport 22 {marker} -j ACCEPT"
    text = f"*filter\n:INPUT DROP [0:0]\n# rulec: ignore[open-to-world]\n{rule}\nCOMMIT\n"
    assert restore(netns, text, Family.IPV4, backend).returncode == 0
    saved = run_in(netns, f"iptables-{backend}-save", "-t", "filter").stdout
    assert "# rulec" not in saved
    found = api.lint(api.parse(saved, family="ipv4"), api.checks(["exposure", "suppression"]))
    assert (found.findings, [each.reason for each in found.suppressed]) == ((), ["NET-77 the bastion"])
