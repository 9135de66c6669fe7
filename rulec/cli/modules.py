"""rulec modules: which modules of connection tracking are loaded and why, how they go, and how they stay away."""

from __future__ import annotations

import argparse

from rulec import advice, api
from rulec.cli.arguments import Streams, add_reading
from rulec.cli.inputs import parsed, text
from rulec.cli.outputs import put_below, say
from rulec.errors import InputError

_FILES = "rulesets; recipes: lines with rmmod, modprobe -r, blacklist, install; default: what is loaded on this machine"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its arguments."""
    parser.add_argument("files", nargs="*", metavar="FILE", help=_FILES)
    parser.add_argument("--kernel", metavar="NAME", help="the kernel of the host; default: that of this machine")
    backend = "the iptables that loads the rules; default: nft for el8, el9, 5.x and 6.x"
    parser.add_argument("--backend", choices=("legacy", "nft"), help=backend)
    parser.add_argument(
        "--apply", action="store_true", help="remove what is loaded on this machine, if no rule needs it"
    )
    keep_off = "write the files that keep tracking off there, as below /etc; refused while a rule would fail"
    parser.add_argument("--output-dir", metavar="DIR", help=keep_off)
    parser.add_argument("--output-format", choices=("full", "json"), default="full")
    add_reading(parser)


def run(chosen: argparse.Namespace, streams: Streams) -> int:
    """Say it: 0 done, 1 lines that do not do what they seem to, or a refusal, 2 unusable input."""
    stdin, stdout, stderr = streams
    if chosen.apply and (chosen.files or chosen.kernel):
        raise InputError("--apply is about what is loaded on this machine: name no files and no kernel")
    if chosen.output_dir and not chosen.files:
        raise InputError("--output-dir needs the rulesets that are loaded at boot: they must not need tracking")
    named = [text(path, stdin) for path in chosen.files]
    recipes = [recipe for one in named if (recipe := advice.recipe(*one))]
    rulesets = [parsed(one, chosen) for one in named if not advice.recipe(*one)]
    problems = [finding for each in rulesets for finding in each.findings if finding.severity.rank == 2]
    for line in api.show(problems):
        print(line, file=stderr)
    if problems:
        return 2
    found = advice.modules(rulesets, recipes, chosen.kernel, chosen.backend)
    for line in advice.render_modules(found, chosen.output_format):
        print(line, file=stdout)
    if chosen.apply:
        return _apply(streams)
    for name, content in found.keep_off if chosen.output_dir else ():
        put_below(chosen.output_dir, name, content, stderr)
    return int(not found.is_sound or bool(chosen.output_dir and not found.keep_off))


def _apply(streams: Streams) -> int:
    for name, wrong in advice.remove_modules():
        say(f"{name}: {wrong or 'removed'}", streams[2] if wrong else streams[1])
        if wrong:
            return 1
    return 0
