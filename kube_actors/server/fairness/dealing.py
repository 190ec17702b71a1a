"""Shuffle sharding: every flow gets a hand of queues, dealt by its hash. Pure.

Two flows rarely have their whole hands in common, so one that fills all of its queues leaves another one a free queue.
"""

from __future__ import annotations

import hashlib


def hash_of(schema: str, flow: str) -> int:
    """64 bits for a flow (empty: the schema's only one) of the schema of this name."""
    digest = hashlib.sha256(f"{schema}\0{flow}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "little")


def hand(value: int, deck: int, size: int) -> tuple[int, ...]:
    """`size` different queues out of `deck`, as the hash says: its digits to the bases deck, deck - 1, … each name one
    of the queues that are left."""
    cards: list[int] = []
    for number in range(size):
        value, card = divmod(value, deck - number)
        for taken in sorted(cards):
            card += card >= taken
        cards.append(card)
    return tuple(cards)
