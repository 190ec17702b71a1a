"""An authorizer for tests that are about something else."""

from __future__ import annotations

from kube_actors.access.attributes import Attributes, Decision
from kube_actors.records import frozen


@frozen
class AllowAll:
    """Everybody may do everything."""

    def decide(self, attributes: Attributes) -> Decision:
        """Always allowed."""
        return Decision(True)
