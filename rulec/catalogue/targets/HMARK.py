"""HMARK: mark the packet with a hash of its addresses and ports, to spread connections over several routes.

The hash is reduced by ``--hmark-mod``, and ``--hmark-offset`` is added.  With
``ct`` in the tuple it uses what tracking first saw, if the packet is tracked;
it has nothing tracked itself.  A tuple stands for masks with all bits, and
iptables-save prints these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rulec.catalogue.extension import IPV4, IPV6, Example, Extension, Given, Option, Setting, Value
from rulec.catalogue.values.addresses import mask, prefix_length
from rulec.catalogue.values.numbers import number
from rulec.model import Family

PARTS = {
    "ct": "--hmark-tuple",
    "src": "--hmark-src-prefix",
    "dst": "--hmark-dst-prefix",
    "sport": "--hmark-sport-mask",
    "dport": "--hmark-dport-mask",
    "proto": "--hmark-proto-mask",
    "spi": "--hmark-spi-mask",
}
"""The names of a tuple in the order in which they are tried, and the option that each stands for."""


def _part(word: str) -> str:
    for name in PARTS:
        if word and name.startswith(word.lower()):
            return name
    raise ValueError(f"{word!r} is none of {', '.join(PARTS)}")


TUPLE = Value(
    ("NAMES",),
    f"a list with commas and no blanks of {', '.join(PARTS)}",
    lambda family, words: tuple([_part(word) for word in words.split(",")]),
    ",".join,
)
"""The names in full."""


def _read_length(family: Family, text: str) -> int:
    """A mask with gaps counts as all ones."""
    length = prefix_length(family, mask(family, text))
    return family.bits if length is None else length


LENGTH = Value(("ADDRESS_MASK",), "a prefix length or a mask", _read_length)


def _hexadecimal(digits: int) -> Callable[[int], str]:
    return lambda value: f"{value:#0{digits + 2}x}"


_PORT = number(16, show=_hexadecimal(4))
_SPI = number(32, show=_hexadecimal(8))

OPTIONS = (
    Option("--hmark-src-prefix", LENGTH),
    Option("--hmark-dst-prefix", LENGTH),
    Option("--hmark-sport-mask", _PORT),
    Option("--hmark-dport-mask", _PORT),
    Option("--hmark-spi-mask", _SPI),
    Option("--hmark-sport", _PORT),
    Option("--hmark-dport", _PORT),
    Option("--hmark-spi", _SPI),
    Option("--hmark-proto-mask", number(16, show=_hexadecimal(2))),
    Option("--hmark-rnd", _SPI, required=True),
    Option("--hmark-mod", number(32, low=1), required=True),
    Option("--hmark-offset", number(32)),
    Option("--hmark-tuple", TUPLE),
)

_HASHED = frozenset(option.name for option in OPTIONS) - {"--hmark-rnd", "--hmark-mod", "--hmark-offset"}


def _all_ones(option: str, family: Family) -> int:
    if option.endswith("-prefix"):
        return family.bits
    return 2**32 - 1 if option == "--hmark-spi-mask" else 0xFFFF


def hash_inputs(given: Given) -> dict[str, int]:
    """The value of each option, with the tuple resolved into those that it stands for."""
    inputs: dict[str, int] = {}
    for use in given:
        if use.option == "--hmark-tuple":
            inputs |= {PARTS[name]: _all_ones(PARTS[name], given.family) for name in use.value}
        elif use.option in inputs:
            raise ValueError(f"{use.option} may not follow a tuple that stands for it")
        else:
            inputs[use.option] = use.value
    return inputs


def _check(given: Given) -> None:
    inputs = hash_inputs(given)
    if _HASHED.isdisjoint(inputs):
        raise ValueError("it needs something to hash, such as --hmark-tuple")
    if "--hmark-spi-mask" in inputs and not inputs.keys().isdisjoint(("--hmark-sport-mask", "--hmark-dport-mask")):
        raise ValueError("a packet has an SPI or ports, not both")


def _kernel_check(given: Given, setting: Setting) -> None:
    if "--hmark-spi" in given and ("--hmark-sport" in given or "--hmark-dport" in given):
        raise ValueError("a packet has an SPI or ports, not both")


def _save(given: Given) -> Iterator[str]:
    inputs = hash_inputs(given)
    for option in OPTIONS:
        if option.name in inputs:
            yield from (option.name, "ct" if option.value is TUPLE else option.value.show(inputs[option.name]))


EXTENSION = Extension(
    name="HMARK",
    summary="mark the packet with a hash of its addresses and ports",
    modules=("xt_HMARK",),
    options=OPTIONS,
    check=_check,
    kernel_check=_kernel_check,
    save=_save,
    valid=(
        Example("-j HMARK --hmark-tuple src,sport,proto --hmark-mod 10 --hmark-rnd 0xfeedcafe", families=IPV4,
                saved="-j HMARK --hmark-src-prefix 32 --hmark-sport-mask 0xffff --hmark-proto-mask 0xffff"
                " --hmark-rnd 0xfeedcafe --hmark-mod 10"),
        Example("-j HMARK --hmark-tuple C,dst,SPI --hmark-offset 5 --hmark-mod 10 --hmark-rnd 1", families=IPV6,
                saved="-j HMARK --hmark-dst-prefix 128 --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000001"
                " --hmark-mod 10 --hmark-offset 5 --hmark-tuple ct"),
        Example("-j HMARK --hmark-dst-prefix 255.255.0.0 --hmark-src-prefix 24 --hmark-tuple src --hmark-mod 1"
                " --hmark-rnd 0", families=IPV4,
                saved="-j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 16 --hmark-rnd 0x00000000 --hmark-mod 1"),
        Example("-j HMARK --hmark-dport 6 --hmark-sport 5 --hmark-dport-mask 0xff --hmark-sport-mask 3"
                " --hmark-proto-mask 7 --hmark-mod 1 --hmark-rnd 0",
                saved="-j HMARK --hmark-sport-mask 0x0003 --hmark-dport-mask 0x00ff --hmark-sport 0x0005"
                " --hmark-dport 0x0006 --hmark-proto-mask 0x07 --hmark-rnd 0x00000000 --hmark-mod 1"),
        Example("-j HMARK --hmark-spi 1 --hmark-spi-mask 2 --hmark-mod 1 --hmark-rnd 0", table="raw", chain="OUTPUT",
                saved="-j HMARK --hmark-spi-mask 0x00000002 --hmark-spi 0x00000001 --hmark-rnd 0x00000000"
                " --hmark-mod 1"),
    ),
    invalid=(
        "-j HMARK --hmark-tuple src --hmark-rnd 1",
        "-j HMARK --hmark-tuple src --hmark-mod 1",
        "-j HMARK --hmark-mod 1 --hmark-rnd 1",
        "-j HMARK --hmark-tuple src --hmark-mod 0 --hmark-rnd 1",
        "-j HMARK --hmark-tuple src, --hmark-mod 1 --hmark-rnd 1",
        "-j HMARK --hmark-tuple size --hmark-mod 1 --hmark-rnd 1",
        "-j HMARK --hmark-tuple spi,sport --hmark-mod 1 --hmark-rnd 1",
        "-j HMARK --hmark-tuple src --hmark-src-prefix 24 --hmark-mod 1 --hmark-rnd 1",
    ),
    refused=("-j HMARK --hmark-spi 1 --hmark-sport 2 --hmark-mod 1 --hmark-rnd 1",),
)  # fmt: skip
