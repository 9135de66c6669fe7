"""What the checks say of all files of a run, each with its settings."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from typing import Any

from rulec import api
from rulec.config.file import ConfigFile
from rulec.linting.files import File, checks_of, handling_of, open_ports
from rulec.syntax.ruleset import Ruleset

_MANY = 8
"""So many rulesets after each other may leave behind what only the collector finds; the program runs without it."""


class Linter:
    """Lints files host by host; what was said of a file is said again while nothing beside it changes.

    ``ignores`` is False when suppressions do not count.
    """

    def __init__(self, ignores: bool = True) -> None:
        self.ignores = ignores
        self._known: dict[Any, Any] = {}

    def reports(self, files: Sequence[File]) -> list[Any]:
        """One report a file, in their order."""
        found: dict[int, Any] = {}
        hosts: dict[str, list[int]] = {}
        for number, file in enumerate(files):
            hosts.setdefault(file.host, []).append(number)
        for numbers in hosts.values():
            found.update(zip(numbers, self._of_host([files[number] for number in numbers]), strict=True))
        return [found[number] for number in range(len(files))]

    def _of_host(self, files: list[File]) -> list[Any]:
        configs = [file for file in files if isinstance(file.content, ConfigFile)]
        on_host = self._of_configs(configs, files) if configs else iter(())
        contents = [file.content for file in configs]
        return [next(on_host) if isinstance(file.content, ConfigFile) else self._one(file, contents) for file in files]

    def _of_configs(self, configs: list[File], files: list[File]) -> Iterator[Any]:
        rulesets = [file.content for file in files if isinstance(file.content, Ruleset)]
        choices = [(checks_of(file), handling_of(file, self.ignores)) for file in configs]
        contents = [file.content for file in configs]
        kernel = configs[0].settings.kernel
        return iter(api.lint_host(contents, rulesets, kernel=kernel, choices=choices))

    def _one(self, file: File, configs: list[Any]) -> Any:
        key = (file.path, file.source, tuple(config.source for config in configs))
        if key not in self._known:
            settings, handling = file.settings, handling_of(file, self.ignores)
            beside: dict[str, Any] = {"kernel": settings.kernel, "configs": configs, "handling": handling}
            asked = {"memory": settings.memory, "open_ports": open_ports(settings), **beside}
            assert isinstance(file.content, Ruleset)
            self._known[key] = api.lint(file.content, checks_of(file), **asked)
            if len(self._known) % _MANY == 0:
                _collect()
        return self._known[key]


def _collect() -> None:
    """Free what cycles have left behind; what is still there then is kept to the end, and not looked at again."""
    gc.collect()
    if not gc.isenabled():
        gc.freeze()
