"""What every actor of an API object understands: the console's and the tests' way to look inside."""

from __future__ import annotations

from kube_actors.kernel import Ask
from kube_actors.records import frozen


@frozen
class Description:
    """What an actor says of itself: short facts in order, as `kube-actors console -c "actors PATH"` prints them."""

    facts: tuple[tuple[str, str], ...]


@frozen(eq=False)
class Describe(Ask[Description]):
    """Say what you are doing."""
