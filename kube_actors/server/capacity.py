"""How many clients the process can bear."""

from __future__ import annotations

import resource
from typing import Final

from kube_actors.errors import ApiError

MOST: Final = 4096
"""Connections at once, however many descriptors there are: each costs some 50 KiB."""


def most_connections() -> int:
    """How many clients may be connected at once: the process needs half of its descriptors for other things."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


def too_many_requests(retry_after: int = 1) -> ApiError:
    """429 in kube-apiserver's words; the client is to come again after so many seconds."""
    message = "Too many requests, please try again later."
    return ApiError("TooManyRequests", 429, message, retry_after_seconds=retry_after)
