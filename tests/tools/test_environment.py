"""The checkout's environment: when it is made anew, and what a person reads when it cannot be."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "tools" / "environment.py"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it stands in a checkout of its own, with nothing installed yet."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    copy = tmp_path / "tools" / "environment.py"
    copy.write_text(SOURCE.read_text())
    spec = importlib.util.spec_from_file_location("environment_under_test", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stand(environment: ModuleType, made_from: str, extras: list[str]) -> None:
    """An environment that claims to be complete."""
    environment.PYTHON.parent.mkdir(parents=True)
    environment.PYTHON.symlink_to(sys.executable)
    environment.STAMP.write_text(json.dumps({"made_from": made_from, "extras": extras}))


def test_an_environment_is_current_until_the_project_changes(environment: ModuleType) -> None:
    """What pyproject.toml asks for, and the extras a command needs."""
    assert not environment.is_current(None)
    stand(environment, environment.fingerprint(), ["dev"])
    assert environment.is_current(None)
    assert environment.is_current("dev")
    assert not environment.is_current("docs")
    (environment.ROOT / "pyproject.toml").write_text('[project]\nname = "y"\n')
    assert not environment.is_current("dev")


def test_an_interrupted_install_is_not_trusted(environment: ModuleType) -> None:
    """Without a stamp, or with half of one, nothing is known of what stands there."""
    stand(environment, environment.fingerprint(), [])
    environment.STAMP.write_text('{"made_from": "')
    assert not environment.is_current(None)
    environment.STAMP.unlink()
    assert not environment.is_current(None)


def test_a_package_that_cannot_be_had_is_named(environment: ModuleType) -> None:
    """Not pip's page of text, but what is missing."""
    said = "import sys; sys.exit('ERROR: No matching distribution found for trio>=0.27')"
    with pytest.raises(environment.CannotInstall, match=r"the package trio>=0\.27 cannot be had"):
        environment._run([sys.executable, "-c", said], "installing")


def test_a_current_environment_is_left_alone(environment: ModuleType) -> None:
    """A later start installs nothing: no network, and the interpreter is named at once."""
    stand(environment, environment.fingerprint(), [])
    before = sorted(path.name for path in environment.ENVIRONMENT.rglob("*"))
    assert environment.ensure() == str(environment.PYTHON)
    assert sorted(path.name for path in environment.ENVIRONMENT.rglob("*")) == before
