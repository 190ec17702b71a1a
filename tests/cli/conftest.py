"""A place for the states of clusters that no other test sees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .running import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """State below the test's own directory, for this process and those it starts."""
    home, files = tmp_path / "state" / "kube-actors", tmp_path / "files"
    files.mkdir()
    for name in [name for name in os.environ if name.startswith("KUBE_ACTORS")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(home.parent))
    return Place(home, files)
