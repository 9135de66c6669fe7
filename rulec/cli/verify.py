"""rulec verify: whether a new ruleset keeps what an old one has open, and opens nothing else."""

from __future__ import annotations

import argparse

from rulec import api
from rulec.cli.arguments import Streams, add_memory, add_reading
from rulec.cli.inputs import ruleset
from rulec.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("old", metavar="OLD", help="the ruleset as it was, or - for standard input")
    parser.add_argument("new", metavar="NEW", help="the ruleset that is to take its place")
    parser.add_argument("--policy", required=True, metavar="POLICY", help="the policy file that names the hot ports")
    kernel = "also load both into network namespaces of their own, send packets through, and compare (needs root)"
    parser.add_argument("--kernel", action="store_true", help=kernel)
    parser.add_argument("--backend", choices=("legacy", "nft"), default="legacy", help="the iptables for --kernel")
    parser.add_argument("--output-format", choices=("full", "json", "markdown"), default="full")
    add_memory(parser)
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Prove two rulesets: 0 proved, 1 refuted, 2 unusable input."""
    stdin, stdout, stderr = streams
    if chosen.old == chosen.new == "-":
        raise InputError("standard input holds one ruleset, not both")
    old, new = (ruleset(path, chosen, stdin) for path in (chosen.old, chosen.new))
    policy, problems = api.read_policy(chosen.policy)
    problems += [finding for read in (old, new) for finding in read.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    if problems:
        return 2
    certificate = api.prove(old, new, policy, chosen.memory << 20)
    for line in api.render_certificate(certificate, chosen.output_format):
        print(line, file=stdout)
    if not chosen.kernel:
        return int(not certificate.is_proved)
    report = api.verify_in_kernel(old, new, policy, certificate, chosen.backend)
    for line in report.lines():
        print(line, file=stdout)
    return int(not (certificate.is_proved and report.is_same))
