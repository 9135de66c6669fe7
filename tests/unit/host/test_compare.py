"""What two outcomes of a trial tell, and in which words."""

from __future__ import annotations

import pytest

from rulec.host.compare import Report, compare, differences
from rulec.host.trial import (
    ANSWERER,
    ASKER,
    Expected,
    Kind,
    Left,
    Outcome,
    Step,
    Trial,
    opening,
    stray,
    whole,
)
from rulec.model.protocols import UDP
from tests.unit.host.values import flow

HERE, BACK = "delivered here from 198.51.100.7 to 192.0.2.1 port 80", "delivered on eth0 from 192.0.2.1 to 198.51.100.7"
ENTRY = "ESTABLISHED answered, begun by the asker"


def told(trial: Trial, old: Outcome, new: Outcome) -> list[tuple[Expected | None, str]]:
    return list(differences(trial, old, new))


def outcome(*steps: str, entries: tuple[str, ...] = ()) -> Outcome:
    return Outcome(steps, entries)


def web(left: Left = Left.SAME, expected: Expected = Expected.SAME) -> Trial:
    return Trial("web", flow(), opening(flow()), left, expected)


def test_the_same_is_no_difference() -> None:
    assert told(web(), outcome(HERE, BACK, HERE, entries=(ENTRY,)), outcome(HERE, BACK, HERE, entries=(ENTRY,))) == []


def test_what_is_lost_is_named() -> None:
    [(kind, line)] = told(web(), outcome(HERE, BACK, HERE), outcome("lost"))
    assert kind is Expected.SAME
    assert line == (
        "web: tcp 198.51.100.7:40000 > 192.0.2.1:80 in eth0:"
        " the SYN is delivered under the old ruleset, and lost under the new one"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (HERE, "refused", "the SYN is delivered under the old ruleset, and refused under the new one"),
        ("lost", "refused", "the SYN is lost under the old ruleset, and refused under the new one"),
        ("lost", HERE, "the SYN is lost under the old ruleset, and delivered under the new one"),
        (
            HERE,
            BACK,
            "the old ruleset has the SYN delivered here from 198.51.100.7 to 192.0.2.1 port 80, the new one on",
        ),
    ],
)
def test_words(before: str, after: str, said: str) -> None:
    [(_, line)] = told(web(), outcome(before), outcome(after))
    assert said in line


@pytest.mark.parametrize(
    ("expected", "before", "after", "found"),
    [
        (Expected.MORE, "lost", HERE, Expected.MORE),
        (Expected.MORE, HERE, "lost", Expected.SAME),
        (Expected.LESS, HERE, "lost", Expected.LESS),
        (Expected.LESS, "lost", HERE, Expected.SAME),
        (Expected.LESS | Expected.MORE, "lost", HERE, Expected.MORE),
        (Expected.LESS | Expected.MORE, HERE, "lost", Expected.LESS),
        (Expected.SILENT, "refused", "lost", Expected.LESS),
        (Expected.SILENT, HERE, "lost", Expected.SAME),
        (Expected.SAME, "lost", HERE, Expected.SAME),
    ],
)
def test_only_what_is_expected_is_forgiven(expected: Expected, before: str, after: str, found: Expected) -> None:
    assert [kind for kind, _ in told(web(expected=expected), outcome(before), outcome(after))] == [found]


@pytest.mark.parametrize(
    ("left", "old", "new", "differs"),
    [
        (Left.NONE, (ENTRY,), (), False),
        (Left.NONE, (), (ENTRY,), True),
        (Left.NONE, (ENTRY,), (ENTRY,), True),
        (Left.SAME, (ENTRY,), (ENTRY,), False),
        (Left.SAME, (ENTRY,), (), True),
        (Left.SAME, (), (ENTRY,), True),
        (Left.FEWER, (ENTRY,), (), False),
        (Left.FEWER, (ENTRY,), (ENTRY,), False),
        (Left.FEWER, (), (ENTRY,), True),
    ],
)
def test_entries(left: Left, old: tuple[str, ...], new: tuple[str, ...], differs: bool) -> None:
    steps = (HERE, BACK, HERE)
    assert bool(told(web(left), Outcome(steps, old), Outcome(steps, new))) == differs


def test_an_error_about_a_hot_flow_may_pass() -> None:
    error = Step(Kind.ERROR, ASKER, number=3, code=4)
    for left, steps, found in (
        (Left.NONE, opening(flow()), Expected.MORE),
        (Left.SAME, opening(flow()), Expected.SAME),
        (Left.NONE, (), Expected.SAME),
    ):
        trial, before = Trial("web", flow(), (*steps, error), left), [HERE] * len(steps)
        [(kind, line)] = told(trial, outcome(*before, "lost"), outcome(*before, "delivered here"))
        assert kind is found
        assert "the ICMP error fragmentation-needed to the answerer is lost" in line


def test_what_was_masqueraded_has_its_own_address() -> None:
    """The certificate assumes that they are the same, and the links of the laboratory have others."""
    masked = BACK.replace("192.0.2.1", "198.18.1.1")
    for before, after, left, found in (
        (masked, BACK, Left.NONE, Expected.LESS),
        (masked, BACK, Left.SAME, Expected.SAME),
        (BACK, masked, Left.NONE, Expected.SAME),
        (masked, BACK.replace("eth0", "eth1"), Left.NONE, Expected.SAME),
    ):
        [(kind, _)] = told(Trial("web", flow(), opening(flow()), left), outcome(HERE, before), outcome(HERE, after))
        assert kind is found


def test_of_each_kind_the_first_is_told() -> None:
    trial = Trial("web", flow(), whole(flow()), expected=Expected.MORE)
    old, new = outcome("lost", "lost", HERE, HERE), outcome(HERE, HERE, "lost", "lost")
    assert [kind for kind, _ in told(trial, old, new)] == [Expected.MORE, Expected.SAME]


def test_other_steps_have_words_too() -> None:
    udp = flow(UDP, 53)
    for one, step, said in (
        (flow(), stray(0x11)[0], "a lone segment FIN,ACK"),
        (flow(), stray(0)[0], "a lone segment without flags"),
        (udp, stray()[0], "a lone packet"),
        (udp, Step(Kind.DATA, ANSWERER, 4000), "4000 octets from the answerer"),
        (udp, Step(Kind.ANSWER, ANSWERER), "the answer"),
    ):
        [(_, line)] = told(Trial("", one, (step,)), outcome("lost"), outcome("refused"))
        assert f"{said} is lost" in line


def test_the_report_is_short_where_nothing_is_wrong() -> None:
    report = Report(
        "nft", (web(),), ((outcome(HERE), outcome(HERE)),), (), ("a: one", "a: two", "b: three"), (), ("x",)
    )
    assert report.is_same
    assert list(report.lines()) == [
        "1 flows through each ruleset (nft): 1 packets and transfers delivered, 0 differences",
        "exposed, as the certificate lists: a: one, and 1 more like it",
        "exposed, as the certificate lists: b: three",
        "not tried: x",
    ]


# ── chance ──


def of_two_runs(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[Outcome, Outcome]) -> Report:
    """A report on one trial, of which these are the outcomes, run by run."""
    runs = iter([(pair,) for pair in pairs])
    monkeypatch.setattr("rulec.host.compare._outcomes", lambda jobs: next(runs))
    return compare([], [], [web()])


def test_what_differs_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = (outcome(HERE), outcome("lost"))
    assert len(of_two_runs(monkeypatch, pair, pair).differences) == 1


def test_what_is_otherwise_the_second_time_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    report = of_two_runs(monkeypatch, (outcome(HERE), outcome("lost")), (outcome(HERE), outcome(HERE)))
    assert report.differences == ()
    [skipped] = report.skipped
    assert skipped.endswith("it does not come out the same each time")


def test_what_is_the_same_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of_two_runs(monkeypatch, (outcome(HERE), outcome(HERE))).is_same
