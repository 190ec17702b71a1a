"""The page about the API says what the code does."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_page_is_current() -> None:
    """Made anew, it would be the same: `python tools/generate_api_table.py`."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from generate_api_table import page
    finally:
        sys.path.pop(0)
    assert (ROOT / "docs" / "api.md").read_text() == page()
