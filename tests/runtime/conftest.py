"""Modules the runtimes' tests share explain failed assertions as test modules do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("contract", "process_stage")
