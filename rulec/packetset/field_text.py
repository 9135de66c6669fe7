"""The value of one field as text, and back: ``0x1`` for a mark, ``REPLY`` for a direction."""

from __future__ import annotations

from rulec.catalogue.values.addresses import numeric, show_address
from rulec.diagnostics.suggest import suggestion
from rulec.model import Family
from rulec.packetset.fields import ADDRESSES, CHOICES, FLAGS, INTERFACES, NAMES, STATUS, width
from rulec.packetset.names import LONGEST

Value = int | str
"""A number, or a name: of an interface, or a MAC address."""

WORDS = {
    "ctstatus": {"NONE": 0, **STATUS},
    "tcp_flags": {"none": 0, **{name.lower(): bit for name, bit in FLAGS.items()}},
}
"""The fields whose bits have names, and what stands for no bit at all."""

_HEXADECIMAL = {"mark": 1, "connmark": 1, "tos": 2}
"""Fields that people write in base 16, and their digits at least."""


def family(bits: int) -> Family:
    """The family whose addresses have so many bits."""
    return Family.IPV4 if bits == Family.IPV4.bits else Family.IPV6


def show_value(name: str, bits: int, value: Value) -> str:
    """A value of a field; ``bits`` are those of an address."""
    if isinstance(value, str):
        return value
    if name in ADDRESSES:
        return show_address(family(bits), value)
    if name in CHOICES:
        return CHOICES[name][min(value, len(CHOICES[name]) - 1)]
    if name in WORDS:
        return ",".join(word for word, bit in WORDS[name].items() if value & bit) or next(iter(WORDS[name]))
    return f"0x{value:0{_HEXADECIMAL[name]}x}" if name in _HEXADECIMAL else str(value)


def read_value(name: str, bits: int, text: str) -> Value:
    """The value that a text stands for; a ValueError says what is wrong with it."""
    if name not in NAMES:
        raise ValueError(f"a packet has no field {name!r}{suggestion(name, NAMES)}")
    if name in INTERFACES:
        return _interface(text)
    if name in ADDRESSES:
        return read_address(bits, text)
    if name in CHOICES:
        return choice(text, CHOICES[name])
    if name == "mac":
        return _mac(text)
    if name in WORDS:
        return _words(text, WORDS[name])
    return read_number(text, width(name, bits))


def read_address(bits: int, text: str) -> int:
    """An address of the family."""
    value = numeric(family(bits), text)
    if value is None:
        raise ValueError(f"{text!r} is no {family(bits).label} address")
    return value


def _words(text: str, bits: dict[str, int]) -> int:
    words = tuple(bits)
    return sum({bits[words[choice(word, words)]] for word in text.split(",")})


def read_number(text: str, bits: int) -> int:
    """A number of so many bits, in base 10 or, behind ``0x``, 16."""
    digits, base = (text[2:], 16) if text[:2].lower() == "0x" else (text, 10)
    try:
        value = int(digits, base) if digits.isalnum() and digits.isascii() else -1
    except ValueError:
        value = -1
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{text!r} is no number from 0 to {(1 << bits) - 1}")
    return value


def choice(text: str, words: tuple[str, ...]) -> int:
    """The place of a word among others, whatever the case of its letters."""
    folded = [word.lower() for word in words]
    if text.lower() not in folded:
        raise ValueError(f"{text!r} is none of {', '.join(words)}{suggestion(text, words)}")
    return folded.index(text.lower())


def _interface(text: str) -> str:
    if len(text) > LONGEST:
        raise ValueError(f"{text!r} has more than {LONGEST} characters, and no interface does")
    return text


def _mac(text: str) -> str:
    parts = text.split(":")
    if len(parts) != 6 or any(len(part) > 2 for part in parts):
        raise ValueError(f"{text!r} is no MAC address such as 00:16:3e:00:00:01")
    return bytes(read_number("0x" + part, 8) for part in parts).hex(":")
