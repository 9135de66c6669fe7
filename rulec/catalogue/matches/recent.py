"""recent: match on addresses that were seen lately, kept in a list of the kernel.

All rules with one ``--name`` share one list, whichever table they stand in, and
each network namespace has its own; it can be read and written under
/proc/net/xt_recent.  ``--set`` always matches and writes; ``--rcheck`` reads;
``--update`` reads and writes; ``--remove`` takes out.
"""

from __future__ import annotations

from collections.abc import Iterator

from rulec.catalogue.extension import IPV4, IPV6, Answer, Example, Extension, Given, Option, Setting
from rulec.catalogue.values.addresses import all_ones, show_address
from rulec.catalogue.values.hosts import LOOKED_UP_HOST
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import text

_ACTIONS = ("--set", "--rcheck", "--update", "--remove")
_MOST_HITS = 65535


def _action(name: str) -> Option:
    others = tuple(action for action in _ACTIONS if action != name)
    rttl = ("--rttl",) if name in ("--set", "--remove") else ()
    return Option(name, invertible=True, excludes=others + rttl)


def _kernel_check(given: Given, setting: Setting) -> None:
    name = given.get("--name", "DEFAULT")
    if name in ("", ".", "..") or "/" in name:
        raise ValueError(f"the list cannot be called {name!r}: it is a file in /proc/net/xt_recent")
    if given.get("--hitcount", 0) > _MOST_HITS:
        raise ValueError(f"--hitcount is at most {_MOST_HITS}")
    if ("--set" in given or "--remove" in given) and ("--seconds" in given or given.get("--hitcount")):
        raise ValueError("--seconds and --hitcount go with --rcheck or --update only")


def _save(given: Given) -> Iterator[str]:
    for action in _ACTIONS:
        if action in given:
            yield f"! {action}" if given.negated(action) else action
    if "--seconds" in given:
        yield f"--seconds {(given.get('--seconds') ^ 2**31) - 2**31}"  # printed as a signed number
    if "--reap" in given:
        yield "--reap"
    if given.get("--hitcount"):
        yield f"--hitcount {(given.get('--hitcount') ^ 2**31) - 2**31}"
    if "--rttl" in given:
        yield "--rttl"
    mask = given.get("--mask", (all_ones(given.family),))
    yield f"--name {given.get('--name', 'DEFAULT')} --mask {show_address(given.family, mask[0])}"
    yield [side for side in ("--rsource", *(use.option for use in given)) if side in ("--rsource", "--rdest")][-1]


EXTENSION = Extension(
    name="recent",
    summary="match on addresses that were seen lately, kept in a list of the kernel",
    modules=("xt_recent",),
    answer=Answer.STATEFUL,
    options=(
        *map(_action, _ACTIONS),
        Option("--seconds", number(low=1)),
        Option("--reap", requires=("--seconds",)),
        Option("--hitcount", number()),
        Option("--rttl", excludes=("--set", "--remove")),
        Option("--name", text(limit=199)),
        Option("--mask", LOOKED_UP_HOST),
        Option("--rsource"),
        Option("--rdest"),
    ),
    one_of=(_ACTIONS,),
    save=_save,
    kernel_check=_kernel_check,
    valid=(
        Example("-m recent --set", saved="-m recent --set --name DEFAULT --mask 255.255.255.255 --rsource",
                families=IPV4),
        Example("-m recent --set --rsource --rdest", families=IPV6,
                saved="-m recent --set --name DEFAULT --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rdest"),
        Example("-m recent ! --rcheck --hitcount 4 --seconds 60 --rttl --reap --name abc --mask 255.255.255.0",
                saved="-m recent ! --rcheck --seconds 60 --reap --hitcount 4 --rttl --name abc"
                      " --mask 255.255.255.0 --rsource", families=IPV4),
        Example("-m recent --update --hitcount 0 --mask ffff::", families=IPV6,
                saved="-m recent --update --name DEFAULT --mask ffff:: --rsource"),
        Example("-m recent ! --remove --mask 255.255", families=IPV4,
                saved="-m recent ! --remove --name DEFAULT --mask 255.0.0.255 --rsource"),
    ),
    invalid=(
        "-m recent",
        "-m recent --set --update",
        "-m recent --set --rttl",
        "-m recent --update --reap",
        "-m recent --update --seconds 0",
        "-m recent --update --name a --name b",
        "-m recent --update ! --seconds 5",
    ),
    refused=(
        "-m recent --set --seconds 5",
        "-m recent --remove --hitcount 5",
        "-m recent --update --hitcount 65536",
        "-m recent --set --name a/b",
        '-m recent --set --name ""',
    ),
)  # fmt: skip
