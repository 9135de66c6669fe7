"""What we take of oxidd, which holds decision diagrams.

Its package asks importlib.metadata for its own version when it is imported, and
60 modules come with that: 50 ms, a quarter of what it takes to lint 50 rules
(measured with oxidd 0.13 and Python 3.11).  Its parts do without, and the
package is left for others to import as a whole.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

__all__ = ["BCDDManager", "DDMemoryError"]

_package = None if "oxidd" in sys.modules else find_spec("oxidd")
if _package is not None:
    sys.modules["oxidd"] = module_from_spec(_package)

from oxidd.bcdd import BCDDManager  # noqa: E402
from oxidd.util import DDMemoryError  # noqa: E402

if _package is not None:
    del sys.modules["oxidd"]
