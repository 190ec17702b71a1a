"""What this program is."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
KUBERNETES: Final = "v1.36"
"""The API it speaks."""
