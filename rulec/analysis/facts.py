"""All facts about one ruleset, each computed when it is first asked for."""

from __future__ import annotations

from functools import cached_property

from rulec.analysis.tracking import TrackingFacts, tracking_facts
from rulec.syntax.ruleset import Ruleset


class Facts:
    """The facts of a ruleset."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset

    @cached_property
    def tracking(self) -> TrackingFacts:
        """Why connection tracking is on."""
        return tracking_facts(self.ruleset)
