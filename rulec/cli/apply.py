"""rulec apply: load rulesets, and go back unless somebody confirms."""

from __future__ import annotations

import argparse
from contextlib import suppress
from typing import TextIO

from rulec import api, applying
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import ruleset
from rulec.cli.outputs import say
from rulec.errors import InputError
from rulec.host.apply.folder import HOME


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="rulesets as iptables-save writes them, one a family")
    parser.add_argument("--confirm", action="store_true", help="confirm what another session has loaded")
    parser.add_argument(
        "--policy", metavar="POLICY", help="delete the entries of its hot flows, as compile --plan does"
    )
    parser.add_argument("--timeout", type=float, default=30, metavar="S", help="seconds to confirm in (default: 30)")
    parser.add_argument("--yes", action="store_true", help="ask nobody; still go back where a table cannot be loaded")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--force-session", action="store_true", help="also cut off the connection that this runs in")
    backend = "the iptables that loads the rules; default: the one that iptables-restore is here"
    parser.add_argument("--backend", choices=("legacy", "nft"), help=backend)
    where = f"where what was there is saved, of mode 0700 (default: {HOME})"
    parser.add_argument("--state-dir", default=HOME, metavar="DIR", help=where)
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Load and wait: 0 confirmed, 1 refused or gone back, 2 could not, and nothing was touched."""
    if chosen.confirm:
        if chosen.files:
            raise InputError("--confirm is about what is loaded already: name no files")
        return applying.confirm(chosen.state_dir, lambda line: _say(line, streams[1]))
    read = [ruleset(path, chosen, streams[0]) for path in chosen.files]
    policy, problems = api.read_policy(chosen.policy) if chosen.policy else (None, [])
    problems += [finding for each in read for finding in each.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=streams[2])
    if problems:
        return 2
    wishes = applying.Wishes(chosen.state_dir, None if chosen.yes else chosen.timeout, chosen.backend, policy)
    wishes = wishes._replace(any_session=chosen.force_session, dry_run=chosen.dry_run)
    return applying.apply(read, wishes, streams[0], lambda line: _say(line, streams[1]))


def _say(line: str, stream: TextIO) -> None:
    with suppress(BrokenPipeError):  # whether anybody reads is no reason to end before all is decided
        say(line, stream)
        stream.flush()
