"""What lines of modprobe.d do against connection tracking (measured on Linux 5.10, 6.1, 6.12; older: sources)."""

from __future__ import annotations

from rulec.kernel.generations import Kernel
from rulec.kernel.modules import PARAMETERS, is_absent, needs_conntrack

_OWN_NAME = frozenset(("iptable_nat", "ip6table_nat", "nft_chain_nat"))
_STATE = ("xt_conntrack", "xt_state")
_FAMILIES = ("nf_conntrack_ipv4", "nf_conntrack_ipv6")
_NAT = ("nf_nat", "ip_nat")


def judge_blacklist(name: str, _: str, kernel: Kernel, named: frozenset[str]) -> tuple[str, str]:
    """A blacklist holds for aliases alone: not for dependencies, and not for who is asked for by its own name.

    ``named`` are all modules that the recipe keeps out.
    """
    if name in _FAMILIES and (3, 0) <= kernel.version <= (4, 18):
        return "hangs", f"the kernel asks for {name} again and again; say install {name} /bin/false"
    if why := is_absent(name, kernel):
        return "does nothing", f"there is no module {name}: {why}"
    if not needs_conntrack(name, kernel):
        return "not judged", ""
    if name in _FAMILIES:
        return "partly", f"what becomes of the kernel's own request is not known; say install {name} /bin/false"
    if name == kernel.core or name in _NAT:
        return (
            "does nothing",
            f"{name} comes as a dependency, and for these modprobe reads no blacklist; {_line(kernel)}",
        )
    if name in _OWN_NAME:
        return "does nothing", f"the kernel asks for {name} by its own name, which no blacklist stops; {_line(kernel)}"
    return _for_rules(name, kernel, named)


def judge_install(name: str, command: str, kernel: Kernel, named: frozenset[str]) -> tuple[str, str]:
    """An install line is obeyed whoever asks, but only after what the module depends on was loaded."""
    program = command.partition(" ")[0].rpartition("/")[2]
    if program not in ("true", "false", ":"):
        return "not judged", ""
    if name == kernel.core or (name in _FAMILIES and not is_absent(name, kernel)):
        if program == "false":
            return "works", "but what needs it fails: rules with a state, NOTRACK, CT, the table nat"
        return "harms", f"modprobe goes on as if {name} were there, and the kernel's log fills; say /bin/false"
    if why := is_absent(name, kernel):
        return "does nothing", f"there is no module {name}: {why}"
    if not needs_conntrack(name, kernel):
        return "not judged", ""
    if name in _OWN_NAME or name in _NAT:
        return "partly", f"it stops {name} itself, but {kernel.core} has been loaded by then; {_line(kernel)}"
    return _for_rules(name, kernel, named)


def judge_options(name: str, words: str, kernel: Kernel, _: frozenset[str]) -> tuple[str, str]:
    """Parameters size the table or switch tracking on; none switches it off."""
    keys = {word.partition("=")[0].replace("-", "_"): word.partition("=")[2] for word in words.split()}
    if name != kernel.core:
        return "not judged", ""
    if keys.get("enable_hooks", "0").lower() in ("1", "y", "") and kernel.enable_hooks and "enable_hooks" in keys:
        return "harms", "it has everything tracked as soon as the module is there"
    unknown = [key for key in keys if key not in PARAMETERS]
    return "does nothing", f"there is no parameter {unknown[0]}" if unknown else "no parameter stops tracking"


def _for_rules(name: str, kernel: Kernel, named: frozenset[str]) -> tuple[str, str]:
    """A module of an extension: rules that need it do not load, all else does."""
    if name in _STATE and not named.issuperset(_STATE):
        other = _STATE[1 - _STATE.index(name)]
        return (
            "partly",
            f"-m state is loaded through {other} all the same, unless that is named, too; NAT and NOTRACK load",
        )
    if name in _STATE:
        return "partly", f"-m state and -m conntrack fail to load; NAT, NOTRACK and others do load; {_line(kernel)}"
    return "partly", f"rules that need {name} fail to load, and that is all; {_line(kernel)}"


def _line(kernel: Kernel) -> str:
    return f"install {kernel.core} /bin/false does it"
