"""rulec: read, lint and rewrite iptables rulesets, so that hot ports need no connection tracking.

The names are those of :mod:`rulec.api`, which is imported when the first of them
is used: ``rulec --version`` needs none.
"""

from importlib import import_module
from typing import Any

from rulec import resources

__version__ = resources.VERSION

__all__ = ["__version__", "canonical", "emit", "load", "parse"]


def __getattr__(name: str) -> Any:
    """A name of the public interface."""
    if name in __all__:
        return getattr(import_module("rulec.api"), name)
    raise AttributeError(f"module 'rulec' has no attribute {name!r}")
