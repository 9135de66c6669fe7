"""rulec compile: hot ports without connection tracking."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from rulec import api
from rulec.cli import compiled, live
from rulec.cli.arguments import Streams, add_memory, add_reading
from rulec.cli.inputs import ruleset
from rulec.cli.settled import add_settings, jobs
from rulec.errors import InputError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    files = "rulesets as iptables-save writes them, one a family; without them rulec.toml says what to compile"
    parser.add_argument("files", nargs="*", metavar="FILE", help=files)
    parser.add_argument("--policy", metavar="POLICY", help="the policy file that names the hot ports")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-o", "--output", metavar="OUT", help="write the result there instead of to standard output")
    where.add_argument("--output-dir", metavar="DIR", help="write each result there under the name of its file")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--diff", action="store_true", help="show what changes instead of the result")
    shown.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file would change")
    shown.add_argument("--plan", action="store_true", help="also print the roll-out as a shell script")
    parser.add_argument(
        "--explain", action="store_true", help="say of every change why it is made, and why it is sound"
    )
    parser.add_argument("--certificate", metavar="FILE", help="write what was proved there: text, .json or .md")
    parser.add_argument("--keep-going", action="store_true", help="leave out entries that are refused; exit 1")
    lacks = "a match that the host lacks: u32, socket, addrtype"
    parser.add_argument("--without", action="append", default=[], metavar="MODULE", help=lacks)
    kernel = "the kernel of the host, as for lint: what it lacks is done otherwise, or refused"
    parser.add_argument("--kernel", default="", metavar="NAME", help=kernel)
    parser.add_argument("--output-format", choices=("text", "json"), default="text")
    add_memory(parser)
    live.add_live(parser)
    add_reading(parser)
    add_settings(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Compile rulesets: 0 done, 1 refused or would change, 2 unusable input; reasons go to standard error."""
    done = [(job, *_compiled(job, streams)) for job in jobs(chosen, streams[2])]
    if any(results is None for _, _, results, _ in done):
        return max(code for _, code, _, _ in done)
    changes = [compiled.put_all(results, policy, job, streams) for job, _, results, policy in done]
    return max(int(chosen.check and any(changes)), *(code for _, code, _, _ in done))


def _compiled(chosen: argparse.Namespace, streams: Streams) -> tuple[int, Any, Any]:
    """What a job comes to, its results, None if there are none, and its policy."""
    read = [ruleset(path, chosen, streams[0]) for path in chosen.files]
    read += live.in_force(chosen, streams[2]) if chosen.live else []
    if len({each.family for each in read}) < len(read) or (len(read) > 1 and chosen.output):
        raise InputError("one file for each family, and with two of them --output-dir")
    if chosen.plan and not (chosen.output or chosen.output_dir):
        raise InputError("--plan is about files: say where with -o or --output-dir")
    policy, problems = api.read_policy(chosen.policy)
    problems += [finding for each in read for finding in each.findings if finding.severity.rank == 2]
    if problems or policy is None:
        _print(problems, streams)
        return 2, None, policy
    results = api.compile_all(read, policy, chosen.keep_going, chosen.without, chosen.memory << 20, chosen.kernel)
    refused = [finding for result in results for finding in result.refusals]
    _print(refused, streams)
    usable = all(result.compiled is not None for result in results)
    return int(bool(refused) or not usable), results if usable else None, policy


def _print(findings: Iterable[Any], streams: Streams) -> None:
    for line in api.show(findings):
        print(line, file=streams[2])
