"""What is said of configuration files, beside rulesets and for several kernels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulec import api
from rulec.diagnostics import Safety
from rulec.kernel.generations import KERNELS
from rulec.lint.check import Check
from rulec.lint.run import chosen
from tests.unit.lint.linting import applied, example_found, on_host

STATE = "*filter\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\nCOMMIT\n"
STATELESS = "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
FTP = "*raw\n-A PREROUTING -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
NOTRACK = "*raw\n-A PREROUTING -j NOTRACK\nCOMMIT\n"
NAT = "*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
MAX = "net.netfilter.nf_conntrack_max"


def said(name: str, text: str, *beside: str, kernel: str = "6.x") -> list[tuple[str, str]]:
    """Slug and marked words of each finding."""
    found = on_host(name, text, *beside, kernel=kernel, checks=chosen(["host"]))
    return [(finding.slug, finding.place.source.text[slice(*finding.place.span)]) for finding in found]


# ── modprobe.d ───────────────────────────────────────────────────────────────────────────────────

MODPROBE = [
    ("blacklist nf_conntrack", [("blacklist-ignored", "nf_conntrack")]),
    ("blacklist nf-nat", [("blacklist-ignored", "nf-nat")]),
    ("blacklist iptable_nat", [("blacklist-ignored", "iptable_nat")]),
    ("blacklist nf_conntrack\ninstall nf_conntrack /bin/false", []),
    ("blacklist xt_CT\nblacklist nf_conntrack_ftp\nblacklist loop", []),
    ("blacklist xt_state", [("half-blacklist", "xt_state")]),
    ("install xt_conntrack /bin/false", [("half-blacklist", "xt_conntrack /bin/false")]),
    ("install xt_conntrack /sbin/modprobe --ignore-install xt_conntrack", []),
    ("blacklist xt_state\ninstall xt_conntrack /bin/false", []),
    ("install nf_conntrack /usr/bin/true", [("install-true", "nf_conntrack /usr/bin/true")]),
    ("install nf_conntrack /bin/false", []),
    ("install iptable_nat /bin/false", [("install-too-late", "iptable_nat /bin/false")]),
    ("install nft_chain_nat /bin/true", [("install-too-late", "nft_chain_nat /bin/true")]),
    ("install loop /bin/true", []),
    ("install ip_conntrack /bin/false", [("alias-in-modprobe", "ip_conntrack /bin/false")]),
    ("blacklist ip-nat-ftp", [("alias-in-modprobe", "ip-nat-ftp")]),
    ("blacklist nf_conntrack_ipv4", [("no-such-module", "nf_conntrack_ipv4")]),
    ("options nf_conntrack hashsize=1 max=5", [("unknown-parameter", "max=5")]),
    ("options nf-conntrack acct=1 tstamp=1 expect-hashsize=1", []),
    ("options nf_conntrack enable_hooks=1", [("module-tracks", "enable_hooks=1")]),
    ("options nf_conntrack enable_hooks=0", []),
    ("options nf_conntrack enable_hooks=1\noptions nf_conntrack enable_hooks=0", []),
]


@pytest.mark.parametrize(("text", "found"), MODPROBE)
def test_modprobe(text: str, found: list[tuple[str, str]]) -> None:
    assert said("modprobe.d/x.conf", text) == found


@pytest.mark.parametrize(
    ("text", "kernel", "found"),
    [
        ("blacklist nf_conntrack_ipv4", "el7", [("blacklist-hangs", "nf_conntrack_ipv4")]),
        ("blacklist nf_conntrack_ipv6", "el8", [("blacklist-hangs", "nf_conntrack_ipv6")]),
        ("install nf_conntrack_ipv4 /bin/false", "el7", []),
        ("options ip_conntrack hashsize=9", "el5", []),
        ("blacklist ip_conntrack", "el5", [("blacklist-ignored", "ip_conntrack")]),
        ("blacklist nf_conntrack", "el5", [("no-such-module", "nf_conntrack")]),
        ("blacklist xt_state", "el6", []),  # what iptables loads there was not measured
        ("options nf_conntrack enable_hooks=1", "el8", [("unknown-parameter", "enable_hooks=1")]),
        ("options nf_conntrack enable_hooks=1", "el9", [("module-tracks", "enable_hooks=1")]),
    ],
)
def test_modprobe_by_kernel(text: str, kernel: str, found: list[tuple[str, str]]) -> None:
    assert said("modprobe.d/x.conf", text, kernel=kernel) == found


@pytest.mark.parametrize("ruleset", [STATE, FTP, NOTRACK, NAT])
@pytest.mark.parametrize("kernel", ["6.x", "el6"])
def test_a_ruleset_that_cannot_load(ruleset: str, kernel: str) -> None:
    (finding,) = on_host("modprobe.d/x.conf", "install nf_conntrack /bin/false\n", ruleset, kernel=kernel)
    assert (finding.slug, finding.severity) == ("needs-conntrack", "error")
    assert [label.source.name for label in finding.labels] == ["modprobe.d/x.conf", "rules"]


def test_each_ruleset_that_cannot_load_is_named_at_its_first_such_place() -> None:
    found = on_host("modprobe.d/x.conf", "install nf_conntrack /bin/false\n", STATE, STATELESS, NAT + STATE)
    assert [(finding.slug, finding.labels[1].line) for finding in found] == [
        ("needs-conntrack", line) for line in (2, 1)
    ]


@pytest.mark.parametrize(
    ("ruleset", "effect"),
    [
        (STATE, "and leaves the host open"),
        (NOTRACK + STATELESS, "and leaves the host open"),
        (STATELESS + NOTRACK, "from the table raw on"),
        (STATELESS + NAT + NOTRACK, "from the table nat on"),
        (NOTRACK, "from the table raw on"),
    ],
)
def test_only_what_stands_behind_is_missing(ruleset: str, effect: str) -> None:
    (finding,) = on_host("modprobe.d/x.conf", "install nf_conntrack /bin/false\n", ruleset)
    assert finding.message == f"rules does not load without nf_conntrack, {effect}"


GONE = STATE.replace("COMMIT", "-D INPUT 1\nCOMMIT")


@pytest.mark.parametrize(
    ("ruleset", "effect"),
    [
        (GONE, " with iptables-nft without nf_conntrack, and leaves the host open"),
        (STATELESS + GONE, " with iptables-nft without nf_conntrack, from the table filter on"),
        (GONE + STATE, " without nf_conntrack, from the table filter on"),  # the surest
        (STATE + STATELESS, " without nf_conntrack, and leaves the host open"),  # each COMMIT counts
        (NOTRACK + STATELESS + NOTRACK.replace("-A PREROUTING -j NOTRACK\n", ""),
         " without nf_conntrack, and leaves the host open"),
    ],
)  # fmt: skip
def test_rules_that_are_gone_in_the_end_need_it_too(ruleset: str, effect: str) -> None:
    (finding,) = on_host("modprobe.d/x.conf", "install nf_conntrack /bin/false\n", ruleset)
    assert finding.message == f"rules does not load{effect}"


@pytest.mark.parametrize("kernel", ["el5", "el7"])
def test_rules_that_are_gone_load_where_there_is_no_iptables_nft(kernel: str) -> None:
    core = KERNELS[kernel].core
    assert said("modprobe.d/x.conf", f"install {core} /bin/false\n", GONE, kernel=kernel) == []


def test_a_ruleset_in_error_is_left_out() -> None:
    assert said("modprobe.d/x.conf", "install nf_conntrack /bin/false\n", STATE.replace("ACCEPT", "NOWHERE")) == []


# ── lists of modules ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("module", "kernel", "beside", "found"),
    [
        ("ip_conntrack_netbios_ns", "el5", STATELESS, ["module-tracks"]),
        ("ip_conntrack_netbios_ns", "el5", None, ["module-tracks"]),
        ("ip_conntrack_netbios_ns", "el5", STATE, []),
        ("nf_conntrack_netbios_ns", "el6", STATELESS, ["idle-module"]),
        ("nf_conntrack_ipv4", "el6", STATELESS, ["module-tracks"]),
        ("nf_conntrack_ipv6", "el6", STATE, ["module-tracks"]),  # the rules are for IPv4
        ("nf_conntrack_ftp", "el7", STATE, []),  # connections get it by their port
        ("nf_conntrack_ftp", "6.x", STATE, ["idle-module"]),
        ("nf_nat_ftp", "6.x", FTP, []),
        ("nf_conntrack_tftp", "6.x", FTP, ["idle-module"]),
        ("nf_conntrack_ftp", "6.x", None, []),  # nothing is known of the rules
        ("nf_conntrack", "6.x", STATELESS, ["idle-module"]),
        ("nf_conntrack", "6.x", NOTRACK, []),
        ("nf_conntrack_ipv4", "6.x", STATE, ["no-such-module"]),
        ("openvswitch", "5.x", STATELESS, ["module-tracks"]),
        ("openvswitch", "6.x", STATELESS, ["module-tracks"]),  # up to 6.11
        ("vport_vxlan", "6.x", STATELESS, ["module-tracks"]),
        ("openvswitch", "6.x", STATE, ["module-tracks"]),  # IPv6, of which the rules say nothing
        ("ip_vs", "6.x", STATELESS, ["idle-module"]),
        ("ip_vs", "el6", STATELESS, []),
        ("xt_recent", "el5", STATELESS, []),
    ],
)
def test_lists(module: str, kernel: str, beside: str | None, found: list[str]) -> None:
    others = [] if beside is None else [beside]
    expected = [(slug, module) for slug in found]
    assert said("modules-load.d/x.conf", f"{module}\n", *others, kernel=kernel) == expected
    assert said("iptables-config", f'IPTABLES_MODULES="loop {module}"\n', *others, kernel=kernel) == expected


def test_what_may_not_be_loaded_does_nothing() -> None:
    refused = "install ip_conntrack /bin/false\n"
    assert said("iptables-config", "IPTABLES_MODULES=ip_conntrack_ftp\n", refused, STATELESS, kernel="el5") == []


def test_helpers_by_port_where_sysctl_asks_for_them() -> None:
    asked = "net.netfilter.nf_conntrack_helper = 1\n"
    assert said("modules-load.d/x.conf", "nf_conntrack_ftp\n", STATE, asked, kernel="5.x") == []
    assert said("modules-load.d/x.conf", "nf_conntrack_ftp\n", STATE, asked.replace("1", "0"), kernel="5.x") != []


# ── sysctl ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "kernel", "found"),
    [
        ("net.ipv4.ip_forward=1", "6.x", []),
        ("net.netfilter.nf_conntrack_helper=1", "6.x", ["unknown-setting"]),
        ("net.ipv4.ip_conntrack_max=0", "6.x", ["unknown-setting"]),  # and nothing else: it has no effect
        ("net.ipv4.netfilter.ip_conntrack_udp_timeout=900", "6.x", ["unknown-setting"]),
        ("net.ipv4.ip_conntrack_max=9", "el5", ["setting-too-early"]),
        (f"{MAX}=9", "el5", ["unknown-setting"]),
        (f"{MAX}=0", "6.x", ["setting-too-early", "table-memory"]),
        (f"{MAX}=2097152", "6.x", ["setting-too-early"]),
        (f"{MAX}=2097153", "6.x", ["long-hash-chains", "setting-too-early"]),
        (f"{MAX}=131073", "el6", ["long-hash-chains", "setting-too-early"]),
        (f"{MAX}=4194303\nnet.netfilter.nf_conntrack_buckets=1048576", "6.x", ["setting-too-early"]),
        (f"{MAX}=4194304\nnet.netfilter.nf_conntrack_buckets=1048576", "6.x", ["setting-too-early", "table-memory"]),
        (f"{MAX}=4194304\n{MAX}=9", "6.x", ["setting-too-early"]),  # the last holds
        (f"{MAX}=many", "6.x", ["ignored-line", "setting-too-early"]),
        ("net.netfilter.nf_conntrack_udp_timeout=30", "6.x", ["setting-too-early"]),
        ("net.netfilter.nf_conntrack_udp_timeout=31", "6.x", ["long-timeout", "setting-too-early"]),
        ("net/netfilter/nf_conntrack_udp_timeout_stream=180", "4.14", ["setting-too-early"]),
    ],
)
def test_sysctl(text: str, kernel: str, found: list[str]) -> None:
    assert sorted(slug for slug, _ in said("sysctl.d/x.conf", text, kernel=kernel)) == found


def test_buckets_of_modprobe_d_count() -> None:
    slugs = {
        size: {
            slug for slug, _ in said("sysctl.d/x.conf", f"{MAX}=800000\n", f"options nf_conntrack hashsize={size}\n")
        }
        for size in (99999, 100000)
    }
    assert slugs == {99999: {"long-hash-chains", "setting-too-early"}, 100000: {"setting-too-early"}}


def test_the_rate_that_a_table_bears() -> None:
    text = f"{MAX}=60000\nnet.netfilter.nf_conntrack_udp_timeout=600\n"
    (finding,) = on_host("sysctl.conf", text, checks=chosen(["long-timeout"]))
    assert finding.message == "the kernel takes 30 seconds here; with 600, 100 such flows a second fill 60000 entries"


def test_a_list_that_loads_the_module_makes_settings_timely() -> None:
    found = on_host("modules-load.d/x.conf", "nf_conntrack\n", STATE, f"{MAX}=9\n", checks=chosen(["host"]))
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("IPTABLES_MODULES_UNLOAD=yes\n", ["settings-lost"]),
        ("IPTABLES_MODULES_UNLOAD=no\n", []),
        ("IPTABLES_MODULES_UNLOAD=yes\nIPTABLES_SYSCTL_LOAD_LIST='.nf_conntrack'\n", []),
    ],
)
def test_settings_lost(text: str, found: list[str]) -> None:
    beside = "net.netfilter.nf_conntrack_max = 262144\n"
    assert [slug for slug, _ in said("iptables-config", text, beside, kernel="el7")] == [*found, "setting-too-early"]
    assert said("iptables-config", text, kernel="el7") == []


V6_RULES = "*filter\n-A INPUT -s ::1 -j ACCEPT\nCOMMIT\n"


@pytest.mark.parametrize(
    ("text", "kernels"),
    [
        ("IPTABLES_SAVE_ON_STOP=yes\n", set(KERNELS)),
        ("IPTABLES_SAVE_ON_RESTART=yes\n", {"el5", "el6"}),  # the unit of systemd has no restart
        ("IPTABLES_SAVE_ON_STOP=no\nIPTABLES_SAVE_ON_RESTART=no\n", set()),
        ("IPTABLES_SAVE_ON_STOP=true\n", set()),  # the script compares with yes
        ("IP6TABLES_SAVE_ON_STOP=yes\n", set()),  # the ruleset is for IPv4
        ("IPTABLES_SAVE_COUNTER=yes\nIPTABLES_STATUS_NUMERIC=yes\n", set()),
    ],
)
def test_a_ruleset_that_the_service_writes_over(text: str, kernels: set[str]) -> None:
    for kernel in KERNELS:
        found = said("iptables-config", text, STATELESS, kernel=kernel)
        name = text.partition("=")[0]
        value = text.partition("=")[2].partition("\n")[0]
        assert found == [("ruleset-overwritten", f"{name}={value}")] * (kernel in kernels), kernel
        assert said("iptables-config", text, kernel=kernel) == []  # without a ruleset


@pytest.mark.parametrize(("kernel", "message"), [("el5", "each stop writes"), ("el7", "each stop or restart writes")])
def test_when_the_service_writes_and_what_helps(kernel: str, message: str) -> None:
    (finding,) = on_host("iptables-config", "IPTABLES_SAVE_ON_STOP=yes\n", STATELESS, kernel=kernel)
    assert finding.message.startswith(message)
    assert bool(finding.hint) is (kernel != "el5")  # whose script has no reload
    assert [label.source.name for label in finding.labels] == ["iptables-config", "rules"]


def test_each_service_writes_over_the_rulesets_of_its_family() -> None:
    config = api.read_config("ip6tables-config", "IP6TABLES_SAVE_ON_STOP=yes\n")
    rulesets = [api.parse(STATELESS, "v4", "ipv4"), api.parse(V6_RULES, "v6", "ipv6")]
    (report,) = api.lint_host([config], rulesets, HOST)
    assert [[label.source.name for label in finding.labels] for finding in report.findings] == [
        ["ip6tables-config", "v6"]
    ]


SETTINGS = st.sampled_from(
    f"{MAX} net.nf_conntrack_max net.netfilter.nf_conntrack_buckets net.ipv4.ip_conntrack_max"
    " net/netfilter/nf_conntrack_udp_timeout net.netfilter.nf_conntrack_helper net.x.conntrack".split()
)
NUMBERS = st.sampled_from(
    ["", "0", "1", "65536", "0x9", "-1", "1e9", "9" * 19, "9" * 5000, "\N{ARABIC-INDIC DIGIT THREE}"]
)
LINES = st.builds("{}={}\noptions nf_conntrack hashsize={}\n".format, SETTINGS, NUMBERS, NUMBERS)


@given(lines=st.lists(LINES), kernel=st.sampled_from(sorted(KERNELS)), beside=st.sampled_from([STATE, STATELESS]))
def test_no_value_is_too_odd(lines: list[str], kernel: str, beside: str) -> None:
    text = "".join(lines)
    for finding in on_host("sysctl.d/x", text, beside, f"options nf_conntrack acct=1\n{text}", kernel=kernel):
        assert finding.message


# ── all ──────────────────────────────────────────────────────────────────────────────────────────

HOST = chosen(["host"])


@pytest.mark.parametrize("check", HOST, ids=lambda check: check.slug)
def test_a_fix_silences_its_finding_and_is_unsafe(check: Check) -> None:
    for finding in example_found(check.example.bad, check.example, [check]):
        if finding.fix is not None:
            assert finding.fix.safety is Safety.UNSAFE  # it changes what the host does when it starts
            fixed = applied(check.example.bad, finding.fix)
            assert finding not in example_found(fixed, check.example, [check])
            assert len(example_found(fixed, check.example, [check])) < len(
                example_found(check.example.bad, check.example, [check])
            )


def test_fixes_of_lists() -> None:
    for text, fixed in (
        ('IPTABLES_MODULES="ip_conntrack_ftp loop"\n', 'IPTABLES_MODULES="loop"\n'),
        ('IPTABLES_MODULES="loop ip_conntrack_ftp"\n', 'IPTABLES_MODULES="loop"\n'),
        ("IPTABLES_MODULES=ip_conntrack_ftp\n", "IPTABLES_MODULES=\n"),
    ):
        (finding,) = on_host("iptables-config", text, kernel="el5")
        assert finding.fix is not None
        assert applied(text, finding.fix) == fixed


def test_rulesets_alone_are_no_business_of_the_group() -> None:
    assert api.lint(api.parse(STATE), HOST).findings == ()
    assert api.lint_host([], [api.parse(STATE)], HOST) == []


def test_findings_come_in_the_order_of_the_files() -> None:
    found = on_host("z.d/sysctl.conf", f"{MAX}=0\n", "blacklist nf_conntrack\n", "net.nf_conntrack_max=0\n")
    assert [finding.place.source.name for finding in found] == ["z.d/sysctl.conf"] + ["other"] * (len(found) - 1)


# ── lines that say nothing ───────────────────────────────────────────────────────────────────────

IGNORED = [
    ("modprobe.d/x.conf", "frobnicate a b", ["frobnicate a b"]),
    ("modprobe.d/x.conf", "options nf_conntrack\nblacklist\nalias x", ["options nf_conntrack", "blacklist", "alias x"]),
    ("modprobe.d/x.conf", "OPTIONS loop a=1\ninclude x", ["OPTIONS loop a=1", "include x"]),
    ("modprobe.d/x.conf", "# options\n\n options loop \\\n max_loop=8\nblacklist y\nsoftdep a pre: b", []),
    ("sysctl.conf", "net.ipv4.ip_forward\n= 3", ["net.ipv4.ip_forward", "= 3"]),
    ("sysctl.conf", f"{MAX} = banana\n{MAX} = 12x\n{MAX} =", [f"{MAX} = banana", f"{MAX} = 12x", f"{MAX} ="]),
    ("sysctl.conf", f"; a\n# b\n-net.ipv4.foo\n{MAX}=0x10000\nnet.ipv4.ip_forward = x", []),
    ("modules-load.d/x.conf", "!!!", []),
]


@pytest.mark.parametrize(("name", "text", "lines"), IGNORED)
def test_lines_that_nobody_understands_are_told(name: str, text: str, lines: list[str]) -> None:
    assert [words for slug, words in said(name, text) if slug == "ignored-line"] == lines
