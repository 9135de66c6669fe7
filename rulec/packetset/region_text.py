"""The values that a field can have, as text: ``22,80-90``, ``10.0.0.0/8``, ``not tcp``, ``syn not fin,rst,ack``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulec.packetset.field_text import show_value
from rulec.packetset.fields import ADDRESSES, CHOICES, FLAGS
from rulec.packetset.names import Classes
from rulec.packetset.packet_text import protocol_word

Range = tuple[int, int]

LISTED = 8
"""So many ranges, or names, are written out."""

_WORDS = {
    "iif": "in", "oif": "out", "ctstate": "state", "dst_type": "to", "src_type": "from", "tcp_flags": "flags",
    "icmp_type": "type", "icmp_code": "code", "ctdir": "direction", "ctstatus": "status",
}  # fmt: skip
_UNNAMED = {"": "none", "+": "others"}
_HEAD = ("proto", "src", "dst")


def show_region(texts: Mapping[str, str]) -> str:
    """The text of a region, from those of its fields."""
    protocol, source, destination = (texts.get(name, "any" if name == "proto" else "*") for name in _HEAD)
    words = [f"{_WORDS.get(name, name)} {text}" for name, text in texts.items() if name not in _HEAD]
    return " ".join([f"{protocol} {source} > {destination}", *words])


def show_ranges(name: str, bits: int, ranges: Iterable[Range]) -> str:
    """Numbers, addresses, words."""
    ranges = list(ranges)
    if name == "proto":
        texts = [protocol_word(bits, number) for low, high in ranges for number in range(low, high + 1)]
        texts = texts if len(texts) == 1 else [text.removeprefix("proto ") for text in texts]
    elif name in CHOICES:
        last = len(CHOICES[name]) - 1
        texts = [CHOICES[name][number] for low, high in ranges for number in range(low, min(high, last) + 1)]
    else:
        texts = [_range(name, bits, low, high) for low, high in ranges]
    return _listed(texts)


def show_names(names: Classes, numbers: Iterable[int]) -> str:
    """Interfaces, by name or pattern, and MAC addresses.

    ``any`` says that there is one, ``none`` that there is none, ``others`` are
    those that no pattern matches, or no rule names.
    """
    chosen, words = set(numbers), [_UNNAMED.get(label, label) for label in names.labels]
    labels = [word for number, word in enumerate(words) if number in chosen]
    missing = [word for number, word in enumerate(words) if number not in chosen]
    if words[0] == "others":
        return f"not {_listed(missing)}" if 0 in chosen else _listed(labels)
    if len(labels) <= len(missing):
        return _listed(labels)
    if missing[0] != "none":
        return f"not {_listed(missing)}"
    return f"any but {_listed(missing[1:])}" if missing[1:] else "any"


def _listed(texts: list[str]) -> str:
    return ",".join(texts[:LISTED]) + (f" and {len(texts) - LISTED} more" if len(texts) > LISTED else "")


def show_masked(name: str, bits: int, value: int, mask: int) -> str:
    """Some bits of a number, whatever the others are."""
    if name == "tcp_flags":
        unset = ",".join(word.lower() for word, bit in FLAGS.items() if mask & ~value & bit)
        text = show_value(name, bits, value)
        return text if mask == sum(FLAGS.values()) or not unset else f"{text} not {unset}"
    return f"{_number(name, bits, value)}/{_number(name, bits, mask)}"


def _range(name: str, bits: int, low: int, high: int) -> str:
    if low == high:
        return show_value(name, bits, low)
    size = high - low + 1
    if name in ADDRESSES and not size & (size - 1) and not low % size:
        return f"{show_value(name, bits, low)}/{bits + 1 - size.bit_length()}"
    return f"{show_value(name, bits, low)}-{show_value(name, bits, high)}"


def _number(name: str, bits: int, number: int) -> str:
    return show_value(name, bits, number) if name in ADDRESSES else f"{number:#x}"
