"""What the checks say of all files of a run, each with its settings."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any

from rulec import api
from rulec.config.file import ConfigFile
from rulec.linting.files import File, checks_of, handling_of, open_ports
from rulec.resources import lazy
from rulec.syntax.ruleset import Ruleset

_WORTH_IT = 20
"""So many rulesets are read sooner by several processes, which take some 50 ms to begin."""

_MANY = 8
"""So many rulesets after each other may leave behind what only the collector finds; the program runs without it."""


class Linter:
    """Lints files host by host; what was said of a file is said again while nothing beside it changes.

    ``ignores`` is False when suppressions do not count; ``processes`` share many files.
    """

    def __init__(self, ignores: bool = True, processes: int = 1) -> None:
        self.ignores, self._processes = ignores, processes
        self._known: dict[Any, Any] = {}

    def reports(self, files: Sequence[File]) -> list[Any]:
        """One report a file, in their order."""
        found: dict[int, Any] = {}
        hosts: dict[str, list[int]] = {}
        for number, file in enumerate(files):
            hosts.setdefault(file.host, []).append(number)
        if self._processes > 1:
            self._share_out([[files[number] for number in numbers] for numbers in hosts.values()])
        for numbers in hosts.values():
            found.update(zip(numbers, self._of_host([files[number] for number in numbers]), strict=True))
        return [found[number] for number in range(len(files))]

    def _share_out(self, hosts: list[list[File]]) -> None:
        """Have the rulesets that are not known linted by several processes, where they are many."""
        asked = [
            (file, configs)
            for files in hosts
            for configs in [_configs(files)]
            for file in files
            if isinstance(file.content, Ruleset) and _key(file, configs) not in self._known
        ]
        if len(asked) >= _WORTH_IT:
            found = lazy("rulec.linting.workers").spread(self._report, asked, self._processes)
            self._known |= {_key(*asked[number]): report for number, report in found.items()}

    def _of_host(self, files: list[File]) -> list[Any]:
        configs = _configs(files)
        on_host = self._of_configs(configs, files) if configs else iter(())
        return [next(on_host) if isinstance(file.content, ConfigFile) else self._one(file, configs) for file in files]

    def _of_configs(self, configs: list[File], files: list[File]) -> Iterator[Any]:
        rulesets = [file.content for file in files if isinstance(file.content, Ruleset)]
        choices = [(checks_of(file), handling_of(file, self.ignores)) for file in configs]
        contents = [file.content for file in configs]
        kernel = configs[0].settings.kernel
        return iter(api.lint_host(contents, rulesets, kernel=kernel, choices=choices))

    def _one(self, file: File, configs: Sequence[File]) -> Any:
        key = _key(file, configs)
        if key not in self._known:
            self._known[key] = self._report(file, configs)
            if len(self._known) % _MANY == 0:
                _collect()
        return self._known[key]

    def _report(self, file: File, configs: Sequence[File]) -> Any:
        settings, handling = file.settings, handling_of(file, self.ignores)
        beside = {"kernel": settings.kernel, "configs": [each.content for each in configs], "handling": handling}
        asked: dict[str, Any] = {"memory": settings.memory, "open_ports": open_ports(settings), **beside}
        assert isinstance(file.content, Ruleset)
        return api.lint(file.content, checks_of(file), **asked)


def _configs(files: Sequence[File]) -> list[File]:
    return [file for file in files if isinstance(file.content, ConfigFile)]


def _key(file: File, configs: Sequence[File]) -> Any:
    """What a report hangs on, in one run."""
    return file.path, file.source, tuple(config.source for config in configs)


def _collect() -> None:
    """Free what cycles have left behind; what is still there then is kept to the end, and not looked at again."""
    gc.collect()
    if not gc.isenabled():
        gc.freeze()
