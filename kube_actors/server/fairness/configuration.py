"""The priority levels and FlowSchemas of a cluster as its objects say them, and what seats each level may have. Pure.

The two mandatory schemas and their levels are there even while their objects are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kube_actors.access.user import MASTERS, User
from kube_actors.records import frozen
from kube_actors.server.fairness.matching import ALL, FlowSchema, NonResourceRule, ResourceRule, Rule, Subject, in_order
from kube_actors.server.fairness.queue_set import Queuing
from kube_actors.server.request_info import RequestInfo

SEATS: Final = 600
"""kube-apiserver's `--max-requests-inflight` and `--max-mutating-requests-inflight` together."""
MOST_SEATS: Final = 10
"""What the widest write takes."""
MOST_LIST_SEATS: Final = 100
"""What the widest list takes."""
MOST_PART: Final = 0.15
"""The part of a level that one request takes at most."""
EXEMPT: Final = "exempt"
CATCH_ALL: Final = "catch-all"
CATCH_ALL_SHARES: Final = 5
LAST: Final = 10_000


@frozen
class PriorityLevel:
    """A PriorityLevelConfiguration. `borrowing` is a percentage of its own seats, None: as much as others lend."""

    name: str
    uid: str = ""
    exempt: bool = False
    shares: int = 0
    lendable: int = 0
    borrowing: int | None = None
    queuing: Queuing | None = None

    @staticmethod
    def read(body: Mapping[str, Any]) -> PriorityLevel:
        """From a valid object."""
        spec, metadata = body["spec"], body["metadata"]
        exempt = spec["type"] == "Exempt"
        settings = (spec.get("exempt") if exempt else spec.get("limited")) or {}
        queuing = (settings.get("limitResponse") or {}).get("queuing")
        return PriorityLevel(
            metadata["name"],
            metadata.get("uid", ""),
            exempt,
            settings.get("nominalConcurrencyShares", 0),
            settings.get("lendablePercent", 0),
            settings.get("borrowingLimitPercent"),
            None if queuing is None else Queuing(queuing["queues"], queuing["handSize"], queuing["queueLengthLimit"]),
        )


@frozen
class Seats:
    """What a level has by its shares (`nominal`), never less than `low` and never more than `high`."""

    nominal: int
    low: int
    high: int

    @property
    def first(self) -> int:
        """What it begins with, before anybody knows what is wanted."""
        return self.nominal - (self.nominal - self.low) // 2


@frozen
class Configuration:
    """Levels by their names, and the schemas that name one of them, in order."""

    levels: Mapping[str, PriorityLevel]
    schemas: tuple[FlowSchema, ...]

    @staticmethod
    def of(levels: Iterable[PriorityLevel], schemas: Iterable[FlowSchema]) -> Configuration:
        """What these objects come to. A schema whose level is missing picks nothing."""
        known = {level.name: level for level in (*_mandatory_levels(), *levels)}
        named = {schema.name: schema for schema in (*_mandatory_schemas(), *schemas)}
        return Configuration(known, in_order(each for each in named.values() if each.level in known))

    def schema_of(self, user: User, info: RequestInfo) -> FlowSchema:
        """The first schema that the request matches; `catch-all` when there is none."""
        return next((each for each in self.schemas if each.matches(user, info)), self._catch_all())

    def _catch_all(self) -> FlowSchema:
        return next(each for each in self.schemas if each.name == CATCH_ALL)

    def seats(self, total: int = SEATS) -> dict[str, Seats]:
        """How `total` seats are divided. With 600 seats and shares 30 and 10: 450 and 150."""
        shares = sum(level.shares for level in self.levels.values())
        return {name: _seats(level, total, shares) for name, level in self.levels.items()}


def widest(level: PriorityLevel, nominal: int, most: int = MOST_SEATS) -> int:
    """How many seats one request of this level may take, of which no such request takes more than `most`."""
    if level.queuing is None:
        return most if level.exempt else 1
    return max(1, min(most, math.ceil(nominal * MOST_PART), nominal // level.queuing.hand_size))


def _seats(level: PriorityLevel, total: int, shares: int) -> Seats:
    nominal = math.ceil(total * level.shares / shares) if shares else 0
    lendable = round(nominal * level.lendable / 100)
    borrowed = total if level.borrowing is None else round(nominal * level.borrowing / 100)
    return Seats(nominal, nominal - lendable, nominal + borrowed)


def _mandatory_levels() -> tuple[PriorityLevel, ...]:
    return PriorityLevel(EXEMPT, exempt=True), PriorityLevel(CATCH_ALL, shares=CATCH_ALL_SHARES)


def _mandatory_schemas() -> tuple[FlowSchema, ...]:
    masters = _anything_of(Subject("Group", MASTERS))
    everybody = _anything_of(Subject("Group", ALL))
    return (
        FlowSchema(EXEMPT, EXEMPT, 1, (masters,)),
        FlowSchema(CATCH_ALL, CATCH_ALL, LAST, (everybody,), "ByUser"),
    )


def _anything_of(subject: Subject) -> Rule:
    all_words = frozenset({ALL})
    resources = ResourceRule(all_words, all_words, all_words, all_words, cluster_scope=True)
    return Rule((subject,), (resources,), (NonResourceRule(all_words, (ALL,)),))
