"""hashlimit: match on a rate for each address or port apart.

Buckets live in a named table, one for each of what ``--hashlimit-mode`` lists;
rules that use one name share the table as the first of them made it.
``--hashlimit-rate-match`` measures instead of spending a burst, and two rules
of one name must agree on it.  iptables-save prints the rate in the shortest
unit that fits and rounds it, ``60/min`` comes back as ``1/sec`` with an
expiry of a minute.  Connections are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulec.catalogue.extension import (
    IPV4,
    IPV6,
    UNSET,
    Answer,
    Example,
    Extension,
    Given,
    Option,
    Setting,
    Value,
    saved_option,
)
from rulec.catalogue.values.hashlimit import (
    HASHLIMIT_BURST,
    HASHLIMIT_RATE,
    MOST_BURST,
    Burst,
    Rate,
    cost_to_bytes,
    credits_of_bytes,
    credits_of_time,
    printed_unit,
    show_burst_in_bytes,
)
from rulec.catalogue.values.hosts import LENGTH
from rulec.catalogue.values.numbers import number
from rulec.catalogue.values.text import text
from rulec.model import Family

_MODES = ("srcip", "srcport", "dstip", "dstport")
_LARGEST_TABLE = 1048576
_DEFAULT_BURST = 5


def _read_mode(family: Family, words: str) -> tuple[str, ...]:
    chosen = [word for word in re.split(r"[,|]", words) if word]
    for word in chosen:
        if word not in _MODES:
            raise ValueError(f"{word!r} is not one of {', '.join(_MODES)}")
    return tuple(mode for mode in _MODES if mode in chosen)


def _read_seconds(family: Family, word: str) -> int:
    found = re.match(r"[0-9]+", word)
    seconds = int(found[0]) if found else 0
    if not 0 < seconds < 2**31:
        raise ValueError(f"{word!r} is not a number of seconds")
    return seconds


_MODE = Value(("LOOSE_NAMES",), "a list of srcip, srcport, dstip and dstport", _read_mode, ",".join)
_SECONDS = Value(("DURATION",), "a number of seconds", _read_seconds)
_TABLE_SIZE = number(show=lambda size: str(min(size, _LARGEST_TABLE)))

_NAME = Option("--hashlimit-name", text(limit=254, shortest=1, show=str), required=True)
_SIZES = (
    Option("--hashlimit-htable-size", _TABLE_SIZE, silent=0),
    Option("--hashlimit-htable-max", _TABLE_SIZE, silent=0),
    Option("--hashlimit-htable-gcinterval", number(), silent=1000),
)
_EXPIRE = Option("--hashlimit-htable-expire", number())
_MASKS = (Option("--hashlimit-srcmask", LENGTH), Option("--hashlimit-dstmask", LENGTH))


def rate_of(given: Given) -> Rate:
    """The rate, whichever way it is written."""
    rate: Rate = given.get("--hashlimit-upto") or given.get("--hashlimit-above")
    return rate


def is_above(given: Given) -> bool:
    """Whether packets beyond the rate match, and not those within it."""
    if "--hashlimit-above" in given:
        return not given.negated("--hashlimit-above")
    return given.negated("--hashlimit-upto")


def expiry(given: Given) -> int:
    """After how many milliseconds without packets a bucket is thrown away."""
    rate = rate_of(given)
    default = 60 if rate.by_bytes and "--hashlimit-burst" in given else rate.unit
    seconds: int = given.get(_EXPIRE.name, default * 1000)
    return seconds


def _blocks(given: Given) -> int:
    """The burst of a rate of bytes, counted in seconds of it; iptables keeps 32 bits of the bytes."""
    burst: Burst | None = given.get("--hashlimit-burst")
    if burst is None:
        return 0
    second = cost_to_bytes(rate_of(given).cost)
    return (burst.amount & 2**32 - 1) // second + (burst.amount % second > 0)


def _check(given: Given) -> None:
    rate, burst = rate_of(given), given.get("--hashlimit-burst")
    if burst is None:
        return
    if not rate.by_bytes and burst.amount > MOST_BURST:
        raise ValueError(f"a burst of packets is at most {MOST_BURST}")
    if rate.by_bytes and cost_to_bytes(rate.cost) == 0:
        raise ValueError("a rate below 16 bytes a second cannot have a burst: iptables-restore divides by zero")
    if rate.by_bytes and burst.amount < cost_to_bytes(rate.cost):
        raise ValueError(f"the burst cannot be smaller than what a second lets through, {cost_to_bytes(rate.cost)}b")


def _kernel_check(given: Given, setting: Setting) -> None:
    rate = rate_of(given)
    if given.get("--hashlimit-htable-gcinterval") == 0 or expiry(given) == 0:
        raise ValueError("the intervals of cleaning and expiry cannot be 0")
    if given.get(_NAME.name) in (".", "..") or "/" in given.get(_NAME.name):
        raise ValueError("the name becomes a file of /proc: it cannot hold a slash, nor be . or ..")
    if "--hashlimit-rate-match" in given:
        if not rate.by_bytes and rate.cost < rate.unit:
            raise ValueError("the rate is too fast")
    elif rate.by_bytes:
        if credits_of_bytes(rate.cost) == 0:
            raise ValueError("the kernel cannot count so fast a rate")
    elif _runs_over(rate, given.get("--hashlimit-burst")):
        raise ValueError("the kernel cannot count so slow a rate with such a burst; try a smaller one")


def _runs_over(rate: Rate, burst: Burst | None) -> bool:
    packets = burst.amount if burst else _DEFAULT_BURST
    return credits_of_time(rate.cost * packets) < credits_of_time(rate.cost)


def _saved_rate(given: Given) -> Iterator[str]:
    """The rate and the burst."""
    rate = rate_of(given)
    yield "--hashlimit-above" if is_above(given) else "--hashlimit-upto"
    if rate.by_bytes:
        yield HASHLIMIT_RATE.show(rate)
        if _blocks(given):
            yield f"--hashlimit-burst {show_burst_in_bytes(cost_to_bytes(rate.cost) * _blocks(given))}"
        return
    yield HASHLIMIT_RATE.show(_saved_as(given))
    burst = given.get("--hashlimit-burst")
    yield f"--hashlimit-burst {burst.amount if burst else _DEFAULT_BURST}"


def _saved_as(given: Given) -> Rate:
    """With rate-match, iptables divides the time by the unit before it stores it."""
    rate = rate_of(given)
    return rate._replace(cost=max(1, rate.cost // rate.unit)) if "--hashlimit-rate-match" in given else rate


def _silent_expiry(given: Given) -> int:
    if rate_of(given).by_bytes:
        return 60_000 if _blocks(given) else 15_000
    return printed_unit(_saved_as(given).cost)[1] * 1000


def _saved_options(given: Given, options: tuple[Option, ...], silent: object = UNSET) -> Iterator[str]:
    for option in options:
        for use in given:
            if use.option == option.name and use.value not in (option.silent, silent):
                yield from saved_option(option, use)


def _save(given: Given) -> Iterator[str]:
    yield from _saved_rate(given)
    if given.get("--hashlimit-mode"):
        yield f"--hashlimit-mode {','.join(given.get('--hashlimit-mode'))}"
    yield from _saved_options(given, (_NAME, *_SIZES))
    if expiry(given) != _silent_expiry(given):
        yield f"{_EXPIRE.name} {expiry(given)}"
    yield from _saved_options(given, _MASKS, given.family.bits)
    if "--hashlimit-rate-match" in given:
        yield "--hashlimit-rate-match"
        interval = given.get("--hashlimit-rate-interval", 1 if rate_of(given).by_bytes else rate_of(given).unit)
        if interval != 1:
            yield f"--hashlimit-rate-interval {interval}"


def _example(given: str, saved: str = "", families: tuple[Family, ...] = (*IPV4, *IPV6)) -> Example:
    """Options without ``--hashlimit`` before each of them."""

    def rule(options: str) -> str:
        return re.sub("--", "--hashlimit-", f"-m hashlimit {options}")

    return Example(rule(given), saved=rule(saved) if saved else "", families=families)


EXTENSION = Extension(
    name="hashlimit",
    summary="match on a rate for each address or port apart",
    modules=("xt_hashlimit",),
    answer=Answer.STATEFUL,
    options=(
        Option("--hashlimit-upto", HASHLIMIT_RATE, aliases=("--hashlimit",), invertible=True,
               excludes=("--hashlimit-above",)),
        Option("--hashlimit-above", HASHLIMIT_RATE, invertible=True, excludes=("--hashlimit-upto",)),
        Option("--hashlimit-burst", HASHLIMIT_BURST),
        Option("--hashlimit-mode", _MODE),
        _NAME,
        *_SIZES,
        _EXPIRE,
        *_MASKS,
        Option("--hashlimit-rate-match"),
        Option("--hashlimit-rate-interval", _SECONDS),
    ),
    one_of=(("--hashlimit-upto", "--hashlimit-above"),),
    check=_check,
    kernel_check=_kernel_check,
    save=_save,
    valid=(
        _example("--upto 40/second --name a", "--upto 40/sec --burst 5 --name a"),
        Example("-m hashlimit ! --hashlimit 1/m --hashlimit-name a",
                saved="-m hashlimit --hashlimit-above 1/min --hashlimit-burst 5 --hashlimit-name a"),
        _example("--above 60/min --burst 1k --mode dstport|srcip --name a",
                 "--above 1/sec --burst 1024 --mode srcip,dstport --name a --htable-expire 60000"),
        _example("--above 512kb/s --burst 1mb --mode srcip,dstip --name a"),
        _example("--upto 100b/s --burst 120b --name a", "--upto 96b/s --burst 192b --name a"),
        _example("--upto 5/sec --name a --htable-size 2000000 --htable-max 0 --htable-gcinterval 9 --htable-expire 7",
                 "--upto 5/sec --burst 5 --name a --htable-size 1048576 --htable-gcinterval 9 --htable-expire 7"),
        _example("--upto 5/sec --burst 5 --mode srcip --name a --srcmask 24 --dstmask 32",
                 "--upto 5/sec --burst 5 --mode srcip --name a --srcmask 24", families=IPV4),
        _example("--upto 5/sec --burst 5 --mode dstip --name a --srcmask 64 --dstmask 56", families=IPV6),
        _example("--upto 10/min --name a --rate-match",
                 "--upto 10/sec --burst 5 --name a --htable-expire 60000 --rate-match --rate-interval 60"),
        _example("--upto 1mb/s --name a --rate-match --rate-interval 10"),
    ),
    invalid=(
        "-m hashlimit --hashlimit-name a",
        "-m hashlimit --hashlimit 5/sec",
        "-m hashlimit --hashlimit 5/week --hashlimit-name a",
        "-m hashlimit --hashlimit 0/sec --hashlimit-name a",
        "-m hashlimit --hashlimit 1000001/sec --hashlimit-name a",
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-burst 1000001",
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-burst 1000k",
        "-m hashlimit --hashlimit 100kb/s --hashlimit-name a --hashlimit-burst 10k",
        "-m hashlimit --hashlimit 5/sec --hashlimit-above 5/sec --hashlimit-name a",
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-mode port",
        '-m hashlimit --hashlimit 5/sec --hashlimit-name ""',
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-rate-interval 0",
    ),
    refused=(
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a/b",
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-htable-gcinterval 0",
        "-m hashlimit --hashlimit 5/sec --hashlimit-name a --hashlimit-htable-expire 0",
        "-m hashlimit --hashlimit 1/day --hashlimit-name a",
        "-m hashlimit --hashlimit 64000mb/s --hashlimit-name a",
    ),
)  # fmt: skip
