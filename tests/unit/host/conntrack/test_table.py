"""What a table of connections holds: roles, NAT, states, zones, hosts, and what they tell."""

from __future__ import annotations

import pytest

from rulec.errors import InputError
from rulec.host.conntrack.own import given
from rulec.host.conntrack.tally import Limits
from tests.unit.host.conntrack.dumps import FORMS, XML, counted

HOST, CLIENT, OTHER = "192.0.2.10", "198.51.100.7", "203.0.113.5"


def flow(src: str, dst: str, sport: int = 40000, dport: int = 80, **also: str) -> str:
    """An entry; ``also`` changes the answers, the state, the timeout, the end."""
    state = also.get("state", "ESTABLISHED")
    unreplied = "[UNREPLIED] " if also.get("unreplied") else ""
    head = f"tcp      6 {also.get('timeout', '431999')} {state} " if state else "udp      17 29 "
    back = also.get("back", f"src={dst} dst={src} sport={dport} dport={sport}")
    return (
        f"{head}src={src} dst={dst} sport={sport} dport={dport} {unreplied}{back} {also.get('rest', 'mark=0 use=1')}\n"
    )


@pytest.mark.parametrize(
    ("src", "dst", "role"),
    [
        (CLIENT, HOST, "server"),
        (HOST, CLIENT, "client"),
        (CLIENT, OTHER, "forward"),
        (HOST, HOST, "loopback"),
        ("127.0.0.1", "127.0.0.53", "loopback"),
    ],
)
def test_roles(src: str, dst: str, role: str) -> None:
    (service,) = counted(flow(src, dst), HOST).services
    assert (service.title, service.role, service.servers) == ("tcp/80", role, ((dst, 1),))


@pytest.mark.parametrize("address", ["2001:db8::10", "2001:db8::/64", "2001:0db8:0000:0000:0000:0000:0000:0010"])
@pytest.mark.parametrize("spelt", ["2001:db8::10", "2001:0db8:0000:0000:0000:0000:0000:0010"])
def test_own_addresses_in_both_spellings(spelt: str, address: str) -> None:
    (service,) = counted(flow("fd77::1", spelt), address).services
    assert (service.role, service.servers) == ("server", (("2001:db8::10", 1),))


@pytest.mark.parametrize("text", ["host.example", "192.0.2.10/33", "192.0.2.10/24", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no address or prefix"):
        given([text])


def test_the_host_is_guessed_from_most_entries() -> None:
    other = "".join(flow(f"10.0.0.{number}", "192.0.2.11") for number in range(4))
    found = counted(other + "".join(flow(f"10.0.0.{number}", HOST) for number in range(9)))
    assert found.own.texts == (HOST, "192.0.2.11")
    assert "guessed" in found.own.known
    assert {service.role for service in found.services} == {"server"}


def test_nothing_is_guessed_of_a_router() -> None:
    found = counted("".join(flow(f"10.0.0.{number}", f"10.1.0.{number}") for number in range(9)))
    assert found.own.texts == ()
    assert {service.role for service in found.services} == {"forward"}


@pytest.mark.parametrize(
    ("entry", "nat"),
    [
        (flow(CLIENT, HOST, back=f"src={HOST} dst={CLIENT} sport=8080 dport=40000"), "DNAT"),
        (flow(CLIENT, HOST, back=f"src=10.0.0.5 dst={CLIENT} sport=80 dport=40000"), "DNAT"),
        (flow("10.0.0.5", OTHER, back=f"src={OTHER} dst={HOST} sport=80 dport=40000"), "SNAT"),
        (flow("10.0.0.5", OTHER, back=f"src={OTHER} dst=10.0.0.5 sport=80 dport=1024"), "SNAT"),
        (flow(CLIENT, HOST, back="src=10.0.0.5 dst=10.0.0.1 sport=80 dport=40000"), "SNAT and DNAT"),
    ],
)
def test_what_nat_rewrites_stands_apart(entry: str, nat: str) -> None:
    found = counted(entry, HOST)
    assert found.services == ()
    assert [service.nat for service in found.translated] == [nat]
    assert ("translated", 1) in found.signs


def test_flows_that_are_begun_from_the_servers_port_are_turned() -> None:
    found = counted(flow(HOST, CLIENT, 53, 40000, state="", unreplied="yes"), HOST)
    (service,) = found.services
    assert (service.title, service.role, service.servers) == ("udp/53", "server", ((HOST, 1),))
    assert ("reversed", 1) in found.signs


def test_states_and_what_they_say() -> None:
    text = flow(CLIENT, HOST, state="TIME_WAIT") * 3 + flow(CLIENT, HOST, state="SYN_SENT", unreplied="yes") * 2
    text += flow(CLIENT, HOST, timeout="425000") + flow(CLIENT, HOST) + flow(CLIENT, HOST, 9, 53, state="")
    found = counted(text, HOST)
    assert found.states == (
        ("tcp TIME_WAIT", 3), ("tcp ESTABLISHED", 2), ("tcp SYN_SENT [UNREPLIED]", 2), ("udp", 1)
    )  # fmt: skip
    expected = {"time_wait": 3, "unreplied": 2, "idle": 1, "established": 1, "replied": 1}
    assert dict(found.signs) == expected


def test_idle_is_seen_from_the_timeout_that_is_set() -> None:
    entry = flow(CLIENT, HOST, timeout="7000")
    assert dict(counted(entry, HOST, limits=Limits(established=7200)).signs) == {"established": 1}


@pytest.mark.parametrize(
    ("rest", "zones"),
    [
        ("mark=0 zone=7 use=2", (("7", 1),)),
        ("mark=0 zone=0 use=2", ()),
        ("zone-reply=9 mark=0 use=2", (("9", 1),)),
        ("mark=0 use=2", ()),
    ],
)
def test_zones(rest: str, zones: tuple[tuple[str, int], ...]) -> None:
    assert counted(flow(CLIENT, HOST, rest=rest), HOST).zones == zones


def test_helpers_are_counted() -> None:
    (service,) = counted(flow(CLIENT, HOST, dport=21, rest="mark=0 helper=ftp use=1"), HOST).services
    assert service.helped == 1


@pytest.mark.parametrize(("by", "host"), [("src", HOST), ("dst", CLIENT), ("peer", CLIENT)])
def test_hosts(by: str, host: str) -> None:
    found = counted(flow(HOST, CLIENT) * 2, HOST, by=by)
    assert (found.hosts, found.host_count) == (((host, 2),), 1)


def test_what_it_takes() -> None:
    found = counted(flow(CLIENT, HOST) * 3 + flow(CLIENT, HOST, dport=22), HOST)
    web = found.services[0]
    assert (found.entries, web.entries, found.share(web.entries), found.octets(web.entries)) == (4, 3, 0.75, 768)


@pytest.mark.parametrize("text", [*(f"{line}\n" for line in FORMS.values()), XML], ids=[*FORMS, "xml"])
def test_every_form_is_counted_alike(text: str) -> None:
    found = counted(text, HOST)
    assert [(one.title, one.role, one.entries) for one in found.services] == [("tcp/80", "server", 1)]
    assert (found.states, found.zones, found.hosts) == ((("tcp ESTABLISHED", 1),), (), ((CLIENT, 1),))


def test_an_empty_table() -> None:
    found = counted("", HOST)
    assert (found.entries, found.services, found.share(0)) == (0, (), 0.0)
