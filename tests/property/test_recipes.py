"""Whatever a recipe says: nothing is raised, every command is judged, and no line is invented."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rulec.host.modules.recipe import Does, play
from rulec.kernel.generations import KERNELS
from rulec.source import Source

WORDS = st.sampled_from(
    "rmmod modprobe -r -f --remove-holders blacklist install options nf_conntrack nf-conntrack ip_conntrack iptable_nat"
    " nf_nat xt_state xt_CT nf_conntrack_ipv4 nf_nat_ftp openvswitch /bin/true /bin/false enable_hooks=1 iptables -t"
    " nat -F -L conntrack echo \" ' && ; # $ sudo IPTABLES_MODULES= = >> service stop".split()
)
LINES = st.lists(st.one_of(st.lists(WORDS, max_size=7).map(" ".join), st.text(max_size=20)), max_size=8)


@given(LINES, st.sampled_from(sorted(KERNELS)))
def test_every_command_is_judged(lines: list[str], kernel: str) -> None:
    source = Source("recipe", "\n".join(lines))
    played = play(source, KERNELS[kernel])
    for verdict in played.verdicts:
        assert verdict.text in source.line(verdict.line)
        assert verdict.why or verdict.does in (Does.WORKS, Does.UNKNOWN)
    assert [verdict.line for verdict in played.verdicts] == sorted(verdict.line for verdict in played.verdicts)
