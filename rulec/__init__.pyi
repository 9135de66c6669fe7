from rulec.api import canonical as canonical
from rulec.api import emit as emit
from rulec.api import load as load
from rulec.api import parse as parse

__version__: str
__all__ = ["__version__", "canonical", "emit", "load", "parse"]
