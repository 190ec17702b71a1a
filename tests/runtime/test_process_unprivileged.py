"""Without any privilege: the contract of tier B once more, as a user who has none."""

from __future__ import annotations

from pathlib import Path

from .unprivileged import passes_for_nobody

TESTS = Path(__file__).parent


def test_tier_b_without_privileges() -> None:
    """All of tier B's contract holds for a user without privileges."""
    files = (TESTS / "test_process.py", TESTS / "test_process_containers.py")
    passes_for_nobody("TestTierB or test_any_user_without_root", *files)
