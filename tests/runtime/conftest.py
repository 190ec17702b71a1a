"""Modules the runtimes' tests share (`contract`, the stages) are found beside them, and explain failed assertions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("contract", "process_stage", "docker_stage")
