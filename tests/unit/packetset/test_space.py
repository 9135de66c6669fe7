"""Spaces: their limits, and what is unknown."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from rulec.packetset.fields import CHOICES, INTERFACES, ORDERS, fields
from rulec.packetset.space import Field, Space, TooLarge, room


def test_what_does_not_fit_is_too_large_and_the_space_lives_on() -> None:
    space = Space([Field("a", 20), Field("b", 20)], memory=1 << 16, cache=1 << 10)
    with pytest.raises(TooLarge):
        space.field("a").same_as(space.field("b"))
    gc.collect()  # the exception refers to frames, and these to sets
    space.collect()
    assert space.nodes() < 100
    small = space.field("a").equals(3) & space.field("b").between(1, 9)
    assert small.size() == 9 / (1 << 40)
    assert small.nearest({"a": 0, "b": 0}) == {"a": 3, "b": 1}


def test_size_is_a_share_whatever_is_unknown_besides() -> None:
    space = Space(fields(32))
    small = space.only({"src": 1, "dst": 2, "mark": 3, "connmark": 4})
    half = space.field("proto").between(0, 127)
    before = [each.size() for each in (small, ~small, half, space.everything, space.nothing, small | half)]
    for number in range(100):
        space.unknown(number)
    after = [each.size() for each in (small, ~small, half, space.everything, space.nothing, small | half)]
    assert before == after == [2.0**-128, 1.0, 0.5, 1.0, 0.0, 0.5]
    assert (half & space.unknown(0)).size() == 0.25


def test_one_question_has_one_answer() -> None:
    space = Space([Field("a", 1)])
    assert space.unknown("one") == space.unknown("one")
    assert space.unknown("one") != space.unknown("other")
    assert list(space.unknown_keys()) == ["one", "other"]
    assert space.flag("a").surely() == space.flag("a")
    assert (space.flag("a") | space.unknown("later")).possibly().is_everything()


def test_without_leaves_what_is_unknown() -> None:
    space = Space([Field("a", 1)])
    assert (space.flag("a") & space.unknown("one")).without(["a"]) == space.unknown("one")


def test_what_was_quantified_before_counts_what_is_unknown_since() -> None:
    space = Space([Field("a", 1)])
    assert space.unknown("one").possibly().is_everything()
    assert space.unknown("two").possibly().is_everything()
    assert space.unknown("three").onto(["a"]).is_everything()


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_has_every_field(order: str) -> None:
    space = Space(fields(32, ["eth0"], order))
    assert sorted(space.fields) == sorted(ORDERS["interfaces"])
    for name in CHOICES:
        assert len(space.fields[name].choices) <= 1 << space.fields[name].bits
    assert all(space.fields[name].names for name in INTERFACES)


@pytest.mark.parametrize("memory", [4 << 30, 1 << 50, 1 << 66, 10**30])
def test_a_limit_above_what_the_machine_gives_is_lowered(memory: int) -> None:
    """The library would end the program: it numbers nodes with 32 bits, and takes the room for all of them at once."""
    code = f"from rulec.packetset.space import Field, Space; assert Space([Field('a', 1)], memory={memory}).flag('a')"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, -1)); "
    for begin in ("", limit):
        done = subprocess.run([sys.executable, "-c", begin + code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    assert room(memory) <= min(memory, 1 << 37)
