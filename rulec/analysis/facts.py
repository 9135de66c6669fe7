"""All facts about one ruleset, each computed when it is first asked for.

What asks which packets go where may not be decided within the memory that is
allowed: it raises Undecided then, at once for all that is asked afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

from rulec.analysis.ports import OPEN_PORTS
from rulec.analysis.rules import (
    DeadRule,
    Exposed,
    OpenPolicy,
    OpenPort,
    RedundantRule,
    Structure,
)
from rulec.analysis.tracking import TrackingFacts, tracking_facts
from rulec.config.file import ConfigFile
from rulec.errors import Undecided
from rulec.kernel.generations import CURRENT, Kernel
from rulec.resources import lazy
from rulec.syntax.ruleset import Ruleset

_OTHER_COMMANDS = re.compile(r"(?m)^(\[\d+:\d+\])?[ \t]*-(-?[a-zB-Z]|-?A[^ \t\"'])")
"""A line with a command that is not ``-A``."""


class Facts:
    """The facts of a ruleset.

    ``memory`` is how many bytes the sets of packets may take, None for the
    default; ``open_ports`` are those that should not be open to everybody;
    ``kernel`` is the one that loads the ruleset, ``configs`` what the files of its host say.
    """

    def __init__(
        self,
        ruleset: Ruleset,
        memory: int | None = None,
        open_ports: tuple[OpenPort, ...] = OPEN_PORTS,
        kernel: Kernel = CURRENT,
        configs: tuple[ConfigFile, ...] = (),
    ) -> None:
        self.ruleset = ruleset
        self.kernel = kernel
        self.configs = configs
        self._memory = memory
        self._open_ports = open_ports
        self._answers: dict[str, Any] = {}

    @cached_property
    def tracking(self) -> TrackingFacts:
        """Why connection tracking is on."""
        return tracking_facts(self.ruleset, self.kernel)

    @cached_property
    def only_appends(self) -> bool:
        """Whether no command of the text counts rules, or names one by what it says."""
        return _OTHER_COMMANDS.search(self.ruleset.source.text) is None

    @cached_property
    def structure(self) -> Structure:
        """What can be seen of chains and rules; nothing of a ruleset that is in error."""
        if not self.ruleset.valid or not self._has_rules:
            return Structure()
        found: Structure = lazy("rulec.analysis.structure").structure(self._prepared.programs)
        return found

    # ── which packets go where ──

    @property
    def dead(self) -> tuple[DeadRule, ...]:
        """The rules that no packet meets, and why."""
        found: tuple[DeadRule, ...] = self._asked("dead_rules", self.structure)
        return found

    @property
    def redundant(self) -> tuple[RedundantRule, ...]:
        """The rules behind which everything is decided alike."""
        found: tuple[RedundantRule, ...] = self._asked("redundant_rules", self.structure)
        return found

    @property
    def open_policies(self) -> tuple[OpenPolicy, ...]:
        """The base chains whose policy accepts what their rules seem to admit one by one."""
        redundant = self.redundant
        found: tuple[OpenPolicy, ...] = self._asked("open_policies", redundant)
        return found

    @property
    def source_port_holes(self) -> tuple[Exposed, ...]:
        """The rules that accept new connections for the port from which they come."""
        return self._exposed("source_ports")

    @property
    def accepted_flags(self) -> tuple[Exposed, ...]:
        """The rules that take a segment for one of a connection because of its flags."""
        return self._exposed("flags")

    @property
    def accepted_invalid(self) -> tuple[Exposed, ...]:
        """The rules that accept what belongs to no connection."""
        return self._exposed("invalid")

    @property
    def loopback_addresses(self) -> tuple[Exposed, ...]:
        """The rules that accept addresses of the loopback on any interface."""
        return self._exposed("loopback")

    @property
    def open_to_world(self) -> tuple[Exposed, ...]:
        """What accepts new connections to the ports in question from nearly everywhere."""
        return self._exposed("open_ports", self._open_ports)

    # ── what the raw table leaves untracked ──

    @cached_property
    def leaves_untracked(self) -> bool:
        """Whether any rule leaves packets untracked."""
        text = self.ruleset.source.text
        return ("NOTRACK" in text or "--notr" in text) and any(self.told("notrack_rules"))

    def untracked(self, question: str, *arguments: object, always: bool = False) -> tuple[Any, ...]:
        """The spots that answer a question about untracked packets; none where no rule leaves any, but ``always``."""
        found: tuple[Any, ...] = self._asked(question, *arguments) if always or self.leaves_untracked else ()
        return found

    def told(self, what: str, *arguments: object) -> tuple[Any, ...]:
        """What the text of the rules says about that."""
        return tuple(getattr(lazy("rulec.analysis.untracked_text"), what)(self.ruleset, *arguments))

    # ── how it is asked ──

    @property
    def _has_rules(self) -> bool:
        return any(chain.references for table in self.ruleset.tables.values() for chain in table.chains.values())

    @cached_property
    def _prepared(self) -> Any:
        return lazy("rulec.semantics.ruleset").Prepared(self.ruleset)

    def _exposed(self, question: str, *arguments: object) -> tuple[Exposed, ...]:
        found: tuple[Exposed, ...] = self._asked(question, *arguments)
        return found

    def _asked(self, question: str, *arguments: object) -> Any:
        """The answer to a question about packets; none where the ruleset is in error, or its chains go in a circle."""
        if not self.ruleset.valid or not self._has_rules or self.structure.loops:
            return ()
        meaning = lazy("rulec.analysis.meaning")
        walked = self._once("walked", lambda: meaning.walked(self._prepared, self._memory))
        return self._once(question, lambda: meaning.answer(walked, question, *arguments))

    def _once(self, key: str, find: Callable[[], Any]) -> Any:
        if key not in self._answers:
            try:
                self._answers[key] = find()
            except Undecided as error:
                self._answers[key] = error
        found = self._answers[key]
        if isinstance(found, Undecided):
            raise found
        return found
