"""The examples and what is compiled from them, in the real iptables."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulec import api
from rulec.source import read_file
from tests.kernel.conftest import restore, save

ROOT = Path(__file__).resolve().parent.parent.parent
BROKEN = ROOT / "examples" / "broken.rules"
EXAMPLES = sorted(
    path for path in (ROOT / "examples").iterdir() if path.name != BROKEN.name and path.suffix in ("", ".rules")
)
COMPILED = sorted((ROOT / "tests" / "golden" / "compile").iterdir())


@pytest.mark.parametrize("backend", ["legacy", "nft"])
@pytest.mark.parametrize("path", [*EXAMPLES, *COMPILED], ids=lambda path: str(path.relative_to(ROOT)))
def test_loads(path: Path, backend: str, netns: str) -> None:
    text = read_file(str(path))
    family = api.load(str(path)).family
    tested = restore(netns, text, family, backend, test=True)
    assert (tested.returncode, tested.stderr) == (0, "")
    loaded = restore(netns, text, family, backend)
    assert (loaded.returncode, loaded.stderr) == (0, "")


@pytest.mark.parametrize("path", [*EXAMPLES, *COMPILED], ids=lambda path: str(path.relative_to(ROOT)))
def test_comes_back_as_canonical_says(path: Path, netns: str) -> None:
    ruleset = api.load(str(path))
    assert restore(netns, ruleset.source.text, ruleset.family).returncode == 0
    assert tables(save(netns, ruleset.family)) == tables(api.canonical(ruleset))


def tables(text: str) -> dict[str, str]:
    """The tables of a dump by name, without counters: base chains keep none in a new namespace."""
    lines = [line.rsplit(" [", 1)[0] if line.startswith(":") else line for line in text.splitlines()]
    blocks = ("\n".join(lines) + "\n").split("COMMIT\n")
    return {block.split("\n")[0]: block for block in blocks if block}


def test_broken_does_not_load(netns: str) -> None:
    ruleset = api.load(str(BROKEN))
    done = restore(netns, ruleset.source.text, ruleset.family)
    assert done.returncode != 0
    assert f"line: {ruleset.findings[0].line}\n" in done.stderr  # it stops at the first error, which rulec names too
