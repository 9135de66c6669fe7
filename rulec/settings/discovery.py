"""Which configuration holds for a file: that of the nearest folder above it, up to the top of the repository.

A folder has ``rulec.toml``, or else ``.rulec.toml``, or else a table ``tool.rulec`` in
``pyproject.toml``.  Files of folders further up do not count, unless ``extend``
names them.  ``--config`` and RULEC_CONFIG name one file for all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from rulec.diagnostics import Finding, Label
from rulec.errors import InputError
from rulec.resources import lazy
from rulec.settings.kinds import Known
from rulec.settings.model import Settings
from rulec.source import Source, read_file

NAMES = ("rulec.toml", ".rulec.toml", "pyproject.toml")
_PLAIN = Settings()


class Finder:
    """Finds the settings of files; what is wrong with configuration files gathers in ``problems``.

    ``options`` are those of ``--config``, paths and ``KEY=VALUE``; ``asked`` is what
    the command line says besides, in the form of a configuration file.
    """

    def __init__(
        self, known: Known, options: Iterable[str] = (), isolated: bool = False, asked: dict[str, Any] | None = None
    ) -> None:
        self.known = known
        self.problems: list[Finding] = []
        self._named = "" if isolated else os.environ.get("RULEC_CONFIG", "")
        self._isolated = isolated
        self._above: list[Any] = []
        self._found: dict[str, Settings] = {}
        self._folders: dict[str, str] = {}
        for option in options:
            if "=" in option and not os.path.exists(option):
                self._option(option)
            else:
                self._named = option
        if asked:
            self._above.append(_layer_of(asked))

    def _option(self, text: str) -> None:
        layer, problems = lazy("rulec.settings.read").read_option(text, self.known)
        self.problems += problems
        if layer is not None:
            self._above.append(layer)

    def here(self) -> Settings:
        """What holds in the current folder."""
        return self._of_folder(os.getcwd())

    def of(self, path: str) -> Settings:
        """What holds for a file."""
        return self._of_folder(os.path.dirname(os.path.abspath(path)))

    def _of_folder(self, folder: str) -> Settings:
        file = self._named or ("" if self._isolated else self._nearest(folder))
        if file not in self._found:
            layers = [*(self._layers(file, ()) if file else ()), *self._above]
            self._found[file] = lazy("rulec.settings.build").build(layers) if layers else _PLAIN
        return self._found[file]

    def _nearest(self, folder: str) -> str:
        """The configuration file of a folder, or of the nearest one above."""
        if folder not in self._folders:
            own = next((path for name in NAMES if _counts(path := os.path.join(folder, name))), "")
            above = os.path.dirname(folder)
            is_top = above == folder or os.path.exists(os.path.join(folder, ".git"))
            self._folders[folder] = own or ("" if is_top else self._nearest(above))
        return self._folders[folder]

    def _layers(self, path: str, above: Sequence[str]) -> list[Any]:
        """What a file says, behind what those say that it extends."""
        source = Source(_shown(path), read_file(path))
        layer, problems = lazy("rulec.settings.read").read(source, self.known, os.path.dirname(os.path.abspath(path)))
        self.problems += problems
        if layer is None:
            return []
        if "extend" not in layer.values:
            return [layer]
        wanted = os.path.realpath(os.path.join(layer.root, layer.values["extend"]))
        chain = (*above, os.path.realpath(path))
        if wanted in chain or not os.path.isfile(wanted):
            what = "extends itself in the end" if wanted in chain else "is no file"
            span = layer.places.value((*layer.prefix, "extend"))
            self.problems.append(Finding("configuration-error", f"{_shown(wanted)} {what}", (Label(source, span),)))
            return [layer]
        return [*self._layers(wanted, chain), layer]


def _counts(path: str) -> bool:
    """Whether a file is there, and a pyproject.toml says something to rulec."""
    if not os.path.isfile(path):
        return False
    try:
        return os.path.basename(path) != "pyproject.toml" or "tool.rulec" in read_file(path)
    except InputError:
        return False


def _shown(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def _layer_of(values: dict[str, Any]) -> Any:
    places = lazy("rulec.settings.locate").Places({}, {})
    return lazy("rulec.settings.read").Layer(values, Source("the command line", ""), os.getcwd(), places)
