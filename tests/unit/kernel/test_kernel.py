"""What differs between kernels."""

from __future__ import annotations

import pytest

from rulec import catalogue
from rulec.catalogue.extension import Extension, Tracking
from rulec.catalogue.names import MATCHES, TARGETS
from rulec.kernel.generations import KERNELS
from rulec.kernel.modules import helper, is_absent, needs_conntrack, tracked_on_loading
from rulec.kernel.settings import concerns_tracking, default_timeout, dotted, exists, right_name
from rulec.model import Family

V4, V6 = Family.IPV4, Family.IPV6
NEW, OLD = "net.netfilter.nf_conntrack_", "net.ipv4.netfilter.ip_conntrack_"


def test_each_has_its_name() -> None:
    assert list(KERNELS) == ["6.x", "5.x", "4.14", "el5", "el6", "el7", "el8", "el9"]
    assert all(kernel.name == name for name, kernel in KERNELS.items())


def test_each_says_how_it_is_known() -> None:
    assert {name for name, kernel in KERNELS.items() if kernel.measured} == {"5.x", "6.x"}
    assert all(kernel.inferred.endswith(".") for kernel in KERNELS.values())
    assert len({kernel.inferred for kernel in KERNELS.values()}) == len(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_up_to_4_13_modules_track_and_since_4_14_rules(name: str) -> None:
    assert KERNELS[name].by_rules is (name not in ("el5", "el6", "el7"))


@pytest.mark.parametrize(
    ("module", "kernel", "families"),
    [
        ("ip_conntrack", "el5", (V4,)),
        ("ip_conntrack_netbios_ns", "el5", (V4,)),
        ("ip-conntrack-ftp", "el5", (V4,)),
        ("xt_NOTRACK", "el5", (V4,)),
        ("xt_tcpudp", "el5", ()),
        ("nf_conntrack_ipv4", "el5", ()),  # is not there
        ("nf_conntrack", "el6", ()),  # the hooks are in the modules of the families
        ("nf_conntrack_netbios_ns", "el6", ()),
        ("nf_conntrack_ipv4", "el6", (V4,)),
        ("nf_conntrack_ipv6", "el7", (V6,)),
        ("ip_conntrack", "el7", (V4,)),
        ("iptable_nat", "el7", (V4,)),
        ("ip6table_nat", "el7", (V6,)),
        ("ip6table_nat", "el6", ()),
        ("nf_conntrack", "6.x", ()),
        ("iptable_nat", "4.14", ()),
        ("openvswitch", "5.x", (V4, V6)),
        ("openvswitch", "6.x", (V4, V6)),  # up to 6.11
        ("vport-gre", "el9", (V4, V6)),
        ("openvswitch", "el7", ()),
        ("ip_vs", "6.x", ()),
        ("ip_vs", "el5", ()),  # did not know of connection tracking yet
    ],
)
def test_tracked_on_loading(module: str, kernel: str, families: tuple[Family, ...]) -> None:
    assert tracked_on_loading(module, KERNELS[kernel]) == families


@pytest.mark.parametrize(
    ("kernel", "family", "tracked"),
    [("el5", V4, V4), ("el6", V4, V4), ("el6", V6, None), ("el7", V6, V6), ("el8", V4, None), ("6.x", V4, None)],
)
def test_tracked_by_nat_table(kernel: str, family: Family, tracked: Family | None) -> None:
    assert KERNELS[kernel].tracked_by_nat_table(family) is tracked


@pytest.mark.parametrize(
    ("module", "kernel", "absent"),
    [
        ("nf_conntrack_ipv4", "6.x", True),
        ("nf_nat_ipv6", "el9", True),
        ("xt_NOTRACK", "6.x", True),
        ("nf_conntrack_ipv4", "el7", False),
        ("nf_conntrack_ipv4", "el8", False),  # 8.0 to 8.2 have it
        ("nf_conntrack_ftp", "el5", True),
        ("ip_conntrack_ftp", "6.x", False),  # an alias
        ("loop", "el5", False),
    ],
)
def test_is_absent(module: str, kernel: str, absent: bool) -> None:
    assert bool(is_absent(module, KERNELS[kernel])) is absent


def test_names_of_modules() -> None:
    assert helper("nf_conntrack_ftp") == helper("ip_nat_ftp") == "ftp"
    assert helper("nf_conntrack_netlink") == helper("nf_conntrack") == ""
    assert needs_conntrack("nft-ct")
    assert not needs_conntrack("xt_socket")


def test_load_balancing_needs_connection_tracking_since_2_6_37() -> None:
    needing = {name for name, kernel in KERNELS.items() if needs_conntrack("ip_vs_rr", kernel)}
    assert needing == set(KERNELS) - {"el5", "el6"}


@pytest.mark.parametrize(
    ("name", "kernels"),
    [
        (NEW + "max", "6.x 5.x 4.14 el6 el7 el8 el9"),
        ("net.nf_conntrack_max", "6.x 5.x 4.14 el6 el7 el8 el9"),
        (OLD + "max", "el5 el6 el7"),
        ("net.ipv4.ip_conntrack_max", "el5 el6 el7"),
        (NEW + "helper", "5.x 4.14 el7 el8 el9"),  # since 3.5
        (NEW + "maximum", ""),
        ("net.netfilter.ip_conntrack_max", ""),
        ("net.ipv4.ip_tcp_timeout_established", ""),
    ],
)
def test_settings(name: str, kernels: str) -> None:
    assert {kernel for kernel in KERNELS if exists(name, KERNELS[kernel])} == set(kernels.split())
    assert concerns_tracking(name)


@pytest.mark.parametrize("name", ["net.ipv4.ip_forward", "net.ipv4.vs.conntrack", "kernel.x_conntrack",
                                  "net.netfilter.nf_flowtable_tcp_timeout", "net.ipv4.tcp_fin_timeout"])  # fmt: skip
def test_other_settings(name: str) -> None:
    assert not concerns_tracking(name)


@pytest.mark.parametrize(
    ("name", "kernel", "right"),
    [
        ("net.ipv4.ip_tcp_timeout_established", "6.x", NEW + "tcp_timeout_established"),
        (OLD + "max", "6.x", NEW + "max"),
        (NEW + "max", "el5", OLD + "max"),
        (NEW + "maximum", "6.x", ""),
        (NEW + "helper", "6.x", ""),
    ],
)
def test_right_name(name: str, kernel: str, right: str) -> None:
    assert right_name(name, KERNELS[kernel]) == right


def test_slashes_are_dots_unless_there_is_a_dot_first() -> None:
    assert dotted("net/ipv4/conf/eth0.1/x") == "net.ipv4.conf.eth0.1.x"
    assert dotted("net.ipv4.conf.eth0/1.x") == "net.ipv4.conf.eth0/1.x"


def test_udp_streams_lived_longer_before_5() -> None:
    assert default_timeout("udp_timeout_stream", KERNELS["4.14"]) == 180
    assert default_timeout("udp_timeout_stream", KERNELS["el9"]) == 120
    assert default_timeout("tcp_timeout_established", KERNELS["el5"]) == 432000
    assert default_timeout("max", KERNELS["6.x"]) is None


EXTENSIONS = [*map(catalogue.match, sorted(MATCHES)), *map(catalogue.target, sorted(TARGETS))]


@pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda extension: extension.name)
def test_modules_of_extensions(extension: Extension) -> None:
    """The catalogue and the list of modules say the same of what needs connection tracking."""
    tracking = extension.tracking is not Tracking.NONE
    assert {needs_conntrack(module) for module in extension.modules} <= {tracking}
    assert extension.modules or not tracking
