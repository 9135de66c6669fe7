"""SET: put addresses or ports of the packet into a set of ipset(8), or take them out.

The set must exist before the ruleset is loaded, and be of the same family.  A
rule with ``--add-set`` changes what ``-m set`` says to all later packets.
``--map-set`` looks up a mark, a priority or a queue that the set keeps for the
entry, and gives it to the packet; it stands in the table mangle.  The packet
goes on with the next rule.  iptables overlooks a ``!`` before these options.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import Example, Extension, Given, Option, Setting
from rulec.catalogue.options import saved_last
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.sets import SET_ENTRY

_AT_EXIT = frozenset(("FORWARD", "OUTPUT", "POSTROUTING"))


def _flag(name: str, of: str) -> Option:
    return Option(name, invertible=True, repeatable=True, requires=(of,))


OPTIONS = (
    Option("--add-set", SET_ENTRY, invertible=True),
    _flag("--exist", "--add-set"),
    Option("--timeout", number(32, high=2**32 - 2), invertible=True, repeatable=True, requires=("--add-set",)),
    Option("--del-set", SET_ENTRY, invertible=True),
    Option("--map-set", SET_ENTRY, invertible=True),
    _flag("--map-mark", "--map-set"),
    _flag("--map-prio", "--map-set"),
    _flag("--map-queue", "--map-set"),
)

_MAPPED = tuple(option.name for option in OPTIONS[5:])


def _check(given: Given) -> None:
    if "--map-set" in given and not any(name in given for name in _MAPPED):
        raise ValueError(f"--map-set also needs {' or '.join(_MAPPED)}")


def _kernel_check(given: Given, setting: Setting) -> None:
    if "--map-set" not in given:
        return
    if setting.table != "mangle":
        raise ValueError("--map-set is for table mangle")
    if ("--map-prio" in given or "--map-queue" in given) and setting.hooks - _AT_EXIT:
        raise ValueError("--map-prio and --map-queue are for FORWARD, OUTPUT and POSTROUTING")


def _save(given: Given) -> Iterator[str]:
    return saved_last(OPTIONS, given)


EXTENSION = Extension(
    name="SET",
    summary="put addresses or ports of the packet into a set of ipset(8), or take them out",
    modules=("xt_set", "ip_set"),
    options=OPTIONS,
    one_of=(("--add-set", "--del-set", "--map-set"),),
    check=_check,
    kernel_check=_kernel_check,
    save=_save,
    valid=(
        Example("-j SET --add-set test src"),
        Example("-j SET --del-set test src,dst --add-set test dst", table="raw", chain="PREROUTING",
                saved="-j SET --add-set test dst --del-set test src,dst"),
        Example("-j SET --timeout 5 --exist --add-set test src --timeout 0x10 ! --exist",
                saved="-j SET --add-set test src --exist --timeout 16"),
        Example("-j SET ! --add-set test srcport", saved="-j SET --add-set test src"),
        Example("-j SET --map-set test src --map-mark", table="mangle", chain="PREROUTING"),
        Example("-j SET --map-queue --map-prio --map-mark --map-set test src", table="mangle", chain="FORWARD",
                saved="-j SET --map-set test src --map-mark --map-prio --map-queue"),
    ),
    invalid=(
        "-j SET",
        "-j SET --exist",
        "-j SET --add-set test",
        "-j SET --add-set test source",
        "-j SET --add-set test src --add-set test dst",
        "-j SET --del-set test src --timeout 5",
        "-j SET --add-set test src --timeout 4294967295",
        "-j SET --map-set test src",
        "-j SET --add-set test src --map-mark",
        "-j SET --add-set test src,dst,src,dst,src,dst,src",
    ),
    refused=(
        "-j SET --map-set test src --map-mark",
        Example("-j SET --map-set test src --map-prio", table="mangle", chain="PREROUTING"),
        Example("-j SET --map-set test src --map-queue", table="mangle"),
    ),
)  # fmt: skip
