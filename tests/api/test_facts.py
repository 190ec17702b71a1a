"""The generated facts and their generator."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_facts_file_is_what_the_generator_writes() -> None:
    """A change of a table or of the generator without running it is noticed."""
    pytest.importorskip("kubernetes_validate", reason="the generator's source is a development dependency")
    program = [sys.executable, str(ROOT / "tools" / "generate_facts.py"), "--check"]
    result = subprocess.run(program, capture_output=True, text=True, check=False)
    if "no definitions of" in result.stderr:
        pytest.skip(result.stderr.strip())
    assert result.stderr == ""
    assert result.returncode == 0
