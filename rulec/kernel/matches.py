"""Matches that the compiler writes and that old kernels lack: the first Linux that has each, by family.

Inferred from the commits by which they came: xt_u32 1b50b8a371e9 (2.6.23), xt_socket
136cdc71fd54 (2.6.28) and b64c9256a9b7 (2.6.37, IPv6), xt_addrtype 2f5dc63123905 (2.6.39, IPv6;
ipt_addrtype is older than 2.6.18), CT 84f3bb9ae9db (2.6.34).  Which of them a
distribution leaves out of its own kernels nobody says: name these.
"""

from __future__ import annotations

from rulec.kernel.generations import Kernel
from rulec.model import Family

KNOWN = ("u32", "socket", "addrtype")
"""Those that it writes of its own accord."""

_SINCE: dict[Family, dict[str, tuple[int, ...]]] = {
    Family.IPV4: {"u32": (2, 6, 23), "socket": (2, 6, 28)},
    Family.IPV6: {"u32": (2, 6, 23), "socket": (2, 6, 37), "addrtype": (2, 6, 39)},
}
_CT_SINCE = (2, 6, 34)


def lacking(kernel: Kernel, family: Family) -> frozenset[str]:
    """The matches that a generation lacks for a family."""
    return frozenset(name for name, version in _SINCE[family].items() if kernel.version < version)


def has_ct(kernel: Kernel) -> bool:
    """Whether it has the target CT; those before have NOTRACK alone."""
    return kernel.version >= _CT_SINCE
