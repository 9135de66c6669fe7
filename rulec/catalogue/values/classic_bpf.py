"""Classic BPF programs: how iptables reads them and what the kernel demands of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rulec.catalogue.extension import Value
from rulec.model import Family

MOST_INSTRUCTIONS = 64
"""XT_BPF_MAX_NUM_INSTR."""


class Instruction(NamedTuple):
    """One instruction: the code, how far to jump when true and when false, and the constant."""

    code: int
    if_true: int
    if_false: int
    constant: int


Program = tuple[Instruction, ...]

_LENGTH = re.compile(r"\s*([0-9]+),")
_INSTRUCTION = re.compile(r"\s*+".join(["", *[r"([+-]?[0-9]++)"] * 4]))
_BITS = (16, 8, 8, 32)


def _read_instruction(text: str) -> Instruction:
    found = _INSTRUCTION.match(text)
    if found is None:
        raise ValueError(f"{text!r} is no instruction: four decimal numbers with blanks between them")
    return Instruction(*(int(number) & (1 << bits) - 1 for number, bits in zip(found.groups(), _BITS, strict=True)))


def _read_program(family: Family, text: str) -> Program:
    found = _LENGTH.match(text)
    if found is None:
        raise ValueError("a program begins with the number of its instructions and a comma")
    length = int(found[1]) & 0xFFFF
    if not 0 < length <= MOST_INSTRUCTIONS:
        raise ValueError(f"a program has 1 to {MOST_INSTRUCTIONS} instructions")
    parts = text[found.end() :].removesuffix(",").split(",")
    if len(parts) != length:
        raise ValueError(f"the program has {len(parts)} instructions, and claims to have {length}")
    return tuple(_read_instruction(part) for part in parts)


def show_program(program: Program) -> str:
    """The number of instructions, then each: ``"1,6 0 0 0"``, always in quotes."""
    return '"' + ",".join([str(len(program)), *(" ".join(map(str, one)) for one in program)]) + '"'


BYTECODE = Value(("BYTECODE",), "a BPF program such as nfbpf_compile(8) prints", _read_program, show_program)
"""The instructions of a program."""

_RETURNS = frozenset((0x06, 0x16))
_JUMP = 0x05
_BRANCHES = frozenset(0x05 | test | source for test in (0x10, 0x20, 0x30, 0x40) for source in (0, 8))
_WAYS = (*range(0, 0x80, 0x10), 0x90, 0xA0)
_ARITHMETIC = frozenset(0x04 | way | source for way in _WAYS for source in (0, 8)) | {0x84}
_LOADS_FROM_PACKET = frozenset((0x20, 0x28, 0x30))
_LOADS_FROM_MEMORY = frozenset((0x60, 0x61))
_STORES = frozenset((0x02, 0x03))
_OTHERS = frozenset((0x80, 0x40, 0x48, 0x50, 0x00, 0x81, 0xB1, 0x01, 0x07, 0x87))
_KNOWN = _RETURNS | _BRANCHES | _ARITHMETIC | _LOADS_FROM_PACKET | _LOADS_FROM_MEMORY | _STORES | _OTHERS | {_JUMP}
_MEMORY_CELLS = 16
_ANCILLARY = 2**32 - 0x1000
_LAST_ANCILLARY = 60


def verify(program: Program) -> None:
    """Raise ValueError for a program that the kernel refuses (bpf_check_classic in net/core/filter.c)."""
    for place, instruction in enumerate(program):
        if instruction.code not in _KNOWN:
            raise ValueError(f"instruction {place} has the unknown code {instruction.code}")
        if _constant_is_bad(instruction):
            raise ValueError(f"instruction {place} has a constant that does not go with its code")
        if any(target >= len(program) for target in _targets(place, instruction)):
            raise ValueError(f"instruction {place} jumps out of the program")
    if program[-1].code not in _RETURNS:
        raise ValueError("the last instruction of the program does not return")
    _verify_memory(program)


def _targets(place: int, instruction: Instruction) -> Iterator[int]:
    if instruction.code == _JUMP:
        yield place + 1 + instruction.constant
    elif instruction.code in _BRANCHES:
        yield place + 1 + instruction.if_true
        yield place + 1 + instruction.if_false


def _constant_is_bad(instruction: Instruction) -> bool:
    code, constant = instruction.code, instruction.constant
    if code in (0x34, 0x94):  # division
        return constant == 0
    if code in (0x64, 0x74):  # shifts
        return constant >= 32
    if code in _LOADS_FROM_MEMORY or code in _STORES:
        return constant >= _MEMORY_CELLS
    if code in _LOADS_FROM_PACKET and constant >= _ANCILLARY:
        return constant % 4 != 0 or constant - _ANCILLARY > _LAST_ANCILLARY
    return False


def _verify_memory(program: Program) -> None:
    """No cell of the memory may be read before each way to that place has written it."""
    everything = frozenset(range(_MEMORY_CELLS))
    arriving = [everything] * len(program)
    written: frozenset[int] = frozenset()
    for place, instruction in enumerate(program):
        written &= arriving[place]
        if instruction.code in _STORES:
            written |= {instruction.constant}
        elif instruction.code in _LOADS_FROM_MEMORY and instruction.constant not in written:
            raise ValueError(f"instruction {place} reads memory that nothing has written")
        for target in _targets(place, instruction):
            arriving[target] &= written
        if instruction.code == _JUMP or instruction.code in _BRANCHES:
            written = everything
