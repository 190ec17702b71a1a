"""What this process and those it starts may do: to be settled before the first one is started."""

from __future__ import annotations

import os
import resource

DESCRIPTORS = 65_536


def settle_allowances() -> None:
    """Everything we leave on disk is its owner's only. And we open as many files as the machine lets us: every client
    of the API takes a descriptor, every pod several."""
    os.umask(0o077)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
