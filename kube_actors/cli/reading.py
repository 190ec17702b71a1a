"""Reading the files a command was given."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from kube_actors.config.files import STDIN, ClusterFile, scan_files
from kube_actors.errors import InputError, Problem


def read(files: Sequence[str]) -> ClusterFile:
    """Files, directories and `-`; what is wrong in them is told by the result. InputError when `-` is a person's."""
    if STDIN in files and sys.stdin.isatty():
        raise InputError([Problem("stdin is a terminal", hint="pipe a file into it, or name one")])
    return scan_files(files, sys.stdin.buffer)
