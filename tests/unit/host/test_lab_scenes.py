"""Trials stand in one scene if they agree who lives where, and are not of one connection."""

from __future__ import annotations

import pytest

from rulec.host.lab_scenes import Job, scenes
from rulec.host.trial import Flow, Trial, opening
from rulec.model import Family
from tests.unit.host.values import flow, number


def trial(one: Flow) -> Trial:
    return Trial("", one, opening(one))


@pytest.mark.parametrize(
    ("other", "scenes_needed"),
    [
        (flow(port=22), 1),
        (flow(asker_port=40001), 1),
        (flow(), 2),
        (flow().reversed, 2),
        (flow(port=22, come="eth1"), 2),
        (flow(port=22, gone="eth1"), 2),
        (flow(port=22).reversed, 1),
    ],
)
def test_scenes(other: Flow, scenes_needed: int) -> None:
    found = scenes([trial(flow()), trial(other)])
    assert len(found) == scenes_needed
    assert sorted(index for scene in found for index, _ in scene.trials) == [0, 1]


def test_addresses_are_where_the_flows_have_them() -> None:
    [scene] = scenes([trial(flow(port=22)), trial(flow(port=80)), trial(flow(port=443).reversed)])
    commands = ["route replace 198.51.100.7/32 dev eth0", "addr replace 192.0.2.1/32 dev eth0"]
    assert sorted(scene.commands("replace")) == sorted(commands)
    assert scene.local == {number("192.0.2.1")}


def test_an_address_of_ipv6_comes_late() -> None:
    one = Flow(Family.IPV6, 6, number("2001:db8::7"), 40000, number("2001:db8::1"), 80, "eth0", "")
    [scene] = scenes([trial(one)])
    assert scene.late == {number("2001:db8::1")}
    assert "addr replace 2001:db8::1/128 dev eth0 nodad" in list(scene.commands("replace"))
    assert "addr del 2001:db8::1/128 dev eth0" in list(scene.commands("del"))


def test_the_loopback_has_its_address_already() -> None:
    one = flow(come="", gone="")._replace(asker=number("127.0.0.1"), answerer=number("127.0.0.1"))
    [scene] = scenes([trial(one)])
    assert list(scene.commands("replace")) == []


def test_links_are_those_of_all_flows() -> None:
    job = Job((), (trial(flow(come="wan0", gone="lan0")),), "legacy", "ppp0")
    assert job.links == ("eth0", "eth1", "lan0", "ppp0", "wan0")
