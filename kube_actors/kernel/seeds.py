"""All randomness comes from one seed; each path draws from a stream of its own."""

from __future__ import annotations

import random
from hashlib import blake2b


def random_for(seed: int, path: str) -> random.Random:
    """The stream of `path`: the same for equal seed and path in every process, unrelated to that of other paths."""
    digest = blake2b(f"{seed}:{path}".encode(), digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))
