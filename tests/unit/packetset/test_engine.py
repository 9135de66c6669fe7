"""oxidd without what its package brings along, and as others know it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import rulec.lint.run, rulec.analysis.meaning
assert "importlib.metadata" not in sys.modules and "oxidd" not in sys.modules
import oxidd
from rulec.packetset.space import Space, TooLarge
assert oxidd.__version__ and oxidd.util.DDMemoryError is TooLarge
assert isinstance(Space(())._manager, oxidd.bcdd.BCDDManager)
"""


def test_the_package_is_left_for_others_to_import() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)


def test_a_package_that_is_there_already_is_taken() -> None:
    subprocess.run([sys.executable, "-c", "import oxidd, rulec.packetset.space as s; assert s.TooLarge"], check=True)
