"""Comments where they may not stand, and comments of rules that are cut."""

from __future__ import annotations

import pytest

from rulec import api
from tests.unit.lint.linting import applied

CASES = [
    ("indented-comment", "*filter\n  # a\n-A INPUT -j ACCEPT\nCOMMIT\n", "*filter\n# a\n-A INPUT -j ACCEPT\nCOMMIT\n"),
    ("indented-comment", "\t# a\n*filter\nCOMMIT\n", "# a\n*filter\nCOMMIT\n"),
    ("trailing-comment", "*filter\n-A INPUT # a  b\nCOMMIT\n", "*filter\n# a  b\n-A INPUT\nCOMMIT\n"),
    ("trailing-comment", "*filter\n[1:2] -A INPUT\t#a\nCOMMIT\n", "*filter\n#a\n[1:2] -A INPUT\nCOMMIT\n"),
    ("trailing-comment", "*filter\nCOMMIT # a\n", "*filter\n# a\nCOMMIT\n"),
    ("trailing-comment", "*filter # a\nCOMMIT\n", "# a\n*filter\nCOMMIT\n"),
    ("trailing-comment", "*filter\n:INPUT DROP # a\nCOMMIT\n", "*filter\n# a\n:INPUT DROP\nCOMMIT\n"),
    ("trailing-comment", "*filter\n:INPUT DROP [0:0] # a\nCOMMIT\n", "*filter\n# a\n:INPUT DROP [0:0]\nCOMMIT\n"),
]


@pytest.mark.parametrize(("slug", "bad", "good"), CASES)
def test_a_comment_goes_where_it_may_stand(slug: str, bad: str, good: str) -> None:
    (finding,) = api.lint(api.parse(bad), api.checks(["syntax"])).findings
    assert finding.slug == slug
    assert finding.fix is not None
    assert applied(bad, finding.fix) == good
    assert api.lint(api.parse(good), api.checks(["syntax"])).findings == ()


@pytest.mark.parametrize(
    "line", ["-A INPUT -m comment --comment #a", '-A INPUT -m comment --comment " # a"', ":#a - [0:0]", ": #a - [0:0]"]
)
def test_what_is_no_comment(line: str) -> None:
    assert api.lint(api.parse(f"*filter\n{line}\nCOMMIT\n"), api.checks(["syntax"])).findings == ()


@pytest.mark.parametrize(
    ("words", "octets"),
    [("--comment " + "x" * 256, 256), ('--comm "' + "é" * 128 + '"', 256), ("--comment " + "x" * 255, 0),
     ('--comment "' + 250 * "x" + '" -p tcp --dport 22', 0)],
)  # fmt: skip
def test_long_comments_are_cut(words: str, octets: int) -> None:
    text = f"*filter\n-A INPUT -m comment {words} -j ACCEPT\nCOMMIT\n"
    messages = [found.message for found in api.lint(api.parse(text), api.checks(["comment-too-long"])).findings]
    assert messages == [f"the comment has {octets} bytes, and the kernel keeps the first 255"] * bool(octets)
