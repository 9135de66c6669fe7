"""bpf: match by a program that looks at the packet itself.

``--bytecode`` holds a classic program, as nfbpf_compile(8) prints it;
``--object-pinned`` names one that was loaded before and stands in the BPF file
system, without which the ruleset does not load.  A program may count, or throw
dice: rulec takes nothing for granted of what it answers.
"""

from __future__ import annotations

from rulec.catalogue.extension import Answer, Example, Extension, Given, Option, Setting
from rulec.catalogue.values.classic_bpf import BYTECODE, verify
from rulec.catalogue.values.text import text

_FILTER = '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"'


def _kernel_check(given: Given, setting: Setting) -> None:
    if "--bytecode" in given:
        verify(given.get("--bytecode"))


EXTENSION = Extension(
    name="bpf",
    summary="match by a program that looks at the packet itself",
    modules=("xt_bpf",),
    answer=Answer.RANDOM,
    options=(
        Option("--bytecode", BYTECODE, excludes=("--object-pinned",)),
        Option("--object-pinned", text(limit=511, show=str), excludes=("--bytecode",)),
    ),
    one_of=(("--bytecode", "--object-pinned"),),
    kernel_check=_kernel_check,
    valid=(
        Example(_FILTER),
        Example('-m bpf --bytecode " 1, 6  0 0 -1,"', saved='-m bpf --bytecode "1,6 0 0 4294967295"'),
        Example('-m bpf --bytecode "4,0 0 0 5,2 0 0 3,96 0 0 3,22 0 0 0"'),
    ),
    invalid=(
        "-m bpf",
        '-m bpf --bytecode "0,"',
        '-m bpf --bytecode "2,6 0 0 0"',
        '-m bpf --bytecode "1,6 0 0 0,6 0 0 0"',
        '-m bpf --bytecode "1,6 0 0"',
        '-m bpf --bytecode "1 ,6 0 0 0"',
        '-m bpf --bytecode "1,6 0 0 0" --object-pinned /sys/fs/bpf/filter',
    ),
    refused=(
        '-m bpf --bytecode "1,0 0 0 0"',
        '-m bpf --bytecode "2,21 5 0 0,6 0 0 0"',
        '-m bpf --bytecode "2,255 0 0 0,6 0 0 0"',
        '-m bpf --bytecode "2,52 0 0 0,6 0 0 0"',
        '-m bpf --bytecode "2,96 0 0 1,6 0 0 0"',
        '-m bpf --bytecode "2,32 0 0 4294963202,6 0 0 0"',
    ),
)
