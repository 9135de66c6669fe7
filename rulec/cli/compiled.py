"""What rulec compile writes: rulesets, differences, certificates, the roll-out."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, TextIO

from rulec import api
from rulec.cli.arguments import Streams
from rulec.cli.outputs import make_folder, put, put_together, say


def put_all(results: Sequence[Any], policy: Any, chosen: argparse.Namespace, streams: Streams) -> bool:
    """Write all results as was asked; tells whether any file would change."""
    _, stdout, stderr = streams
    if chosen.output_dir and not chosen.check:
        make_folder(chosen.output_dir)
    if chosen.output_format == "json":
        texts, changes = _texts(results, chosen, None)
        put_together(texts, stdout)
        put(api.compiled_as_json(results), None, stdout)
        return changes
    for result in results:
        _say(result, chosen, stderr)
    paths = [chosen.certificate] if chosen.certificate else []
    certificate = [("".join(_certificates(results, path)), path) for path in paths]
    if chosen.diff:
        put_together(certificate, stdout)
        for result in results:
            source = result.ruleset.source
            put("".join(api.difference(source.text, result.compiled.text, source.name)), None, stdout)
        return True
    texts, changes = _texts(results, chosen, None if chosen.plan else stdout)
    put_together([*certificate, *texts], stdout)
    if chosen.plan:
        put(api.rollout([(each.ruleset.family, _path(each, chosen) or "-") for each in results], policy), None, stdout)
    return changes


def _texts(
    results: Sequence[Any], chosen: argparse.Namespace, stdout: TextIO | None
) -> tuple[list[tuple[str, str | None]], bool]:
    """The rulesets that are to be written, each with its path, and whether any file would change, which is said."""
    texts, changes = list[tuple[str, str | None]](), False
    for result in results:
        path, text = _path(result, chosen), result.compiled.text
        name = path or result.ruleset.source.name
        known = result.ruleset.source.text if chosen.live and not path else _known(name)
        changed = (known if chosen.check else "") != text
        if changed and chosen.check and stdout:
            say(f"{name} would change", stdout)
        changes |= changed
        if not chosen.check and (path or stdout):
            texts.append((text, path))
    return texts, changes


def _known(path: str) -> str:
    """What a file holds, nothing where it is not there yet."""
    return api.read_text(path) if os.path.exists(path) else ""


def _path(result: Any, chosen: argparse.Namespace) -> str | None:
    ruleset = result.ruleset
    name = f"rules.v{ruleset.family.value[-1]}" if chosen.live else os.path.basename(ruleset.source.name)
    path: str | None = os.path.join(chosen.output_dir, name) if chosen.output_dir else chosen.output
    return path


def _certificates(results: Sequence[Any], path: str) -> list[str]:
    form = {".json": "json", ".md": "markdown"}.get(os.path.splitext(path)[1], "full")
    proved = [result.compiled.certificate for result in results if result.compiled.certificate]
    return [line + "\n" for certificate in proved for line in api.render_certificate(certificate, form)]


def _say(result: Any, chosen: argparse.Namespace, stderr: TextIO) -> None:
    for note in result.compiled.notes:
        say(f"{result.ruleset.source.name}: {note}", stderr)
    for line in api.explained(result.ruleset, result.compiled) if chosen.explain else ():
        say(line, stderr)
